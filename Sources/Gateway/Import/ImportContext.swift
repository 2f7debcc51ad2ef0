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

    init(_ records: [ExportRecord], _ options: ImportOptions) throws(ImportFailure) {
        self.options = options
        var permissions: [String: GrantedRights] = [:]
        for record in records where record.cmdlet == .permission {
            try permissions[record.identity.lowercased(), default: GrantedRights()].add(record)
        }
        self.permissions = permissions
    }

    func rights(of record: ExportRecord) -> GrantedRights {
        permissions[record.identity.lowercased()] ?? permissions[record.shortName.lowercased()]
            ?? GrantedRights()
    }
}

extension ExportRecord {
    /// `EX1\Default Frontend EX1`.
    var identity: String {
        self["Identity"]?.exchangeText ?? self["Name"]?.exchangeText ?? ""
    }

    var shortName: String {
        if let name = self["Name"]?.exchangeText { return name }
        return identity.split(separator: "\\").last.map(String.init) ?? "unnamed"
    }

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
