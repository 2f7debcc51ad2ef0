/// Where an access token comes from.
package enum TokenSource: Sendable, Equatable {
    /// Somebody else keeps it fresh; it is read at each logon.
    case file(String)
    /// The words of a command that prints it; no shell is asked.
    case command([String])
    case grant(TokenGrant)
}

/// What a token endpoint is asked for (RFC 6749): with the client's own credentials (§4.4), or with a
/// refresh token (§6).
package struct TokenGrant: Sendable, Equatable {
    package var url: WebAddress
    package var clientID: String
    package var clientSecretFile: String?
    package var scope: String?
    package var refreshTokenFile: String?
    /// Who vouches for the endpoint; nil: the system's authorities.
    package var caFile: String?

    package init(
        url: WebAddress,
        clientID: String,
        clientSecretFile: String? = nil,
        scope: String? = nil,
        refreshTokenFile: String? = nil,
        caFile: String? = nil
    ) {
        self.url = url
        self.clientID = clientID
        self.clientSecretFile = clientSecretFile
        self.scope = scope
        self.refreshTokenFile = refreshTokenFile
        self.caFile = caFile
    }
}

/// Why there is no token: a sentence for the operator, with nothing secret in it.
struct TokenError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
