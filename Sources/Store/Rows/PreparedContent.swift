/// How content will lie in the rows.
enum PreparedContent: Sendable {
    /// Small and all here: one row.
    case body([UInt8])
    /// Spools in order, of which the octets become some.
    case spools([Piece])

    static let largestBody = 64 << 10
    static let chunk = 256 << 10

    init(_ pieces: [Piece]) {
        var joined: [Piece] = []
        var run: [UInt8] = []
        func endRun() {
            if !run.isEmpty { joined.append(.octets(run)) }
            run = []
        }
        for piece in pieces {
            switch piece {
            case .octets(let octets): run = run.isEmpty ? octets : run + octets
            case .spooled(let content) where content.id == nil:
                run = run.isEmpty ? content.rest : run + content.rest
            case .spooled:
                endRun()
                joined.append(piece)
            }
        }
        if joined.isEmpty, run.count <= Self.largestBody {
            self = .body(run)
        } else {
            endRun()
            self = .spools(joined)
        }
    }

    /// Octets that are not in the database yet.
    var octetsToWrite: Int {
        switch self {
        case .body(let octets): return octets.count
        case .spools(let pieces):
            return pieces.reduce(0) { sum, piece in
                switch piece {
                case .octets(let octets): sum + octets.count
                case .spooled(let content): sum + content.rest.count
                }
            }
        }
    }
}
