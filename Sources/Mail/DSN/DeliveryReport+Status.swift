extension DeliveryReport {
    /// The part for programs: what concerns the mail, then each recipient (RFC 3464 §2.2, §2.3).
    func appendStatus(to octets: inout [UInt8]) {
        octets.appendStatus("Reporting-MTA", "dns; \(host)")
        if let envelopeID {
            octets.appendStatus("Original-Envelope-Id", envelopeID.text)
        }
        octets.appendStatus("X-Postern-Id", queueID)
        octets.appendStatus("Arrival-Date", arrival.rfc5322)
        for recipient in recipients {
            octets.append("\r\n")
            append(recipient, to: &octets)
        }
    }

    private func append(_ recipient: Recipient, to octets: inout [UInt8]) {
        if let original = recipient.original {
            octets.appendStatus(
                "Original-Recipient",
                "\(original.type); \(StatusAddress.escaped(original.address))"
            )
        }
        octets.appendStatus("Final-Recipient", StatusAddress(recipient.mailbox).field)
        octets.appendStatus("Action", action)
        octets.appendStatus("Status", recipient.status)
        if let host = recipient.remoteHost, !host.isEmpty {
            octets.appendStatus("Remote-MTA", "dns; \(host)")
        }
        if let reply = recipient.reply {
            let said = [reply.code == 0 ? nil : "\(reply.code)", reply.enhanced, reply.text]
            octets.appendStatus(
                "Diagnostic-Code",
                // Only what a peer said is of type smtp (RFC 3464 §2.3.6).
                (reply.code == 0 ? "X-Postern; " : "smtp; ")
                    + said.compactMap { $0 }.joined(separator: " ")
            )
        }
        if let moment = recipient.lastAttempt {
            octets.appendStatus("Last-Attempt-Date", moment.rfc5322)
        }
        if kind == .delayed, let retriesUntil {
            octets.appendStatus("Will-Retry-Until", retriesUntil.rfc5322)
        }
    }

    private var action: String {
        switch kind {
        case .failed: "failed"
        case .delayed: "delayed"
        case .delivered: "delivered"
        case .relayed: "relayed"
        }
    }
}

/// An address as a report names it. One beyond ASCII is of type utf-8, and written so that it passes
/// anywhere: `\x{3B1}` (RFC 6533 §3, utf-8-addr-xtext).
struct StatusAddress {
    let field: String

    init(_ mailbox: Mailbox) {
        let address = mailbox.description
        let isASCII = address.utf8.allSatisfy { $0 < 128 }
        field = isASCII ? "rfc822; \(address)" : "utf-8; \(Self.escaped(address))"
    }

    static func escaped(_ address: String) -> String {
        guard address.utf8.contains(where: { $0 >= 128 }) else { return address }
        return address.unicodeScalars.map { scalar in
            scalar.isASCII && scalar != "\\"
                ? String(scalar) : "\\x{\(String(scalar.value, radix: 16, uppercase: true))}"
        }.joined()
    }

    /// The other way round.
    static func unescaped(_ address: some StringProtocol) -> String {
        var text = ""
        var rest = address[...]
        while let start = rest.firstRange(of: "\\x{") {
            text += rest[..<start.lowerBound]
            let tail = rest[start.upperBound...]
            guard let end = tail.firstIndex(of: "}"),
                tail.distance(from: tail.startIndex, to: end) <= 6,
                let value = UInt32(tail[..<end], radix: 16), let scalar = Unicode.Scalar(value)
            else { return text + rest[start.lowerBound...] }
            text.unicodeScalars.append(scalar)
            rest = tail[tail.index(after: end)...]
        }
        return text + rest
    }
}

extension [UInt8] {
    /// A field of a report: ASCII alone, folded between words, no word longer than a line may be.
    fileprivate mutating func appendStatus(_ name: String, _ value: String) {
        let clean = value.unicodeScalars.prefix(2000).map { scalar in
            scalar.value < 32 || scalar.value == 127 ? " " : scalar.isASCII ? String(scalar) : "?"
        }.joined()
        let words = clean.split(separator: " ").flatMap { word in
            stride(from: 0, to: word.utf8.count, by: 900).map { start in
                String(word.dropFirst(start).prefix(900))
            }
        }
        appendField(name, tokens: words)
    }
}
