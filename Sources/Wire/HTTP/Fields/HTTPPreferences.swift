/// What a client would like, RFC 7240. What is unknown or broken is passed over, as §2 asks.
package struct HTTPPreferences: Sendable, Equatable {
    package enum Handling: Sendable, Equatable {
        case strict
        case lenient
    }

    /// Seconds the client will wait for an answer, §4.3.
    package private(set) var wait: Int?
    package private(set) var handling: Handling?

    package init() {}

    package init(_ fields: HTTPFields) {
        var known: Set<String> = []
        for element in fields.list("Prefer") {
            guard let (name, value) = Self.preference(element), known.insert(name).inserted else {
                continue  // §2: of a preference stated twice the first counts
            }
            switch (name, value.lowercased()) {
            case ("wait", let seconds):
                if !seconds.isEmpty, seconds.utf8.allSatisfy(HTTPOctet.isDigit) {
                    wait = Int(seconds) ?? .max
                }
            case ("handling", "lenient"): handling = .lenient
            case ("handling", "strict"): handling = .strict
            default: break
            }
        }
    }

    /// `token [ BWS "=" BWS word ] *( OWS ";" … )`; the parameters mean nothing here.
    private static func preference(_ element: String) -> (name: String, value: String)? {
        var reader = HTTPValueReader(element)
        guard let name = reader.token()?.lowercased() else { return nil }
        reader.skipBlanks()
        guard reader.take(HTTPOctet.equals) else { return (name, "") }
        reader.skipBlanks()
        return (reader.quoted() ?? reader.token()).map { (name, $0) }
    }
}
