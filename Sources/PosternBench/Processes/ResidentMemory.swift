/// What the kernel says about a process's memory: proc(5), /proc/pid/status.
enum ResidentMemory {
    static func now(of process: Int32) throws(Invalid) -> Double { try megabytes("VmRSS", process) }
    static func peak(of process: Int32) throws(Invalid) -> Double {
        try megabytes("VmHWM", process)
    }

    private static func megabytes(_ name: String, _ process: Int32) throws(Invalid) -> Double {
        for line in TextFile.read("/proc/\(process)/status").split(separator: "\n")
        where line.hasPrefix(name + ":") {
            let digits = line.filter { ("0"..."9").contains($0) }
            if let kilobytes = Double(digits) { return kilobytes / 1024 }
        }
        throw Invalid("no \(name) of process \(process)")
    }
}
