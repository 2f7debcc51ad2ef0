extension Rulebook {
    /// The route that takes a route's place while that cannot be used: one whose address spaces hold
    /// the domain as specifically, the next by cost, then by name. None of those `without`.
    package func substitute(
        for route: String,
        to domain: String,
        from client: Client,
        octets: Int,
        without unusable: Set<String>
    ) -> String? {
        guard let own = sendConnectors.first(where: { $0.name == route }),
            let rank = own.rank(for: domain)
        else { return nil }
        return sendConnectors.lazy.filter { other in
            other.name != route && !unusable.contains(other.name) && other.rank(for: domain) == rank
                && octets <= other.messageSize ?? .max && serves(other, client)
        }
        .min { ($0.cost, $0.name) < ($1.cost, $1.name) }?.name
    }

    /// Whether any mail of that route may have a substitute: asked before its mail is looked through.
    package func mayHaveSubstitute(_ route: String, without unusable: Set<String>) -> Bool {
        guard let own = sendConnectors.first(where: { $0.name == route }) else { return false }
        let spaces = Set(own.addressSpaces)
        return sendConnectors.contains { other in
            other.name != route && !unusable.contains(other.name)
                && other.addressSpaces.contains { spaces.contains($0) }
        }
    }
}
