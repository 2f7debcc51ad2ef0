import Synchronization

/// What is counted since the start, to be read as Prometheus text.
final class Metrics: Sendable {
    enum Door: Int, CaseIterable, Sendable { case http, smtp }

    private let answers = CounterTable(rows: Door.allCases.count, columns: 6)
    private let accepted = CounterTable(rows: Door.allCases.count, columns: 1)
    private let refused = CounterTable(rows: Door.allCases.count, columns: 1)
    private let outcomes: [Atomic64] = (0..<OutcomeName.all.count).map { _ in Atomic64() }
    private let failedLogons = Atomic64()
    let logons = LogonMetrics()

    init() {}

    func count(_ door: Door, status: Int) {
        answers.add(1, row: door.rawValue, column: min(5, max(0, status / 100)))
    }

    func countAccepted(_ count: Int, _ door: Door) {
        accepted.add(count, row: door.rawValue, column: 0)
    }

    func countRefused(_ door: Door) {
        refused.add(1, row: door.rawValue, column: 0)
    }

    func countFailedLogon() {
        failedLogons.add(1)
    }

    func countOutcome(_ name: String) {
        guard let index = OutcomeName.all.firstIndex(of: name) else { return }
        outcomes[index].add(1)
    }

    /// The Prometheus text exposition format, version 0.0.4.
    func text(_ gauges: [PrometheusSeries]) -> String {
        var series = gauges
        series.append(
            PrometheusSeries(
                "postern_responses_total",
                .counter,
                "Answers by door and first digit of status.",
                Door.allCases.flatMap { door in
                    (1...5).map { digit in
                        .init(
                            ["door": "\(door)", "class": "\(digit)xx"],
                            answers.value(row: door.rawValue, column: digit)
                        )
                    }
                }
            )
        )
        series.append(
            byDoor("postern_messages_accepted_total", "Messages kept and acknowledged.", accepted)
        )
        series.append(
            byDoor("postern_messages_refused_total", "Messages or recipients refused.", refused)
        )
        series.append(
            PrometheusSeries(
                "postern_delivery_outcomes_total",
                .counter,
                "Outcomes of delivery attempts.",
                OutcomeName.all.enumerated().map { index, name in
                    .init(["status": name], outcomes[index].value)
                }
            )
        )
        series.append(
            PrometheusSeries(
                "postern_failed_logons_total",
                .counter,
                "Credentials that were not accepted.",
                [.init([:], failedLogons.value)]
            )
        )
        series += logons.series
        return series.map(\.text).joined()
    }

    private func byDoor(_ name: String, _ help: String, _ table: CounterTable) -> PrometheusSeries {
        PrometheusSeries(
            name,
            .counter,
            help,
            Door.allCases.map { door in
                .init(["door": "\(door)"], table.value(row: door.rawValue, column: 0))
            }
        )
    }
}

private enum OutcomeName {
    static let all = ["relayed", "delivered", "deferred", "failed", "uncertain", "expired"]
}

/// One counter, shared by all threads.
private final class Atomic64: Sendable {
    private let number = Atomic<Int>(0)
    var value: Int { number.load(ordering: .relaxed) }
    func add(_ amount: Int) { number.wrappingAdd(amount, ordering: .relaxed) }
}

private final class CounterTable: Sendable {
    private let cells: [Atomic64]
    private let columns: Int

    init(rows: Int, columns: Int) {
        self.columns = columns
        cells = (0..<(rows * columns)).map { _ in Atomic64() }
    }

    func add(_ amount: Int, row: Int, column: Int) { cells[row * columns + column].add(amount) }
    func value(row: Int, column: Int) -> Int { cells[row * columns + column].value }
}

/// A metric with its samples.
struct PrometheusSeries: Sendable {
    enum Kind: String, Sendable { case counter, gauge }

    struct Sample: Sendable {
        let labels: KeyValuePairs<String, String>
        let value: Double

        init(_ labels: KeyValuePairs<String, String>, _ value: Int) {
            self.labels = labels
            self.value = Double(value)
        }

        init(_ labels: KeyValuePairs<String, String>, _ value: Double) {
            self.labels = labels
            self.value = value
        }
    }

    let name: String
    let kind: Kind
    let help: String
    let samples: [Sample]

    init(_ name: String, _ kind: Kind, _ help: String, _ samples: [Sample]) {
        self.name = name
        self.kind = kind
        self.help = help
        self.samples = samples
    }

    var text: String {
        var lines = "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
        for sample in samples {
            let labels = sample.labels.map { "\($0.key)=\"\(Self.escaped($0.value))\"" }
            let set = labels.isEmpty ? "" : "{" + labels.joined(separator: ",") + "}"
            let isWhole = sample.value == sample.value.rounded() && abs(sample.value) < 1e15
            let value = isWhole ? "\(Int(sample.value))" : "\(sample.value)"
            lines += "\(name)\(set) \(value)\n"
        }
        return lines
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            .replacing("\n", with: "\\n")
    }
}
