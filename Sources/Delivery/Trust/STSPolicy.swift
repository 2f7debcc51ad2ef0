/// What a domain demands of those who bring it mail (MTA-STS, RFC 8461 §3.2).
struct STSPolicy: Sendable, Equatable {
    enum Mode: String, Sendable { case enforce, testing, none }

    let mode: Mode
    /// Lower case; `*.example` stands for one label and what follows.
    let patterns: [String]
    let maxAge: Duration

    /// About a year: §3.2.
    private static let longest = 31_557_600

    /// Nil where it is no policy. Unknown keys are passed over, and of a key that stands twice the
    /// first counts; `mx` may stand often.
    init?(parsing text: String) {
        var fields: [String: String] = [:]
        var patterns: [String] = []
        for line in text.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { return nil }
            let (key, value) = (Self.trimmed(parts[0]), Self.trimmed(parts[1]))
            if key == "mx" {
                patterns.append(value.lowercased())
            } else if fields[key] == nil {
                fields[key] = value
            }
        }
        guard fields["version"] == "STSv1", let mode = fields["mode"].flatMap(Mode.init(rawValue:)),
            let age = fields["max_age"], age.utf8.allSatisfy({ $0 &- 48 < 10 }),
            let seconds = Int(age), !patterns.isEmpty || mode == .none
        else { return nil }
        self.mode = mode
        self.patterns = patterns
        maxAge = .seconds(min(seconds, Self.longest))
    }

    private static func trimmed(_ text: Substring) -> String {
        let blanks: Set<Character> = [" ", "\t"]
        var text = text.drop { blanks.contains($0) }
        while let last = text.last, blanks.contains(last) { text.removeLast() }
        return String(text)
    }

    /// §4.1.
    func allows(_ host: String) -> Bool {
        let name = host.lowercased()
        return patterns.contains { pattern in
            guard pattern.hasPrefix("*.") else { return pattern == name }
            guard let dot = name.firstIndex(of: ".") else { return false }
            return name[dot...] == pattern.dropFirst()
        }
    }

    /// The `id` of the record that says there is a policy (§3.1); nil where there is none, or more than
    /// one.
    static func identifier(in records: [String]) -> String? {
        let own = records.filter {
            $0 == "v=STSv1" || $0.hasPrefix("v=STSv1;") || $0.hasPrefix("v=STSv1 ")
        }
        guard own.count == 1 else { return nil }
        for field in own[0].split(separator: ";") {
            let parts = field.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, trimmed(parts[0]) == "id" else { continue }
            let id = trimmed(parts[1])
            return id.isEmpty || id.utf8.count > 32 ? nil : id
        }
        return nil
    }
}
