/// Notes what each part of a mail needs.
struct Surveyor: MIMEVisitor {
    let capacity: ContentCapacity
    private(set) var facts: [LeafFacts] = []
    private var survey = LeafSurvey()
    private var entity: (number: Int, coding: MIMEEntity.Coding, path: [Int]) = (0, .identity, [])
    /// The multipart whose first delimiter has not come: what is read may be its body.
    private var unopened: Int?

    init(capacity: ContentCapacity) { self.capacity = capacity }

    func isOpaque(_ number: Int) -> Bool { false }

    mutating func enter(
        _ entity: MIMEEntity,
        number: Int,
        path: [Int],
        header: [UInt8],
        end: [UInt8]
    ) {
        leaveUnopened()
        self.entity = (number, entity.coding, path)
        if number < ReencodingPlan.places { facts.append(LeafFacts()) }
        survey = LeafSurvey()
        if !HeaderBlock(parsing: header.span).isFit(for: capacity) { noteUnfit() }
        if case .multipart = entity.kind { unopened = number }
    }

    mutating func read(_ body: Span<UInt8>) { survey.read(body) }

    mutating func leave() {
        survey.finish()
        let place = min(entity.number, ReencodingPlan.places - 1)
        facts[place].merge(survey.facts)
        if entity.coding == .binary || !survey.facts.isFit(for: capacity) { noteUnfit() }
    }

    mutating func skip(_ text: Span<UInt8>) {
        if unopened != nil { survey.read(text) }
    }

    mutating func separate(_ line: [UInt8], owner: Int) {
        if unopened == owner { unopened = nil }
        leaveUnopened()
        facts[min(owner, ReencodingPlan.places - 1)].isOpened = true
    }

    /// A multipart that ended before it began is a leaf, and its preamble the body.
    mutating func leaveUnopened() {
        guard unopened != nil else { return }
        unopened = nil
        leave()
    }

    private mutating func noteUnfit() {
        for number in entity.path + [entity.number] {
            facts[min(number, ReencodingPlan.places - 1)].holdsUnfit = true
        }
    }
}

extension LeafFacts {
    fileprivate mutating func merge(_ other: LeafFacts) {
        is8Bit = is8Bit || other.is8Bit
        hasLongLines = hasLongLines || other.hasLongLines
        isRaw = isRaw || other.isRaw
        isUTF8 = isUTF8 && other.isUTF8
        codes += other.codes
        octets += other.octets
    }
}
