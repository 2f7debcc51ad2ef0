import Delivery
import Mail
import Policy
import Store
import Wire

/// Handing in, and answering.
extension Submitting {
    func takeAll(_ candidates: [Candidate]) async throws(Problem) -> Answer {
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
    func takeEach(_ reading: Reading) async throws(Problem) -> Answer {
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
        case .kept(let receipts): api.gateway.noteAccepted(receipts, .http)
        case .refused: api.metrics.countRefused(.http)
        case .replayed, .mismatched: break
        }
        return outcome
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
        return .json(200) { record.write(to: &$0) }
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

extension Problem.Item {
    /// `/messages/3` of `/messages/3/to/0`.
    fileprivate var messagePointer: String {
        "/" + pointer.split(separator: "/").prefix(2).joined(separator: "/")
    }
}

extension String {
    fileprivate var numericSuffix: Int { split(separator: "/").last.flatMap { Int($0) } ?? 0 }
}
