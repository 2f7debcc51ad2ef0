import Glibc
import Synchronization

/// Threads for work that blocks (files, scrypt, a database), which would hold up a loop. They are
/// started when first needed and live as long as the pool.
package final class BlockingPool: Sendable {
    private let shared: Shared
    private let limit: Int

    package init(threads: Int) {
        shared = Shared()
        limit = max(1, threads)
    }

    deinit { shared.close() }

    /// Runs the work on one of the threads; the caller goes on where it was.
    package func run<T: Sendable>(_ work: @escaping @Sendable () -> T) async -> T {
        await withUnsafeContinuation { continuation in
            shared.add(limit: limit) { continuation.resume(returning: work()) }
        }
    }
}

/// What the threads hold, so that the pool itself can go while they still wait.
private final class Shared: @unchecked Sendable {
    // Unchecked: everything below is used under the mutex, which the condition needs in this form.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var queue: [@Sendable () -> Void] = []
    private var head = 0
    private var idle = 0
    private var threads = 0
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

    func add(limit: Int, _ work: @escaping @Sendable () -> Void) {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        queue.append(work)
        if idle >= queue.count - head {
            pthread_cond_signal(condition)
        } else if threads < limit {
            threads += 1
            spawn()
        }
    }

    /// What waits is still done; then the threads end.
    func close() {
        pthread_mutex_lock(mutex)
        isClosed = true
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }

    private func spawn() {
        var thread = pthread_t()
        let result = pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Shared>.fromOpaque(argument).takeRetainedValue().live()
                return nil
            },
            Unmanaged.passRetained(self).toOpaque()
        )
        precondition(result == 0, "no thread for blocking work")
        pthread_detach(thread)
    }

    private func live() {
        while let work = next() { work() }
    }

    private func next() -> (@Sendable () -> Void)? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        idle += 1
        while head == queue.count, !isClosed { pthread_cond_wait(condition, mutex) }
        idle -= 1
        guard head < queue.count else { return nil }
        let work = queue[head]
        head += 1
        if head == queue.count {
            queue.removeAll(keepingCapacity: true)
            head = 0
        } else if head > 1_024 {
            queue.removeFirst(head)
            head = 0
        }
        return work
    }
}
