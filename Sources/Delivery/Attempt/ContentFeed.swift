import Mail
import Store

/// A mail's content, piece by piece, from its beginning.
struct ContentFeed {
    /// Nil at the end.
    let next: () async throws(StoreError) -> [UInt8]?

    init(_ next: @escaping () async throws(StoreError) -> [UInt8]?) {
        self.next = next
    }

    init(whole: [UInt8]) {
        var rest: [UInt8]? = whole
        self.init { () async throws(StoreError) in rest.take() }
    }

    init(_ reader: ContentReader) {
        self.init { () async throws(StoreError) in try await reader.next() }
    }
}

extension ContentFeed {
    /// How the mail becomes one in a form that the next hop takes. It is read for that: what a part
    /// needs is known at its end, and told in its header.
    static func plan(
        of content: ContentFeed,
        for capacity: ContentCapacity
    ) async throws(StoreError) -> ReencodingPlan {
        var survey = ReencodingSurvey(for: capacity)
        while let piece = try await content.next() { survey.read(piece.span) }
        return survey.finish()
    }

    /// The mail in that form.
    func reencoded(by plan: ReencodingPlan) -> ContentFeed {
        var reencoder = Reencoder(plan)
        var isOver = false
        return ContentFeed { () async throws(StoreError) in
            while !isOver {
                var octets: [UInt8] = []
                if let piece = try await next() {
                    reencoder.read(piece.span, into: &octets)
                } else {
                    isOver = true
                    reencoder.finish(into: &octets)
                }
                if !octets.isEmpty { return octets }
            }
            return nil
        }
    }
}
