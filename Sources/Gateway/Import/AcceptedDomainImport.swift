import Policy
import Wire

/// One accepted domain of Exchange.
struct AcceptedDomainImport {
    let source: ImportedObject
    private(set) var isDefault = false
    private(set) var kind = AcceptedDomain.Kind.authoritative

    init(_ record: ExportRecord) {
        let name = record["DomainName"]?.exchangeText ?? ""
        source = ImportedObject(record, title: "accepted domain \(name)")
    }

    /// Nil for `*`, which would accept the world.
    mutating func convert() throws(ImportFailure) -> DomainPattern? {
        let form = "a domain or *.domain"
        guard let text = source.text("DomainName") else {
            throw source.malformed("DomainName", "is empty")
        }
        let matchesBelow = try source.flag("MatchSubDomains")
        let plain = text.hasPrefix("*.") || !matchesBelow ? text : "*.\(text)"
        guard let pattern = DomainPattern(plain) else {
            throw source.malformed("DomainName", "must be \(form), not \"\(text)\"")
        }
        try readKind()
        isDefault = try source.flag("Default")
        guard pattern != .any else {
            source.note("DomainName", .skipped, because: "accepting every domain is an open relay")
            return nil
        }
        source.note("DomainName", .exact, "acceptedDomains: \(pattern)")
        if source.text("MatchSubDomains") != nil {
            source.note("MatchSubDomains", .exact, "\(pattern)")
        }
        if isDefault {
            source.note(
                "Default",
                .approximated,
                "postmaster: \"postmaster@\(plainName(pattern))\""
            )
        }
        source.noteUnmatched(UnmatchedSetting.ofDomains)
        source.noteUnknown()
        return pattern
    }

    private mutating func readKind() throws(ImportFailure) {
        switch try source.choice("DomainType", .domainType) {
        case "InternalRelay": kind = .internalRelay
        case "ExternalRelay": kind = .externalRelay
        default: kind = .authoritative
        }
        let reason =
            switch kind {
            case .authoritative:
                "recipients are not looked up: the mailbox server refuses the unknown"
            case .internalRelay:
                "recipients are not looked up: mail for those with a mailbox goes as all other"
            case .externalRelay: ""
            }
        source.note(
            "DomainType",
            reason.isEmpty ? .exact : .approximated,
            "type: \"\(kind.rawValue)\"",
            because: reason
        )
    }
}

/// Without `*.`.
func plainName(_ pattern: DomainPattern) -> String {
    let text = pattern.description
    return text.hasPrefix("*.") ? String(text.dropFirst(2)) : text
}
