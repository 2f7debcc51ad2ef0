/// How a server speaks to one client.
package struct SMTPServerOptions: Sendable {
    package var fqdn: String
    /// The client's address, as EHLO's answer shows it in brackets.
    package var peer: String
    /// Stands for everything behind the greeting's code; a `220` of its own is not repeated.
    package var banner: String?
    /// The largest content in octets; nil: none.
    package var messageSize: Int?
    package var offersStartTLS = false
    /// TLS is up already, or the client is on this machine.
    package var isSecure = false
    /// 451 5.7.3 to all but the commands that lead to TLS.
    package var requiresTLS = false
    /// Offered only inside TLS, unless `allowsPlaintextAuthentication`.
    package var authMechanisms: [SMTPMechanism] = []
    package var allowsPlaintextAuthentication = false
    /// A number that nobody can guess and no other session has: the challenges of CRAM-MD5 hold it.
    package var challengeSeed: UInt64 = 0
    /// EHLO keywords that are neither shown nor understood, in upper case.
    package var suppressedKeywords: Set<String> = []
    package var allowsMailWithoutHello = false
    /// Completes a sender without a domain; nil refuses one.
    package var defaultDomain: String?
    /// Reaching it ends the session; 0: never.
    package var maximumProtocolErrors = 5
    /// Reaching it ends the session; 0: never.
    package var maximumLogonFailures = 3

    /// Keep what the client says for `takeHeard`.
    package var keepsHeard = false

    package init(fqdn: String, peer: String) {
        self.fqdn = fqdn
        self.peer = peer
    }

    func greeting(date: String) -> SMTPReply {
        guard let banner else { return .greeting(fqdn: fqdn, date: date) }
        let text = banner.hasPrefix("220") ? banner.dropFirst(3).drop { $0 == " " } : banner[...]
        return SMTPReply(220, nil, String(text))
    }

    /// The answer to HELO, and the first line of EHLO's.
    var hello: String { "\(fqdn) Hello [\(peer)]" }
}
