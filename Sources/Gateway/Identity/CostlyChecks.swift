import Net
import Synchronization

/// Runs what keeps a processor busy, off the event loops: a few at once, and with a line before them
/// that is short and fair.
final class CostlyChecks: Sendable {
    private let pool: BlockingPool
    private let line: Mutex<FairLine<UnsafeContinuation<Bool, Never>>>

    /// At most `waiting` stand in line: with the cost of one check that bounds the wait.
    init(atOnce places: Int, waiting room: Int) {
        pool = BlockingPool(threads: places)
        line = Mutex(FairLine(places: places, room: room))
    }

    /// Nil when there was no place in the line.
    func run<Answer: Sendable>(
        for source: LogonSource,
        isRegular: Bool,
        _ work: @escaping @Sendable () -> Answer
    ) async -> Answer? {
        let isAdmitted = await withUnsafeContinuation { continuation in
            let entry = line.withLock {
                $0.enter(continuation, from: source, isRegular: isRegular)
            }
            switch entry {
            case .starts: continuation.resume(returning: true)
            case .waits: break
            case .displaces(let other): other.resume(returning: false)
            case .refused: continuation.resume(returning: false)
            }
        }
        guard isAdmitted else { return nil }
        let answer = await pool.run(work)
        line.withLock { $0.leave() }?.resume(returning: true)
        return answer
    }

    /// Outside the line: for administrators.
    func runAtOnce<Answer: Sendable>(
        _ work: @escaping @Sendable () -> Answer
    ) async -> Answer {
        await pool.run(work)
    }
}
