/// How much of the mail a report of failure is to bring back: RET of MAIL (RFC 3461 §4.3).
package enum DSNReturn: String, Hashable, Sendable {
    case full = "FULL"
    case headers = "HDRS"
}

/// The sender's own name for a mail: ENVID of MAIL (RFC 3461 §4.4).
package struct EnvelopeID: Hashable, Sendable {
    /// As the sender means it, decoded.
    package let text: String

    package init(text: String) { self.text = text }

    /// Nil for what is no xtext, empty, or longer than 100 octets.
    package init?(parameter: String) {
        guard 1...100 ~= parameter.utf8.count, let text = XText.decode(parameter) else {
            return nil
        }
        self.text = text
    }

    package var parameter: String { XText.encode(text) }
}

/// Of which events the sender wants to hear: NOTIFY of RCPT (RFC 3461 §4.1). Empty is NEVER.
package struct DSNNotify: OptionSet, Hashable, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) { self.rawValue = rawValue }

    package static let never: DSNNotify = []
    package static let success = DSNNotify(rawValue: 1)
    package static let failure = DSNNotify(rawValue: 2)
    package static let delay = DSNNotify(rawValue: 4)

    private static let names: [(String, DSNNotify)] = [
        ("SUCCESS", .success), ("FAILURE", .failure), ("DELAY", .delay),
    ]

    /// Nil for anything but NEVER alone, or a list in which nothing stands twice.
    package init?(parameter: String) {
        self = []
        if parameter.uppercased() == "NEVER" { return }
        for word in parameter.split(separator: ",", omittingEmptySubsequences: false) {
            guard let event = Self.names.first(where: { $0.0 == word.uppercased() })?.1,
                insert(event).inserted
            else { return nil }
        }
    }

    package var parameter: String {
        isEmpty
            ? "NEVER" : Self.names.filter { contains($0.1) }.map(\.0).joined(separator: ",")
    }
}

/// The address a mail was first sent to: ORCPT of RCPT (RFC 3461 §4.2).
package struct OriginalRecipient: Hashable, Sendable {
    /// `rfc822`, or `utf-8` (RFC 6533 §3); case as it came.
    package let type: String
    /// Decoded.
    package let address: String

    /// In the form of a report's Original-Recipient: `rfc822;anna@corp.example` (RFC 3464 §2.3.1).
    package init?(field: String) {
        guard let mark = field.firstIndex(of: ";") else { return nil }
        type = String(field[..<mark])
        address = String(field[field.index(after: mark)...])
    }

    /// Nil for what is no type and xtext, or longer than 500 octets.
    package init?(parameter: String) {
        guard parameter.utf8.count <= 500, let mark = parameter.firstIndex(of: ";") else {
            return nil
        }
        type = String(parameter[..<mark])
        guard !type.isEmpty, type.utf8.allSatisfy(ByteSet.atext.contains),
            let address = XText.decode(
                parameter[parameter.index(after: mark)...],
                allowsUnicode: type.lowercased() == "utf-8"
            ), !address.isEmpty
        else { return nil }
        self.address = address
    }

    package var parameter: String { type + ";" + XText.encode(address) }
    package var field: String { type + ";" + address }

    /// Written as it is, it needs SMTPUTF8.
    package var isASCII: Bool { address.utf8.allSatisfy { $0 < 0x80 } }
}

/// The parameters of RCPT that speak of reports (RFC 3461 §4).
package struct DSNRecipient: Hashable, Sendable {
    package var notify: DSNNotify?
    package var originalRecipient: OriginalRecipient?

    package init(notify: DSNNotify? = nil, originalRecipient: OriginalRecipient? = nil) {
        self.notify = notify
        self.originalRecipient = originalRecipient
    }
}

/// What the sender of a mail said of reports about one of its recipients. A reference: most mail
/// says nothing, and the queue is long.
package final class DSNRequest: Sendable {
    package let returns: DSNReturn?
    package let envelopeID: EnvelopeID?
    package let recipient: DSNRecipient

    /// Nil when nothing was said.
    package init?(
        returns: DSNReturn? = nil,
        envelopeID: EnvelopeID? = nil,
        recipient: DSNRecipient? = nil
    ) {
        let recipient = recipient ?? DSNRecipient()
        if returns == nil, envelopeID == nil, recipient == DSNRecipient() { return nil }
        self.returns = returns
        self.envelopeID = envelopeID
        self.recipient = recipient
    }
}

extension DSNRequest: Hashable {
    package static func == (left: DSNRequest, right: DSNRequest) -> Bool {
        left.returns == right.returns && left.envelopeID == right.envelopeID
            && left.recipient == right.recipient
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(returns)
        hasher.combine(envelopeID)
        hasher.combine(recipient)
    }
}
