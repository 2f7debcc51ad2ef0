/// The line a gateway adds above a mail it took (RFC 5321 §4.4).
package struct Received: Sendable {
    /// How it came: RFC 3848, RFC 6531 §4.3, and `HTTP` for the other door.
    package enum Transport: Sendable, Equatable {
        case smtp(isExtended: Bool, isSecured: Bool, isAuthenticated: Bool, isUTF8: Bool = false)
        case http(isSecured: Bool)
        /// A local user's command.
        case local

        var name: String {
            switch self {
            case .smtp(let isExtended, let isSecured, let isAuthenticated, let isUTF8):
                guard isExtended else { return "SMTP" }
                return (isUTF8 ? "UTF8SMTP" : "ESMTP") + (isSecured ? "S" : "")
                    + (isAuthenticated ? "A" : "")
            case .http(let isSecured): return isSecured ? "HTTPS" : "HTTP"
            case .local: return "local"
            }
        }
    }

    /// More octets than a gateway ever adds to a mail: this line, Date, From and Message-ID.
    package static let allowance = 2048

    /// What the client called itself, if it did.
    package var helo: String?
    package var peer: IPAddress?
    package var hostname: String
    package var transport: Transport
    /// The gateway's own number of the message.
    package var id: String
    /// Only where there is one: more would tell each of the others (RFC 5321 §7.6).
    package var recipient: Mailbox?
    package var date: Timestamp
    /// Stands in parentheses after the transport, such as `TLSv1.3` or `uid 1000`.
    package var comment: String?
    /// The receive connector that took it; stands in parentheses after the gateway's name.
    package var connector: String?

    package init(
        helo: String?,
        peer: IPAddress?,
        hostname: String,
        transport: Transport,
        id: String,
        recipient: Mailbox? = nil,
        date: Timestamp,
        comment: String? = nil,
        connector: String? = nil
    ) {
        self.helo = helo
        self.peer = peer
        self.hostname = hostname
        self.transport = transport
        self.id = id
        self.recipient = recipient
        self.date = date
        self.comment = comment
        self.connector = connector
    }

    /// A whole line with its folds and the final CRLF, to stand above all others.
    package var octets: [UInt8] {
        var octets: [UInt8] = []
        octets.reserveCapacity(256)
        append(to: &octets)
        return octets
    }

    package func append(to output: inout [UInt8]) {
        var line = FoldedLine("Received", into: &output)
        line.write(["from ", Self.safe(helo)] + origin, into: &output)
        line.write(["by ", hostname, " (Postern"] + door + [")"], into: &output)
        line.write(["with ", transport.name] + remark, into: &output)
        line.write(["id ", id, recipient == nil ? ";" : ""], into: &output)
        if let recipient { line.write(["for <", recipient.description, ">;"], into: &output) }
        line.write(date.rfc5322, into: &output)
        line.end(into: &output)
    }

    private var origin: [String] {
        guard let peer else { return [] }
        return [peer.family == .v4 ? " ([" : " ([IPv6:", peer.description, "])"]
    }

    private var remark: [String] {
        comment.map { [" (", Self.safeComment($0), ")"] } ?? []
    }

    private var door: [String] {
        connector.map { [", ", Self.safeComment($0)] } ?? []
    }

    /// A name is what a domain or a literal is made of; a device may call itself anything.
    private static func safe(_ name: String?) -> String {
        guard let name, (1...255).contains(name.utf8.count),
            name.utf8.allSatisfy(nameOctets.contains)
        else { return "unknown" }
        return name
    }

    private static let nameOctets = ByteSet.hostname.union(".:[]")
    /// RFC 5322 §3.2.2, and the space.
    private static let commentOctets = ByteSet((32...126).filter { ![40, 41, 92].contains($0) })

    private static func safeComment(_ text: String) -> String {
        if text.utf8.count <= 200, text.utf8.allSatisfy(commentOctets.contains) { return text }
        let octets = text.utf8.prefix(200).map { octet in
            commentOctets.contains(octet) ? octet : UInt8(ascii: "_")
        }
        return String(octets: octets.span)
    }
}
