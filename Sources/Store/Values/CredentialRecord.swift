package import Mail

/// A device's user name and what its password is checked against; never the password itself.
package struct CredentialRecord: Sendable, Equatable {
    package let id: CredentialID
    package let application: ApplicationID
    /// Unique over the gateway, whatever the case of its letters.
    package let username: String
    /// The hash of the password, with the parameters it was made by.
    package let verifier: String
    /// The password sealed under the key file, where CRAM-MD5 needs it.
    package let sealedSecret: [UInt8]?
    package let createdAt: Timestamp
    package var lastUsedAt: Timestamp?

    package init(
        id: CredentialID,
        application: ApplicationID,
        username: String,
        verifier: String,
        sealedSecret: [UInt8]? = nil,
        createdAt: Timestamp,
        lastUsedAt: Timestamp? = nil
    ) {
        self.id = id
        self.application = application
        self.username = username
        self.verifier = verifier
        self.sealedSecret = sealedSecret
        self.createdAt = createdAt
        self.lastUsedAt = lastUsedAt
    }
}
