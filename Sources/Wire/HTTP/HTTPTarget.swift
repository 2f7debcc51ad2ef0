/// What a request is aimed at, RFC 9112 §3.2, in origin-form, absolute-form or as `*`.
/// It keeps the octets as sent and decodes them when asked.
package struct HTTPTarget: Sendable, Equatable {
    private let octets: [UInt8]
    private let whole: Range<Int>
    private let pathRange: Range<Int>
    private let queryRange: Range<Int>?
    /// Of an absolute-form target.
    let authorityRange: Range<Int>?

    init(
        octets: [UInt8],
        range: Range<Int>,
        method: HTTPMethod
    ) throws(HTTPParseError) {
        self.octets = octets
        whole = range
        var path = range.lowerBound
        if octets[path] == HTTPOctet.slash || (range.count == 1 && octets[path] == 0x2A) {
            guard octets[path] == HTTPOctet.slash || method == .options else {
                throw HTTPParseError("the target * belongs to OPTIONS")
            }
            authorityRange = nil
        } else {
            let authority = try Self.authority(octets, range)
            authorityRange = authority
            path = authority.upperBound
        }
        if let mark = octets[path..<range.upperBound].firstIndex(of: HTTPOctet.questionMark) {
            pathRange = path..<mark
            queryRange = mark + 1..<range.upperBound
        } else {
            pathRange = path..<range.upperBound
            queryRange = nil
        }
    }

    /// As it was sent.
    package var text: String { String(decoding: octets[whole], as: UTF8.self) }

    /// As it was sent, without the query; empty when an absolute-form target has none.
    package var path: String { String(decoding: octets[pathRange], as: UTF8.self) }

    /// The decoded segments: none for `/`, and an empty last one behind a final slash.
    /// A segment may hold a decoded slash and may be `..`: it is a name, never a way.
    package func segments() throws(HTTPParseError) -> [String] {
        var segments: [String] = []
        var start = pathRange.lowerBound + 1
        guard start < pathRange.upperBound else { return [] }
        for index in start...pathRange.upperBound
        where index == pathRange.upperBound || octets[index] == HTTPOctet.slash {
            guard let segment = PercentCoding.text(octets[start..<index]) else {
                throw HTTPParseError("the path holds a broken escape, a NUL or no UTF-8")
            }
            segments.append(segment)
            start = index + 1
        }
        return segments
    }

    /// The decoded parameters; empty without a query.
    package func query() throws(HTTPParseError) -> HTTPQuery {
        guard let queryRange else { return HTTPQuery() }
        return try HTTPQuery(octets[queryRange])
    }

    /// RFC 9112 §3.2.2. The authority is the same as Host's: without a user.
    private static func authority(
        _ octets: [UInt8],
        _ range: Range<Int>
    ) throws(HTTPParseError) -> Range<Int> {
        let octets = octets[range]
        let schemes = ["http://", "https://"]
        guard
            let scheme = schemes.first(where: {
                octets.prefix($0.utf8.count).equalsIgnoringCase($0)
            })
        else { throw HTTPParseError("the request target is neither a path nor an http URL") }
        let start = range.lowerBound + scheme.utf8.count
        let end =
            octets[start...].firstIndex { $0 == HTTPOctet.slash || $0 == HTTPOctet.questionMark }
            ?? range.upperBound
        guard start < end, HTTPAuthority.isValid(octets[start..<end]) else {
            throw HTTPParseError("the request target's host is malformed")
        }
        return start..<end
    }
}

/// `host [":" port]`, RFC 3986 §3.2 without a user.
enum HTTPAuthority {
    static func isValid(_ octets: ArraySlice<UInt8>) -> Bool {
        guard octets.first == 0x5B else {  // [
            let host = octets.prefix { $0 != HTTPOctet.colon }
            return host.allSatisfy(HTTPOctetSet.registeredName.contains)
                && isPort(octets[host.endIndex...])
        }
        guard let end = octets.firstIndex(of: 0x5D) else { return false }
        let literal = octets[octets.startIndex + 1..<end]
        return !literal.isEmpty
            && literal.allSatisfy {
                $0 == HTTPOctet.colon || HTTPOctetSet.registeredName.contains($0)
            }
            && isPort(octets[(end + 1)...])
    }

    private static func isPort(_ octets: ArraySlice<UInt8>) -> Bool {
        guard octets.first == HTTPOctet.colon else { return octets.isEmpty }
        return octets.count <= 6 && octets.dropFirst().allSatisfy(HTTPOctet.isDigit)
    }
}
