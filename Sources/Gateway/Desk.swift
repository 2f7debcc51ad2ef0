import Delivery
import Mail
import Policy
import Store

/// What a door hands over: a mail on offer, and where its content waits.
final class Offer: Sendable {
    let submission: Submission
    let id: MessageID
    let createdAt: Timestamp
    let content: [Piece]
    let details: MessageDetails
    /// What the sender said of reports about single recipients.
    let reports: [Mailbox: DSNRecipient]

    init(
        submission: Submission,
        id: MessageID,
        createdAt: Timestamp,
        content: [Piece],
        details: MessageDetails,
        reports: [Mailbox: DSNRecipient] = [:]
    ) {
        self.submission = submission
        self.id = id
        self.createdAt = createdAt
        self.content = content
        self.details = details
        self.reports = reports
    }
}

/// What the sender of a kept message is told.
struct Receipt: Sendable {
    let offer: Offer
    let approval: Approval
    let refused: [RefusedRecipient]
    /// The places of the recipients to whom nothing is sent.
    let suppressed: Set<Int>

    /// The worst of its recipients'.
    var status: RecipientStatus { suppressed.isEmpty ? waiting : .suppressed }

    func status(at place: Int) -> RecipientStatus {
        suppressed.contains(place) ? .suppressed : waiting
    }

    /// Of the suppressed, those of whom the sender is to hear. Over HTTP the answer says it; after a
    /// 250 a report of failure does, unless NOTIFY says otherwise (RFC 3461 §4.1).
    fileprivate var unheard: Set<Int> {
        guard !suppressed.isEmpty, offer.details.origin == "smtp", approval.sender != .null
        else { return [] }
        return suppressed.filter { place in
            let notify = offer.reports[approval.recipients[place].mailbox]?.notify
            return notify?.contains(.failure) ?? true
        }
    }

    private var waiting: RecipientStatus {
        (offer.details.sendAt ?? offer.createdAt) > offer.createdAt ? .scheduled : .queued
    }
}

/// The one counter at which every door hands in its mail: the rules are asked, what they approve
/// is kept, and what is kept goes out.
final class Desk: Sendable {
    enum Outcome: Sendable {
        case kept([Receipt])
        /// Nothing was kept; a decision for each offer.
        case refused([Decision])
        case replayed(StoredAnswer)
        case mismatched
    }

    private let store: MailStore
    private let dispatcher: Dispatcher?
    private let suppressions: SuppressionList
    private let rulebook: @Sendable () -> Rulebook
    private let onDebt: @Sendable () -> Void

    /// Without a dispatcher mail is kept and waits for the next server. `onDebt`: a report is owed.
    init(
        store: MailStore,
        dispatcher: Dispatcher?,
        suppressions: SuppressionList,
        onDebt: @escaping @Sendable () -> Void = {},
        rulebook: @escaping @Sendable () -> Rulebook
    ) {
        self.store = store
        self.dispatcher = dispatcher
        self.suppressions = suppressions
        self.onDebt = onDebt
        self.rulebook = rulebook
    }

    func decide(_ submission: Submission, partially: Bool = false) -> Decision {
        rulebook().decide(submission, partially: partially)
    }

    /// Keeps all the offers or none of them. When this returns `.kept`, they are on disk and synced;
    /// otherwise their contents are given up. `claim` makes the idempotency claim from the receipts.
    func take(
        _ offers: [Offer],
        partially: Bool = false,
        condition: KeepCondition? = nil,
        claim: (([Receipt]) -> IdempotencyClaim?)? = nil
    ) async throws(StoreError) -> Outcome {
        let offers = offers.contains(where: \.isRewritten) ? offers.map(\.rewritten) : offers
        do throws(StoreError) {
            let outcome = try await keep(offers, partially: partially, condition, claim: claim)
            if case .kept = outcome { return outcome }
            discard(offers)
            return outcome
        } catch {
            discard(offers)
            throw error
        }
    }

    /// Gives up the contents of mail that will not be kept.
    func discard(_ offers: [Offer]) {
        for offer in offers { store.discard(offer.content) }
    }

    private func keep(
        _ offers: [Offer],
        partially: Bool,
        _ condition: KeepCondition?,
        claim: (([Receipt]) -> IdempotencyClaim?)?
    ) async throws(StoreError) -> Outcome {
        let rules = rulebook()
        let decisions = offers.map { rules.decide($0.submission, partially: partially) }
        var receipts: [Receipt] = []
        for (offer, decision) in zip(offers, decisions) {
            guard let approval = decision.approval else { return .refused(decisions) }
            receipts.append(
                Receipt(
                    offer: offer,
                    approval: approval,
                    refused: decision.refused,
                    suppressed: suppressions.places(in: approval.recipients, at: offer.createdAt)
                )
            )
        }
        let parcels = receipts.map { receipt in
            Parcel(
                approval: receipt.approval,
                id: receipt.offer.id,
                createdAt: receipt.offer.createdAt,
                content: receipt.offer.content,
                details: receipt.offer.lanedDetails,
                reports: receipt.offer.reports,
                suppressed: receipt.suppressed,
                unheard: receipt.unheard
            )
        }
        switch try await store.keep(parcels, claim: claim?(receipts), condition: condition) {
        case .kept(let entries):
            for (entries, receipt) in zip(entries, receipts) {
                dispatcher?.take(entries, fresh: receipt.offer.freshContent)
            }
            if parcels.contains(where: { !$0.unheard.isEmpty }) { onDebt() }
            return .kept(receipts)
        case .replayed(let answer): return .replayed(answer)
        case .mismatched: return .mismatched
        }
    }
}

extension Offer {
    /// A device's own word for its importance does not count where its connector has a lane; over HTTP
    /// the lane is for messages that ask for none.
    fileprivate var lanedDetails: MessageDetails {
        let connector = submission.client.connector
        guard let lane = connector.lane, connector.door == .smtp || details.priority == .normal
        else { return details }
        var details = details
        details.priority = Priority(lane)
        return details
    }

    /// A small body in one piece spares its first attempt a read.
    fileprivate var freshContent: [UInt8]? {
        if content.count == 1, case .octets(let octets) = content[0] { octets } else { nil }
    }
}

extension Priority {
    fileprivate init(_ lane: Lane) {
        self =
            switch lane {
            case .critical: .critical
            case .high: .high
            case .normal: .normal
            case .low: .low
            }
    }
}
