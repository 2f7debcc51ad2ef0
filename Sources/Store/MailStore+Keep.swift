package import Mail
import Policy

extension MailStore {
    /// Keeps all parcels and the claim's answer, or nothing. Answers when they are on disk.
    /// Throws `.full` when there is no room, `.conflict` when an id is taken or spooled content has
    /// gone stale.
    package func keep(
        _ parcels: [Parcel],
        claim: IdempotencyClaim? = nil,
        condition: KeepCondition? = nil
    ) async throws(StoreError) -> KeepOutcome {
        let prepared = parcels.map { PreparedParcel($0) }
        let weight = prepared.reduce(0) { $0 + $1.weight }
        let now = parcels.first?.createdAt ?? .now
        let result = try await write(octets: weight) { rows throws(StoreError) in
            try rows.keep(prepared, claim: claim, condition: condition, at: now)
        }
        switch result {
        case .kept(let first):
            return .kept(zip(first..., parcels).map { Self.entries(of: $1, as: $0) })
        case .replayed(let answer): return .replayed(answer)
        case .mismatched: return .mismatched
        }
    }

    /// What an earlier request with this key was answered; nil when there was none.
    package func answer(to claim: IdempotencyClaim, at now: Timestamp)
        async throws(StoreError) -> KeepOutcome?
    {
        let result = try await read(.lookup) { database throws(StoreError) in
            try database.answer(to: claim, at: now)
        }
        switch result {
        case .replayed(let answer): return .replayed(answer)
        case .mismatched: return .mismatched
        case .kept, nil: return nil
        }
    }

    /// For content that comes before anyone has decided about it.
    package func spool() -> Spool { Spool(self) }

    /// Gives up content that no `keep` will adopt; it would go by itself after an hour.
    package func discard(_ content: SpooledContent) {
        if let id = content.id { abandon(id) }
    }

    func abandon(_ spool: Int64) {
        let job = Write<Void>(octets: 0) { rows throws(StoreError) in
            try rows.abandon(spool)
        } deliver: { _ in
        }
        writer.submit(job)
    }

    /// What `Database.pending` would answer for a message just kept.
    private static func entries(of parcel: Parcel, as number: Int64) -> [QueueEntry] {
        let message = MessageKey(row: number)
        return parcel.approval.recipients.enumerated().compactMap { index, recipient in
            if parcel.suppressed.contains(index) { return nil }
            return QueueEntry(
                key: RecipientKey(message: message, index: index),
                id: parcel.id,
                mailbox: recipient.mailbox,
                sender: parcel.approval.sender,
                route: recipient.route,
                status: parcel.status,
                due: parcel.dueAt,
                priority: parcel.details.priority,
                createdAt: parcel.createdAt,
                sendAt: parcel.details.sendAt,
                expiresAt: parcel.details.expiresAt,
                octets: parcel.details.octets,
                application: parcel.approval.principal.application,
                connector: parcel.approval.connector,
                requiresSMTPUTF8: parcel.details.requiresSMTPUTF8,
                traits: parcel.details.traits,
                dsn: DSNRequest(
                    returns: parcel.details.returns,
                    envelopeID: parcel.details.envelopeID,
                    recipient: parcel.reports.isEmpty ? nil : parcel.reports[recipient.mailbox]
                )
            )
        }
    }
}
