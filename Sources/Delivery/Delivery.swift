package import Mail

/// How mail is delivered, whatever the route.
///
/// This room takes kept messages to their next hops: the `Dispatcher` decides what is due and who may
/// carry it, a `Courier` holds one conversation, an `Outcome` says what became of a recipient.
package struct DeliverySettings: Sendable {
    /// What to do when the connection was lost after the final dot: the next hop may have the mail.
    package enum Uncertainty: String, Sendable, CaseIterable {
        /// Try again after `uncertainWait`: rather twice than never.
        case retry
        /// Wait for an operator: rather never than twice.
        case hold
    }

    package var retry: RetrySchedule
    /// How long mail is tried; zero: for as long as it takes.
    package var expireAfter: Duration
    package var uncertain: Uncertainty
    package var uncertainWait: Duration
    /// The sender hears what became of the mail.
    package var notifySender: Bool
    /// After how long the sender hears that the mail waits; zero: never.
    package var delayNotice: Duration
    /// Where reports about our mail come back to; nil: to its sender.
    package var returnPath: ReturnPath?
    package var limits: PhaseLimits
    /// How many waiting recipients are held in memory; the others stay in the store until their turn.
    package var window: Int

    package init(
        retry: RetrySchedule = .standard,
        expireAfter: Duration = .seconds(2 * 86_400),
        uncertain: Uncertainty = .retry,
        uncertainWait: Duration = .seconds(600),
        notifySender: Bool = true,
        delayNotice: Duration = .seconds(4 * 3600),
        limits: PhaseLimits = PhaseLimits(),
        window: Int = 60_000
    ) {
        self.retry = retry
        self.expireAfter = expireAfter
        self.uncertain = uncertain
        self.uncertainWait = uncertainWait
        self.notifySender = notifySender
        self.delayNotice = delayNotice
        self.limits = limits
        self.window = window
    }
}

/// How long each phase of an attempt may take (RFC 5321 §4.5.3.2).
package struct PhaseLimits: Sendable, Equatable {
    package var resolve = Duration.seconds(30)
    package var connect = Duration.seconds(30)
    package var handshake = Duration.seconds(60)
    package var greeting = Duration.seconds(300)
    /// EHLO, STARTTLS, AUTH, MAIL and RCPT.
    package var command = Duration.seconds(300)
    package var dataStart = Duration.seconds(120)
    /// One piece of content.
    package var block = Duration.seconds(180)
    /// RFC 5321 §4.5.3.2.6 asks for ten minutes at least: who gives up earlier sends mail twice.
    package var afterContent = Duration.seconds(720)
    package var quit = Duration.seconds(5)
    /// How long a connection without work is kept for more.
    package var idle = Duration.seconds(2)

    package init() {}
}
