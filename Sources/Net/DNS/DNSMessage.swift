/// The kinds of records asked for (RFC 1035 §3.2.2, RFC 3596 §2.1, RFC 6698 §7.1).
enum DNSRecordType: UInt16, Sendable {
    case address4 = 1
    case alias = 5
    case authority = 6
    case mailExchanger = 15
    case text = 16
    case address6 = 28
    case authentication = 52
}

/// One question, for class IN. The name is lower case, without a final dot.
struct DNSQuestion: Hashable, Sendable {
    let name: String
    let type: DNSRecordType

    /// Nil when the name cannot be one: RFC 1035 §2.3.4.
    init?(_ text: some StringProtocol, _ type: DNSRecordType) {
        let octets = text.utf8
        guard !octets.isEmpty, octets.allSatisfy({ $0 > 32 && $0 < 127 }) else { return nil }
        var name = text.lowercased()
        if name.utf8.last == UInt8(ascii: ".") { name.removeLast() }
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        guard name.utf8.count <= 253, labels.allSatisfy({ (1...63).contains($0.utf8.count) }) else {
            return nil
        }
        self.name = name
        self.type = type
    }
}

/// One resource record, as far as we understand it.
struct DNSRecord: Sendable, Equatable {
    enum Content: Sendable, Equatable {
        case address(String)
        case alias(String)
        case mailExchanger(preference: UInt16, host: String)
        /// Its strings, joined.
        case text([UInt8])
        case authentication(TLSARecord)
    }

    let name: String
    let ttl: UInt32
    let content: Content
}

/// What a server said.
struct DNSAnswer: Sendable, Equatable {
    /// RCODE: RFC 1035 §4.1.1.
    enum Code: Equatable {
        case good
        case malformed
        case serverFailure
        case noSuchName
        case other(UInt8)
    }

    let code: Code
    let isTruncated: Bool
    let records: [DNSRecord]
    /// The server says that it has validated all of it: AD, RFC 4035 §3.2.3.
    var isAuthenticated = false
    /// How long "there is none" may be remembered: RFC 2308 §5.
    let negativeTTL: UInt32?
}

/// What is known about a question.
struct DNSFinding: Sendable, Equatable {
    let records: Result<[DNSRecord], ResolverError>
    /// Validated by DNSSEC, as a server says that we trust.
    var isSecure = false
    /// Where the aliases led.
    var name: String?

    init(_ records: Result<[DNSRecord], ResolverError>, isSecure: Bool = false, name: String? = nil)
    {
        self.records = records
        self.isSecure = isSecure
        self.name = name
    }
}

// MARK: - Writing a question

extension DNSQuestion {
    /// `udpSize` announces what we can receive, by EDNS0 (RFC 6891 §6.1.2); nil leaves EDNS out.
    /// `asksForProof`: whether the answer is authentic is of interest (AD, RFC 6840 §5.7).
    func query(id: UInt16, udpSize: UInt16?, asksForProof: Bool = false) -> [UInt8] {
        var octets: [UInt8] = []
        octets.reserveCapacity(name.utf8.count + 32)
        octets.appendNumber(id)
        // A standard query, recursion desired.
        octets.appendNumber(asksForProof ? 0x0120 : 0x0100)
        for count: UInt16 in [1, 0, 0, udpSize == nil ? 0 : 1] { octets.appendNumber(count) }
        for label in name.utf8.split(separator: UInt8(ascii: ".")) {
            octets.append(UInt8(label.count))
            octets.append(contentsOf: label)
        }
        octets.append(0)
        octets.appendNumber(type.rawValue)
        octets.appendNumber(1)
        if let udpSize {
            octets.append(0)
            octets.appendNumber(41)
            octets.appendNumber(udpSize)
            octets.append(contentsOf: [0, 0, 0, 0, 0, 0])
        }
        return octets
    }
}

extension [UInt8] {
    fileprivate mutating func appendNumber(_ number: UInt16) {
        append(UInt8(number >> 8))
        append(UInt8(truncatingIfNeeded: number))
    }
}
