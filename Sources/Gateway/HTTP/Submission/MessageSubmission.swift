import Delivery
import Mail
import Policy
import Store
import Wire

/// POST /v1/messages and /v1/messages/batch.
enum MessageSubmission {
    static func submit(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        try request.allowQuery(["application", "from", "to"])
        return try await Submitting(api, request).run { (it) async throws(Problem) in
            try await it.readOne()
        }
    }

    static func submitBatch(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        try request.allowQuery(["application", "mode"])
        var submitting = try Submitting(api, request)
        submitting.isBatch = true
        submitting.isPartial =
            try request.query("mode").map { mode throws(Problem) in
                guard mode == "partial" else {
                    throw .invalid("", "mode must be partial, or left out")
                }
                return true
            } ?? false
        return try await submitting.run { (it) async throws(Problem) in try await it.readBatch() }
    }
}

/// One submission over HTTP, from its head to its answer.
private struct Submitting {
    typealias Reading = (candidates: [Candidate], problems: [Problem.Item])

    private let api: API
    private let request: Request
    private let applicant: (record: ApplicationRecord, facts: Applicant)
    private let client: Client
    private let preferences: HTTPPreferences
    private let idempotencyKey: String?
    private let body: MeasuredBody
    private let intake: MessageIntake
    private let now: Timestamp
    var isBatch = false
    var isPartial = false

    init(_ api: API, _ request: Request) throws(Problem) {
        self.api = api
        self.request = request
        now = api.now
        applicant = try api.submitter(of: request)
        client = api.client(of: request, as: .application(applicant.facts))
        preferences = HTTPPreferences(request.head.fields)
        idempotencyKey = try Self.idempotencyKey(request.head)
        let configuration = api.configuration
        intake = MessageIntake(
            store: api.store,
            hostname: configuration.hostname,
            postmaster: configuration.postmaster,
            limits: client.connector.limits,
            defaults: .init(from: applicant.record.defaultFrom, to: applicant.record.defaultTo),
            trace: .init(peer: request.peer, isSecure: request.isSecure),
            now: now
        )
        // The same request is the same method, target, media type and decoded body.
        let media = request.head.fields.first("Content-Type") ?? ""
        body = MeasuredBody(
            try api.decodedBody(of: request, limit: intake.bodyLimit),
            limit: intake.bodyLimit,
            digestedAfter: idempotencyKey == nil
                ? nil : "\(request.head.method.name) \(request.head.target.text)\n\(media)\n"
        )
    }

    private static func idempotencyKey(_ head: HTTPRequestHead) throws(Problem) -> String? {
        guard let text = head.fields.first("Idempotency-Key") else { return nil }
        guard let key = StructuredString.parse(text), (1...255).contains(key.utf8.count) else {
            throw .malformed("Idempotency-Key must have 1 to 255 printable ASCII characters")
        }
        return key
    }

    // MARK: The way of a submission

    func run(_ read: (Submitting) async throws(Problem) -> Reading) async throws(Problem) -> Answer
    {
        guard let key = idempotencyKey else { return try await work(read) }
        guard api.idempotencyKeys.begin(key, in: scope) else {
            throw Problem(
                409,
                "idempotency_key_in_use",
                "a request with this Idempotency-Key is being worked on; ask again for its answer"
            ).with("Retry-After", "1")
        }
        defer { api.idempotencyKeys.end(key, in: scope) }
        return try await work(read)
    }

    private func work(_ read: (Submitting) async throws(Problem) -> Reading) async throws(Problem)
        -> Answer
    {
        let reading = try await read(self)
        if let replay = try await replay() { return replay }
        var problems = reading.problems
        guard problems.isEmpty || isPartial else { throw .invalid(problems) }
        let rate = try chargeRate(for: reading.candidates.count)
        let dryRuns = reading.candidates.filter(\.isDryRun)
        if !dryRuns.isEmpty {
            guard !isBatch else {
                problems = dryRuns.map {
                    .init($0.pointer + "/dry_run", "invalid", "not in a batch")
                }
                throw .invalid(problems)
            }
            return dryRun(dryRuns[0])
        }
        var answer =
            isPartial
            ? try await takeEach(reading) : try await takeAll(reading.candidates)
        if let rate { answer.fields += rate.fields }
        return answer
    }

