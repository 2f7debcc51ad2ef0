import Crypto
import Mail
import Net
import Store

/// What the postmaster hears of while there is still time.
extension Housekeeping {
    private static let pool = BlockingPool(threads: 1)
    private static let certificateNotice = Duration.seconds(14 * 86_400)

    /// At the floor no mail is taken any more, not even the notice: it is written at twice the floor.
    func watchDisk() async {
        let store = gateway.store
        guard let space = await Self.pool.run({ store.space }), space.free / 2 < space.floor else {
            return
        }
        await gateway.tellPostmaster(
            .fillingDisk(
                at: gateway.configuration.dataDirectory,
                free: space.free,
                floor: space.floor
            )
        )
    }

    /// Those of the configuration, as their files are now: one that has been replaced on disk and not
    /// yet loaded is no trouble that a notice would mend.
    func watchCertificates() async {
        let certificates = gateway.configuration.certificates
        let now = gateway.clock()
        let ends = await Self.pool.run {
            certificates.map { CertificateTerm(file: $0.certificateFile)?.end }
        }
        for (certificate, end) in zip(certificates, ends) {
            guard let end = end.map({ Timestamp(milliseconds: $0 * 1000) }),
                end < now + Self.certificateNotice
            else { continue }
            await gateway.tellPostmaster(.expiring(certificate, at: end, now))
        }
    }
}

extension PostmasterNotice {
    static func fillingDisk(at directory: String, free: UInt64, floor: UInt64) -> Self {
        PostmasterNotice(
            cause: "disk",
            subject: "The disk is filling",
            text: """
                The disk of \(directory) has \(free >> 20) MB left. At \(floor >> 20) MB, limits.storeFloor, no
                more mail is taken, until there is room again.

                To gain room: give the disk more space, shorten retention.content, or look at what waits
                with postern queue summary.

                """
        )
    }

    static func expiring(
        _ certificate: Configuration.Certificate,
        at end: Timestamp,
        _ now: Timestamp
    ) -> Self {
        let isOver = end <= now
        return PostmasterNotice(
            cause: "certificate:\(certificate.name)",
            subject: "Certificate \(certificate.name) \(isOver ? "has expired" : "expires soon")",
            text: """
                Clients that check the certificate "\(certificate.name)" refuse it \(isOver ? "now" : "from then on").

                    File:        \(certificate.certificateFile)
                    Valid until: \(end.rfc5322)

                Put a new one there, with its key, and send the server a SIGHUP: it goes on with the new one,
                without a restart.

                """
        )
    }
}
