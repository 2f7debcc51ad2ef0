import Mail

/// A query as SQL: where to begin, and what must hold.
struct MessageSearch {
    private(set) var source = "message m"
    private(set) var order = "m.n"
    private(set) var grouping = ""
    private(set) var values: [SQLValue] = []
    private var conditions: [String] = []

    var condition: String {
        conditions.isEmpty ? "1" : conditions.joined(separator: " AND ")
    }

    init(_ query: MessageQuery) {
        begin(query)
        if let cursor = query.cursor { add("\(order) < ?", .integer(cursor.row)) }
        if let time = query.createdAfter { add("m.created >= ?", .time(time)) }
        if let time = query.createdBefore { add("m.created < ?", .time(time)) }
        if let application = query.application { add("m.application = ?", .id(application)) }
        if let status = query.status {
            add(
                "(SELECT min(w.status) FROM recipient w WHERE w.message = m.n) = ?",
                .status(status)
            )
        }
        if let status = query.recipientStatus { addRecipient("w.status = ?", .status(status)) }
        if let sender = query.sender { add(sender: sender) }
        if let recipient = query.recipient { add(recipient: recipient) }
        if let route = query.route {
            addRecipient("w.route = ?", .text(route))
        }
        if let tag = query.tag {
            add("EXISTS (SELECT 1 FROM json_each(m.tags) t WHERE t.value = ?)", .text(tag))
        }
        if let part = query.subject { add("m.subject LIKE ? ESCAPE '\\'", Self.like(part)) }
        if let part = query.q { add(anywhere: part) }
    }

    /// The fewest candidates that can be had in the right order.
    private mutating func begin(_ query: MessageQuery) {
        if let externalID = query.externalID {
            add("m.external_id = ?", .text(externalID))
        }
        if let headerID = query.headerMessageID {
            // Many small rows are read here, but in an index of little more than the hashes.
            add(
                "m.n IN (SELECT h.n FROM message h INDEXED BY message_id WHERE h.header_hash = ?)",
                .integer(Int64(HeaderHash.of(headerID)))
            )
            add("m.header_id = ?", .text(headerID))
        }
        guard query.externalID == nil, query.headerMessageID == nil,
            let status = query.recipientStatus ?? query.status
        else { return }
        switch status {
        case .relayed, .delivered: return
        case .sending, .queued:
            add(
                """
                m.n IN (SELECT u.message FROM recipient u INDEXED BY recipient_due
                    WHERE u.due IS NOT NULL AND u.status = ?)
                """,
                .status(status)
            )
        default:
            // In the order of the index: a page reads no more rows than it must.
            source = """
                recipient s INDEXED BY recipient_status CROSS JOIN message m ON m.n = s.message
                """
            order = "s.message"
            grouping = "GROUP BY s.message"
            // The index's own condition, word for word, or SQLite would not see that it fits.
            add(
                """
                s.status <> 70 AND s.status <> 80 AND s.status <> 110 AND s.status <> 120
                AND s.status = ?
                """,
                .status(status)
            )
        }
    }

    private mutating func add(_ condition: String, _ value: SQLValue) {
        conditions.append(condition)
        values.append(value)
    }

    private mutating func addRecipient(_ condition: String, _ value: SQLValue...) {
        conditions.append(
            "EXISTS (SELECT 1 FROM recipient w WHERE w.message = m.n AND \(condition))"
        )
        values += value
    }

    private mutating func add(sender: String) {
        guard !sender.isEmpty else { return conditions.append("m.sender_local IS NULL") }
        let (local, domain) = Self.parts(of: sender)
        if let local { add("m.sender_local = ? COLLATE NOCASE", .text(local)) }
        add("m.sender_domain = ?", .text(domain))
    }

    private mutating func add(recipient: String) {
        let (local, domain) = Self.parts(of: recipient)
        if let local {
            addRecipient(
                "w.local = ? COLLATE NOCASE AND w.domain = ?",
                .text(local),
                .text(domain)
            )
        } else {
            addRecipient("w.domain = ?", .text(domain))
        }
    }

    private mutating func add(anywhere part: String) {
        let like = "LIKE ? ESCAPE '\\'"
        conditions.append(
            """
            (m.subject \(like) OR m.external_id \(like)
            OR m.sender_local || '@' || m.sender_domain \(like)
            OR EXISTS (SELECT 1 FROM recipient w WHERE w.message = m.n
                AND w.local || '@' || w.domain \(like)))
            """
        )
        values += Array(repeating: Self.like(part), count: 4)
    }

    /// Split at the last @; no local part in "@domain", nor in "*@domain" as applications write it.
    static func parts(of address: String) -> (local: String?, domain: String) {
        guard let at = address.lastIndex(of: "@") else { return (address, "") }
        let local = String(address[..<at])
        let domain = address[address.index(after: at)...].lowercased()
        return (local.isEmpty || local == "*" ? nil : local, domain)
    }

    private static func like(_ part: String) -> SQLValue {
        var pattern = "%"
        for character in part {
            if character == "%" || character == "_" || character == "\\" { pattern.append("\\") }
            pattern.append(character)
        }
        return .text(pattern + "%")
    }
}
