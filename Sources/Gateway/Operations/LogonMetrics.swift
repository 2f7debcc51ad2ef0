import Synchronization

/// What logons cost, and whom they were denied.
final class LogonMetrics: Sendable {
    private let checks = Atomic(0)
    private let shutOut = Atomic(0)
    private let unjudged = Atomic(0)

    /// A password was checked by scrypt.
    func countCheck() { checks.wrappingAdd(1, ordering: .relaxed) }

    /// An address with too many failures was refused without being judged.
    func countShutOut() { shutOut.wrappingAdd(1, ordering: .relaxed) }

    /// A logon could not be judged.
    func countUnjudged() { unjudged.wrappingAdd(1, ordering: .relaxed) }

    var series: [PrometheusSeries] {
        [
            PrometheusSeries(
                "postern_password_checks_total",
                .counter,
                "Passwords checked by scrypt; recent ones are remembered and cost nothing.",
                [.init([:], checks.load(ordering: .relaxed))]
            ),
            PrometheusSeries(
                "postern_logons_turned_away_total",
                .counter,
                "Logons that were not judged: the source had failed too often, or too many waited.",
                [
                    .init(["reason": "failures"], shutOut.load(ordering: .relaxed)),
                    .init(["reason": "busy"], unjudged.load(ordering: .relaxed)),
                ]
            ),
        ]
    }
}
