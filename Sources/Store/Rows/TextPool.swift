/// Texts packed into one buffer by the caller, so that the writer's thread binds them without
/// copying or building strings.
struct TextPool: Sendable {
    /// Where a text lies; negative when there is none.
    struct Place: Sendable {
        fileprivate let start: Int
        fileprivate let count: Int

        static let null = Place(start: 0, count: -1)
    }

    private(set) var octets: [UInt8] = []

    init() { octets.reserveCapacity(512) }

    mutating func add(_ text: String) -> Place {
        let start = octets.count
        octets.append(contentsOf: text.utf8)
        return Place(start: start, count: octets.count - start)
    }

    mutating func add(_ text: String?) -> Place { text.map { add($0) } ?? .null }

    mutating func add(_ more: [UInt8]?) -> Place {
        guard let more else { return .null }
        let start = octets.count
        octets.append(contentsOf: more)
        return Place(start: start, count: more.count)
    }

    /// Lends the texts for binding; what is bound must be stepped and reset inside.
    func withTexts<Answer>(
        _ body: (Texts) throws(StoreError) -> Answer
    ) throws(StoreError) -> Answer {
        try octets.withUnsafeBufferPointer { raw throws(StoreError) in try body(Texts(raw: raw)) }
    }

    struct Texts {
        fileprivate let raw: UnsafeBufferPointer<UInt8>

        fileprivate subscript(_ place: Place) -> UnsafeBufferPointer<UInt8> {
            UnsafeBufferPointer(rebasing: raw[place.start..<place.start + place.count])
        }
    }
}

extension Statement {
    func bind(_ index: Int32, _ place: TextPool.Place, of texts: TextPool.Texts) {
        guard place.count >= 0 else { return bindNull(index) }
        bind(index, borrowedText: texts[place])
    }

    func bind(_ index: Int32, blob place: TextPool.Place, of texts: TextPool.Texts) {
        guard place.count >= 0 else { return bindNull(index) }
        bind(index, borrowed: texts[place])
    }
}
