import Delivery
import Mail
import Policy
import Store

/// The reports that are owed about one message: one of each kind, for all its recipients.
struct ReportPayment {
    private let debts: [ReportDebt]
    private let house: House
    private let configuration: Configuration

    init(_ debts: [ReportDebt], _ house: House) {
        self.debts = debts
        self.house = house
        configuration = house.configuration
    }

    /// Afterwards nothing of it is owed. Throws where the store does not take it now.
    func pay() async throws(StoreError) {
        guard let record = try await house.store.message(debts[0].id) else {
            return try await house.store.forget(debts)
        }
        let stale = debts.filter { !record.still($0.kind, at: $0.recipient.index) }
        if !stale.isEmpty { try await house.store.forget(stale) }
        for kind in ReportKind.allCases {
            let live = debts.filter { $0.kind == kind && !stale.contains($0) }
            if !live.isEmpty { try await pay(live, kind, about: record) }
        }
    }

    private func pay(
        _ debts: [ReportDebt],
        _ kind: ReportKind,
        about record: MessageRecord
    ) async throws(StoreError) {
        guard configuration.delivery.notifySender, case .mailbox(let sender) = record.sender else {
            return try await waive(debts, because: "reports are switched off")
        }
        guard record.application != nil || configuration.rulebook.accepts(sender.domain) != nil
        else {
            // Whoever it says it is from may be somebody else: no backscatter.
            try await waive(debts, because: "\(sender.domain) is no accepted domain")
            return await house.tellPostmaster(.unreported(kind, debts.count, of: record))
        }
        let offer = try await ReportOffer(kind, debts, to: sender, about: record, house).offer()
        let paying = KeepCondition.paying(
            debts,
            detail: [("to", sender.description), ("id", offer.id.description)]
        )
        let outcome: Desk.Outcome
        do throws(StoreError) {
            outcome = try await house.desk.take([offer], condition: paying)
        } catch .conflict {
            // Something changed meanwhile; what is still owed is found again.
            return
        }
        if case .refused(let decisions) = outcome {
            let reply = decisions[0].refusal?.reply
            let words = reply.map { "\($0.code) \($0.enhanced) \($0.text)" } ?? "refused"
            try await waive(debts, because: "the report itself is refused: \(words)")
        }
    }

    private func waive(_ debts: [ReportDebt], because reason: String) async throws(StoreError) {
        do throws(StoreError) {
            try await house.store.waive(debts, detail: [("reason", reason)], at: house.clock())
        } catch .conflict {
            // Another change was quicker.
        }
    }
}

extension MessageRecord {
    /// Whether what is to be told is still so.
    fileprivate func still(_ kind: ReportKind, at index: Int) -> Bool {
        guard recipients.indices.contains(index) else { return false }
        let status = recipients[index].status
        return switch kind {
        case .failed: [.failed, .expired, .suppressed].contains(status)
        case .delayed: [.deferred, .queued, .sending, .uncertain].contains(status)
        case .relayed: status == .relayed || status == .delivered
        case .delivered: status == .delivered
        }
    }
}
