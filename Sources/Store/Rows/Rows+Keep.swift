import Mail

/// What the writer answers to a keep.
enum KeepResult: Sendable {
    /// The number of the first message; the others follow.
    case kept(first: Int64)
    case replayed(StoredAnswer)
    case mismatched
}

extension Rows {
    func keep(
        _ parcels: [PreparedParcel],
        claim: IdempotencyClaim?,
        condition: KeepCondition? = nil,
        at now: Timestamp
    ) throws(StoreError) -> KeepResult {
        if let claim {
            if let earlier = try database.answer(to: claim, at: now) { return earlier }
        }
        try checkRoom(for: parcels.count)
        if let condition { try fulfil(condition, at: now) }
        let first = next.message
        for parcel in parcels { try insert(parcel) }
        if let claim { try insert(claim) }
        return .kept(first: first)
    }

    private func insert(_ parcel: PreparedParcel) throws(StoreError) {
        let number = next.message
        next.message += 1
        try parcel.texts.withTexts { texts throws(StoreError) in
            try insertMessage(number, parcel, texts)
            try insertRecipients(of: number, parcel, texts)
        }
        try insertContent(parcel.content, of: number, at: parcel.createdAt)
        if !parcel.suppressed.isEmpty { try tellSuppressed(of: number, parcel) }
        guard parcel.suppressed.count < parcel.recipients.count else { return }
        try insertEvent(parcel.status.name, at: parcel.createdAt, message: number)
        unfinishedChange += 1
    }

    private func tellSuppressed(of number: Int64, _ parcel: PreparedParcel) throws(StoreError) {
        for index in parcel.suppressed.sorted() {
            try insertEvent(
                RecipientStatus.suppressed.name,
                at: parcel.createdAt,
                message: number,
                recipient: index,
                detail: JSONText.object([("text", "the address is on the suppression list")])
            )
            let key = RecipientKey(message: MessageKey(row: number), index: index)
            if parcel.unheard.contains(index) { try owe(.failed, to: key, at: parcel.createdAt) }
            try escalateIfAsked(key, at: parcel.createdAt)
        }
    }

    private func insertMessage(
        _ number: Int64,
        _ parcel: PreparedParcel,
        _ texts: TextPool.Texts
    ) throws(StoreError) {
        let row = try database.prepare(
            """
            INSERT INTO message (n, id, header_hash, created, application, connector, sender_local,
                sender_domain, header_id, subject, external_id, tags, metadata, priority, send_at,
                expires_at, thread_key, origin, peer, flags, octets, dsn_ret, dsn_envid)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """
        )
        row.bind(1, number)
        row.bind(2, blob: parcel.id, of: texts)
        row.bind(3, Int(parcel.headerHash))
        row.bind(4, parcel.createdAt)
        row.bind(5, blob: parcel.application, of: texts)
        row.bind(6, parcel.connector, of: texts)
        row.bind(7, parcel.sender.local, of: texts)
        row.bind(8, parcel.sender.domain, of: texts)
        row.bind(9, parcel.headerID, of: texts)
        row.bind(10, parcel.subject, of: texts)
        row.bind(11, parcel.externalID, of: texts)
        row.bind(12, parcel.tags, of: texts)
        row.bind(13, parcel.metadata, of: texts)
        row.bind(14, parcel.priority)
        row.bind(15, parcel.sendAt)
        row.bind(16, parcel.expiresAt)
        row.bind(17, parcel.threadKey, of: texts)
        row.bind(18, parcel.origin, of: texts)
        row.bind(19, parcel.peer, of: texts)
        row.bind(20, parcel.flags)
        row.bind(21, parcel.octets)
        row.bind(22, parcel.returns, of: texts)
        row.bind(23, parcel.envelopeID, of: texts)
        try row.run()
    }

    private func insertRecipients(
        of number: Int64,
        _ parcel: PreparedParcel,
        _ texts: TextPool.Texts
    ) throws(StoreError) {
        let row = try database.prepare(
            """
            INSERT INTO recipient (message, idx, local, domain, route, status, attempts, due,
                dsn_notify, dsn_orcpt)
            VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?)
            """
        )
        row.bind(1, number)
        row.bind(6, parcel.status)
        row.bind(7, parcel.dueAt)
        for (index, recipient) in parcel.recipients.enumerated() {
            row.bind(2, index)
            row.bind(3, recipient.local, of: texts)
            row.bind(4, recipient.domain, of: texts)
            row.bind(5, recipient.route, of: texts)
            row.bind(8, recipient.notify)
            row.bind(9, recipient.original, of: texts)
            if !parcel.suppressed.isEmpty {
                let isSuppressed = parcel.suppressed.contains(index)
                row.bind(6, isSuppressed ? .suppressed : parcel.status)
                row.bind(7, isSuppressed ? nil : parcel.dueAt)
            }
            try row.run()
        }
    }

    /// `type` must be a word of the program or of a caller that keeps it; it is copied.
    func insertEvent(
        _ type: String,
        at now: Timestamp,
        message: Int64?,
        recipient: Int? = nil,
        detail: String? = nil
    ) throws(StoreError) {
        let row = try database.prepare(
            "INSERT INTO event (n, at, type, message, recipient, detail) VALUES (?, ?, ?, ?, ?, ?)"
        )
        row.bind(1, next.event)
        next.event += 1
        row.bind(2, now)
        row.bind(3, type)
        if let message { row.bind(4, message) } else { row.bindNull(4) }
        row.bind(5, recipient)
        row.bind(6, detail)
        try row.run()
    }
}
