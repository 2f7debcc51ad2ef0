package import Mail

/// A command to a server. Whatever its arguments hold, it is one line.
package enum SMTPClientCommand: Hashable, Sendable {
    case ehlo(String)
    case helo(String)
    case startTLS
    /// The initial response as octets; it is sent in base 64, an empty one as `=` (RFC 4954 §4).
    case auth(mechanism: String, initialResponse: [UInt8]?)
    /// The answer to a 334.
    case authResponse([UInt8])
    /// `*`: gives an exchange up (RFC 4954 §4).
    case authCancel
    /// Parameters are given only where the server offers them.
    case mail(ReversePath, SMTPMailParameters = SMTPMailParameters())
    case rcpt(Mailbox, DSNRecipient = DSNRecipient())
    case data
    /// A chunk of so many octets follows at once (RFC 3030 §2).
    case bdat(octets: Int, isLast: Bool)
    case rset
    case quit

    /// AUTH PLAIN with its initial response (RFC 4616 §2).
    package static func authPlain(username: String, password: String) -> SMTPClientCommand {
        .auth(
            mechanism: "PLAIN",
            initialResponse: [0] + username.utf8 + [0] + password.utf8
        )
    }

    /// AUTH LOGIN; user name and password follow as `authResponse`s to its two prompts.
    package static let authLogin = SMTPClientCommand.auth(mechanism: "LOGIN", initialResponse: nil)

    package var octets: [UInt8] {
        // A line break in an argument would be a second command.
        var octets = Array(line.utf8.map { $0 < 32 || $0 == 127 ? UInt8(ascii: "?") : $0 })
        octets.append("\r\n")
        return octets
    }

    private var line: String {
        switch self {
        case .ehlo(let name): "EHLO \(name)"
        case .helo(let name): "HELO \(name)"
        case .startTLS: "STARTTLS"
        case .auth(let mechanism, nil): "AUTH \(mechanism)"
        case .auth(let mechanism, let response?):
            "AUTH \(mechanism) \(response.isEmpty ? "=" : Base64Encoder.encode(response.span))"
        case .authResponse(let response): Base64Encoder.encode(response.span)
        case .authCancel: "*"
        case .mail(let path, let parameters):
            "MAIL FROM:<\(path)>"
                + words(
                    parameters.size.map { "SIZE=\($0)" },
                    parameters.body.map { "BODY=\($0.rawValue)" },
                    parameters.smtpUTF8 ? "SMTPUTF8" : nil,
                    parameters.returns.map { "RET=\($0.rawValue)" },
                    parameters.envelopeID.map { "ENVID=\($0.parameter)" }
                )
        case .rcpt(let mailbox, let parameters):
            "RCPT TO:<\(mailbox)>"
                + words(
                    parameters.notify.map { "NOTIFY=\($0.parameter)" },
                    parameters.originalRecipient.map { "ORCPT=\($0.parameter)" }
                )
        case .bdat(let octets, let isLast): "BDAT \(octets)" + (isLast ? " LAST" : "")
        case .data: "DATA"
        case .rset: "RSET"
        case .quit: "QUIT"
        }
    }

    private func words(_ parameters: String?...) -> String {
        parameters.reduce("") { line, word in word.map { line + " " + $0 } ?? line }
    }
}
