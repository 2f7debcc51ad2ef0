import Store

extension ConfigurationDraft {
    /// When next hops' words suppress an address; nil where only administrators do.
    func readSuppression(_ reader: SettingsReader) -> SuppressionPolicy? {
        var policy = SuppressionPolicy()
        policy.hardBounces = reader.integer("hardBounces", in: 0...1000) ?? policy.hardBounces
        policy.within = reader.duration("within") ?? policy.within
        if let span = reader.duration("for") { policy.span = span == .zero ? nil : span }
        if policy.within == .zero { reader.note("within", "must be longer than \"0s\"") }
        reader.finish(knownTo: "suppression")
        return policy.hardBounces == 0 ? nil : policy
    }
}
