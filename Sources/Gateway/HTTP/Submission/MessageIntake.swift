import Mail
import Policy
import Store
import Wire

/// Reads the body of a submission, whatever its form, into candidates.
struct MessageIntake {
    /// What could be read, and what is wrong with the rest.
    typealias Reading = (candidates: [Candidate], problems: [Problem.Item])

    let store: MailStore
    let hostname: String
    let postmaster: Mailbox
    let limits: ReceiveLimits
    let defaults: MessageForm.Defaults
    let trace: TraceFacts
    let now: Timestamp

    /// What the Received field tells of the request.
    struct TraceFacts {
        var peer: IPAddress
        var isSecure: Bool
    }

    /// A request may take this much more than the mail built from it: JSON escapes, field names.
    var bodyLimit: Int { 2 * limits.messageSize + (64 << 10) }

    /// Keeps a text in memory only up to here; attachments stream past it.
    private static let textLimit = 4 << 20

    /// One JSON message, or a batch of them.
    func readJSON(_ body: any RequestBody, isBatch: Bool) async throws(Problem) -> Reading {
        let contents = AttachmentContents(store: store)
        // What no mail took over is given up, be it for an error or beside a message that is wrong.
        defer { contents.abandon() }
        var reader = JSONDocumentReader(
            limits: Self.limits,
            streaming: [(isBatch ? ["messages", "*"] : []) + Self.streamed]
        )
        try await read(body, by: &reader, into: contents) { (_) throws(Problem) in }
        let value = try Self.sound { () throws(JSONError) in try reader.finish() }
        return build(isBatch ? try batchItems(of: value) : [(value, "")], contents)
    }

    /// A batch with one JSON document a line.
    func readLines(_ body: any RequestBody) async throws(Problem) -> Reading {
        let contents = AttachmentContents(store: store, below: "/messages")
        defer { contents.abandon() }
        var reader = JSONSequenceReader(limits: Self.limits, streaming: [Self.streamed])
        var items: [(JSONValue, String)] = []
        let take = { (reader: inout JSONSequenceReader) throws(Problem) in
            while let value = reader.next() {
                items.append((value, "/messages/\(items.count)"))
                try Self.checkBatch(items.count)
            }
        }
        try await read(body, by: &reader, into: contents, take)
        try Self.sound(below: "/messages") { () throws(JSONError) in try reader.finish() }
        try take(&reader)
        try Self.checkBatch(items.count)
        return build(items, contents)
    }

    private static let limits = JSONLimits(maximumStringOctets: textLimit)
    private static let streamed = ["attachments", "*", "content"]
    static let batchLimit = 500

    private func batchItems(of value: JSONValue) throws(Problem) -> [(JSONValue, String)] {
        guard var form = FormReader(value, at: "") else {
            throw .invalid("", "a batch must be an object with messages", code: "wrong_type")
        }
        let messages = form.value("messages")
        form.finish()
        guard form.problems.isEmpty else { throw .invalid(form.problems) }
        guard case .array(let items) = messages else {
            throw .invalid("/messages", "messages must be a list of messages", code: "missing")
        }
        try Self.checkBatch(items.count)
        return items.enumerated().map { ($1, "/messages/\($0)") }
    }

    private static func checkBatch(_ count: Int) throws(Problem) {
        guard count > 0 else {
            throw .invalid("/messages", "a batch has at least one message", code: "missing")
        }
        guard count <= batchLimit else {
            throw .invalid("/messages", "a batch has at most \(batchLimit) messages")
        }
    }

    /// Reads the body to its end, attachments into `contents`; `take` is asked after each piece.
    private func read<Reader: StreamingJSONReader>(
        _ body: any RequestBody,
        by reader: inout Reader,
        into contents: AttachmentContents,
        _ take: (inout Reader) throws(Problem) -> Void
    ) async throws(Problem) {
        while let piece = try await body.next() {
            try Self.sound(below: contents.place) { () throws(JSONError) in
                try reader.receive(piece.span)
            }
            for fragment in reader.takeFragments() {
                try await stored { () async throws(StoreError) in
                    try await contents.receive(fragment)
                }
            }
            try take(&reader)
        }
    }

