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
        lines(named: "Authorization").map { HTTPCredential(authorization: octets[$0.value]) }
            + all("X-API-Key").map { .apiKey($0) }
    }
}

extension HTTPCredential {
    /// Reads the value of an Authorization field, RFC 9110 §11.6.2.
    init(authorization value: ArraySlice<UInt8>) {
        let value = HTTPFields.trimmed(value)
        let scheme = value.prefix(while: HTTPOctetSet.token.contains)
        let rest = value[scheme.endIndex...]
        let text = HTTPFields.trimmed(rest)
        if !text.isEmpty, text.count < rest.count {
            if scheme.equalsIgnoringCase("bearer"), text.allSatisfy(HTTPOctet.isVisible) {
                self = .bearer(String(octets: text.span))
                return
            }
            if scheme.equalsIgnoringCase("basic"), let basic = Self.basic(text) {
                self = basic
                return
            }
        }
        self = .unreadable(scheme: String(octets: scheme.span))
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
