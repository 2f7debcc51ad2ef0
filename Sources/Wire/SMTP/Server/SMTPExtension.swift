/// What a server may offer beyond RFC 5321, in the order in which it is shown.
package enum SMTPExtension: String, CaseIterable, Sendable {
    case size = "SIZE"
    case pipelining = "PIPELINING"
    case dsn = "DSN"
    case enhancedStatusCodes = "ENHANCEDSTATUSCODES"
    case startTLS = "STARTTLS"
    case auth = "AUTH"
    case eightBitMIME = "8BITMIME"
    case binaryMIME = "BINARYMIME"
    case chunking = "CHUNKING"
    case smtpUTF8 = "SMTPUTF8"
}

extension SMTPServerOptions {
    /// What is not offered does not work either: whoever suppresses a keyword wants to be rid of it.
    func offers(_ keyword: SMTPExtension) -> Bool {
        guard !suppressedKeywords.contains(keyword.rawValue) else { return false }
        switch keyword {
        case .startTLS: return offersStartTLS
        case .auth: return !authMechanisms.isEmpty
        case .binaryMIME: return offers(.chunking)  // RFC 3030 §3: not without it
        default: return true
        }
    }

    /// What AUTH takes in the session's present state.
    func mechanisms(isSecure: Bool) -> [SMTPMechanism] {
        offers(.auth) && (isSecure || allowsPlaintextAuthentication) ? authMechanisms : []
    }

    /// The lines of EHLO's answer behind the first.
    func keywords(isSecure: Bool) -> [String] {
        SMTPExtension.allCases.compactMap { keyword in
            guard offers(keyword) else { return nil }
            switch keyword {
            case .size: return messageSize.map { "SIZE \($0)" } ?? "SIZE"
            case .startTLS where isSecure: return nil
            case .auth:
                let names = mechanisms(isSecure: isSecure).map(\.rawValue)
                return names.isEmpty ? nil : "AUTH " + names.joined(separator: " ")
            default: return keyword.rawValue
            }
        }
    }
}
