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
