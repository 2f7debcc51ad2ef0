/// Parameters of MIME fields as they are written: plain, quoted, or encoded and cut (RFC 2231).
enum ParameterText {
    private static let longestPlain = 60
    /// attribute-char of RFC 5987 §3.2.1.
    private static let literals = ByteSet.alphanumerics.union("!#$&+-.^_`|~")
    private static let hexDigits = Array("0123456789ABCDEF".utf8)

    /// The tokens `name=value`, each to be written after a semicolon. More than one only when the
    /// value is long and not plain ASCII.
    static func tokens(_ name: String, _ value: String) -> [String] {
        let value = UnstructuredText.clean(value)
        // Some readers take any value with apostrophes for an encoded one.
        let apostrophe = UInt8(ascii: "'")
        let isPlain = value.utf8.allSatisfy { $0 >= 32 && $0 < 127 && $0 != apostrophe }
        guard isPlain, value.utf8.count <= longestPlain else { return encoded(name, value) }
        let isToken = !value.isEmpty && value.utf8.allSatisfy(ParameterReader.tokenOctets.contains)
        return [name + "=" + (isToken ? value : LocalPart.quoted(value))]
    }

    /// For readers that know no RFC 2231: ASCII only, never empty, short.
    static func fallback(_ value: String) -> String {
        var octets: [UInt8] = []
        for scalar in value.unicodeScalars {
            let isKept =
                scalar.isASCII && !scalar.value.isControl
                && !"\"\\'".unicodeScalars.contains(scalar)
            octets.append(isKept ? UInt8(scalar.value) : UInt8(ascii: "_"))
        }
        if octets.count > longestPlain {
            // The end names the kind of file, the beginning the file.
            octets = octets.prefix(longestPlain - 12) + octets.suffix(12)
        }
        return String(octets: octets.span)
    }

    /// `name*=utf-8''…`, or `name*0*=utf-8''…` and so on (§3, §4.1). No piece splits a character.
    private static func encoded(_ name: String, _ value: String) -> [String] {
        var pieces: [[UInt8]] = [Array("utf-8''".utf8)]
        for scalar in value.unicodeScalars {
            let code = encoded(scalar)
            if (pieces.last?.count ?? 0) + code.count > longestPlain { pieces.append([]) }
            pieces[pieces.count - 1] += code
        }
        let texts = pieces.map { String(decoding: $0, as: UTF8.self) }
        guard texts.count > 1 else { return ["\(name)*=\(texts[0])"] }
        return texts.enumerated().map { "\(name)*\($0)*=\($1)" }
    }

    private static func encoded(_ scalar: Unicode.Scalar) -> [UInt8] {
        String(scalar).utf8.flatMap { octet in
            literals.contains(octet)
                ? [octet]
                : [UInt8(ascii: "%"), hexDigits[Int(octet >> 4)], hexDigits[Int(octet & 15)]]
        }
    }
}

extension UInt32 {
    fileprivate var isControl: Bool { self < 32 || self == 127 }
}
