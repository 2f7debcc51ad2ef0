import Glibc
import Mail
import Synchronization

@testable import Policy
@testable import Store

/// A store in a directory of its own, removed at the end, and the few words that tests need.
final class Workbench: Sendable {
    let directory: String
    let notices = Notices()
    private let clock = Atomic<Int64>(1_700_000_000_000)

    init() {
        var name = Array("/var/tmp/postern-store-XXXXXX".utf8CString)
        guard mkdtemp(&name) != nil else { fatalError("no temporary directory") }
        directory = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for name in ["sqlite3", "sqlite3-wal", "sqlite3-shm", "lock"] {
            unlink(directory + "/postern." + name)
        }
        rmdir(directory)
    }

    func open(_ change: (inout StoreSettings) -> Void = { _ in }) throws(StoreError) -> MailStore {
        var settings = StoreSettings(log: { [notices] in notices.append($0) })
        change(&settings)
        return try MailStore(directory: directory, settings: settings)
    }

    func location() throws(StoreError) -> DatabaseLocation {
        let lock = try DirectoryLock(directory)
        return DatabaseLocation(
            directory: directory,
            path: try lock.makeDatabaseFile(),
            maximumPages: nil
        )
    }

    /// Each moment is later than the last.
    func now() -> Timestamp {
        Timestamp(milliseconds: clock.add(1, ordering: .relaxed).newValue)
    }

    func parcel(
        to recipients: [String] = ["ann@corp.example", "bob@lab.example"],
        from sender: String? = "backup@corp.example",
        content: [Piece] = [.octets(Array("Subject: x\r\n\r\nhello\r\n".utf8))],
        principal: Principal = .anonymous,
        reports: [Mailbox: DSNRecipient] = [:],
        _ change: (inout MessageDetails) -> Void = { _ in }
    ) -> Parcel {
        let now = now()
        let approval = Approval(
            connector: "HTTP API",
            principal: principal,
            sender: sender.map { .mailbox(Mailbox($0)) } ?? .null,
            recipients: recipients.map { RoutedRecipient(mailbox: Mailbox($0), route: "Exchange") }
        )
        let id = MessageID(at: now)
        var details = MessageDetails(headerMessageID: "<\(id)@relay>", subject: "x", octets: 21)
        change(&details)
        return Parcel(
            approval: approval,
            id: id,
            createdAt: now,
            content: content,
            details: details,
            reports: reports
        )
    }
}

final class Notices: Sendable {
    private let list = Mutex<[StoreNotice]>([])
    var all: [StoreNotice] { list.withLock { $0 } }
    func append(_ notice: StoreNotice) { list.withLock { $0.append(notice) } }
}

extension Mailbox {
    init(_ address: String) {
        let parts = address.split(separator: "@")
        self.init(localPart: String(parts[0]), domain: String(parts[1]))
    }
}

extension KeepOutcome {
    var entries: [QueueEntry] {
        if case .kept(let entries) = self { entries.flatMap(\.self) } else { [] }
    }
}

extension ContentReader {
    func all() async throws(StoreError) -> [UInt8] {
        var octets: [UInt8] = []
        while let piece = try await next() { octets += piece }
        return octets
    }
}

/// The same numbers each time (SplitMix64).
struct Dice: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

extension Settlement {
    /// What a next hop's answer makes of an entry.
    init(
        _ entry: QueueEntry,
        _ status: RecipientStatus,
        due: Timestamp? = nil,
        reply: NextHopReply? = nil
    ) {
        self.init(
            key: entry.key,
            status: status,
            attempts: entry.attempts + 1,
            due: due,
            reply: reply,
            at: entry.createdAt + .seconds(1),
            route: entry.route
        )
    }
}
