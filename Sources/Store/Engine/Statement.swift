import CSQLite
import Mail

/// A compiled statement, or the row where it stands. Parameters count from 1, columns from 0.
struct Statement {
    let handle: OpaquePointer

    /// True when there is a row to read.
    func step() throws(StoreError) -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code:
            let error = StoreError(code: code, of: sqlite3_db_handle(handle))
            sqlite3_reset(handle)
            throw error
        }
    }

    /// For statements that answer no rows.
    func run() throws(StoreError) {
        defer { reset() }
        while try step() {}
    }

    /// Ends the statement's hold on the database; bound values stay.
    func reset() { sqlite3_reset(handle) }
}

extension Statement {
    func bind(_ index: Int32, _ value: Int64) { sqlite3_bind_int64(handle, index, value) }
    func bind(_ index: Int32, _ value: Int) { sqlite3_bind_int64(handle, index, Int64(value)) }
    func bind(_ index: Int32, _ value: Timestamp) { bind(index, value.milliseconds) }
    func bind(_ index: Int32, _ value: RecipientStatus) { bind(index, value.rawValue) }
    func bindNull(_ index: Int32) { sqlite3_bind_null(handle, index) }

    func bind(_ index: Int32, _ value: Int?) {
        if let value { bind(index, value) } else { bindNull(index) }
    }

    func bind(_ index: Int32, _ value: Timestamp?) {
        if let value { bind(index, value.milliseconds) } else { bindNull(index) }
    }

    /// Copies.
    func bind(_ index: Int32, _ text: String?) {
        guard var text else { return bindNull(index) }
        text.withUTF8 { bytes in
            let start = UnsafeRawPointer(bytes.baseAddress)?.assumingMemoryBound(to: CChar.self)
            sqlite3_bind_text(handle, index, start, Int32(bytes.count), Self.copied)
        }
    }

    /// Copies.
    func bind(_ index: Int32, _ octets: [UInt8]?) {
        guard let octets else { return bindNull(index) }
        octets.withUnsafeBufferPointer { bind(index, blob: $0, destructor: Self.copied) }
    }

    /// Copies.
    func bind<Subject>(_ index: Int32, _ id: Identifier<Subject>?) { bind(index, id?.octets) }

    /// The caller keeps the bytes until the statement is done.
    func bind(_ index: Int32, borrowedText text: UnsafeBufferPointer<UInt8>) {
        // A nil pointer would mean NULL.
        let start = UnsafeRawPointer(text.baseAddress ?? Self.emptyText.utf8Start)
        let bytes = start.assumingMemoryBound(to: CChar.self)
        sqlite3_bind_text(handle, index, bytes, Int32(text.count), nil)
    }

    private static let emptyText: StaticString = ""

    /// The caller keeps the bytes until the statement is done.
    func bind(_ index: Int32, borrowed octets: UnsafeBufferPointer<UInt8>) {
        bind(index, blob: octets, destructor: nil)
    }

    private func bind(
        _ index: Int32,
        blob: UnsafeBufferPointer<UInt8>,
        destructor: sqlite3_destructor_type?
    ) {
        // SQLite takes a nil pointer for NULL; an empty value is not nothing.
        guard let start = blob.baseAddress, !blob.isEmpty else {
            sqlite3_bind_zeroblob(handle, index, 0)
            return
        }
        sqlite3_bind_blob64(handle, index, start, UInt64(blob.count), destructor)
    }

    /// SQLITE_TRANSIENT, a cast that Swift does not import.
    private static let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
}

extension Statement {
    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }
    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }
    func int(_ column: Int32) -> Int { Int(integer(column)) }
    func optionalInt(_ column: Int32) -> Int? { isNull(column) ? nil : int(column) }
    func time(_ column: Int32) -> Timestamp { Timestamp(milliseconds: integer(column)) }
    func optionalTime(_ column: Int32) -> Timestamp? { isNull(column) ? nil : time(column) }

    func text(_ column: Int32) -> String {
        let start = sqlite3_column_text(handle, column)
        let count = Int(sqlite3_column_bytes(handle, column))
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }

    func octets(_ column: Int32) -> [UInt8] {
        let start = sqlite3_column_blob(handle, column)
        let count = Int(sqlite3_column_bytes(handle, column))
        return [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }

    func status(_ column: Int32) throws(StoreError) -> RecipientStatus {
        guard let status = RecipientStatus(rawValue: int(column)) else {
            throw .damaged("a recipient has the unknown status \(int(column))")
        }
        return status
    }

    func identifier<Subject>(_ column: Int32) throws(StoreError) -> Identifier<Subject> {
        let octets = octets(column)
        guard let id = Identifier<Subject>(octets: octets) else {
            throw .damaged("an identifier of \(octets.count) octets")
        }
        return id
    }

    func optionalIdentifier<Subject>(_ column: Int32) throws(StoreError) -> Identifier<Subject>? {
        isNull(column) ? nil : try identifier(column)
    }
}

extension Identifier {
    /// Big-endian, so that rows sort as identifiers do.
    var octets: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 16) { bytes, count in
            let raw = UnsafeMutableRawBufferPointer(bytes)
            raw.storeBytes(of: high.bigEndian, toByteOffset: 0, as: UInt64.self)
            raw.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
            count = 16
        }
    }

    init?(octets: [UInt8]) {
        guard octets.count == 16 else { return nil }
        self = octets.withUnsafeBytes { raw in
            Self(
                high: UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                low: UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
    }
}
