import Delivery
import Mail
import Policy
import Store
import Wire

/// One submission over HTTP, from its head to its answer.
final class Submitting {
    typealias Reading = MessageIntake.Reading

    let api: API
    let request: Request
    let applicant: (record: ApplicationRecord, facts: Applicant)
    let client: Client
    let preferences: HTTPPreferences
    let idempotencyKey: String?
    let body: MeasuredBody
    let intake: MessageIntake
    let now: Timestamp
    let isBatch: Bool
    /// Each message of a batch by itself.
    let isPartial: Bool

    init(
        _ api: API,
        _ request: Request,
        isBatch: Bool = false,
        isPartial: Bool = false
    ) throws(Problem) {
        self.isBatch = isBatch
        self.isPartial = isPartial
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
        body = MeasuredBody(
            try api.decodedBody(of: request, limit: intake.bodyLimit),
            limit: intake.bodyLimit,
            digestedAfter: idempotencyKey.map { _ in request.head.sameness }
        )
    }

    private static func idempotencyKey(_ head: HTTPRequestHead) throws(Problem) -> String? {
        guard let text = head.fields.first("Idempotency-Key") else { return nil }
        guard let key = StructuredString.parse(text), (1...255).contains(key.utf8.count) else {
            throw .malformed("Idempotency-Key must have 1 to 255 printable ASCII characters")
        }
        return key
    }

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

    func work(_ read: (Submitting) async throws(Problem) -> Reading) async throws(Problem)
        -> Answer
    {
        let reading = try await read(self)
        do throws(Problem) {
            if let answer = try await answerWithoutKeeping(reading) {
                discard(reading.candidates)
                return answer
            }
        } catch {
            discard(reading.candidates)
            throw error
        }
        return isPartial ? try await takeEach(reading) : try await takeAll(reading.candidates)
    }

    /// What can be said before anything is handed in; nil where the mail shall be kept.
    private func answerWithoutKeeping(_ reading: Reading) async throws(Problem) -> Answer? {
        if let replay = try await replay() { return replay }
        guard reading.problems.isEmpty || isPartial else { throw .invalid(reading.problems) }
        let dryRuns = reading.candidates.filter(\.isDryRun)
        guard let first = dryRuns.first else {
            try chargeRates(for: reading.candidates.count)
            return nil
        }
        guard !isBatch else {
            throw .invalid(
                dryRuns.map { .init($0.pointer + "/dry_run", "invalid", "not in a batch") }
            )
        }
        return dryRun(first)
    }

    func discard(_ candidates: [Candidate]) {
        for candidate in candidates { api.store.discard(candidate.content) }
    }

    var scope: String { applicant.record.id.description }

    func replay() async throws(Problem) -> Answer? {
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

    func claim(_ answer: StoredAnswer) -> IdempotencyClaim? {
        guard let key = idempotencyKey, let fingerprint = body.fingerprint() else { return nil }
        return IdempotencyClaim(
            scope: scope,
            key: key,
            fingerprint: fingerprint,
            answer: answer,
            expires: now + .seconds(86_400)
        )
    }

    private func chargeRates(for count: Int) throws(Problem) {
        for rate in request.rates {
            let (isAllowed, state) = api.rates.take(
                count,
                of: rate.bucket,
                perMinute: rate.quota,
                at: now
            )
            guard !isAllowed else { continue }
            throw Problem(
                429,
                "rate_limited",
                count > rate.quota
                    ? "\(count) messages at once are more than \(rate.quota) a minute; send fewer"
                    : "more than \(rate.quota) messages a minute; wait \(state.reset) s"
            ).with("Retry-After", "\(max(1, state.reset))")
        }
    }
}

extension HTTPRequestHead {
    /// The same request is the same method, target, media type and decoded body; this is all but the
    /// body.
    fileprivate var sameness: String {
        "\(method.name) \(target.text)\n\(fields.first("Content-Type") ?? "")\n"
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
