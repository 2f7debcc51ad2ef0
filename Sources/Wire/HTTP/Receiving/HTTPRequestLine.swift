/// Reads `METHOD SP target SP HTTP/1.x CRLF`, RFC 9112 §3, octet by octet: the first wrong one
/// decides, whatever follows it.
struct HTTPRequestLine: Sendable {
    /// Where the next unread octet lies; behind the line once `read` has answered true.
    private(set) var end = 0
    private(set) var methodEnd = 0
    private(set) var targetEnd = 0
    private(set) var version = HTTPVersion.http11
    private var part = Part.method

    private enum Part: Sendable {
        case method
        case target
        case version
    }

    var method: Range<Int> { 0..<methodEnd }
    var target: Range<Int> { methodEnd + 1..<targetEnd }

    /// Reads on in `input`, which must begin with the line at every call. False: more is needed.
    mutating func read(
        _ input: HTTPInput,
        _ limits: HTTPLimits
    ) throws(HTTPParseError) -> Bool {
        let bytes = input.octets.span.extracting(input.start..<input.octets.count)
        if part == .method { try readMethod(bytes, limits) }
        if part == .target { try readTarget(bytes, limits) }
        return part == .version ? try readVersion(bytes) : false
    }

    private mutating func readMethod(
        _ bytes: Span<UInt8>,
        _ limits: HTTPLimits
    ) throws(HTTPParseError) {
        while end < bytes.count {
            let octet = bytes[end]
            if octet == HTTPOctet.space, end > 0 {
                methodEnd = end
                end += 1
                part = .target
                return
            }
            guard HTTPOctetSet.token.contains(octet) else { throw Self.illegalStart(octet, end) }
            guard end < limits.methodOctets else {
                throw HTTPParseError(status: 501, "no such method")
            }
            end += 1
        }
    }

    private static func illegalStart(_ octet: UInt8, _ index: Int) -> HTTPParseError {
        // The first octet of a TLS record that carries a ClientHello, RFC 8446 §5.1.
        octet == 0x16 && index == 0
            ? HTTPParseError("the client speaks TLS, but this port expects plain HTTP")
            : HTTPParseError("the request line does not begin with a method")
    }

    private mutating func readTarget(
        _ bytes: Span<UInt8>,
        _ limits: HTTPLimits
    ) throws(HTTPParseError) {
        while end < bytes.count {
            let octet = bytes[end]
            if octet == HTTPOctet.space {
                guard end > methodEnd + 1 else {
                    throw HTTPParseError("the request line has two blanks in a row")
                }
                targetEnd = end
                end += 1
                part = .version
                return
            }
            // Octets beyond ASCII are let through: people type them into curl. What is decoded
            // from them must be UTF-8.
            guard octet > HTTPOctet.space, octet != HTTPOctet.delete,
                octet != HTTPOctet.numberSign
            else { throw Self.illegalTarget(octet) }
            guard end - methodEnd <= limits.targetOctets else {
                throw HTTPParseError(
                    status: 414,
                    "the request target is longer than \(limits.targetOctets) octets"
                )
            }
            end += 1
        }
    }

    private static func illegalTarget(_ octet: UInt8) -> HTTPParseError {
        switch octet {
        case HTTPOctet.carriageReturn, HTTPOctet.lineFeed:
            HTTPParseError("the request line names no HTTP version")
        case HTTPOctet.numberSign: HTTPParseError("the request target has a fragment")
        default: HTTPParseError("the request target holds a control character")
        }
    }

    private mutating func readVersion(_ bytes: Span<UInt8>) throws(HTTPParseError) -> Bool {
        while end < bytes.count {
            let octet = bytes[end]
            let index = end - targetEnd - 1
            switch index {
            case 5 where octet != 0x31 && HTTPOctet.isDigit(octet):
                throw HTTPParseError(status: 505, "only HTTP/1.1 and HTTP/1.0 are spoken here")
            case 7:
                guard HTTPOctet.isDigit(octet) else { throw Self.illegalVersion }
                version = octet == 0x30 ? .http10 : .http11  // RFC 9110 §2.5: 1.2 is read as 1.1
            default:
                guard octet == Self.versionPattern[index] else { throw Self.illegalVersion }
            }
            end += 1
            if index == 9 { return true }
        }
        return false
    }

    private static let versionPattern = [UInt8]("HTTP/1.1\r\n".utf8)
    private static let illegalVersion = HTTPParseError(
        "the request line does not end in an HTTP version and CRLF"
    )
}
