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
    /// In Exchange a denial outweighs whatever grants.
    private(set) var isSubmitDenied = false
    private(set) var rights: Rights = []
    private(set) var denied: Rights = []
    private(set) var lines: [Line] = []
    /// As its own export names the connector.
    private(set) var connector = ""

    mutating func add(_ record: ExportRecord) throws(ImportFailure) {
        isUnknown = false
        connector = record.identity
        let entry = ImportedObject(record, title: "")
        let user = entry.text("User") ?? ""
        let isDenied = try entry.flag("Deny")
        let names = try entry.list("ExtendedRights")
        let access = try entry.list("AccessRights").map { $0.lowercased() }
        let isAll = access.contains("genericall") || access.contains("extendedright")
        if names.isEmpty, isAll, !isDenied, Self.isAnonymous(user) {
            lines.append(
                Line(
                    text: "every right",
                    right: nil,
                    isDenied: false,
                    outcome: .none,
                    note: "no single one is named: give those that the devices need with rights"
                )
            )
        }
        for text in names {
            let name = text.lowercased()
            guard name.hasPrefix("ms-exch-smtp-") || name.hasPrefix("ms-exch-bypass-") else {
                continue
            }
            if Self.isAnonymous(user) {
                take(name, text, isDenied)
            } else if user.lowercased().hasSuffix("\\externally secured servers") {
                // The group of those whom ExternalAuthoritative trusts: see `readGroups`.
                continue
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
            granted.insert(.submit)
            guard isDenied else { return }
            isSubmitDenied = true
            let words = "denied: the anonymous submit nothing"
            lines.append(
                Line(text: text, right: nil, isDenied: true, outcome: .exact, note: words)
            )
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

    /// Windows' own account, in the languages in which it has a name of its own; others may only be
    /// called alike.
    private static func isAnonymous(_ user: String) -> Bool {
        let parts = user.uppercased().split(separator: "\\")
        guard parts.count == 2 else {
            return user == "S-1-5-7" || user.uppercased() == "ANONYMOUS LOGON"
        }
        let isSystem = parts[0].contains("AUTHORITY") || parts[0].contains("AUTORIT")
        return isSystem && (parts[1].contains("ANONYM") || parts[1].contains("ANONIM"))
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
