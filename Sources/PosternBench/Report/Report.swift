import Glibc

/// Everything that was found, in the order of the parts.
struct Report {
    private let introduction: String
    private var tables: [Table] = []
    private var goals = Table("Goals", columns: ["what", "goal", "found", ""])
    private var hasGoals = false

    /// Durable POSTs a second at 64 connections, once measured.
    var postRate: Double?

    init(_ bench: Bench) {
        let options = bench.options
        introduction = """
            Postern on this machine: \(sysconf(Int32(_SC_NPROCESSORS_ONLN))) processors, which \
            load and peers share; data in \(bench.workplace.base) \
            (\(Workplace.fileSystem(of: bench.workplace.base) ?? "?")).
            Medians of \(options.runs) runs of \(options.seconds) s.

            """
    }

    mutating func add(_ table: Table) { tables.append(table) }

    mutating func judge(_ what: String, goal: String, found: String, isMet: Bool) {
        hasGoals = true
        goals.add(what, goal, found, isMet ? "met" : "NOT MET")
    }

    var text: String {
        ([introduction] + (tables + (hasGoals ? [goals] : [])).map(\.text)).joined(separator: "\n")
    }
}
