import Glibc

/// A thread of the store's own, because what it does blocks.
final class Worker: @unchecked Sendable {
    private let thread: pthread_t
    private var isJoined = false

    /// The closure is all that the thread holds; it ends when the closure returns.
    init(_ body: @escaping @Sendable () -> Void) {
        final class Box {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        let box = Unmanaged.passRetained(Box(body))
        var thread = pthread_t()
        let code = pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            },
            box.toOpaque()
        )
        precondition(code == 0, "no thread could be made: \(String(cString: strerror(code)))")
        self.thread = thread
    }

    /// Waits for its end. One caller only.
    func join() {
        if isJoined { return }
        isJoined = true
        pthread_join(thread, nil)
    }
}
