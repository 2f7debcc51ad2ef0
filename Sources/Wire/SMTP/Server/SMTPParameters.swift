package import Mail

/// The parameters of MAIL (RFC 5321 §4.1.2).
package struct SMTPMailParameters: Hashable, Sendable {
    /// What the client says the size will be: a hint (RFC 1870 §6.1).
    package var size: Int?
    package var body: SMTPBody?
    package var smtpUTF8 = false
    package var returns: DSNReturn?
    package var envelopeID: EnvelopeID?

    package init(
        size: Int? = nil,
        body: SMTPBody? = nil,
        smtpUTF8: Bool = false,
        returns: DSNReturn? = nil,
        envelopeID: EnvelopeID? = nil
    ) {
        self.size = size
        self.body = body
        self.smtpUTF8 = smtpUTF8
        self.returns = returns
        self.envelopeID = envelopeID
    }
}

/// Whom RCPT names.
package enum SMTPRecipient: Hashable, Sendable {
    case mailbox(Mailbox)
    /// A name without a domain, as `postmaster` (RFC 5321 §4.1.1.3) or `root`.
    case name(String)
}

extension SMTPRecipient: CustomStringConvertible {
    package var description: String {
        switch self {
        case .mailbox(let mailbox): mailbox.description
        case .name(let name): name
        }
    }
}

/// Each notes one parameter, and answers the refusal of one that is not offered, malformed, or given
/// twice: what a command says must not depend on which of two is read last.
extension SMTPMailParameters {
    mutating func note(_ parameter: SMTPParameter, offered options: SMTPServerOptions) -> SMTPReply?
    {
        let isNoted: Bool
        switch parameter.keyword {
        case "SIZE" where options.offers(.size):
            isNoted = parameter.value.flatMap(Self.size).fill(&size)
        case "BODY" where options.offers(.eightBitMIME) || options.offers(.binaryMIME):
            isNoted = parameter.value.flatMap { Self.body($0, options) }.fill(&body)
        case "SMTPUTF8" where options.offers(.smtpUTF8):
            isNoted = parameter.value == nil && !smtpUTF8
            smtpUTF8 = true
        case "RET" where options.offers(.dsn):
            isNoted = parameter.value.flatMap { DSNReturn(rawValue: $0.uppercased()) }
                .fill(&returns)
        case "ENVID" where options.offers(.dsn):
            isNoted = parameter.value.flatMap(EnvelopeID.init(parameter:)).fill(&envelopeID)
        // RFC 4954 §5: taken from anyone, believed from nobody.
        case "AUTH" where options.offers(.auth):
            isNoted = parameter.value.map(isXText) == true
        default: return .unsupportedParameter(parameter.keyword)
        }
        return isNoted ? nil : .invalidArguments
    }

    /// Up to twenty digits (RFC 1870 §5); what no number can hold is too large in any case.
    private static func size(_ digits: String) -> Int? {
        guard 1...20 ~= digits.utf8.count, digits.utf8.allSatisfy({ $0 &- 48 < 10 }) else {
            return nil
        }
        return Int(digits) ?? .max
    }

    private static func body(_ name: String, _ options: SMTPServerOptions) -> SMTPBody? {
        let body = SMTPBody(rawValue: name.uppercased())
        switch body {
        case .binaryMIME where !options.offers(.binaryMIME): return nil
        case .eightBitMIME where !options.offers(.eightBitMIME): return nil
        default: return body
        }
    }
}

extension DSNRecipient {
    mutating func note(_ parameter: SMTPParameter, offered options: SMTPServerOptions) -> SMTPReply?
    {
        let isNoted: Bool
        switch parameter.keyword {
        case "NOTIFY" where options.offers(.dsn):
            isNoted = parameter.value.flatMap(DSNNotify.init(parameter:)).fill(&notify)
        case "ORCPT" where options.offers(.dsn):
            isNoted = parameter.value.flatMap(OriginalRecipient.init(parameter:))
                .fill(&originalRecipient)
        default: return .unsupportedParameter(parameter.keyword)
        }
        return isNoted ? nil : .invalidArguments
    }
}

extension Optional {
    /// Puts the value where none is yet. False when there is none to put, or one there.
    fileprivate func fill(_ place: inout Wrapped?) -> Bool {
        guard let value = self, place == nil else { return false }
        place = value
        return true
    }
}
