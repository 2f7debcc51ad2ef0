import Mail

/// A walk over the recipients that an order may be for, in steps of so many rows looked at: a filter
/// that fits few must not hold up a reader, nor keep the log from being shortened.
struct QueueTargets: Sendable {
    /// Which rows a step looks at.
    private enum Stretch: Sendable {
        case message(MessageID)
        /// By due time.
        case waiting
        /// In one of the uncommon states, without a due time.
        case aside(RecipientStatus)
    }

    /// The last row looked at.
    private struct Place: Sendable {
        var due = Int64.min
        var message: Int64 = 0
        var index = 0
    }

    private let order: Order
    private let status: RecipientStatus?
    private let condition: String
    private let values: [SQLValue]
    private var stretches: [Stretch]
    private var place = Place()

    static let step = 10_000

    init(_ order: Order, _ filter: QueueFilter) {
        self.order = order
        status = filter.status
        (condition, values) = Self.condition(filter)
        if let id = filter.message {
            stretches = [.message(id)]
            return
        }
        stretches =
            switch filter.status {
            case nil: order == .retry ? [.waiting, .aside(.uncertain)] : [.waiting]
            case .uncertain: [.waiting, .aside(.uncertain)]
            case .failed, .expired, .suppressed: filter.status.map { [.aside($0)] } ?? []
            case .queued, .scheduled, .deferred, .held: [.waiting]
            case .sending, .relayed, .delivered, .canceled: []
            }
    }

    var isOver: Bool { stretches.isEmpty }

    /// Looks at the next rows; answers those that the order is for.
    mutating func next(in database: Database) throws(StoreError) -> [RecipientKey] {
        guard let stretch = stretches.first else { return [] }
        var found: [RecipientKey] = []
        var last: Place?
        var seen = 0
        let rows = try database.select(composed: sql(for: stretch), bound(to: stretch)) {
            row throws(StoreError) in
            (
                place: Place(due: row.integer(2), message: row.integer(0), index: row.int(1)),
                isDue: !row.isNull(2), status: try row.status(3), fits: row.int(4) == 1
            )
        }
        for row in rows {
            seen += 1
            last = row.place
            guard row.fits, status == nil || row.status == status,
                order.applies(to: row.status, isDue: row.isDue)
            else { continue }
            if case .aside = stretch, row.isDue { continue }
            found.append(
                RecipientKey(message: MessageKey(row: row.place.message), index: row.place.index)
            )
        }
        if seen < Self.step { stretches.removeFirst() }
        place = seen < Self.step ? Place() : last ?? Place()
        return found
    }

    private func sql(for stretch: Stretch) -> String {
        let columns = "r.message, r.idx, r.due, r.status, (\(condition))"
        return switch stretch {
        case .message:
            """
            SELECT \(columns) FROM message m JOIN recipient r ON r.message = m.n
            WHERE m.id = ? LIMIT \(Self.step)
            """
        case .waiting:
            """
            SELECT \(columns) FROM recipient r INDEXED BY recipient_due
                CROSS JOIN message m ON m.n = r.message
            WHERE r.due IS NOT NULL AND (r.due, r.message, r.idx) > (?, ?, ?)
            ORDER BY r.due, r.message, r.idx LIMIT \(Self.step)
            """
        case .aside:
            // The index's own condition, word for word, or SQLite would not see that it fits.
            """
            SELECT \(columns) FROM recipient r INDEXED BY recipient_status
                CROSS JOIN message m ON m.n = r.message
            WHERE r.status <> 70 AND r.status <> 80 AND r.status <> 110 AND r.status <> 120
                AND r.status = ? AND (r.message, r.idx) > (?, ?)
            ORDER BY r.message, r.idx LIMIT \(Self.step)
            """
        }
    }

    private func bound(to stretch: Stretch) -> [SQLValue] {
        let tail: [SQLValue] = [.integer(place.message), .integer(Int64(place.index))]
        return switch stretch {
        case .message(let id): values + [.id(id)]
        case .waiting: values + [.integer(place.due)] + tail
        case .aside(let status): values + [.status(status)] + tail
        }
    }

    private static func condition(_ filter: QueueFilter) -> (String, [SQLValue]) {
        var conditions: [String] = []
        var values: [SQLValue] = []
        if let address = filter.recipient {
            let (local, domain) = MessageSearch.parts(of: address)
            if let local {
                conditions.append("r.local = ? COLLATE NOCASE")
                values.append(.text(local))
            }
            conditions.append("r.domain = ?")
            values.append(.text(domain))
        }
        if let address = filter.sender {
            if address.isEmpty {
                conditions.append("m.sender_local IS NULL")
            } else {
                let (local, domain) = MessageSearch.parts(of: address)
                if let local {
                    conditions.append("m.sender_local = ? COLLATE NOCASE")
                    values.append(.text(local))
                }
                conditions.append("m.sender_domain = ?")
                values.append(.text(domain))
            }
        }
        if let application = filter.application {
            conditions.append("m.application = ?")
            values.append(.id(application))
        }
        if let route = filter.route {
            conditions.append("r.route = ?")
            values.append(.text(route))
        }
        return (conditions.isEmpty ? "1" : conditions.joined(separator: " AND "), values)
    }
}
