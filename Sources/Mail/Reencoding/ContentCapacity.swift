/// What a next hop takes of content that goes by DATA: no line of more than 998 octets in any case.
package struct ContentCapacity: Hashable, Sendable {
    package var takes8BitBody: Bool
    package var takes8BitHeader: Bool

    package init(takes8BitBody: Bool, takes8BitHeader: Bool) {
        self.takes8BitBody = takes8BitBody
        self.takes8BitHeader = takes8BitHeader
    }
}

/// The first of two passes through a mail that a next hop cannot take as it is: notes what each part
/// needs, since its header, which says how it is encoded, comes before its body.
package struct ReencodingSurvey {
    private var walker: MIMEWalker<Surveyor>

    package init(for capacity: ContentCapacity) {
        walker = MIMEWalker(Surveyor(capacity: capacity))
    }

    package mutating func read(_ bytes: Span<UInt8>) { walker.read(bytes) }

    package consuming func finish() -> ReencodingPlan {
        walker.finish()
        walker.visitor.leaveUnopened()
        return ReencodingPlan(capacity: walker.visitor.capacity, facts: walker.visitor.facts)
    }
}

/// What the second pass, the `Reencoder`, goes by.
package struct ReencodingPlan: Sendable {
    /// A mail may have more parts than memory should hold; those above share the last place.
    static let places = 10_000

    let capacity: ContentCapacity
    let facts: [LeafFacts]

    subscript(number: Int) -> LeafFacts {
        number < facts.count ? facts[number] : facts.last ?? LeafFacts()
    }
}
