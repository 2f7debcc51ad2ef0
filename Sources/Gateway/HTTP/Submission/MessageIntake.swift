import Mail
import Policy
import Store
import Wire

/// Reads the body of a submission, whatever its form, into candidates.
struct MessageIntake {
    let store: Store
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
    func readJSON(
        _ body: any RequestBody,
        isBatch: Bool
    ) async throws(Problem) -> (candidates: [Candidate], problems: [Problem.Item]) {
        let contents = AttachmentContents(store: store)
        do {
            let patterns =
                isBatch
                ? [["messages", "*", "attachments", "*", "content"]]
                : [["attachments", "*", "content"]]
            let value = try await readDocument(body, streaming: patterns, into: contents)
            guard isBatch else { return build([(value, "")], contents) }
            return build(try batchItems(of: value), contents)
        } catch {
            contents.abandon()
            throw error
        }
    }

    /// A batch with one JSON document a line.
    func readLines(
        _ body: any RequestBody
    ) async throws(Problem) -> (candidates: [Candidate], problems: [Problem.Item]) {
        var lines = LineBuffer()
        var candidates: [Candidate] = []
        var problems: [Problem.Item] = []
        var isAtEnd = false
        while !isAtEnd {
            let piece = try await body.next()
            isAtEnd = piece == nil
            for line in try lines.receive(piece, limit: bodyLimit) {
                let place = "/messages/\(candidates.count + problems.count)"
                guard candidates.count + problems.count < Self.batchLimit else {
                    throw .invalid("/messages", "a batch has at most \(Self.batchLimit) messages")
                }
                let contents = AttachmentContents(store: store)
                let value = try await readDocument(
                    HeldBody(line),
                    streaming: [["attachments", "*", "content"]],
                    into: contents
                )
                let built = build([(value, place)], contents)
                candidates += built.candidates
                problems += built.problems
            }
        }
        return (candidates, problems)
    }

    static let batchLimit = 500

    private func batchItems(of value: JSONValue) throws(Problem) -> [(JSONValue, String)] {
        guard var form = FormReader(value, at: "") else {
            throw .invalid("", "a batch must be an object with messages", code: "wrong_type")
        }
        let messages = form.value("messages")
        form.finish()
        guard form.problems.isEmpty else { throw .invalid(form.problems) }
        guard case .array(let items) = messages, !items.isEmpty else {
            throw .invalid("/messages", "messages must be a list of messages", code: "missing")
        }
        guard items.count <= Self.batchLimit else {
            throw .invalid("/messages", "a batch has at most \(Self.batchLimit) messages")
        }
        return items.enumerated().map { ($1, "/messages/\($0)") }
    }

    private func readDocument(
        _ body: any RequestBody,
        streaming patterns: [[String]],
        into contents: AttachmentContents
    ) async throws(Problem) -> JSONValue {
        var reader = JSONDocumentReader(
            limits: JSONLimits(maximumStringOctets: Self.textLimit),
            streaming: patterns
        )
        while let piece = try await body.next() {
            do throws(JSONError) {
                try reader.receive(piece.span)
            } catch {
                throw Problem(error)
            }
            for fragment in reader.takeFragments() {
                try await stored { () async throws(StoreError) in
                    try await contents.receive(fragment)
                }
            }
        }
        do throws(JSONError) {
            return try reader.finish()
        } catch {
            throw Problem(error)
        }
    }

    private func build(
        _ values: [(value: JSONValue, pointer: String)],
        _ contents: AttachmentContents
    ) -> (candidates: [Candidate], problems: [Problem.Item]) {
        var candidates: [Candidate] = []
        var problems = contents.problems
        for (value, pointer) in values {
            do throws(FormErrors) {
                candidates.append(try candidate(from: value, at: pointer, contents))
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
        details.requiresSMTPUTF8 = ([form.sender] + form.recipients).contains(
            where: \.needsSMTPUTF8
        )
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

    init(_ error: JSONError) {
        guard !error.exceedsLimit else {
            self =
                Problem(
                    413,
                    "payload_too_large",
                    "\(error.reason); attachments and message/rfc822 may be larger",
                    items: [.init(error.pointer, "payload_too_large", error.reason)]
                ).closing
            return
        }
        self = Problem(
            400,
            "invalid_json",
            "line \(error.line), column \(error.column): \(error.reason)",
            items: [.init(error.pointer, "invalid_json", error.reason)]
        )
    }
}

/// Lines of a body that comes in pieces.
private struct LineBuffer {
    private var rest: [UInt8] = []

    /// The lines that are whole now, without empty ones; the last one too when `piece` is nil.
    mutating func receive(_ piece: [UInt8]?, limit: Int) throws(Problem) -> [[UInt8]] {
        rest += piece ?? []
        var lines = rest.split(separator: 0x0a, omittingEmptySubsequences: false)
        let last = lines.popLast() ?? []
        rest = piece == nil ? [] : Array(last)
        guard rest.count <= limit else { throw .tooLarge(limit: limit) }
        if piece == nil { lines.append(last) }
        return lines.map { Array($0) }.filter { line in line.contains { $0 > 0x20 } }
    }
}
