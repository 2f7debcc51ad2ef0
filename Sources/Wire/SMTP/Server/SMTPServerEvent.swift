package import Mail

/// What a session has for its driver, in order. Those that ask hold the session back until they
/// are answered by `accept` or `refuse`.
package enum SMTPServerEvent: Hashable, Sendable {
    /// Octets to send. Several may be gathered into one send, before anything else is done.
    case reply([UInt8])
    /// Asks: may this sender begin a mail?
    case mail(ReversePath, SMTPMailParameters)
    /// Asks: may the mail go there?
    case recipient(SMTPRecipient, DSNRecipient)
    /// Asks: may content start?
    case data
    /// A piece of content: dots taken off, every line ended by CRLF. Of a mail declared BINARYMIME
    /// the octets as they came.
    case content([UInt8])
    /// The content given so far passed the size limit and is void. The session refuses the mail by
    /// itself when its end comes.
    case contentTooLarge
    /// The mail that was begun is given up: RSET, or a hello.
    case reset
    /// Asks: is the mail taken? The answer is the reply, and the transaction is over.
    case endOfContent
    /// Asks: are these good?
    case authenticate(SMTPCredentials)
    /// What has been gathered is to be sent, TLS to be started, `didStartTLS` to be called. What
    /// the client sent in the clear behind STARTTLS is gone.
    case startTLS
    /// Octets to send (perhaps none), then the connection is to be closed.
    case goodbye([UInt8], SMTPFarewell)
}

/// Why a session ends.
package enum SMTPFarewell: Hashable, Sendable {
    case quit
    case tooManyErrors
    case tooManyLogonFailures
    /// An HTTP client, or a browser made to speak to a mail port. Its first line, shortened.
    case speaksHTTP(String)
    /// A TLS handshake where plain text was due: the client expects implicit TLS.
    case speaksTLS

    /// A sentence for the log; nil when nothing is amiss.
    package var diagnosis: String? {
        switch self {
        case .quit: nil
        case .tooManyErrors: "too many protocol errors"
        case .tooManyLogonFailures: "too many failed logons"
        case .speaksHTTP(let line): "the client speaks HTTP to an SMTP port: \(line)"
        case .speaksTLS:
            "the client starts TLS at once; this port speaks plain text first"
                + " (set the device to STARTTLS or no encryption, or use tls.mode \"implicit\")"
        }
    }
}

/// How a client proves who it is.
package enum SMTPMechanism: String, Hashable, Sendable, CaseIterable {
    case plain = "PLAIN"
    case login = "LOGIN"
    case cramMD5 = "CRAM-MD5"
}

package enum SMTPCredentials: Hashable, Sendable {
    case password(mechanism: SMTPMechanism, username: String, password: String)
    /// `digest` is the HMAC-MD5 of the challenge under the user's secret, in 32 small hexadecimal
    /// digits (RFC 2195 §2).
    case cramMD5(username: String, challenge: String, digest: String)
    /// By PLAIN, to act as `identity` and not as oneself (RFC 4616 §2), which nobody may here. The
    /// password is not worth a look.
    case plain(for: String, username: String)

    package var mechanism: SMTPMechanism {
        switch self {
        case .password(let mechanism, _, _): mechanism
        case .cramMD5: .cramMD5
        case .plain: .plain
        }
    }
}
