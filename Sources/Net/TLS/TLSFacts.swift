/// The oldest version of TLS that may be spoken.
package enum TLSVersion: Int32, Sendable, CaseIterable {
    case v10 = 0x0301
    case v11 = 0x0302
    case v12 = 0x0303
    case v13 = 0x0304
}

/// What a handshake settled.
package struct TLSFacts: Sendable, Equatable {
    /// `TLSv1.3`.
    package let version: String
    /// OpenSSL's name, `TLS_AES_256_GCM_SHA384`.
    package let cipher: String
    /// SHA-256 of the peer's certificate in lower-case hex, only if the certificate was verified.
    package let peerFingerprint: String?
    /// Why the peer's certificate proves nothing, in OpenSSL's words; nil where it does or there is none.
    package let certificateProblem: String?
    /// The name the client asked for (SNI).
    package let serverName: String?
    /// The peer has proved who it is.
    package var isVerified: Bool { peerFingerprint != nil }
    /// An earlier session went on, without certificates.
    package let wasResumed: Bool
}
