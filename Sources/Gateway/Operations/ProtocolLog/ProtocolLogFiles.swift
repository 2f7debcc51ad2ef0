import Glibc
import Mail

/// The files of the protocol log: a new one each day and after 10 MB, the oldest of them removed.
/// They are written without a sync: a log is no promise.
struct ProtocolLogFiles: ~Copyable {
    struct Bounds {
        var file = 10 << 20
        var directory = 250 << 20
        var age = Duration.seconds(30 * 86_400)
    }

    private let directory: String
    private let bounds: Bounds
    private var descriptor: Int32 = -1
    /// Which file is open, as nobody can rename it.
    private var inode: ino_t = 0
    private var size = 0
    private var name = ""

    init(directory: String, bounds: Bounds = Bounds()) {
        self.directory = directory
        self.bounds = bounds
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Appends whole lines, or nothing and answers why.
    mutating func write(_ octets: [UInt8], at now: Timestamp) -> String? {
        makeReady(at: now) ?? append(octets)
    }

    private mutating func append(_ octets: [UInt8]) -> String? {
        var rest = octets[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count >= 0 || errno == EINTR else {
                let problem = "\(directory)/\(name): \(reason)"
                // No line is left half written. The same file is tried again with the next ones.
                ftruncate(descriptor, off_t(size))
                leave()
                return problem
            }
            rest = rest.dropFirst(max(0, count))
        }
        size += octets.count
        return nil
    }

    private var reason: String { String(cString: strerror(errno)) }

    private mutating func leave() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
        name = ""
    }

    /// Sees to it that the day's file is open and has room.
    private mutating func makeReady(at now: Timestamp) -> String? {
        let day = "RECV" + now.rfc3339.prefix(10).filter { $0 != "-" } + "-"
        if descriptor >= 0, name.hasPrefix(day), size < bounds.file, isInPlace { return nil }
        leave()
        guard mkdir(directory, 0o750) == 0 || errno == EEXIST else {
            return "\(directory): \(reason)"
        }
        prune(at: now)
        // A restart goes on with the last file of the day if it has room.
        let last = names.filter { $0.hasPrefix(day) }.last
        if let last, octets(in: last) < bounds.file { return open(last) ?? begin(at: now) }
        let number = (last.flatMap { Int($0.dropFirst(day.count).dropLast(4)) } ?? 0) + 1
        let digits = String(number)
        let zeros = String(repeating: "0", count: max(0, 4 - digits.count))
        return open("\(day)\(zeros)\(digits).log") ?? begin(at: now)
    }

    /// Nobody has moved or removed the file meanwhile.
    private var isInPlace: Bool {
        var found = stat()
        return stat("\(directory)/\(name)", &found) == 0 && found.st_ino == inode
    }

    private mutating func open(_ name: String) -> String? {
        self.name = name
        let path = "\(directory)/\(name)"
        descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { return "\(path): \(reason)" }
        var found = stat()
        fstat(descriptor, &found)
        (size, inode) = (Int(found.st_size), found.st_ino)
        return nil
    }

    private mutating func begin(at now: Timestamp) -> String? {
        guard size == 0 else { return nil }
        let header = """
            #Software: Postern\r
            #Version: \(Version.text)\r
            #Log-Type: SMTP Receive Protocol Log\r
            #Date: \(now.rfc3339)\r
            #Fields: date-time,connector-id,session-id,sequence-number,local-endpoint,\
            remote-endpoint,event,data,context\r

            """
        return append(Array(header.utf8))
    }

    /// In the order of their age, which is the order of their numbers.
    private var names: [String] {
        guard let folder = opendir(directory) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            // No copy of `d_name`: it may be shorter than its type says, and nothing lie behind it.
            let name = withUnsafePointer(to: &entry.pointee.d_name) { start in
                String(cString: UnsafeRawPointer(start).assumingMemoryBound(to: CChar.self))
            }
            if name.hasPrefix("RECV"), name.hasSuffix(".log"), name.utf8.count >= 18 {
                names.append(name)
            }
        }
        // By day, then by number, which may have more than four digits.
        return names.sorted { ($0.prefix(13), $0.count, $0) < ($1.prefix(13), $1.count, $1) }
    }

    private func octets(in name: String) -> Int {
        var found = stat()
        return stat("\(directory)/\(name)", &found) == 0 ? Int(found.st_size) : 0
    }

    /// Makes room for a new file.
    private func prune(at now: Timestamp) {
        let oldest = "RECV" + (now - bounds.age).rfc3339.prefix(10).filter { $0 != "-" }
        var total = 0
        for name in names.reversed() {
            total += octets(in: name)
            if name < oldest || total > bounds.directory - bounds.file {
                unlink("\(directory)/\(name)")
            }
        }
    }
}
