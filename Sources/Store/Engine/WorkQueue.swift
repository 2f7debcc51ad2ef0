import Glibc

/// Work that waits for a thread. Whoever has work appends it and goes on.
final class WorkQueue<Work>: @unchecked Sendable {
    // A condition variable needs pthread's own mutex; both live at a fixed address.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var waiting: [Work] = []
    /// How many of them are not patient.
    private var pressing = 0
    /// When the first of the patient, which has been alone so far, has waited long enough.
    private var patienceEnds: timespec?
    private var sleepers = 0
    private var isClosed = false

    init() {
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// False when the queue is closed: the work was not taken.
    func append(_ work: Work) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        if isClosed { return false }
        waiting.append(work)
        pressing += 1
        if sleepers > 0 { pthread_cond_signal(condition) }
        return true
    }

    /// The same for work that can wait a moment: it is taken with the next that cannot, or alone when
    /// none comes in that time.
    func append(_ work: Work, patientFor milliseconds: Int) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        if isClosed { return false }
        waiting.append(work)
        if pressing == 0, patienceEnds == nil {
            patienceEnds = Self.moment(after: milliseconds)
            if sleepers > 0 { pthread_cond_signal(condition) }
        }
        return true
    }

    /// Everything that waits, perhaps nothing.
    func takeAll() -> [Work] {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return removeAll()
    }

    /// Sleeps until there is work; nil when the queue is closed and empty.
    func waitForAll() -> [Work]? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return sleep() ? removeAll() : nil
    }

    func waitForOne() -> Work? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard sleep() else { return nil }
        pressing = max(0, pressing - 1)
        return waiting.removeFirst()
    }

    /// Sleeps for a while, or until the queue is closed; false when it is.
    func pause(milliseconds: Int) -> Bool {
        var end = Self.moment(after: milliseconds)
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while !isClosed {
            if pthread_cond_timedwait(condition, mutex, &end) == ETIMEDOUT { break }
        }
        return !isClosed
    }

    func close() {
        pthread_mutex_lock(mutex)
        isClosed = true
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }

    private func sleep() -> Bool {
        while pressing == 0 {
            if isClosed { return !waiting.isEmpty }
            sleepers += 1
            defer { sleepers -= 1 }
            if var end = patienceEnds {
                if pthread_cond_timedwait(condition, mutex, &end) == ETIMEDOUT { return true }
            } else {
                pthread_cond_wait(condition, mutex)
            }
        }
        return true
    }

    private static func moment(after milliseconds: Int) -> timespec {
        var end = timespec()
        clock_gettime(CLOCK_MONOTONIC, &end)
        let nanoseconds = end.tv_nsec + milliseconds % 1000 * 1_000_000
        end.tv_sec += milliseconds / 1000 + nanoseconds / 1_000_000_000
        end.tv_nsec = nanoseconds % 1_000_000_000
        return end
    }

    private func removeAll() -> [Work] {
        pressing = 0
        patienceEnds = nil
        guard !waiting.isEmpty else { return [] }
        var taken: [Work] = []
        taken.reserveCapacity(waiting.capacity)
        swap(&taken, &waiting)
        return taken
    }
}
