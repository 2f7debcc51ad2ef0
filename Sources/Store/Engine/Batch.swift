/// One transaction of many jobs. A job that fails by its own fault fails alone; when the disk or
/// its room fails, so does everyone in the batch, for nothing was promised yet.
final class Batch {
    private let rows: Rows
    private var done: [Job] = []
    /// Why the connection can no longer be used.
    private(set) var diskFailure: String?

    /// What SQLite found wrong in the file.
    private(set) var damage: String?

    /// Beyond these a transaction takes no more: callers wait for its commit.
    private static let most = (jobs: 1000, octets: 8 << 20)

    init(_ rows: Rows) { self.rows = rows }

    /// Tells every job its end. Jobs that arrive in the meantime may still join.
    func run(_ first: [Job], more: () -> [Job]) {
        var waiting = first[...]
        var refused: [(job: Job, error: StoreError)] = []
        do throws(StoreError) {
            try begin()
            var octets = 0
            while let job = waiting.first {
                let before = rows.database.totalChanges
                do throws(StoreError) {
                    try job.perform(in: rows)
                    done.append(job)
                } catch  where isHarmless(error, since: before) {
                    refused.append((job, error))
                }
                waiting = waiting.dropFirst()
                octets += job.octets
                if octets > Self.most.octets { break }
                if waiting.isEmpty, done.count < Self.most.jobs { waiting = more()[...] }
            }
            try commit()
            for job in done { job.finish(nil) }
            for (job, error) in refused { job.finish(error) }
        } catch {
            rollBack(after: error)
            for (job, error) in refused { job.finish(error) }
            let unsure = done + waiting
            done = []
            if error.isOfTheRows { return runEachAlone(unsure) }
            for job in unsure { job.finish(error) }
            return
        }
        done = []
        if !waiting.isEmpty { run(Array(waiting), more: { [] }) }
    }

    /// One of them made the transaction fail; each gets its own to find out which.
    private func runEachAlone(_ jobs: [Job]) {
        for job in jobs {
            if let diskFailure {
                job.finish(.unavailable(diskFailure))
                continue
            }
            do throws(StoreError) {
                try begin()
                try job.perform(in: rows)
                try commit()
                job.finish(nil)
            } catch {
                rollBack(after: error)
                job.finish(error)
            }
        }
    }

    /// The job wrote nothing and the transaction can go on.
    private func isHarmless(_ error: StoreError, since before: Int64) -> Bool {
        guard rows.database.totalChanges == before, rows.database.isInTransaction else {
            return false
        }
        return error.isOfTheRows || error == .full
    }

    private func begin() throws(StoreError) {
        try rows.database.prepare("BEGIN IMMEDIATE").run()
    }

    private func commit() throws(StoreError) {
        try rows.database.prepare("COMMIT").run()
        rows.didCommit()
    }

    private func rollBack(after error: StoreError) {
        if case .unavailable(let reason) = error { diskFailure = reason }
        if case .damaged(let reason) = error { damage = reason }
        rows.didRollBack()
        guard rows.database.isInTransaction else { return }
        do throws(StoreError) {
            try rows.database.prepare("ROLLBACK").run()
        } catch {
            diskFailure = diskFailure ?? "rollback: \(error)"
        }
    }
}

extension StoreError {
    /// The rows forbid it; another job in the same transaction is not concerned.
    fileprivate var isOfTheRows: Bool {
        switch self {
        case .conflict, .notFound: true
        default: false
        }
    }
}
