/// The character sets that mail of this continent is written in.
enum Charset {
    case utf8
    case ascii
    case latin1
    case latin9
    case windows1252

    /// Nil for a set that is not known here.
    init?(named name: some StringProtocol) {
        switch name.lowercased() {
        case "utf-8", "utf8": self = .utf8
        case "us-ascii", "ascii": self = .ascii
        case "iso-8859-1", "iso8859-1", "latin1": self = .latin1
        case "iso-8859-15", "iso8859-15", "latin9", "latin-9": self = .latin9
        case "windows-1252", "cp1252": self = .windows1252
        default: return nil
        }
    }

    /// Nil for octets that are no text of this set.
    func text(of octets: [UInt8]) -> String? {
        switch self {
        case .utf8: return String(validating: octets, as: UTF8.self)
        case .ascii: return octets.allSatisfy { $0 < 128 } ? String(octets: octets.span) : nil
        case .latin1, .latin9, .windows1252:
            var text = String.UnicodeScalarView()
            text.append(contentsOf: octets.map(scalar))
            return String(text)
        }
    }

    private func scalar(_ octet: UInt8) -> Unicode.Scalar {
        switch self {
        case .latin9: Self.latin9Differences[octet] ?? Unicode.Scalar(octet)
        case .windows1252 where (0x80...0x9f).contains(octet):
            Self.windowsScalars[Int(octet - 0x80)]
        default: Unicode.Scalar(octet)
        }
    }

    private static let latin9Differences: [UInt8: Unicode.Scalar] = [
        0xa4: "€", 0xa6: "Š", 0xa8: "š", 0xb4: "Ž", 0xb8: "ž", 0xbc: "Œ", 0xbd: "œ", 0xbe: "Ÿ",
    ]

    /// 0x80 to 0x9f; the five that Windows leaves open are U+FFFD.
    private static let windowsScalars: [Unicode.Scalar] = [
        "€", "\u{fffd}", "‚", "ƒ", "„", "…", "†", "‡", "ˆ", "‰", "Š", "‹", "Œ", "\u{fffd}", "Ž",
        "\u{fffd}", "\u{fffd}", "‘", "’", "“", "”", "•", "–", "—", "˜", "™", "š", "›", "œ",
        "\u{fffd}", "ž", "Ÿ",
    ]
}
