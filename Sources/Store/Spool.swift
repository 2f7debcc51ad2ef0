/// Content on its way into the store, before anyone has decided about it. One holder.
package final class Spool {
    private let store: MailStore
    private var id: Int64?
    private var chunks = 0
    private var buffer: [UInt8] = []
    private var octets = 0
    private var isFinished = false

    init(_ store: MailStore) { self.store = store }

    deinit { abandon() }

    /// Buffers; returns when a full chunk is on disk, which holds a fast sender back.
    package func append(_ octets: Span<UInt8>) async throws(StoreError) {
        var start = 0
        while start < octets.count {
            let end = min(octets.count, start + PreparedContent.chunk - buffer.count)
            octets.extracting(start..<end).withUnsafeBufferPointer { buffer.append(contentsOf: $0) }
            start = end
            if buffer.count == PreparedContent.chunk { try await writeBuffer() }
        }
        self.octets += octets.count
    }

    package func append(_ octets: [UInt8]) async throws(StoreError) {
        try await append(octets.span)
    }

    /// The last part stays in memory until a `keep` adopts the content: a small one never costs a
    /// commit of its own.
    package func finish() async throws(StoreError) -> SpooledContent {
        isFinished = true
        defer { buffer = [] }
        return SpooledContent(id: id, chunks: chunks, rest: buffer, octets: octets)
    }

    /// What was written is removed, some time later.
    package func abandon() {
        if isFinished { return }
        isFinished = true
        buffer = []
        if let id { store.abandon(id) }
    }

    private func writeBuffer() async throws(StoreError) {
        let (chunk, place, known) = (buffer, chunks, id)
        buffer.removeAll(keepingCapacity: false)
        id = try await store.write(octets: chunk.count) { rows throws(StoreError) in
            try rows.write(chunk, at: place, of: known, now: .now)
        }
        chunks += 1
    }
}
