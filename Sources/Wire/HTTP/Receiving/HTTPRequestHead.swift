/// A request without its content. It keeps the octets it came in; strings are made when asked for.
package struct HTTPRequestHead: Sendable, Equatable {
    package let method: HTTPMethod
    package let target: HTTPTarget
    package let version: HTTPVersion
    package let fields: HTTPFields
    /// `.none`, `.length` or `.chunked`.
    package let framing: HTTPFraming
    /// Whether the client will use the connection again, RFC 9112 §9.3.
    package let keepsAlive: Bool
    /// Whether the client waits for `100 Continue` before it sends the content, RFC 9110 §10.1.1.
    package let expectsContinue: Bool
    private let authorityRange: Range<Int>?

    /// The host asked for, with its port if one was named: from an absolute-form target, else from
    /// Host. Nil only in HTTP/1.0.
    package var authority: String? {
        authorityRange.map { String(decoding: fields.octets[$0], as: UTF8.self) }
    }

    init(
        octets: [UInt8],
        line: HTTPRequestLine,
        lines: [HTTPFields.Line],
        limits: HTTPLimits
    ) throws(HTTPParseError) {
        method = HTTPMethod(String(decoding: octets[line.method], as: UTF8.self))
        guard method != .other("CONNECT") else {
            throw HTTPParseError(status: 501, "this is no proxy: CONNECT is not known here")
        }
        target = try HTTPTarget(octets: octets, range: line.target, method: method)
        version = line.version
        fields = HTTPFields(octets: octets, lines: lines)
        let facts = try HTTPMessageFacts(fields, version)
        authorityRange = try Self.authority(facts, fields, target, version)
        framing = facts.isChunked ? .chunked : facts.contentLength.map { .length($0) } ?? .none
        if let length = facts.contentLength, length > limits.bodyOctets {
            throw HTTPParseError(
                status: 413,
                "the content is longer than \(limits.bodyOctets) octets"
            )
        }
        keepsAlive = facts.keepsAlive(version)
        // RFC 9110 §10.1.1: ignored in HTTP/1.0; without content there is nothing to wait for.
        expectsContinue =
            facts.expectsContinue && version == .http11 && framing != .none && framing != .length(0)
    }

    /// RFC 9112 §3.2: exactly one Host in HTTP/1.1, and a well-formed one.
    private static func authority(
        _ facts: HTTPMessageFacts,
        _ fields: HTTPFields,
        _ target: HTTPTarget,
        _ version: HTTPVersion
    ) throws(HTTPParseError) -> Range<Int>? {
        guard facts.hosts <= 1 else { throw HTTPParseError("Host is given twice") }
        guard let host = facts.host else {
            guard version == .http10 else { throw HTTPParseError("Host is missing") }
            return target.authorityRange
        }
        guard HTTPAuthority.isValid(fields.octets[host]) else {
            throw HTTPParseError("Host is malformed")
        }
        return target.authorityRange ?? host
    }
}
