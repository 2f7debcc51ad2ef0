package import Mail

/// When an event that a receiver did not take is told again.
package struct WebhookSchedule: Sendable, Equatable {
    /// The first waits; the last one repeats.
    package var waits: [Duration]
    /// After so long it is given up.
    package var patience: Duration

    package static let standard = WebhookSchedule(
        waits: [
            .seconds(5), .seconds(30), .seconds(300), .seconds(1800), .seconds(7200),
            .seconds(28_800),
        ],
        patience: .seconds(3 * 86_400)
    )

    package init(waits: [Duration], patience: Duration) {
        self.waits = waits
        self.patience = patience
    }

    /// The moment after so many attempts (one at least); nil when that is enough.
    package func next(
        afterAttempt attempts: Int,
        since first: Timestamp,
        at now: Timestamp
    ) -> Timestamp? {
        guard let wait = waits.isEmpty ? nil : waits[min(max(1, attempts), waits.count) - 1] else {
            return nil
        }
        let moment = now + wait
        return moment <= first + patience ? moment : nil
    }
}
