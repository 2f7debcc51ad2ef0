/// Writes the little JSON that the rows hold: SQLite's own JSON functions read it again.
enum JSONText {
    /// Nil for an empty list.
    static func array(_ values: some Collection<String>) -> String? {
        if values.isEmpty { return nil }
        var octets = [UInt8(ascii: "[")]
        for value in values {
            if octets.count > 1 { octets.append(UInt8(ascii: ",")) }
            append(value, to: &octets)
        }
        octets.append(UInt8(ascii: "]"))
        return String(decoding: octets, as: UTF8.self)
    }

    /// Pairs one after the other: their order stays, and so does a name that comes twice.
    static func pairs(_ pairs: [(String, String)]) -> String? {
        pairs.isEmpty ? nil : array(pairs.flatMap { [$0.0, $0.1] })
    }

    /// Nil for no members. `written`: further ones, as they stand.
    static func object(_ members: [(String, String)], and written: String? = nil) -> String? {
        if members.isEmpty, written == nil { return nil }
        var octets = [UInt8(ascii: "{")]
        for (name, value) in members {
            if octets.count > 1 { octets.append(UInt8(ascii: ",")) }
            append(name, to: &octets)
            octets.append(UInt8(ascii: ":"))
            append(value, to: &octets)
        }
        if let written {
            if octets.count > 1 { octets.append(UInt8(ascii: ",")) }
            octets.append(contentsOf: written.utf8)
        }
        octets.append(UInt8(ascii: "}"))
        return String(decoding: octets, as: UTF8.self)
    }

    /// RFC 8259 §7.
    private static func append(_ text: String, to octets: inout [UInt8]) {
        octets.append(UInt8(ascii: "\""))
        for octet in text.utf8 {
            switch octet {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                octets.append(UInt8(ascii: "\\"))
                octets.append(octet)
            case 0..<0x20:
                octets.append(contentsOf: "\\u00".utf8)
                octets.append(digits[Int(octet >> 4)])
                octets.append(digits[Int(octet & 15)])
            default: octets.append(octet)
            }
        }
        octets.append(UInt8(ascii: "\""))
    }

    private static let digits = Array("0123456789abcdef".utf8)
}

extension Database {
    /// The values of a JSON array; none for nil.
    func strings(in json: String?) throws(StoreError) -> [String] {
        guard let json else { return [] }
        return try select("SELECT value FROM json_each(?)", [.text(json)]) { $0.text(0) }
    }

    func pairs(in json: String?) throws(StoreError) -> [(String, String)] {
        let flat = try strings(in: json)
        return stride(from: 0, to: flat.count - 1, by: 2).map { (flat[$0], flat[$0 + 1]) }
    }
}
