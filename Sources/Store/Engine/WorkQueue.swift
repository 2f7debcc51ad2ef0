import Glibc

/// Work that waits for a thread. Whoever has work appends it and goes on.
final class WorkQueue<Work>: @unchecked Sendable {
    // A condition variable needs pthread's own mutex; both live at a fixed address.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var waiting: [Work] = []
    private var sleepers = 0
    private var isClosed = false

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
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
        if sleepers > 0 { pthread_cond_signal(condition) }
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
        return sleep() ? waiting.removeFirst() : nil
    }

    /// Sleeps for a while, or until the queue is closed; false when it is.
    func pause(milliseconds: Int) -> Bool {
        var end = timespec()
        clock_gettime(CLOCK_REALTIME, &end)
        let nanoseconds = end.tv_nsec + milliseconds % 1000 * 1_000_000
        end.tv_sec += milliseconds / 1000 + nanoseconds / 1_000_000_000
        end.tv_nsec = nanoseconds % 1_000_000_000
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
        while waiting.isEmpty {
            if isClosed { return false }
            sleepers += 1
            pthread_cond_wait(condition, mutex)
            sleepers -= 1
        }
        return true
    }

    private func removeAll() -> [Work] {
        guard !waiting.isEmpty else { return [] }
        var taken: [Work] = []
        taken.reserveCapacity(waiting.capacity)
        swap(&taken, &waiting)
        return taken
    }
}
