/// How Postern logs on to a next hop. What is secret in it is never printed.
package struct Credentials: Sendable, Equatable, CustomStringConvertible {
    package enum Mechanism: String, Sendable, CaseIterable {
        case plain, login
        case cramMD5 = "cram-md5"
        case xoauth2
    }

    package enum Secret: Sendable, Equatable {
        case password(String)
        case token(TokenSource)
    }

    package let mechanism: Mechanism
    package let username: String
    let secret: Secret

    package init(mechanism: Mechanism, username: String, secret: Secret) {
        self.mechanism = mechanism
        self.username = username
        self.secret = secret
    }

    package init(mechanism: Mechanism, username: String, password: String) {
        self.init(mechanism: mechanism, username: username, secret: .password(password))
    }

    package var description: String { "\(mechanism.rawValue) as \(username)" }

    /// Whether this one may be used in the wanted one's place. PLAIN and LOGIN show the password to
    /// the server alike, and Exchange offers only LOGIN; the others show less, and are not given up.
    func takes(_ offered: Mechanism) -> Bool {
        offered == mechanism
            || [.plain, .login].contains(mechanism) && [.plain, .login].contains(offered)
    }
}

/// A certificate of ours for a next hop that asks for one.
package struct ClientCertificate: Sendable, Equatable {
    package let certificateFile: String
    package let keyFile: String
    /// Of the files as they were read: other contents make another route of it.
    package let digest: [UInt8]

    package init(certificateFile: String, keyFile: String, digest: [UInt8]) {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.digest = digest
    }
}
