import Mail

/// A route as the rules see it: which recipients it carries, for whom, at what cost.
package struct SendConnector: Hashable, Sendable {
    package var name: String
    package var addressSpaces: [DomainPattern]
    package var cost = 1
    /// Receive connectors and applications it serves; empty means all.
    package var sources: Set<String> = []
    /// Nil: any size.
    package var messageSize: Int?

    package init(name: String, addressSpaces: [DomainPattern]) {
        self.name = name
        self.addressSpaces = addressSpaces
    }

    /// The most specific address space that holds the domain, as a rank; nil where none does.
    func rank(for domain: String) -> Int? {
        addressSpaces.lazy.filter { $0.matches(domain) }.map(\.specificity).max()
    }
}

/// A domain whose mail Postern takes from anyone (rule 5). The type tells administrators what it
/// is; a route is a matter of its own.
package struct AcceptedDomain: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case authoritative, internalRelay, externalRelay
    }

    package let domain: DomainPattern
    package let kind: Kind

    package init(domain: DomainPattern, kind: Kind) {
        self.domain = domain
        self.kind = kind
    }
}

extension DomainPattern {
    /// Exact names outrank `*.d`, of which the longest wins; `*` comes last.
    var specificity: Int {
        switch self {
        case .exactly: .max
        case .below(let name): name.utf8.count
        case .any: 0
        }
    }
}
