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
        line.write(into: &output) { appendOrigin(to: &$0) }
        line.write(into: &output) { appendDoor(to: &$0) }
        line.write(into: &output) { appendTransport(to: &$0) }
        line.write(into: &output) { output in
            output.append("id ")
            output.append(id)
            if recipient == nil { output.append(Self.semicolon) }
        }
        if let recipient { line.write("for <\(recipient)>;", into: &output) }
        line.write(into: &output) { $0.append(rfc5322: date) }
        line.end(into: &output)
    }

    private func appendOrigin(to output: inout [UInt8]) {
        output.append("from ")
        output.append(Self.safe(helo))
        guard let peer else { return }
        output.append(peer.family == .v4 ? " ([" : " ([IPv6:")
        output.append(peer)
        output.append("])")
    }

    private func appendDoor(to output: inout [UInt8]) {
        output.append("by ")
        output.append(hostname)
        output.append(" (Postern")
        if let connector {
            output.append(", ")
            output.append(Self.safeComment(connector))
        }
        output.append(")")
    }

    private func appendTransport(to output: inout [UInt8]) {
        output.append("with ")
        output.append(transport.name)
        guard let comment else { return }
        output.append(" (")
        output.append(Self.safeComment(comment))
        output.append(")")
    }

    private static let semicolon = UInt8(ascii: ";")

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
