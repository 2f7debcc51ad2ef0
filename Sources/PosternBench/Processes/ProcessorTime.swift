import Glibc

/// What a process has used of the processors, in seconds: proc(5), /proc/pid/stat.
enum ProcessorTime {
    static func used(by process: Int32) -> Double {
        let line = TextFile.read("/proc/\(process)/stat")
        // The program's name, in parentheses, may hold spaces; 14 and 15 count from before it.
        guard let name = line.lastIndex(of: ")") else { return 0 }
        let words = line[name...].split(separator: " ")
        guard words.count > 13, let user = Double(words[12]), let system = Double(words[13]) else {
            return 0
        }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}

extension GatewayProcess {
    /// Runs a load against it and notes what it cost.
    func charged(
        _ load: () async throws(Invalid) -> LoadResult
    ) async throws(Invalid) -> LoadResult {
        let before = ProcessorTime.used(by: pid)
        var result = try await load()
        result.processorTime = ProcessorTime.used(by: pid) - before
        return result
    }
}