    private var scope: String { applicant.record.id.description }

    private func replay() async throws(Problem) -> Answer? {
        guard let claim = claim(StoredAnswer(status: 0)) else { return nil }
        let earlier = try await stored { () async throws(StoreError) in
            try await api.store.answer(to: claim, at: now)
        }
        switch earlier {
        case .replayed(let answer): return Answer(replaying: answer)
        case .mismatched: throw .mismatchedKey
        case .kept, nil: return nil
        }
    }

    private func claim(_ answer: StoredAnswer) -> IdempotencyClaim? {
        guard let key = idempotencyKey, let fingerprint = body.fingerprint() else { return nil }
        return IdempotencyClaim(
            scope: scope,
            key: key,
            fingerprint: fingerprint,
            answer: answer,
            expires: now + .seconds(86_400)
        )
    }

    private func chargeRate(for count: Int) throws(Problem) -> RateState? {
        if let quota = client.connector.limits.messagesPerMinute {
            try charge(count, "source:\(request.peer)", quota)
        }
        guard let quota = applicant.record.rate else { return nil }
        return try charge(count, scope, quota)
    }

    @discardableResult
    private func charge(_ count: Int, _ name: String, _ quota: Int) throws(Problem) -> RateState {
        let (isAllowed, state) = api.rates.take(count, of: name, perMinute: quota, at: now)
        guard isAllowed else {
            var problem = Problem(
                429,
                "rate_limited",
                "more than \(quota) messages a minute; wait \(state.reset) s"
            ).with("Retry-After", "\(max(1, state.reset))")
            problem.fields += state.fields
            throw problem
        }
        return state
    }

    // MARK: Reading

    func readOne() async throws(Problem) -> Reading {
        switch request.head.media(or: "no Content-Type") {
        case "application/json":
            return try await intake.readJSON(body, isBatch: false)
        case "message/rfc822":
            return try await intake.readRaw(
                body,
                from: try request.query("from"),
                to: request.queries("to")
            )
        case "multipart/form-data":
            guard let boundary = request.head.fields.contentType?.boundary else {
                throw .malformed("multipart/form-data needs a boundary")
            }
            return try await intake.readFormData(body, boundary: boundary)
        case let other:
            throw .unsupported(
                other,
                "application/json, message/rfc822 or multipart/form-data"
            )
        }
    }

    func readBatch() async throws(Problem) -> Reading {
        switch request.head.media(or: "no Content-Type") {
        case "application/json":
            return try await intake.readJSON(body, isBatch: true)
        case "application/x-ndjson", "application/ndjson", "application/jsonl":
            return try await intake.readLines(body)
        case let other:
            throw .unsupported(other, "application/json or application/x-ndjson")
        }
    }

    // MARK: Taking

    private func takeAll(_ candidates: [Candidate]) async throws(Problem) -> Answer {
        let outcome = try await take(candidates, partially: preferences.handling == .lenient) {
            receipts in
            claim(Answer.accepted(receipts, isBatch: isBatch).stored)
        }
        switch outcome {
        case .kept(let receipts):
            return try await answer(receipts)
        case .refused(let decisions):
            throw .refused(Array(zip(candidates, decisions)))
        case .replayed(let answer): return Answer(replaying: answer)
        case .mismatched: throw .mismatchedKey
        }
    }

