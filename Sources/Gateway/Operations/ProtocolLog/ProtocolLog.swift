import Glibc
import Mail
import Net
import Synchronization

/// What SMTP clients say and are told, in the files that Exchange administrators know. Sessions
/// append to a buffer; a thread of its own writes it.
final class ProtocolLog: Sendable {
    /// What waits beyond this is given up: a slow disk must not fill the memory.
    private static let room = 4 << 20

    private struct Pending {
        var octets: [UInt8] = []
        var lost = 0
        var isWriting = false
    }

    private let pending = Mutex(Pending())
    private let files: Mutex<ProtocolLogFiles>
    private let log: Log
    private let clock: @Sendable () -> Timestamp
    /// Its thread starts with the first line.
    private let thread = BlockingPool(threads: 1)
    private let sessions = Atomic<UInt64>(0)
    /// When it was told last that nothing can be written, which is so for many lines or none.
    private let complained = Mutex<Timestamp?>(nil)

    init(directory: String, log: Log, clock: @escaping @Sendable () -> Timestamp) {
        files = Mutex(ProtocolLogFiles(directory: directory))
        self.log = log
        self.clock = clock
        // As in Exchange, ids go up with time and are not used again after a restart.
        sessions.store(UInt64(clock().milliseconds) << 20, ordering: .relaxed)
    }

    func session(connector: String, local: String, remote: String) -> ProtocolLogSession {
        let number = sessions.wrappingAdd(1, ordering: .relaxed).newValue
        let digits = String(number, radix: 16, uppercase: true)
        return ProtocolLogSession(
            self,
            connector: connector,
            id: String(repeating: "0", count: max(0, 16 - digits.count)) + digits,
            local: local,
            remote: remote
        )
    }

    var now: String { clock().rfc3339 }

    func append(_ line: String) {
        let mustWrite = pending.withLock { pending -> Bool in
            guard pending.octets.count + line.utf8.count <= Self.room else {
                pending.lost += 1
                return false
            }
            pending.octets.append(contentsOf: line.utf8)
            defer { pending.isWriting = true }
            return !pending.isWriting
        }
        if mustWrite { Task.detached { [self] in await thread.run { self.write() } } }
    }

    /// Afterwards everything appended before is in its file.
    func finish() async {
        let isUsed = pending.withLock { $0.isWriting || !$0.octets.isEmpty }
        if isUsed { await thread.run { self.write() } }
    }

    /// On the log's own thread.
    private func write() {
        while let (octets, lost) = take() {
            let now = clock()
            let problem = files.withLock { $0.write(octets, at: now) }
            if let problem { complain(problem, at: now) }
            if lost > 0 {
                log.warning("lines of the protocol log were lost", ["count": "\(lost)"])
            }
        }
    }

    /// Once a minute.
    private func complain(_ problem: String, at now: Timestamp) {
        let isNews = complained.withLock { last in
            if let told = last, told <= now, now - told < .seconds(60) { return false }
            last = now
            return true
        }
        if isNews { log.warning("the protocol log is not written", ["reason": problem]) }
    }

    private func take() -> ([UInt8], lost: Int)? {
        pending.withLock { pending in
            guard !pending.octets.isEmpty else {
                pending.isWriting = false
                return nil
            }
            defer { pending = Pending(isWriting: true) }
            return (pending.octets, pending.lost)
        }
    }
}

/// One connection's lines.
final class ProtocolLogSession {
    enum Event: String {
        case connected = "+"
        case disconnected = "-"
        case sent = ">"
        case received = "<"
        case note = "*"
    }

    private let log: ProtocolLog
    private let connector: String
    private let id: String
    private let endpoints: String
    private var sequence = 0

    init(_ log: ProtocolLog, connector: String, id: String, local: String, remote: String) {
        self.log = log
        self.connector = Self.field(connector)
        self.id = id
        endpoints = "\(Self.field(local)),\(Self.field(remote))"
    }

    func note(_ event: Event, _ data: String = "", context: String = "") {
        log.append(
            "\(log.now),\(connector),\(id),\(sequence),\(endpoints),\(event.rawValue),"
                + "\(Self.field(data)),\(Self.field(context))\r\n"
        )
        sequence += 1
    }

    /// The lines of a reply in one, as Exchange writes them.
    func note(sent reply: [UInt8]) {
        guard !reply.isEmpty else { return }
        let lines = String(decoding: reply, as: UTF8.self)
            .split(whereSeparator: \.isNewline).map { Substring($0) }
        let further = lines.dropFirst().map { $0.dropFirst(4) }
        note(.sent, ([lines[0]] + further).joined(separator: " "))
    }

    /// RFC 4180: in quotes where it needs them. A spreadsheet takes what begins with these for a
    /// formula, and a client may begin so.
    static func field(_ text: String) -> String {
        // By octets: for a reader of the file a mark is one, whatever accent a client puts on it.
        let octets = text.utf8
        let isFormula = octets.first.map { "=+-@".utf8.contains($0) } ?? false
        guard isFormula || octets.contains(where: { ",\"\r\n".utf8.contains($0) || $0 > 126 })
        else {
            return text
        }
        var field = isFormula ? "\"'" : "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": field += "\"\""
            case "\r", "\n": field.unicodeScalars.append(scalar)
            default: field.unicodeScalars.append(scalar.isShown ? scalar : "?")
            }
        }
        return field + "\""
    }
}

extension Unicode.Scalar {
    /// Neither steers a terminal nor moves what stands beside it.
    fileprivate var isShown: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: false
        default: true
        }
    }
}
