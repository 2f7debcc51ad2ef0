import Policy
import Wire

/// Permission groups and extended rights.
extension ReceiveConnectorImport {
    mutating func readGroups() {
        let names = groups
        let isTrusted = names.contains("ExchangeServers") && authentication.contains(Self.trust)
        let grants = context.rights(of: source.record)
        var kept: [String] = []
        let isAllowed = names.contains("AnonymousUsers") || grants.granted.contains(.submit)
        if isTrusted || isAllowed && !grants.isSubmitDenied {
            kept.append("anonymous")
            made.rules.permissionGroups.insert(.anonymous)
        }
        if names.contains("ExchangeUsers") {
            kept.append("applications")
            made.rules.permissionGroups.insert(.applications)
        }
        made.settings["permissionGroups"] = .texts(kept)
        noteGroups(names, kept, isTrusted)
        readRights(grants, isTrusted, isCustom: names.contains("Custom"))
    }

    private func noteGroups(_ names: Set<String>, _ groups: [String], _ isTrusted: Bool) {
        var notes: [String] = []
        if names.contains("ExchangeUsers") {
            notes.append(
                "ExchangeUsers: accounts become applications: postern app add NAME --relay external"
                    + " --sender ADDRESS, then postern credential add --app NAME --username USER"
            )
        }
        if isTrusted {
            notes.append(
                "ExchangeServers by \(Self.trust): the anonymous of the range, with rights"
            )
        } else if names.contains("ExchangeServers") || names.contains("ExchangeLegacyServers") {
            notes.append("ExchangeServers: other Exchange servers are clients like any other")
        }
        if names.contains("Partners") {
            notes.append("Partners: give each partner's certificate to an application instead")
        }
        guard source.record.has("PermissionGroups") else {
            let cure = "export whole objects, without Select-Object"
            return source.note("PermissionGroups", .none, because: "is missing: \(cure)")
        }
        source.note(
            "PermissionGroups",
            notes.isEmpty ? .exact : .approximated,
            groups.isEmpty ? "" : "permissionGroups: \(groups.joined(separator: ", "))",
            because: notes.joined(separator: "; "),
            value: names.sorted().joined(separator: ", ")
        )
    }

    private mutating func readRights(_ grants: GrantedRights, _ isTrusted: Bool, isCustom: Bool) {
        // Where the export grants to submit it lists all rights.
        var rights = grants.granted.contains(.submit) ? [] : Rights.anonymousGroup
        if isTrusted { rights.formUnion([.acceptAnyRecipient, .bypassMessageSizeLimit]) }
        rights.formUnion(grants.rights)
        rights.subtract(grants.denied)
        made.rules.rights = rights
        if made.rules.permissionGroups.contains(.anonymous) { narrow() }
        let added = Rights.names.filter {
            made.rules.rights.contains($0.right) && !Rights.anonymousGroup.contains($0.right)
        }
        let removed = Rights.names.filter {
            Rights.anonymousGroup.contains($0.right) && !made.rules.rights.contains($0.right)
        }
        if !added.isEmpty { made.settings["rights"] = .texts(added.map(\.name)) }
        if !removed.isEmpty { made.settings["withoutRights"] = .texts(removed.map(\.name)) }
        noteRights(grants, added.map(\.name), removed.map(\.name))
        guard isCustom, grants.isUnknown else { return }
        source.note(
            "PermissionGroups",
            .none,
            because: "Custom: rights of its own; export Get-ReceiveConnector | Get-ADPermission too"
        )
    }

    private func noteRights(_ grants: GrantedRights, _ added: [String], _ removed: [String]) {
        let given = Rights.names.filter { made.rules.rights.contains($0.right) }.map(\.name)
        for line in grants.lines {
            // Another line tells why the connector does not have it.
            let isKept = line.right.map { line.isDenied || given.contains($0) } ?? true
            guard isKept else { continue }
            source.note(
                "ExtendedRights",
                line.outcome,
                line.right.map { line.isDenied ? "withoutRights: \($0)" : "rights: \($0)" } ?? "",
                because: line.note,
                value: line.text
            )
        }
        guard grants.granted.contains(.submit), !removed.isEmpty else { return }
        source.note(
            "ExtendedRights",
            .exact,
            "withoutRights: \(removed.joined(separator: ", "))",
            because: "the anonymous do not hold them in Exchange",
            value: "absent"
        )
    }

    /// An open relay is not carried over: the file would be refused, and rightly.
    private mutating func narrow() {
        let book = Rulebook(
            receiveConnectors: [made.rules.enabled],
            acceptedDomains: [],
            sendConnectors: []
        )
        guard let finding = book.audit.first(where: { $0.code == "open_relay" }) else { return }
        made.rules.rights.remove(.acceptAnyRecipient)
        source.note(
            "ExtendedRights",
            .skipped,
            because: "without acceptAnyRecipient, for Exchange's own is an open relay: it"
                + " \(finding.text)",
            value: "Ms-Exch-SMTP-Accept-Any-Recipient"
        )
    }
}

extension ReceiveConnector {
    fileprivate var enabled: ReceiveConnector {
        var copy = self
        copy.isEnabled = true
        return copy
    }
}
