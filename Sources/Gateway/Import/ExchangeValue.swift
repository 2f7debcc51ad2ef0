import Wire

/// A property's value in the many forms that PowerShell gives it.
extension JSONValue {
    /// As text: a string, a number, a flag, or the telling member of an object.
    var exchangeText: String? {
        switch self {
        case .string(let text): text
        case .number(let number): number.text
        case .bool(let flag): flag ? "True" : "False"
        case .object(let object): Self.text(of: object)
        case .array(let elements):
            elements.isEmpty ? nil : elements.compactMap(\.exchangeText).joined(separator: ", ")
        case .null, .streamed: nil
        }
    }

    private static func text(of object: JSONObject) -> String? {
        if object["IsUnlimited"] == true { return "Unlimited" }
        if let flag = object["IsPresent"] { return flag.exchangeText }
        if let range = rangeText(of: object) ?? bindingText(of: object) { return range }
        let telling = [
            // .NET's IPAddress has its text beside a number called Address.
            "Value", "IPAddressToString", "Address", "Domain", "RawIdentity", "Name", "UserName",
        ]
        return telling.lazy.compactMap { object[$0]?.exchangeText }.first
    }

    /// Ranges are objects with their text in Expression, or with two ends.
    private static func rangeText(of object: JSONObject) -> String? {
        if let text = object["Expression"]?.exchangeText { return text }
        guard let lower = object["LowerBound"]?.exchangeText,
            let upper = object["UpperBound"]?.exchangeText
        else { return nil }
        return lower == upper ? lower : "\(lower)-\(upper)"
    }

    private static func bindingText(of object: JSONObject) -> String? {
        guard let address = object["Address"]?.exchangeText, let port = object["Port"]?.exchangeText
        else { return nil }
        return address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
    }

    /// The elements of an array, or of `{value: […], Count: n}`, as Windows PowerShell writes some.
    var exchangeElements: [JSONValue]? {
        arrayValue ?? objectValue?["value"]?.arrayValue
    }

    /// The elements of a list, or words that a table has joined.
    var exchangeList: [String] {
        if let elements = exchangeElements { return elements.compactMap(\.exchangeText) }
        guard objectValue == nil else { return exchangeText.map { [$0] } ?? [] }
        return (exchangeText ?? "").split { $0.isWhitespace || "{},;".contains($0) }
            .map(String.init)
    }
}

/// The numbers and times of Exchange.
enum ExchangeQuantity {
    /// `36 MB (37,748,736 bytes)` in octets; nil for what is none.
    static func octets(_ text: String) -> Int? {
        if let open = text.firstIndex(of: "(") {
            return Int(String(text[open...].filter { $0.isASCII && $0.isNumber }))
        }
        return Quantity.octets(text.filter { !$0.isWhitespace })
    }

    /// `[d.]hh:mm:ss[.fraction]`.
    static func duration(_ text: String) -> Duration? {
        guard text.utf8.allSatisfy({ 46...58 ~= $0 && $0 != 47 }) else { return nil }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        let first = parts[0].split(separator: ".").map { Int($0) }
        let seconds = parts[2].split(separator: ".").first.flatMap { Int($0) }
        guard let hours = first.last ?? nil, let minutes = Int(parts[1]), let seconds,
            first.count <= 2, !first.contains(nil), (0..<24).contains(hours),
            (0..<60).contains(minutes), (0..<60).contains(seconds)
        else { return nil }
        let days = first.count == 2 ? first[0] ?? 0 : 0
        guard (0...36_500).contains(days) else { return nil }
        return .seconds(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
    }

    /// A TimeSpan as an object counts in units of 100 ns.
    static func duration(_ object: JSONObject) -> Duration? {
        object["Ticks"]?.intValue.map { .milliseconds($0 / 10_000) }
    }
}

/// An enumeration of Exchange: exports show its names or, from ConvertTo-Json, its number.
struct ExchangeFlags: Sendable {
    let names: [(name: String, bit: Int)]

    /// The names that `text` holds; nil where one is unknown.
    func read(_ text: String) -> Set<String>? {
        if let number = Int(text) {
            let known = names.reduce(0) { $0 | $1.bit }
            guard number & ~known == 0 else { return nil }
            return Set(names.filter { number & $0.bit != 0 }.map(\.name))
        }
        var found: Set<String> = []
        for word in text.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
            if word.lowercased() == "none" { continue }
            let known = names.first { $0.name.lowercased() == word.lowercased() }
            guard let known else { return nil }
            found.insert(known.name)
        }
        return found
    }

    static let authentication = ExchangeFlags(names: [
        ("Tls", 1), ("Integrated", 2), ("BasicAuth", 4), ("BasicAuthRequireTLS", 8),
        ("ExchangeServer", 16), ("ExternalAuthoritative", 32),
    ])
    static let groups = ExchangeFlags(names: [
        ("AnonymousUsers", 1), ("ExchangeUsers", 2), ("ExchangeServers", 4),
        ("ExchangeLegacyServers", 8), ("Partners", 16), ("Custom", 32),
    ])
}

/// An enumeration of which one value holds.
struct ExchangeChoice: Sendable {
    let names: [String]
    private let numbers: [Int]

    init(names: [String], numbers: [Int]? = nil) {
        self.names = names
        self.numbers = numbers ?? Array(names.indices)
    }

    func read(_ text: String) -> String? {
        if let number = Int(text) {
            return numbers.firstIndex(of: number).map { names[$0] }
        }
        return names.first { $0.lowercased() == text.lowercased() }
    }

    static let domainType = ExchangeChoice(names: [
        "Authoritative", "ExternalRelay", "InternalRelay",
    ])
    static let size = ExchangeChoice(names: ["Disabled", "Enabled", "EnabledWithoutValue"])
    static let rateSource = ExchangeChoice(names: ["None", "IPAddress", "User", "All"])
    static let smartHostLogon = ExchangeChoice(
        names: [
            "None", "BasicAuth", "BasicAuthRequireTLS", "ExchangeServer", "ExternalAuthoritative",
        ],
        numbers: [0, 2, 4, 8, 16]
    )
    static let tlsLevel = ExchangeChoice(
        names: ["EncryptionOnly", "CertificateValidation", "DomainValidation"],
        numbers: [1, 2, 4]
    )
    static let logging = ExchangeChoice(names: ["None", "Verbose"])
}
