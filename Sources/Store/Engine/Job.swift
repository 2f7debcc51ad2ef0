/// Something to be done in a transaction, and someone who waits for its commit.
class Job: @unchecked Sendable {
    /// What it adds to the transaction, about: a transaction is closed before it grows huge.
    let octets: Int

    init(octets: Int) { self.octets = octets }

    /// May be called again after the transaction was rolled back for another job's sake.
    func perform(in rows: Rows) throws(StoreError) {}

    /// Called once: nil when the transaction is on disk.
    func finish(_ failure: StoreError?) {}
}

final class Write<Answer: Sendable>: Job, @unchecked Sendable {
    private let work: (Rows) throws(StoreError) -> Answer
    private let deliver: (Result<Answer, StoreError>) -> Void
    // Touched by the writer's thread alone.
    private var answer: Answer?

    init(
        octets: Int,
        work: @escaping @Sendable (Rows) throws(StoreError) -> Answer,
        deliver: @escaping @Sendable (Result<Answer, StoreError>) -> Void
    ) {
        self.work = work
        self.deliver = deliver
        super.init(octets: octets)
    }

    override func perform(in rows: Rows) throws(StoreError) { answer = try work(rows) }

    override func finish(_ failure: StoreError?) {
        if let failure {
            deliver(.failure(failure))
        } else if let answer {
            deliver(.success(answer))
        } else {
            deliver(.failure(.unavailable("the work was not done")))
        }
    }
}
