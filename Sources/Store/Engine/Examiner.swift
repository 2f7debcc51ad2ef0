import Synchronization

/// Checks the database after an unclean stop, in the background, on a connection of its own.
final class Examiner: Sendable {
    private let location: DatabaseLocation
    private let settings: StoreSettings
    private let worker = Mutex<Worker?>(nil)
    private let isStopped = Atomic<Bool>(false)
    private let damage = Atomic<Bool>(false)

    init(_ location: DatabaseLocation, settings: StoreSettings) {
        self.location = location
        self.settings = settings
    }

    var hasFoundDamage: Bool { damage.load(ordering: .relaxed) }

    func start() {
        let made = Worker { [self] in
            guard let problems = examine() else { return }
            if !problems.isEmpty { damage.store(true, ordering: .relaxed) }
            settings.log(.checked(problems: problems))
        }
        worker.withLock { $0 = made }
    }

    func stop() {
        isStopped.store(true, ordering: .relaxed)
        worker.withLock { worker in
            worker?.join()
            worker = nil
        }
    }

    /// Table by table, so that the log can be shortened in between. Nil when it was stopped.
    private func examine() -> [String]? {
        do throws(StoreError) {
            let database = try location.openForReading()
            let alarm = Alarm(on: database) { [self] in isStopped.load(ordering: .relaxed) }
            defer { withExtendedLifetime(alarm) {} }
            let tables = try database.select(
                "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
            ) { $0.text(0) }
            var problems: [String] = []
            for table in tables {
                problems += try database.select(
                    composed: "PRAGMA quick_check(\"\(table)\")",
                    []
                ) { $0.text(0) }.filter { $0 != "ok" }
            }
            return problems
        } catch {
            return isStopped.load(ordering: .relaxed) ? nil : ["\(error)"]
        }
    }
}
