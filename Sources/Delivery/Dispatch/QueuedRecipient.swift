import Mail
import Store

/// A recipient in the queue, and for how long it may stay there. By reference, because tables of many
/// thousands of them grow and are looked through.
final class QueuedRecipient: Sendable, Equatable {
    let entry: QueueEntry
    /// From when its age counts: its creation, or the later time it was to be sent at.
    let since: Timestamp
    /// An operator asked for it: one attempt is made whatever its age.
    let isForced: Bool

    init(_ entry: QueueEntry, isForced: Bool = false) {
        self.entry = entry
        let sent = max(entry.createdAt, entry.sendAt ?? entry.createdAt)
        // What was never tried may have been held until now.
        since = entry.attempts == 0 ? max(sent, entry.due) : sent
        self.isForced = isForced
    }

    private init(_ entry: QueueEntry, since: Timestamp, isForced: Bool) {
        self.entry = entry
        self.since = since
        self.isForced = isForced
    }

    /// The same recipient, of which something else is to be sent.
    func with(_ entry: QueueEntry) -> QueuedRecipient {
        QueuedRecipient(entry, since: since, isForced: isForced)
    }

    /// The moment from which it is not tried again.
    func deadline(after span: Duration) -> Timestamp {
        guard !isForced else { return Timestamp(milliseconds: .max) }
        let never = Timestamp(milliseconds: .max)
        return min(span > .zero ? since + span : never, entry.expiresAt ?? never)
    }

    /// The same after an attempt, waiting for the next.
    func waiting(as status: RecipientStatus, attempts: Int, until due: Timestamp)
        -> QueuedRecipient
    {
        var next = entry
        next.status = status
        next.attempts = attempts
        next.due = due
        return QueuedRecipient(next, since: since, isForced: false)
    }

    static func == (left: QueuedRecipient, right: QueuedRecipient) -> Bool {
        left.entry == right.entry && left.since == right.since && left.isForced == right.isForced
    }
}

/// The earliest of what may end the wait of many recipients.
struct Ends: Sendable {
    private static let never = Timestamp(milliseconds: .max)

    private var oldest = never
    private var expiry = never

    mutating func include(_ recipient: QueuedRecipient) {
        guard !recipient.isForced else { return }
        oldest = min(oldest, recipient.since)
        if let end = recipient.entry.expiresAt { expiry = min(expiry, end) }
    }

    /// `span`: how long any of them is tried; zero: for as long as it takes.
    func earliest(after span: Duration) -> Timestamp {
        oldest < Self.never && span > .zero ? min(oldest + span, expiry) : expiry
    }
}
