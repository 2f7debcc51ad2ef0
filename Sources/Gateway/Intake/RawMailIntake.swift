import Mail
import Store

/// A mail that arrives as octets, through either door: its header is read, its body passes on.
final class RawMailIntake {
    private var splitter: HeaderSplitter
    private let body: ContentBuffer
    private var isBody = false
    private(set) var is8Bit = false

    init(store: Store, headerLimit: Int) {
        splitter = HeaderSplitter(limit: headerLimit)
        body = ContentBuffer(store: store)
    }

    var isHeaderOversize: Bool { splitter.isOversize }
    var octets: Int { splitter.header.count + body.octets }

    /// Takes octets with CRLF line ends.
    func receive(_ octets: [UInt8]) async throws(StoreError) {
        guard !splitter.isOversize else { return }
        var rest = octets[...]
        if !isBody {
            guard let bodyStart = splitter.receive(octets.span) else { return }
            isBody = true
            try await appendBody(splitter.bodyPrefix[...])
            rest = octets[bodyStart...]
        }
        try await appendBody(rest)
    }

    private func appendBody(_ rest: ArraySlice<UInt8>) async throws(StoreError) {
        guard !rest.isEmpty else { return }
        is8Bit = is8Bit || rest.contains { $0 >= 0x80 }
        try await body.append(Array(rest))
    }

    func finish() async throws(StoreError) -> RawMail {
        if !isBody {
            splitter.finish()
            try await appendBody(splitter.bodyPrefix[...])
        }
        return RawMail(
            header: HeaderBlock(parsing: splitter.header.span), body: try await body.finish(),
            is8Bit: is8Bit)
    }

    func abandon() {
        body.abandon()
    }
}

/// A mail whose header is known and whose body waits elsewhere.
struct RawMail {
    var header: HeaderBlock
    let body: Piece?
    let is8Bit: Bool

    /// Every address of From and Sender. Nil where one cannot be read: nobody can vouch for it.
    var authors: [Mailbox]? {
        (try? header.authors())?.map(\.mailbox)
    }

    func pieces(trace: [UInt8]) -> [Piece] {
        var pieces: [Piece] = [.octets(trace + header.octets + [0x0d, 0x0a])]
        if let body { pieces.join(body) }
        return pieces
    }
}
