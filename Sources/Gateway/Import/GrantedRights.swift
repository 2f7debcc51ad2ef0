import Policy

/// What Get-ADPermission says of a connector.
struct GrantedRights: Sendable {
    enum Right: Hashable, Sendable { case submit }

    struct Line: Sendable {
        let text: String
        /// Postern's name of the right; nil where it has none.
        let right: String?
        let isDenied: Bool
        let outcome: Parity.Outcome
        let note: String
    }

    /// The export says nothing of the connector.
    private(set) var isUnknown = true
    private(set) var granted: Set<Right> = []
    private(set) var rights: Rights = []
    private(set) var denied: Rights = []
    private(set) var lines: [Line] = []

    mutating func add(_ record: ExportRecord) throws(ImportFailure) {
        isUnknown = false
        let entry = ImportedObject(record, title: "")
        let user = entry.text("User") ?? ""
        let isDenied = try entry.flag("Deny")
        for text in try entry.list("ExtendedRights") {
            let name = text.lowercased()
            guard name.hasPrefix("ms-exch-smtp-") || name.hasPrefix("ms-exch-bypass-") else {
                continue
            }
            if user.uppercased().contains("ANONYM") || user == "S-1-5-7" {
                take(name, text, isDenied)
            } else if name == "ms-exch-smtp-accept-any-recipient", !isDenied {
                let cure = "\(user): give the application that takes its place --relay external"
                lines.append(
                    Line(
                        text: text,
                        right: nil,
                        isDenied: false,
                        outcome: .approximated,
                        note: cure
                    )
                )
            }
        }
    }

    private mutating func take(_ name: String, _ text: String, _ isDenied: Bool) {
        if name == "ms-exch-smtp-submit" {
            if !isDenied { granted.insert(.submit) }
            return
        }
        guard let known = Self.names[name] else {
            let reason = Self.reasons[name] ?? "there is no such right"
            lines.append(
                Line(text: text, right: nil, isDenied: isDenied, outcome: .none, note: reason)
            )
            return
        }
        if isDenied { denied.insert(known.right) } else { rights.insert(known.right) }
        lines.append(
            Line(text: text, right: known.name, isDenied: isDenied, outcome: .exact, note: "")
        )
    }

    private static let names: [String: (name: String, right: Rights)] = [
        "ms-exch-smtp-accept-any-recipient": ("acceptAnyRecipient", .acceptAnyRecipient),
        "ms-exch-smtp-accept-any-sender": ("acceptAnySender", .acceptAnySender),
        "ms-exch-smtp-accept-authoritative-domain-sender": (
            "acceptAuthoritativeDomainSender", .acceptAuthoritativeDomainSender
        ),
        "ms-exch-bypass-message-size-limit": ("bypassMessageSizeLimit", .bypassMessageSizeLimit),
    ]
    private static let reasons = [
        "ms-exch-bypass-anti-spam": "nothing is filtered here",
        "ms-exch-smtp-accept-authentication-flag":
            "no mail counts as internal for where it comes from",
        "ms-exch-smtp-accept-exch50": "belongs to Exchange servers alone",
        "ms-exch-smtp-accept-xshadow": "belongs to Exchange servers alone",
        "ms-exch-smtp-accept-xproxyfrom": "belongs to Exchange servers alone",
    ]
}
