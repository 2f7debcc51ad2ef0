import Mail
import Policy
import Wire

/// What the command line adds to the exports.
struct ImportOptions: Sendable {
    var hostname: String?
    var certificate: (certificateFile: String, keyFile: String)?
    /// The server that holds the mailboxes, for the domains whose mail Exchange delivered itself.
    var mailboxServer: String?

    init(
        hostname: String? = nil,
        certificate: (certificateFile: String, keyFile: String)? = nil,
        mailboxServer: String? = nil
    ) {
        self.hostname = hostname
        self.certificate = certificate
        self.mailboxServer = mailboxServer
    }
}

/// What one object's import must know of the others.
struct ImportContext: Sendable {
    let options: ImportOptions
    private let permissions: [String: GrantedRights]
    private let receivers: [ExportRecord]

    init(_ records: [ExportRecord], _ options: ImportOptions) throws(ImportFailure) {
        self.options = options
        var permissions: [String: GrantedRights] = [:]
        for record in records where record.cmdlet == .permission {
            try permissions[record.identity.lowercased(), default: GrantedRights()].add(record)
        }
        self.permissions = permissions
        receivers = records.filter { $0.cmdlet == .receiveConnector }
    }

    func rights(of record: ExportRecord) -> GrantedRights {
        keys(of: record).lazy.compactMap { permissions[$0] }.first ?? GrantedRights()
    }

    /// Those that the exports give on connectors that they do not hold, or that several could be.
    var lostPermissions: [GrantedRights] {
        let found = Set(receivers.flatMap { keys(of: $0) })
        return permissions.filter { !found.contains($0.key) && !$0.value.lines.isEmpty }
            .sorted { $0.key < $1.key }.map(\.value)
    }

    /// The names under which its permissions may stand. Without its server's the name must be the only
    /// one.
    private func keys(of record: ExportRecord) -> [String] {
        let short = record.shortName.lowercased()
        let isOnly = receivers.count { $0.shortName.lowercased() == short } == 1
        let full = [record.identity, record.fullName].map { $0.lowercased() }.filter { $0 != short }
        return isOnly ? full + [short] : full
    }
}

extension ExportRecord {
    /// `EX1\Default Frontend EX1`.
    var identity: String {
        let text = self["Identity"]?.exchangeText ?? self["Name"]?.exchangeText ?? ""
        let directory = self["Identity"]?.objectValue?["DistinguishedName"]?.exchangeText ?? text
        return Self.identity(inDirectory: directory) ?? text
    }

    /// Of `CN=Relay,CN=SMTP Receive Connectors,CN=Protocols,CN=EX1,CN=Servers,…`.
    private static func identity(inDirectory name: String) -> String? {
        let parts = name.split(separator: ",").map { $0.drop { $0 == " " } }
        guard parts.allSatisfy({ $0.contains("=") }), let first = parts.first,
            let servers = parts.firstIndex(where: { $0.lowercased() == "cn=servers" }), servers > 1
        else { return nil }
        return [parts[servers - 1], first].map { String($0.drop { $0 != "=" }.dropFirst()) }
            .joined(separator: "\\")
    }

    var shortName: String {
        if let name = self["Name"]?.exchangeText { return name }
        return identity.split(separator: "\\").last.map(String.init) ?? "unnamed"
    }

    var fullName: String { "\(serverName)\\\(shortName)" }

    var serverName: String {
        if let name = self["Server"]?.exchangeText { return name }
        let parts = identity.split(separator: "\\")
        return parts.count > 1 ? String(parts[0]) : ""
    }
}

extension JSONValue {
    static func texts(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
}

extension AddressRange {
    /// Exchange also writes `192.168.1.0(255.255.255.0)`.
    init?(exchange text: String) {
        guard let open = text.firstIndex(of: "("), text.hasSuffix(")") else {
            self.init(text)
            return
        }
        let mask = text[text.index(after: open)...].dropLast()
        guard let bits = IPAddress(String(mask)), bits.family == .v4 else { return nil }
        let ones = UInt32(truncatingIfNeeded: bits.value)
        // A mask is ones, then zeros.
        guard ones.leadingZeroBitCount == 0 || ones == 0,
            (~ones).leadingZeroBitCount + ones.trailingZeroBitCount >= 32
        else { return nil }
        self.init("\(text[..<open])/\((~ones).leadingZeroBitCount)")
    }
}

extension String {
    /// `fe80::1%4` without `%4`: a zone is an interface of the other machine.
    var withoutZones: String {
        var text = ""
        var isZone = false
        for character in self {
            if character == "%" { isZone = true }
            if isZone, "-/(".contains(character) { isZone = false }
            if !isZone { text.append(character) }
        }
        return text
    }
}

extension Quantity {
    /// The largest unit that leaves a whole number: `36MB`, `1500KB`.
    static func sizeText(_ octets: Int) -> String {
        for (shift, unit) in [(30, "GB"), (20, "MB"), (10, "KB")]
        where octets != 0 && octets & ((1 << shift) - 1) == 0 {
            return "\(octets >> shift)\(unit)"
        }
        return "\(octets)"
    }
}
