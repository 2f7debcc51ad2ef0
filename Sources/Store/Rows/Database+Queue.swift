import Mail

extension Database {
    /// The columns that `queueEntry` reads, of `recipient` r and `message` m.
    private static let entryColumns = """
        r.message, r.idx, m.id, r.local, r.domain, m.sender_local, m.sender_domain, r.route,
        r.status, r.due, r.attempts, m.priority, m.created, m.expires_at, m.octets, m.application,
        m.connector, m.flags, m.send_at, m.dsn_ret, m.dsn_envid, r.dsn_notify, r.dsn_orcpt
        """

    private static func queueEntry(_ row: Statement) throws(StoreError) -> QueueEntry {
        let flags = MessageFlags(rawValue: row.int(17))
        return QueueEntry(
            key: RecipientKey(message: MessageKey(row: row.integer(0)), index: row.int(1)),
            id: try row.identifier(2),
            mailbox: Mailbox(localPart: row.text(3), domain: row.text(4)),
            sender: row.reversePath(5),
            route: row.text(7),
            status: try row.status(8),
            due: row.time(9),
            attempts: row.int(10),
            priority: Priority(rawValue: row.int(11)) ?? .normal,
            createdAt: row.time(12),
            sendAt: row.optionalTime(18),
            expiresAt: row.optionalTime(13),
            octets: row.int(14),
            application: try row.optionalIdentifier(15),
            connector: row.text(16),
            requiresSMTPUTF8: flags.contains(.requiresSMTPUTF8),
            traits: flags.traits,
            dsn: DSNRequest(
                returns: row.returns(19),
                envelopeID: row.envelopeID(20),
                recipient: row.reports(21)
            )
        )
    }

    /// A window of what is to be sent, by due time. Held recipients and those being sent are
    /// unfinished too, but not to be taken.
    func pending(
        after cursor: PendingCursor?,
        limit: Int,
        withHeld: Bool = false
    ) throws(StoreError) -> (entries: [QueueEntry], next: PendingCursor?) {
        let sql = """
            SELECT \(Self.entryColumns)
            FROM recipient r INDEXED BY recipient_due CROSS JOIN message m ON m.n = r.message
            WHERE r.due IS NOT NULL AND (r.due, r.message, r.idx) > (?, ?, ?)
                AND r.status NOT IN (?, ?)
            ORDER BY r.due, r.message, r.idx LIMIT ?
            """
        let values: [SQLValue] = [
            .integer(cursor?.due ?? .min), .integer(cursor?.message ?? 0),
            .integer(Int64(cursor?.index ?? 0)), .status(withHeld ? .sending : .held),
            .status(.sending),
            .integer(Int64(limit)),
        ]
        let entries = try select(composed: sql, values, Self.queueEntry)
        guard entries.count == limit, let last = entries.last else { return (entries, nil) }
        let next = PendingCursor(
            due: last.due.milliseconds,
            message: last.key.message.row,
            index: last.key.index
        )
        return (entries, next)
    }

    /// The unfinished recipients of one message.
    func entries(of message: Int64) throws(StoreError) -> [QueueEntry] {
        let sql = """
            SELECT \(Self.entryColumns)
            FROM message m JOIN recipient r ON r.message = m.n
            WHERE m.n = ? AND r.due IS NOT NULL ORDER BY r.idx
            """
        return try select(composed: sql, [.integer(message)], Self.queueEntry)
    }
}

extension Statement {
    /// From the columns of the local part, which is null for the null sender, and the domain.
    func reversePath(_ column: Int32) -> ReversePath {
        isNull(column)
            ? .null : .mailbox(Mailbox(localPart: text(column), domain: text(column + 1)))
    }

    func returns(_ column: Int32) -> DSNReturn? {
        optionalText(column).flatMap(DSNReturn.init(rawValue:))
    }

    func envelopeID(_ column: Int32) -> EnvelopeID? {
        optionalText(column).map(EnvelopeID.init(text:))
    }

    /// From the columns of NOTIFY and ORCPT.
    func reports(_ column: Int32) -> DSNRecipient {
        DSNRecipient(
            notify: optionalInt(column).map(DSNNotify.init(rawValue:)),
            originalRecipient: optionalText(column + 1).flatMap(OriginalRecipient.init(field:))
        )
    }
}
