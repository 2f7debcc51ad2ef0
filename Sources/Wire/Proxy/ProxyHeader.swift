package import Mail

/// What a balancer says of a connection before the client's first octet (the PROXY protocol of
/// haproxy, versions 1 and 2).
package enum ProxyHeader: Hashable, Sendable {
    /// The connection is the balancer's own, as a health check is, or it does not know whose.
    case local
    /// Whose it is. Where it came in at the balancer is the balancer's affair.
    case client(IPAddress, port: Int)
}

package enum ProxyHeaderError: Error, Hashable, Sendable {
    /// These octets do not begin as a header does.
    case absent
    /// A header that breaks its own rules, in words.
    case broken(String)
}

/// Reads one header out of pieces. It never waits, reads or writes.
package struct ProxyHeaderReader: Sendable {
    private static let lineStart = Array("PROXY ".utf8)
    /// With its line end: section 2.1.
    private static let lineLimit = 107
    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]

    /// What has come and is no part of a header: before the end of one everything, then what stands
    /// behind it.
    package private(set) var rest: [UInt8] = []

    package init() {}

    package mutating func receive(_ bytes: Span<UInt8>) {
        rest.append(bytes)
    }

    /// The header, or nil while more of it must come. Ask until it is there, and no more.
    package mutating func next() throws(ProxyHeaderError) -> ProxyHeader? {
        if begins(with: Self.signature) { return try nextOfVersion2() }
        if begins(with: Self.lineStart) { return try nextOfVersion1() }
        throw .absent
    }

    /// As far as they have come.
    private func begins(with start: [UInt8]) -> Bool {
        zip(rest, start).allSatisfy { $0 == $1 }
    }
}

/// Version 1: `PROXY TCP4 203.0.113.9 192.0.2.25 51234 25`, one line.
extension ProxyHeaderReader {
    private mutating func nextOfVersion1() throws(ProxyHeaderError) -> ProxyHeader? {
        let line = rest.prefix(Self.lineLimit)
        guard let end = line.firstIndex(of: 10) else {
            guard line.count < Self.lineLimit else { throw .broken("its line is too long") }
            return nil
        }
        guard end > 0, rest[end - 1] == 13 else { throw .broken("its line does not end in CRLF") }
        let header = try Self.header(in: rest[..<(end - 1)])
        rest.removeSubrange(...end)
        return header
    }

    private static func header(in line: ArraySlice<UInt8>) throws(ProxyHeaderError) -> ProxyHeader {
        let words = line.split(separator: 32, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        switch words[1] {
        case "UNKNOWN": return .local
        case "TCP4" where words.count == 6, "TCP6" where words.count == 6: break
        default: throw .broken("its line is not PROXY, TCP4, TCP6 or UNKNOWN, addresses and ports")
        }
        guard let source = address(words[2], of: words[1]), let port = port(words[4]),
            address(words[3], of: words[1]) != nil, self.port(words[5]) != nil
        else { throw .broken("an address or a port in its line cannot be read") }
        return .client(source, port: port)
    }

    private static func address(_ text: String, of family: String) -> IPAddress? {
        text.contains(":") == (family == "TCP6") ? IPAddress(text) : nil
    }

    private static func port(_ text: String) -> Int? {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy({ $0 &- 48 < 10 }),
            text == "0" || text.first != "0", let port = Int(text), port < 65_536
        else { return nil }
        return port
    }
}

/// Version 2: sixteen octets, then as many as they say: addresses and what else there is, which
/// nobody here asks for.
extension ProxyHeaderReader {
    private mutating func nextOfVersion2() throws(ProxyHeaderError) -> ProxyHeader? {
        guard rest.count >= 16 else { return nil }
        guard rest[12] >> 4 == 2 else { throw .broken("its version is \(rest[12] >> 4), not 2") }
        let length = Int(rest[14]) << 8 | Int(rest[15])
        let header = try Self.header(command: rest[12] & 15, family: rest[13], length: length)
        guard rest.count >= 16 + length else { return nil }
        defer { rest.removeSubrange(..<(16 + length)) }
        return header(rest[16..<(16 + length)])
    }

    /// What makes a header of the octets behind the first sixteen.
    private static func header(
        command: UInt8,
        family: UInt8,
        length: Int
    ) throws(ProxyHeaderError) -> (ArraySlice<UInt8>) -> ProxyHeader {
        let isKnown = command < 2 && family >> 4 < 4 && family & 15 < 3
        guard isKnown else { throw .broken("its command or family is not known") }
        let octets: Int
        switch (command, family) {
        case (0, _), (_, 0x00): return { _ in .local }
        case (_, 0x11): octets = 4
        case (_, 0x21): octets = 16
        default: throw .broken("it is not about TCP")
        }
        guard length >= 2 * octets + 4 else { throw .broken("it is too short for its addresses") }
        return { body in
            let number = { (start: Int, count: Int) in
                body.dropFirst(start).prefix(count).reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
            }
            let address =
                octets == 4
                ? IPAddress(v4: UInt32(number(0, 4))) : IPAddress(v6: number(0, 16))
            return .client(address, port: Int(number(2 * octets, 2)))
        }
    }
}
