import Delivery
import Glibc
import Mail
import Store
import Synchronization
import Wire

/// The operator's log: one line an event, on standard error.
final class Log: Sendable {
    enum Level: String, CaseIterable, Comparable, Sendable {
        case debug, info, warning, error

        static func < (left: Level, right: Level) -> Bool {
            left.rank < right.rank
        }

        private var rank: Int {
            switch self {
            case .debug: 0
            case .info: 1
            case .warning: 2
            case .error: 3
            }
        }
    }

    enum Format: String, CaseIterable, Sendable { case text, json }

    private let style: Mutex<(level: Level, format: Format)>
    private let clock: @Sendable () -> Timestamp
    private let repeated = Mutex(RepeatedMessages())

    init(
        level: Level = .info,
        format: Format = .text,
        clock: @escaping @Sendable () -> Timestamp
    ) {
        style = Mutex((level, format))
        self.clock = clock
    }

    func adopt(level: Level, format: Format) {
        style.withLock { $0 = (level, format) }
    }

    func debug(_ message: String, _ facts: KeyValuePairs<String, String> = [:]) {
        write(.debug, message, Array(facts))
    }

    func info(_ message: String, _ facts: KeyValuePairs<String, String> = [:]) {
        write(.info, message, Array(facts))
    }

    func warning(_ message: String, _ facts: KeyValuePairs<String, String> = [:]) {
        write(.warning, message, Array(facts))
    }

    /// For what strangers can cause as often as they like: once in ten seconds for each subject, with
    /// the number of those between.
    func warning(
        seldom message: String,
        of subject: String,
        _ facts: KeyValuePairs<String, String>
    ) {
        let now = clock()
        guard isOn(.warning),
            let others = repeated.withLock({ $0.note("\(message) \(subject)", at: now) })
        else { return }
        let facts = Array(facts)
        write(
            .warning,
            message,
            others == 0 ? facts : facts + [(key: "others", value: "\(others)")]
        )
    }

    func error(_ message: String, _ facts: KeyValuePairs<String, String> = [:]) {
        write(.error, message, Array(facts))
    }

    func isOn(_ level: Level) -> Bool {
        style.withLock { $0.level <= level }
    }

    private func write(
        _ level: Level,
        _ message: String,
        _ facts: [(key: String, value: String)]
    ) {
        let (threshold, format) = style.withLock { $0 }
        guard level >= threshold else { return }
        let line =
            format == .text
            ? textLine(level, message, facts) : jsonLine(level, message, facts)
        emit(line)
    }

    private func textLine(
        _ level: Level,
        _ message: String,
        _ facts: [(key: String, value: String)]
    ) -> [UInt8] {
        var line = "\(clock().rfc3339) \(level.rawValue) \(message)"
        for (key, value) in facts { line += " \(key)=\(Self.quoted(value))" }
        return Array(Self.printable(line).utf8) + [0x0a]
    }

    private func jsonLine(
        _ level: Level,
        _ message: String,
        _ facts: [(key: String, value: String)]
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("time", clock().rfc3339)
        writer.member("level", level.rawValue)
        writer.member("message", message)
        for (key, value) in facts { writer.member(key, value) }
        writer.endObject()
        return writer.octets + [0x0a]
    }

    private static func quoted(_ value: String) -> String {
        let isPlain = !value.isEmpty && value.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 }
        guard !isPlain else { return value }
        // By scalars: a combining mark hides a quotation mark from a search for characters.
        let escaped = value.unicodeScalars.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }
        return "\"" + escaped.joined() + "\""
    }

    /// What a peer sent may hold control characters; a log line is one line.
    private static func printable(_ line: String) -> String {
        guard line.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else { return line }
        return String(
            line.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7f ? " " : Character($0) }
        )
    }

    /// One write a line, so that lines of several threads never mix.
    private func emit(_ line: [UInt8]) {
        _ = line.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}

/// What delivery says, in the log's words.
extension Log {
    func tell(_ notice: DeliveryNotice) {
        switch notice {
        case .routeRecovered, .storeTakesAgain, .recovered, .routeResumed:
            info("delivery", ["notice": "\(notice)"])
        case .routeSuspended, .routeRests, .routeUnknown, .contentUnreadable, .storeRefuses:
            warning("delivery", ["notice": "\(notice)"])
        }
    }

    func tell(_ recipient: SettledRecipient) {
        guard isOn(.info) else { return }
        let reply = recipient.reply.map { reply in
            [reply.code == 0 ? nil : "\(reply.code)", reply.enhanced, reply.text]
                .compactMap { $0 }.joined(separator: " ")
        }
        info(
            recipient.status.name,
            [
                "id": recipient.id.description, "recipient": recipient.mailbox.description,
                "route": recipient.route, "attempts": "\(recipient.attempts)",
                "host": recipient.reply?.host ?? "", "reply": reply ?? "",
            ]
        )
    }
}
