/// Reads a message's content in order. One holder.
package final class ContentReader {
    private enum State {
        case fresh
        case chunks([Range<Int64>])
        case ended
    }

    private let store: MailStore
    private let message: MessageKey
    private var state = State.fresh

    init(_ store: MailStore, of message: MessageKey) {
        self.store = store
        self.message = message
    }

    /// At most 256 KB, nil at the end; `.notFound` when the content is no longer kept.
    package func next() async throws(StoreError) -> [UInt8]? {
        switch state {
        case .ended: return nil
        case .chunks(let ranges): return try await chunk(of: ranges)
        case .fresh:
            let message = message
            let found = try await store.read(.lookup) { database throws(StoreError) in
                try Beginning(of: message, in: database)
            }
            switch found {
            case .body(let octets):
                state = .ended
                return octets.isEmpty ? nil : octets
            case .chunks(let ranges):
                guard !ranges.isEmpty else { throw .notFound }
                return try await chunk(of: ranges)
            }
        }
    }

    private func chunk(of ranges: [Range<Int64>]) async throws(StoreError) -> [UInt8]? {
        guard let range = ranges.first(where: { !$0.isEmpty }) else {
            state = .ended
            return nil
        }
        let number = range.lowerBound
        var rest = ranges.drop { $0.isEmpty }
        rest[rest.startIndex] = (number + 1)..<range.upperBound
        state = .chunks(Array(rest))
        return try await store.read { database throws(StoreError) in try database.chunk(number) }
    }
}

/// What the first look at a message's content finds.
private enum Beginning {
    case body([UInt8])
    case chunks([Range<Int64>])

    init(of message: MessageKey, in database: Database) throws(StoreError) {
        if let body = try database.body(of: message) {
            self = .body(body)
        } else {
            self = .chunks(try database.chunks(of: message))
        }
    }
}
