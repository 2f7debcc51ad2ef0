import Crypto
import Net
import Policy

/// The certificates of the receive connectors, by connector.
struct CertificateShelf: Sendable {
    private(set) var contexts: [String: TLSServerContext] = [:]

    init() {}

    /// Loads every certificate that is asked for. Without one a connector on loopback gets one of
    /// our own making.
    init(_ configuration: Configuration) throws(ServiceError) {
        var own: SelfSignedCertificate?
        for connector in configuration.rulebook.receiveConnectors
        where connector.isEnabled && connector.tls.mode != .none {
            do {
                if let certificate = configuration.certificate(for: connector) {
                    contexts[connector.name] = try TLSServerContext(
                        certificateFile: certificate.certificateFile,
                        keyFile: certificate.keyFile,
                        minimumVersion: TLSVersion(connector.tls.minimumVersion),
                        clientCAFile: connector.tls.clientCAFile
                    )
                } else {
                    let made = try own ?? Self.selfSigned(configuration.hostname)
                    own = made
                    contexts[connector.name] = try TLSServerContext(
                        certificatePEM: made.certificatePEM,
                        keyPEM: made.privateKeyPEM,
                        minimumVersion: TLSVersion(connector.tls.minimumVersion),
                        clientCAFile: connector.tls.clientCAFile
                    )
                }
            } catch {
                throw .badCertificate("\(connector.name): \(error)")
            }
        }
    }

    private static func selfSigned(_ hostname: String) throws -> SelfSignedCertificate {
        try SelfSignedCertificate(
            commonName: hostname,
            names: [hostname, "localhost"],
            addresses: ["127.0.0.1", "::1"],
            validDays: 397
        )
    }
}

extension TLSVersion {
    fileprivate init(_ version: TLSPolicy.Version) {
        self =
            switch version {
            case .v10: .v10
            case .v11: .v11
            case .v12: .v12
            case .v13: .v13
            }
    }
}
