import Crypto
import Mail
import Store

/// A mail that arrives as octets, through either door: its header is read, its body passes on.
final class RawMailIntake {
    private var splitter: HeaderSplitter
    private let body: ContentBuffer
    private var header: HeaderBlock?
    /// Of the body, where the header has an idempotency key.
    private var digest: SHA256?
    private var survey = ContentSurvey()
    private var headerTraits: ContentTraits = []
    private var received = 0
    /// Of the body, where somebody is to read it.
    private var beginning: [UInt8]?
    private static let mostOfBeginning = 256 << 10

    /// `keepsBeginning`: that of the body stays in memory too, to be read.
    init(store: MailStore, headerLimit: Int, keepsBeginning: Bool = false) {
        if keepsBeginning { beginning = [] }
        splitter = HeaderSplitter(limit: headerLimit)
        body = ContentBuffer(store: store)
    }

    var isHeaderOversize: Bool { splitter.isOversize }
    var octets: Int { splitter.header.count + body.octets }

    /// Takes octets with CRLF line ends.
    func receive(_ octets: [UInt8]) async throws(StoreError) {
        guard !splitter.isOversize else { return }
        received += octets.count
        var rest = octets[...]
        if header == nil {
            guard let bodyStart = splitter.receive(octets.span) else { return }
            readHeader()
            try await appendBody(splitter.bodyPrefix[...])
            rest = octets[bodyStart...]
        }
        try await appendBody(rest)
    }

    private func appendBody(_ rest: ArraySlice<UInt8>) async throws(StoreError) {
        guard !rest.isEmpty else { return }
        let octets = Array(rest)
        survey.read(octets.span)
        digest?.update(octets.span)
        if let room = beginning.map({ Self.mostOfBeginning - $0.count }), room > 0 {
            beginning?.append(contentsOf: rest.prefix(room))
        }
        try await body.append(octets)
    }

    func finish() async throws(StoreError) -> RawMail {
        if header == nil {
            splitter.finish()
            readHeader()
            try await appendBody(splitter.bodyPrefix[...])
        }
        return RawMail(
            header: header ?? HeaderBlock(),
            authors: RawMail.authors(of: header ?? HeaderBlock()),
            body: try await body.finish(),
            traits: survey.traits.union(headerTraits),
            octets: received,
            bodyDigest: digest?.finish(),
            beginning: beginning ?? []
        )
    }

    private func readHeader() {
        let header = HeaderBlock(parsing: splitter.header.span)
        if header.first("Idempotency-Key") != nil { digest = SHA256() }
        self.header = header
        var survey = ContentSurvey()
        survey.read(splitter.header.span)
        headerTraits = survey.traits.subtracting(.isBinary)
        if headerTraits.contains(.is8Bit) { headerTraits.insert(.hasRawHeader) }
    }

    func abandon() {
        body.abandon()
    }
}

/// A mail whose header is known and whose body waits elsewhere.
struct RawMail {
    private(set) var header: HeaderBlock
    /// Every address of From and Sender. Nil where one cannot be read: nobody can vouch for it.
    private(set) var authors: [Mailbox]?
    let body: Piece?
    let traits: ContentTraits
    /// As it came, before anything was added to it.
    let octets: Int
    /// Only where the header has an idempotency key. A client that sends again may well write
    /// another Date, so of the header nothing is in it.
    let bodyDigest: [UInt8]?
    /// Of the body, where it was asked for.
    let beginning: [UInt8]

    fileprivate static func authors(of header: HeaderBlock) -> [Mailbox]? {
        (try? header.authors())?.map(\.mailbox)
    }

    /// From and Sender made readable where they are not.
    mutating func mendAuthors(sentBy sender: Mailbox) {
        guard authors == nil else { return }
        header.mendAuthors(sentBy: sender)
        authors = Self.authors(of: header)
    }

    /// Whether an address in its header can be written in no other way than in UTF-8.
    var needsSMTPUTF8: Bool {
        guard traits.contains(.hasRawHeader) else { return false }
        return ["From", "Sender", "Reply-To", "To", "Cc"].contains { name in
            header.all(name).contains { field in
                (try? AddressList.parse(field.text))?.contains { $0.mailbox.needsSMTPUTF8 } == true
            }
        }
    }

    /// The mail as it is kept: its header completed, our trace above it; and what it says of itself.
    func prepared(
        for completion: HeaderBlock.Completion,
        trace: [UInt8]
    ) -> (content: [Piece], details: MessageDetails) {
        let header = header.completed(with: completion)
        var content: [Piece] = [.octets(trace + header.octets + [0x0d, 0x0a])]
        if let body { content.join(body) }
        let details = MessageDetails(
            headerMessageID: header.messageID ?? "",
            subject: header.first("Subject")?.decoded ?? "",
            priority: Priority(header),
            traits: traits,
            octets: content.octets
        )
        return (content, details)
    }
}

extension Priority {
    /// By what the sender's header says (RFC 2156 §5.3.4 Importance, and X-Priority's habit).
    init(_ header: HeaderBlock) {
        let importance = header.first("Importance")?.text.lowercased()
        let rank = header.first("X-Priority")?.text.first
        self =
            switch (importance, rank) {
            case ("high", _), (_, "1"), (_, "2"): .high
            case ("low", _), (_, "4"), (_, "5"): .low
            default: .normal
            }
    }
}
