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
    case mail(ReversePath, size: Int? = nil, body: SMTPBody? = nil, smtpUTF8: Bool = false)
    case rcpt(Mailbox)
    case data
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
            "AUTH \(mechanism) \(response.isEmpty ? "=" : base64(response))"
        case .authResponse(let response): base64(response)
        case .authCancel: "*"
        case .mail(let path, let size, let body, let smtpUTF8):
            "MAIL FROM:<\(path)>" + (size.map { " SIZE=\($0)" } ?? "")
                + (body.map { " BODY=\($0.rawValue)" } ?? "") + (smtpUTF8 ? " SMTPUTF8" : "")
        case .rcpt(let mailbox): "RCPT TO:<\(mailbox)>"
        case .data: "DATA"
        case .rset: "RSET"
        case .quit: "QUIT"
        }
    }

    private func base64(_ octets: [UInt8]) -> String {
        var encoder = Base64Encoder(lineLength: nil)
        var text: [UInt8] = []
        encoder.encode(octets.span, into: &text)
        encoder.finish(into: &text)
        return String(decoding: text, as: UTF8.self)
    }
}
