import Mail

/// One way in which a request says who sends it. What prints it prints no secret.
package enum HTTPCredential: Sendable, Equatable {
    /// RFC 6750 §2.1.
    case bearer(String)
    /// RFC 7617.
    case basic(user: String, password: String)
    /// The value of X-API-Key.
    case apiKey(String)
    /// A scheme that is not known, or one that is, followed by what cannot be read.
    case unreadable(scheme: String)

    /// The key it presents: of Basic the password, under any user name.
    package var secret: String? {
        switch self {
        case .bearer(let key), .apiKey(let key), .basic(_, let key): key
        case .unreadable: nil
        }
    }
}

extension HTTPFields {
    /// Every credential of the request; two that disagree are for the caller to refuse.
    package var credentials: [HTTPCredential] {
        all("Authorization").map { HTTPCredential(authorization: $0) }
            + all("X-API-Key").map { .apiKey($0) }
    }
}

extension HTTPCredential {
    /// Reads the value of an Authorization field, RFC 9110 §11.6.2.
    package init(authorization value: String) {
        let octets = HTTPFields.trimmed([UInt8](value.utf8)[...])
        let name = octets.prefix(while: HTTPOctetSet.token.contains)
        let scheme = String(decoding: name, as: UTF8.self)
        let rest = octets[name.endIndex...]
        let text = HTTPFields.trimmed(rest)
        self = .unreadable(scheme: scheme)
        guard !text.isEmpty, text.count < rest.count else { return }
        switch scheme.lowercased() {
        case "bearer" where text.allSatisfy({ $0 > HTTPOctet.space && $0 < HTTPOctet.delete }):
            self = .bearer(String(decoding: text, as: UTF8.self))
        case "basic":
            if let basic = Self.basic(text) { self = basic }
        default: break
        }
    }

    /// RFC 7617 §2: the user name has no colon, neither part has a control character.
    private static func basic(_ text: ArraySlice<UInt8>) -> HTTPCredential? {
        guard let octets = decoded(text),
            !octets.contains(where: { $0 < HTTPOctet.space || $0 == HTTPOctet.delete }),
            let colon = octets.firstIndex(of: HTTPOctet.colon),
            let user = String(validating: octets[..<colon], as: UTF8.self),
            let password = String(validating: octets[(colon + 1)...], as: UTF8.self)
        else { return nil }
        return .basic(user: user, password: password)
    }

    /// Base64 without blanks; the padding may be missing.
    private static func decoded(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard !text.contains(where: HTTPOctet.isBlank) else { return nil }
        let padding = repeatElement(HTTPOctet.equals, count: (4 - text.count % 4) % 4)
        let padded = Array(text) + padding
        return try? Base64Decoder.decode(padded.span)
    }
}

extension HTTPCredential: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String {
        switch self {
        case .bearer: "Bearer …"
        case .basic: "Basic …"
        case .apiKey: "X-API-Key …"
        case .unreadable: "unreadable credential"
        }
    }

    package var debugDescription: String { description }

    package var customMirror: Mirror { Mirror(self, children: [(label: String?, value: Any)]()) }
}
