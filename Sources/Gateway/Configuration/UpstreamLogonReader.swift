import Crypto
import Delivery

extension ConfigurationDraft {
    /// How a send connector logs on to its smart hosts.
    func readCredentials(
        _ reader: SettingsReader,
        _ readSecret: (String) -> String?
    ) -> Credentials? {
        let mechanism = reader.choice("mechanism", Credentials.Mechanism.self)
        let username = reader.string("username")
        for secret in ["password", "token", "clientSecret", "refreshToken"]
        where reader.isGiven(secret) {
            reader.note(
                secret,
                "must not stand in this file; put it in a file, \(secret)File"
            )
            _ = reader.tolerate([secret])
        }
        let source = readSecretSource(reader, for: mechanism, readSecret)
        reader.finish(knownTo: "authentication")
        if mechanism == nil, !reader.isGiven("mechanism") {
            reader.note("mechanism", "is missing; authentication needs mechanism and username")
        }
        if username == nil, !reader.isGiven("username") {
            reader.note("username", "is missing; authentication needs mechanism and username")
        }
        guard let mechanism, let username, let source else { return nil }
        return Credentials(mechanism: mechanism, username: username, secret: source)
    }

    private static let tokenKeys = [
        "tokenFile", "tokenCommand", "tokenURL", "clientID", "clientSecretFile", "scope",
        "refreshTokenFile", "caFile",
    ]

    private func readSecretSource(
        _ reader: SettingsReader,
        for mechanism: Credentials.Mechanism?,
        _ readSecret: (String) -> String?
    ) -> Credentials.Secret? {
        let password = reader.string("passwordFile")
        let token = readTokenSource(reader, readSecret)
        guard let mechanism else { return nil }
        if mechanism == .xoauth2 {
            if password != nil {
                reader.note("passwordFile", "has no meaning with xoauth2; give a token instead")
            }
            return token.map { .token($0) }
        }
        for key in Self.tokenKeys where reader.isGiven(key) {
            reader.note(key, "has no meaning with \(mechanism.rawValue); it belongs to xoauth2")
        }
        guard let password else {
            if !reader.isFaulty("passwordFile") {
                reader.note("passwordFile", "is missing; \(mechanism.rawValue) needs a password")
            }
            return nil
        }
        return readFile("passwordFile", password, reader, readSecret).map { .password($0) }
    }

    private func readTokenSource(
        _ reader: SettingsReader,
        _ readSecret: (String) -> String?
    ) -> TokenSource? {
        let file = reader.string("tokenFile")
        let command = reader.strings("tokenCommand")
        let grant = readGrant(reader, readSecret)
        let given = ["tokenFile", "tokenCommand", "tokenURL"].filter(reader.isGiven)
        guard given.count == 1 else {
            if reader.string("mechanism") == Credentials.Mechanism.xoauth2.rawValue {
                reader.note(
                    given.last ?? "",
                    given.isEmpty
                        ? "xoauth2 needs one of tokenFile, tokenCommand and tokenURL"
                        : "cannot stand beside \(given[0]); keep one of them"
                )
            }
            return nil
        }
        if let file {
            return readFile("tokenFile", file, reader, readSecret).map { _ in .file(file) }
        }
        if let command {
            guard command.first?.hasPrefix("/") == true else {
                reader.note("tokenCommand", "must list words, the first an absolute path")
                return nil
            }
            return .command(command)
        }
        return grant.map { .grant($0) }
    }

    private func readGrant(
        _ reader: SettingsReader,
        _ readSecret: (String) -> String?
    ) -> TokenGrant? {
        let url = reader.value("tokenURL", "an https:// address") { WebAddress($0) }
        let client = reader.string("clientID")
        let secret = reader.string("clientSecretFile")
        let refresh = reader.string("refreshTokenFile")
        let scope = reader.string("scope")
        let authorities = reader.string("caFile")
        guard let url else { return nil }
        if !url.isSecure, !HostPort(host: url.host).isLoopback {
            reader.note("tokenURL", "must begin with https://; http:// is for loopback only")
        }
        guard let client else {
            if !reader.isFaulty("clientID") {
                reader.note("clientID", "is missing; tokenURL needs it")
            }
            return nil
        }
        if secret == nil, refresh == nil {
            reader.note("clientSecretFile", "is missing; or give refreshTokenFile")
        }
        for (key, file) in [("clientSecretFile", secret), ("refreshTokenFile", refresh)] {
            if let file { _ = readFile(key, file, reader, readSecret) }
        }
        if let authorities { checkAuthorities(authorities, reader, readSecret) }
        return TokenGrant(
            url: url,
            clientID: client,
            clientSecretFile: secret,
            scope: scope,
            refreshTokenFile: refresh,
            caFile: authorities
        )
    }

    /// `caFile`: what is no PEM would only show when the first mail waits.
    func checkAuthorities(
        _ file: String,
        _ reader: SettingsReader,
        _ readSecret: (String) -> String?
    ) {
        guard let text = readFile("caFile", file, reader, readSecret) else { return }
        if !["", "TRUSTED ", "X509 "].contains(where: {
            text.contains("-----BEGIN \($0)CERTIFICATE-")
        }) {
            reader.note(
                "caFile",
                "\(file) holds no certificate in PEM (-----BEGIN CERTIFICATE-----)"
            )
        }
    }

    private func readFile(
        _ key: String,
        _ file: String,
        _ reader: SettingsReader,
        _ readSecret: (String) -> String?
    ) -> String? {
        let text = readSecret(file)
        if text == nil { reader.note(key, "\(file) cannot be read") }
        return text
    }
}

extension ConfigurationDraft {
    /// `certificate: NAME`, one of `certificates`: shown to a next hop that asks for one.
    func readClientCertificate(
        _ reader: SettingsReader,
        _ readSecret: (String) -> String?
    ) -> ClientCertificate? {
        guard let name = reader.string("certificate") else { return nil }
        guard let certificate = certificates.first(where: { $0.name == name }) else {
            let known = certificates.map { "\"\($0.name)\"" }.joined(separator: ", ")
            reader.note(
                "certificate",
                "\"\(name)\" is not listed in certificates"
                    + (known.isEmpty ? "" : "; there is \(known)")
            )
            return nil
        }
        let files = [certificate.certificateFile, certificate.keyFile]
        let text = files.map { readSecret($0) ?? "" }.joined()
        return ClientCertificate(
            certificateFile: certificate.certificateFile,
            keyFile: certificate.keyFile,
            digest: SHA256.digest(text.utf8.span)
        )
    }
}