    /// Each message by itself: the answer holds a message or a problem in every place.
    private func takeEach(_ reading: Reading) async throws(Problem) -> Answer {
        var results: [(pointer: String, result: Result<Receipt, Problem>)] = []
        for candidate in reading.candidates {
            let outcome = try await take([candidate], partially: preferences.handling == .lenient) {
                _ in nil
            }
            switch outcome {
            case .kept(let receipts): results.append((candidate.pointer, .success(receipts[0])))
            case .refused(let decisions):
                let problem = Problem.refused([(candidate, decisions[0])])
                results.append((candidate.pointer, .failure(problem)))
            case .replayed, .mismatched: break
            }
        }
        let byMessage = Dictionary(grouping: reading.problems) { $0.messagePointer }
        for (pointer, items) in byMessage {
            results.append((pointer, .failure(.invalid(items))))
        }
        results.sort { $0.pointer.numericSuffix < $1.pointer.numericSuffix }
        return .json(202) { json in
            json.beginObject()
            json.members("data", results) { item, json in
                switch item.result {
                case .success(let receipt): receipt.write(to: &json)
                case .failure(let problem): problem.write(to: &json, instance: item.pointer)
                }
            }
            json.endObject()
        }
    }

    private func take(
        _ candidates: [Candidate],
        partially: Bool,
        claim: @escaping ([Receipt]) -> IdempotencyClaim?
    ) async throws(Problem) -> Desk.Outcome {
        let offers = candidates.map { $0.offer(from: client) }
        let outcome = try await stored { () async throws(StoreError) in
            try await api.desk.take(offers, partially: partially, claim: claim)
        }
        switch outcome {
        case .kept(let receipts): api.gateway.noteAccepted(receipts, .http)
        case .refused: api.metrics.countRefused(.http)
        case .replayed, .mismatched: break
        }
        return outcome
    }

    /// 202, or what became of the message if that is known within the time the client gives.
    private func answer(_ receipts: [Receipt]) async throws(Problem) -> Answer {
        let accepted = Answer.accepted(receipts, isBatch: isBatch)
        guard let seconds = preferences.wait, !isBatch, let receipt = receipts.first else {
            return accepted
        }
        let limit = Duration.seconds(min(60, seconds))
        guard await api.waiting.untilFinal(receipt.offer.id, within: limit) else { return accepted }
        let record = try await stored { () async throws(StoreError) in
            try await api.store.message(receipt.offer.id)
        }
        guard let record else { return accepted }
        return .json(200) { record.write(to: &$0) }
    }

    private func dryRun(_ candidate: Candidate) -> Answer {
        let whole = candidate.offer(from: client).submission
        let configuration = api.configuration
        return .json { json in
            json.beginObject()
            json.member("dry_run", true)
            json.members("recipients", whole.recipients) { recipient, json in
                var single = whole
                single.recipients = [recipient]
                var explanation = configuration.rulebook.explain(
                    single,
                    retry: configuration.delivery.retry
                )
                explanation.address = recipient.description
                explanation.write(to: &json)
            }
            json.endObject()
        }
    }
}

extension Problem {
    static let mismatchedKey = Problem(
        422,
        "idempotency_payload_mismatch",
        "this Idempotency-Key was used for another request in the last 24 hours"
    )

    static func unsupported(_ media: String, _ supported: String) -> Problem {
        Problem(415, "unsupported_media_type", "\(media) is not taken here; send \(supported)")
    }
}

extension RateState {
    /// draft-ietf-httpapi-ratelimit-headers.
    var fields: [(name: String, value: String)] {
        [
            ("RateLimit-Policy", "\"default\";q=\(quota);w=60"),
            ("RateLimit", "\"default\";r=\(remaining);t=\(reset)"),
        ]
    }
}

extension Problem.Item {
    /// `/messages/3` of `/messages/3/to/0`.
    fileprivate var messagePointer: String {
        "/" + pointer.split(separator: "/").prefix(2).joined(separator: "/")
    }
}

extension String {
    fileprivate var numericSuffix: Int { split(separator: "/").last.flatMap { Int($0) } ?? 0 }
}
