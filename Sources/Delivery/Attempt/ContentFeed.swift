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
    /// The same mail in a form that the next hop takes. It is read twice: what a part needs is known
    /// at its end, and told in its header.
    static func reencoded(
        _ content: () -> ContentFeed,
        for capacity: ContentCapacity
    ) async throws(StoreError) -> ContentFeed {
        var survey = ReencodingSurvey(for: capacity)
        let first = content()
        while let piece = try await first.next() { survey.read(piece.span) }
        var reencoder = Reencoder(survey.finish())
        let second = content()
        var isOver = false
        return ContentFeed { () async throws(StoreError) in
            while !isOver {
                var octets: [UInt8] = []
                if let piece = try await second.next() {
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
