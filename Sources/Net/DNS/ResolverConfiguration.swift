import Glibc

/// What resolv.conf(5) says, as far as it concerns us. Names are always whole here: no search list.
struct ResolverConfiguration: Sendable, Equatable {
    var servers: [SocketAddress] = []
    var timeout = Duration.seconds(5)
    var attempts = 2
    /// Its servers validate, and are trusted when they say so.
    var isValidating = false

    init() {}

    init(parsing text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split { $0 == " " || $0 == "\t" }
            switch words.first {
            case "nameserver" where words.count > 1 && servers.count < 3:
                if let server = SocketAddress(ip: String(words[1]), port: 53) {
                    servers.append(server)
                }
            case "options": for option in words.dropFirst() { read(option) }
            default: continue
            }
        }
        if servers.isEmpty, let local = SocketAddress(ip: "127.0.0.1", port: 53) {
            servers = [local]
        }
    }

    private mutating func read(_ option: Substring) {
        let parts = option.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, let number = Int(parts[1]), number > 0 else { return }
        switch parts[0] {
        case "timeout": timeout = .seconds(min(number, 30))
        case "attempts": attempts = min(number, 5)
        default: return
        }
    }
}

/// The names in hosts(5), lower case, and their addresses in the file's order.
struct HostsFile: Sendable {
    private(set) var addresses: [String: [String]] = [:]

    init(parsing text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }
            guard let first = words.first, let ip = SocketAddress(ip: String(first), port: 0)?.ip
            else {
                continue
            }
            for name in words.dropFirst() { add(ip, to: name.lowercased()) }
        }
    }

    private mutating func add(_ ip: String, to name: String) {
        if addresses[name]?.contains(ip) != true { addresses[name, default: []].append(ip) }
    }
}

/// A small file that is read again when it has changed, looked at no more than once a second.
struct WatchedFile: Sendable {
    let path: String
    private var lookedAt: Instant?
    private var version: [Int] = []

    init(path: String) { self.path = path }

    /// The new text, or nil if it is still the old one. A file that is missing is empty.
    mutating func changedText() -> String? {
        let now = Instant.now
        if let lookedAt, now < lookedAt + .seconds(1) { return nil }
        let isFirst = lookedAt == nil
        lookedAt = now
        var found = stat()
        let exists = stat(path, &found) == 0
        let seen = [
            Int(found.st_ino), Int(found.st_size), found.st_mtim.tv_sec, found.st_mtim.tv_nsec,
        ]
        let current = exists ? seen : []
        guard isFirst || current != version else { return nil }
        version = current
        return exists ? read() : ""
    }

    /// At most 1 MB: more is no such file.
    private func read() -> String {
        guard let file = fopen(path, "re") else { return "" }
        defer { fclose(file) }
        let octets = [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
            count = fread(buffer.baseAddress, 1, buffer.count, file)
        }
        return String(decoding: octets, as: UTF8.self)
    }
}
