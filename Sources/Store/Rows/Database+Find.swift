import Mail

extension Database {
    private static let recordColumns = """
        m.n, m.id, m.created, m.application, a.name, m.connector, m.sender_local, m.sender_domain,
        m.header_id, m.subject, m.external_id, m.tags, m.metadata, m.priority, m.send_at,
        m.expires_at, m.thread_key, m.origin, m.peer, m.flags, m.octets, m.dsn_ret,
        m.dsn_envid
        """

    func message(
        _ id: MessageID,
        of owner: ApplicationID?
    ) throws(StoreError) -> MessageRecord? {
        try select(composed: Self.messageByID, [.id(id), .id(owner)], record).first
    }

    private static let messageByID = """
        SELECT \(recordColumns)
        FROM message m LEFT JOIN application a ON a.id = m.application
        WHERE m.id = ?1 AND (?2 IS NULL OR m.application = ?2)
        """

    /// Newest first.
    func messages(_ query: MessageQuery) throws(StoreError) -> Page<MessageRecord> {
        let limit = max(1, query.limit)
        let search = MessageSearch(query)
        // One more tells whether there is a next page.
        let sql = """
            SELECT \(Self.recordColumns)
            FROM \(search.source) LEFT JOIN application a ON a.id = m.application
            WHERE \(search.condition)
            \(search.grouping) ORDER BY \(search.order) DESC LIMIT ?
            """
        var records = try select(
            composed: sql,
            search.values + [.integer(Int64(limit + 1))],
            record
        )
        let hasMore = records.count > limit
        if hasMore { records.removeLast() }
        return Page(
            records: records,
            next: hasMore ? records.last.map { PageCursor(row: $0.key.row) } : nil
        )
    }

    private func record(_ row: Statement) throws(StoreError) -> MessageRecord {
        MessageRecord(
            key: MessageKey(row: row.integer(0)),
            id: try row.identifier(1),
            createdAt: row.time(2),
            application: try row.optionalIdentifier(3),
            applicationName: row.optionalText(4),
            connector: row.text(5),
            sender: row.reversePath(6),
            details: try details(row),
            recipients: try recipients(of: row.integer(0))
        )
    }

    private func details(_ row: Statement) throws(StoreError) -> MessageDetails {
        let flags = MessageFlags(rawValue: row.int(19))
        return MessageDetails(
            headerMessageID: row.text(8),
            subject: row.text(9),
            externalID: row.optionalText(10),
            tags: try strings(in: row.optionalText(11)),
            metadata: try pairs(in: row.optionalText(12)),
            priority: Priority(rawValue: row.int(13)) ?? .normal,
            sendAt: row.optionalTime(14),
            expiresAt: row.optionalTime(15),
            threadKey: row.optionalText(16),
            origin: row.text(17),
            peer: row.text(18),
            requiresSMTPUTF8: flags.contains(.requiresSMTPUTF8),
            traits: flags.traits,
            returns: row.returns(21),
            envelopeID: row.envelopeID(22),
            octets: row.int(20)
        )
    }

    private func recipients(of message: Int64) throws(StoreError) -> [RecipientRecord] {
        let sql: StaticString = """
            SELECT local, domain, status, route, attempts, due, reply_code, reply_enhanced,
                reply_text, reply_host, reply_at, dsn_notify, dsn_orcpt
            FROM recipient WHERE message = ? ORDER BY idx
            """
        return try select(sql, [.integer(message)]) { row throws(StoreError) in
            let status = try row.status(2)
            return RecipientRecord(
                mailbox: Mailbox(localPart: row.text(0), domain: row.text(1)),
                status: status,
                route: row.text(3),
                attempts: row.int(4),
                nextAttemptAt: status == .held ? nil : row.optionalTime(5),
                lastReply: row.reply(6),
                reports: row.reports(11)
            )
        }
    }

    func events(of id: MessageID) throws(StoreError) -> [EventRecord] {
        let sql = """
            \(Self.eventSource)
            WHERE e.message = (SELECT n FROM message WHERE id = ?) ORDER BY e.n
            """
        return try select(composed: sql, [.id(id)], Self.event)
    }

    static let eventSource = """
        SELECT e.n, e.at, e.type, m.id, m.application, r.local, r.domain, e.detail
        FROM event e LEFT JOIN message m ON m.n = e.message
        LEFT JOIN recipient r ON r.message = e.message AND r.idx = e.recipient
        """

    static func event(_ row: Statement) throws(StoreError) -> EventRecord {
        EventRecord(
            number: row.integer(0),
            at: row.time(1),
            type: row.text(2),
            message: try row.optionalIdentifier(3),
            application: try row.optionalIdentifier(4),
            recipient: row.reversePath(5).mailbox,
            detail: row.optionalText(7)
        )
    }
}

extension Statement {
    /// From the columns of code, enhanced code, text, host and time.
    fileprivate func reply(_ column: Int32) -> NextHopReply? {
        guard let code = optionalInt(column) else { return nil }
        return NextHopReply(
            code: code,
            enhanced: optionalText(column + 1),
            text: text(column + 2),
            host: text(column + 3),
            at: time(column + 4)
        )
    }
}
