import Delivery
import Mail
import Net
import Policy
import Store
import Wire

/// Handing in, and answering.
extension Submitting {
    func takeAll(_ candidates: [Candidate]) async throws(Problem) -> Answer {
        let outcome = try await take(candidates, partially: preferences.handling == .lenient) {
            [self] receipts in
            idempotencyKey == nil
                ? nil : claim(Answer.accepted(receipts, isBatch: isBatch).stored)
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

    /// Each message by itself: the answer holds a message or a problem in every place. Those that
    /// may be kept are kept together, so that the idempotency key holds for all or none of them.
    func takeEach(_ reading: Reading) async throws(Problem) -> Answer {
        let isLenient = preferences.handling == .lenient
        var problems: [(pointer: String, Problem)] = Dictionary(grouping: reading.problems) {
            $0.messagePointer
        }.map { ($0, .invalid($1)) }
        var approved: [Candidate] = []
        for candidate in reading.candidates {
            let decision = api.desk.decide(
                candidate.offer(from: client).submission,
                partially: isLenient
            )
            if decision.approval != nil {
                approved.append(candidate)
            } else {
                problems.append((candidate.pointer, .refused([(candidate, decision)])))
                api.gateway.noteRefused(by: client.connector.name, .http)
                noteSighting(refusals: 1)
                discard([candidate])
            }
        }
        let answer = { (receipts: [Receipt]) in
            Answer.partly(zip(approved, receipts).map { ($0.pointer, $1) }, problems)
        }
        let outcome = try await take(approved, partially: isLenient) { [self] receipts in
            claim(answer(receipts).stored)
        }
        switch outcome {
        case .kept(let receipts): return answer(receipts)
        case .refused(let decisions): throw .refused(Array(zip(approved, decisions)))
        case .replayed(let answer): return Answer(replaying: answer)
        case .mismatched: throw .mismatchedKey
        }
    }

    func take(
        _ candidates: [Candidate],
        partially: Bool,
        claim: @escaping ([Receipt]) -> IdempotencyClaim?
    ) async throws(Problem) -> Desk.Outcome {
        let offers = candidates.map { $0.offer(from: client) }
        let outcome = try await stored { () async throws(StoreError) in
            try await api.desk.take(offers, partially: partially, claim: claim)
        }
        switch outcome {
        case .kept(let receipts):
            api.gateway.noteAccepted(receipts, .http)
            noteSighting(messages: receipts.count)
        case .refused:
            api.gateway.noteRefused(by: client.connector.name, .http)
            noteSighting(refusals: 1)
        case .replayed, .mismatched: break
        }
        return outcome
    }

    /// An HTTP client is a source like any other.
    private func noteSighting(messages: Int = 0, refusals: Int = 0) {
        var sighting = SourceSighting(at: now)
        sighting.messages = messages
        sighting.refusals = refusals
        sighting.tlsVersion = request.tls?.version
        sighting.tlsCipher = request.tls?.cipher
        sighting.mechanism = request.identity.isCertified ? "CERTIFICATE" : "KEY"
        api.gateway.sources.note(sighting, of: client)
    }

    /// 202, or what became of the message if that is known within the time the client gives.
    func answer(_ receipts: [Receipt]) async throws(Problem) -> Answer {
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
        return .json(200) { record.write(to: &$0, refused: receipt.refused) }
    }

    func dryRun(_ candidate: Candidate) -> Answer {
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

extension Answer {
    /// What became of each message of a batch, in the batch's order.
    fileprivate static func partly(
        _ receipts: [(pointer: String, Receipt)],
        _ problems: [(pointer: String, Problem)]
    ) -> Answer {
        let results =
            receipts.map { ($0.pointer, Result<Receipt, Problem>.success($0.1)) }
            + problems.map { ($0.pointer, .failure($0.1)) }
        let ordered = results.sorted { $0.0.numericSuffix < $1.0.numericSuffix }
        return .json(202) { json in
            json.beginObject()
            json.members("data", ordered) { item, json in
                switch item.1 {
                case .success(let receipt): receipt.write(to: &json)
                case .failure(let problem): problem.write(to: &json, instance: item.0)
                }
            }
            json.endObject()
        }
    }
}

extension Problem.Item {
    /// `/messages/3` of `/messages/3/to/0`.
    var messagePointer: String {
        "/" + pointer.split(separator: "/").prefix(2).joined(separator: "/")
    }
}

extension String {
    fileprivate var numericSuffix: Int { split(separator: "/").last.flatMap { Int($0) } ?? 0 }
}
