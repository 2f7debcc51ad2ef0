import Store

/// Content on its way in: a little of it waits in memory, more goes to the store as it comes.
final class ContentBuffer {
    /// What the store keeps in one row anyway.
    static let heldInMemory = 64 << 10

    private let store: MailStore
    private var held: [UInt8] = []
    private var spool: Spool?
    private var finished: SpooledContent?
    private(set) var octets = 0

    init(store: MailStore) {
        self.store = store
    }

    func append(_ piece: [UInt8]) async throws(StoreError) {
        octets += piece.count
        if let spool { return try await spool.append(piece) }
        held += piece
        guard held.count > Self.heldInMemory else { return }
        let spool = store.spool()
        self.spool = spool
        try await spool.append(held)
        held = []
    }

    /// Ends the content; nil where there was none.
    func finish() async throws(StoreError) -> Piece? {
        guard let spool else { return held.isEmpty ? nil : .octets(held) }
        let content = try await spool.finish()
        finished = content
        return .spooled(content)
    }

    /// Gives the content up, finished or not.
    func abandon() {
        spool?.abandon()
        if let finished { store.discard(finished) }
        held = []
    }
}

extension MailStore {
    /// Gives up what was spooled for a mail that is not kept: it would fill the disk for an hour.
    func discard(_ content: [Piece]) {
        for case .spooled(let content) in content { discard(content) }
    }
}

extension [Piece] {
    var octets: Int {
        reduce(0) { sum, piece in
            switch piece {
            case .octets(let octets): sum + octets.count
            case .spooled(let content): sum + content.octets
            }
        }
    }

    /// Appends, joining octets to octets: a small mail stays one piece.
    mutating func join(_ piece: Piece) {
        if case .octets(let next) = piece, case .octets(var last)? = self.last {
            removeLast()
            last += next
            append(.octets(last))
        } else {
            append(piece)
        }
    }
}