    private static func sound<Value>(
        below place: String = "",
        _ read: () throws(JSONError) -> Value
    ) throws(Problem) -> Value {
        do throws(JSONError) {
            return try read()
        } catch {
            throw Problem(error, below: place)
        }
    }

    private func build(
        _ values: [(value: JSONValue, pointer: String)],
        _ contents: AttachmentContents
    ) -> Reading {
        var candidates: [Candidate] = []
        var problems = contents.problems
        let damaged = Set(problems.map(\.messagePointer))
        for (value, pointer) in values {
            do throws(FormErrors) {
                let candidate = try candidate(from: value, at: pointer, contents)
                if damaged.isEmpty || !pointer.isEmpty && !damaged.contains(pointer) {
                    candidates.append(candidate)
                } else {
                    store.discard(candidate.content)
                }
            } catch {
                problems += error.items
            }
        }
        return (candidates, problems)
    }

    func candidate(
        from value: JSONValue,
        at pointer: String,
        _ contents: AttachmentContents
    ) throws(FormErrors) -> Candidate {
        let id = MessageID(at: now)
        let form = try MessageForm.read(
            value,
            at: pointer,
            defaults: defaults,
            id: id,
            hostname: hostname,
            now: now
        )
        let segments = form.draft.composed(boundary: id.low)
        var details = form.details
        details.origin = "http"
        details.requiresSMTPUTF8 = form.recipients.contains(where: \.needsSMTPUTF8)
        details.noteInHeader(form.draft.mailboxes)
        return Candidate(
            id: id,
            createdAt: now,
            sender: .mailbox(form.sender),
            recipients: form.recipients,
            authors: [form.sender],
            content: contents.assemble(segments, after: received(id, form.recipients)),
            details: details,
            isDryRun: form.isDryRun,
            places: form.places,
            pointer: pointer
        )
    }

    /// RFC 5321 §4.4, §3.7.2: a gateway tells where the mail entered.
    func received(_ id: MessageID, _ recipients: [Mailbox]) -> [UInt8] {
        Received(
            helo: nil,
            peer: trace.peer,
            hostname: hostname,
            transport: .http(isSecured: trace.isSecure),
            id: id.description,
            recipient: recipients.count == 1 ? recipients[0] : nil,
            date: now
        ).octets
    }
}

/// Runs what speaks to the store, in the words of HTTP when it fails.
func stored<Value>(
    _ work: () async throws(StoreError) -> Value
) async throws(Problem) -> Value {
    do throws(StoreError) {
        return try await work()
    } catch {
        throw Problem(error)
    }
}

extension Problem {
    init(_ error: StoreError) {
        self =
            switch error {
            case .full:
                .unavailable("the store is full; nothing was kept")
            case .notFound: .notFound
            case .conflict(let reason): Problem(409, "invalid_state", reason)
            default: .unavailable("the store does not take mail now; nothing was kept")
            }
    }

    /// `place` stands before the error's own pointer.
    init(_ error: JSONError, below place: String = "") {
        let pointer = place + error.pointer
        guard !error.exceedsLimit else {
            self =
                Problem(
                    413,
                    "payload_too_large",
                    "\(error.reason); attachments and message/rfc822 may be larger",
                    items: [.init(pointer, "payload_too_large", error.reason)]
                ).closing
            return
        }
        self = Problem(
            400,
            "invalid_json",
            "line \(error.line), column \(error.column): \(error.reason)",
            items: [.init(pointer, "invalid_json", error.reason)]
        )
    }
}

/// JSON that is read as it comes.
protocol StreamingJSONReader {
    mutating func receive(_ bytes: Span<UInt8>) throws(JSONError)
    mutating func takeFragments() -> [JSONFragment]
}

extension JSONDocumentReader: StreamingJSONReader {}
extension JSONSequenceReader: StreamingJSONReader {}
