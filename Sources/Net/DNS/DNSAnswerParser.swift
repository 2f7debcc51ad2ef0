/// Reads a server's answer. Every length is checked: the octets may be anybody's.
struct DNSAnswerParser {
    private struct Malformed: Error {}

    private let octets: [UInt8]
    private var place = 0

    private init(_ octets: [UInt8]) { self.octets = octets }

    /// Nil unless it answers just this question under this number (RFC 5452 §9.1): anything else is a
    /// stray, or an attempt to mislead us.
    static func parse(_ octets: [UInt8], to question: DNSQuestion, id: UInt16) -> DNSAnswer? {
        var parser = DNSAnswerParser(octets)
        return try? parser.answer(to: question, id: id)
    }

    private mutating func answer(
        to question: DNSQuestion,
        id: UInt16
    ) throws(Malformed) -> DNSAnswer? {
        guard try number() == id else { return nil }
        let flags = try number()
        // A response (QR) to a standard query (OPCODE 0).
        guard flags & 0xF800 == 0x8000 else { return nil }
        var counts: [Int] = []
        for _ in 0..<4 { counts.append(Int(try number())) }
        let isTruncated = flags & 0x0200 != 0
        let code = DNSAnswer.Code(UInt8(flags & 15))
        // Some servers leave the question out when they could not read it.
        if counts[0] == 0, code == .malformed {
            return DNSAnswer(code: code, isTruncated: false, records: [], negativeTTL: nil)
        }
        guard counts[0] == 1, try name() == question.name, try number() == question.type.rawValue,
            try number() == 1
        else { return nil }
        var found = Sections()
        do {
            for _ in 0..<counts[1] { try record(into: &found, isAnswer: true) }
            for _ in 0..<counts[2] { try record(into: &found, isAnswer: false) }
        } catch {
            // What was cut off is asked again over TCP; a whole answer has to be whole.
            guard isTruncated else { throw error }
        }
        return DNSAnswer(
            code: code,
            isTruncated: isTruncated,
            records: found.records,
            isAuthenticated: flags & 0x0020 != 0,
            negativeTTL: found.negativeTTL
        )
    }

    private struct Sections {
        var records: [DNSRecord] = []
        var negativeTTL: UInt32?
    }

    private mutating func record(
        into found: inout Sections,
        isAnswer: Bool
    ) throws(Malformed) {
        let owner = try name()
        let type = DNSRecordType(rawValue: try number())
        let isInternet = try number() == 1
        let ttl = try ttl()
        let end = Int(try number()) + place
        guard end <= octets.count else { throw Malformed() }
        if isInternet, let type {
            if isAnswer, let content = try content(of: type, until: end) {
                found.records.append(DNSRecord(name: owner, ttl: ttl, content: content))
            } else if !isAnswer, type == .authority {
                found.negativeTTL = min(ttl, try minimumTTL(until: end))
            }
        }
        place = end
    }

    private mutating func content(
        of type: DNSRecordType,
        until end: Int
    ) throws(Malformed) -> DNSRecord.Content? {
        switch type {
        case .address4:
            guard end - place == 4 else { throw Malformed() }
            return .address(SocketAddress(v4: octets[place..<end]).ip ?? "")
        case .address6:
            guard end - place == 16 else { throw Malformed() }
            return .address(SocketAddress(v6: octets[place..<end]).ip ?? "")
        case .alias: return .alias(try name())
        case .mailExchanger: return .mailExchanger(preference: try number(), host: try name())
        case .authority: return nil
        case .text: return .text(try strings(until: end))
        case .authentication:
            guard end - place > 3 else { throw Malformed() }
            return .authentication(
                TLSARecord(
                    usage: try octet(),
                    selector: try octet(),
                    matching: try octet(),
                    data: Array(octets[place..<end])
                )
            )
        }
    }

    /// Strings of one length octet each (RFC 1035 §3.3.14); RFC 8461 §3.1 joins them.
    private mutating func strings(until end: Int) throws(Malformed) -> [UInt8] {
        var text: [UInt8] = []
        while place < end {
            let length = Int(try octet())
            guard place + length <= end else { throw Malformed() }
            text += octets[place..<place + length]
            place += length
        }
        return text
    }

    /// The last field of a SOA record: RFC 1035 §3.3.13.
    private mutating func minimumTTL(until end: Int) throws(Malformed) -> UInt32 {
        guard end - place >= 4 else { throw Malformed() }
        place = end - 4
        return try ttl()
    }

    /// A TTL with the highest bit set is none: RFC 2181 §8.
    private mutating func ttl() throws(Malformed) -> UInt32 {
        let value = UInt32(try number()) << 16 | UInt32(try number())
        return value > 0x7FFF_FFFF ? 0 : value
    }

    private mutating func octet() throws(Malformed) -> UInt8 {
        guard place < octets.count else { throw Malformed() }
        defer { place += 1 }
        return octets[place]
    }

    private mutating func number() throws(Malformed) -> UInt16 {
        UInt16(try octet()) << 8 | UInt16(try octet())
    }

    /// A name in lower case, "" for the root. Pointers (RFC 1035 §4.1.4) may only lead back, so that
    /// they end.
    private mutating func name() throws(Malformed) -> String {
        var text: [UInt8] = []
        var after: Int?
        var limit = place
        while true {
            let length = Int(try octet())
            switch length {
            case 0:
                if let after { place = after }
                return String(decoding: text, as: UTF8.self)
            case 1...63:
                guard place + length <= octets.count, text.count + length < 255 else {
                    throw Malformed()
                }
                if !text.isEmpty { text.append(UInt8(ascii: ".")) }
                for octet in octets[place..<place + length] {
                    // A dot or worse inside a label would read as another name.
                    guard octet > 32, octet < 127, octet != UInt8(ascii: ".") else {
                        throw Malformed()
                    }
                    let isCapital = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(octet)
                    text.append(isCapital ? octet | 0x20 : octet)
                }
                place += length
            case 0xC0...0xFF:
                let target = (length & 0x3F) << 8 | Int(try octet())
                guard target < limit else { throw Malformed() }
                if after == nil { after = place }
                limit = target
                place = target
            default: throw Malformed()
            }
        }
    }
}

extension DNSAnswer.Code {
    fileprivate init(_ value: UInt8) {
        switch value {
        case 0: self = .good
        case 1: self = .malformed
        case 2: self = .serverFailure
        case 3: self = .noSuchName
        default: self = .other(value)
        }
    }
}
