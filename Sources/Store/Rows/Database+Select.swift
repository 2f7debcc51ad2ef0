import Mail

/// A parameter of a query that is off the path of each message.
enum SQLValue {
    case integer(Int64)
    case text(String)
    case octets([UInt8])
    case null

    static func status(_ status: RecipientStatus) -> SQLValue { .integer(Int64(status.rawValue)) }
    static func time(_ time: Timestamp?) -> SQLValue {
        time.map { .integer($0.milliseconds) } ?? .null
    }
    static func id<Subject>(_ id: Identifier<Subject>?) -> SQLValue {
        id.map { .octets($0.octets) } ?? .null
    }
    static func text(orNull text: String?) -> SQLValue { text.map { .text($0) } ?? .null }
}

extension Database {
    /// Every row of the answer.
    func select<Record>(
        _ sql: StaticString,
        _ values: [SQLValue] = [],
        _ read: (Statement) throws(StoreError) -> Record
    ) throws(StoreError) -> [Record] {
        let statement = try prepare(sql)
        defer { statement.reset() }
        return try statement.bind(values).records(read)
    }

    /// The same for a text that was put together.
    func select<Record>(
        composed sql: String,
        _ values: [SQLValue],
        _ read: (Statement) throws(StoreError) -> Record
    ) throws(StoreError) -> [Record] {
        let statement = try prepare(composed: sql)
        defer { statement.reset() }
        return try statement.bind(values).records(read)
    }

    /// Reads rows one by one until the closure answers false.
    func walk(
        _ sql: String,
        _ values: [SQLValue] = [],
        _ visit: (Statement) throws(StoreError) -> Bool
    ) throws(StoreError) {
        let statement = try prepare(composed: sql)
        defer { statement.reset() }
        let rows = statement.bind(values)
        while try rows.step(), try visit(rows) {}
    }

    /// Answers how many rows it changed.
    @discardableResult
    func change(_ sql: StaticString, _ values: [SQLValue]) throws(StoreError) -> Int {
        try prepare(sql).bind(values).run()
        return changes
    }
}

extension Statement {
    fileprivate func bind(_ values: [SQLValue]) -> Statement {
        for (index, value) in zip(1..., values) {
            switch value {
            case .integer(let number): bind(Int32(index), number)
            case .text(let text): bind(Int32(index), text)
            case .octets(let octets): bind(Int32(index), octets)
            case .null: bindNull(Int32(index))
            }
        }
        return self
    }

    fileprivate func records<Record>(
        _ read: (Statement) throws(StoreError) -> Record
    ) throws(StoreError) -> [Record] {
        var records: [Record] = []
        while try step() { records.append(try read(self)) }
        return records
    }
}
