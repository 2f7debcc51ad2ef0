import Crypto

/// `pst` + kind + `_` + 12 public characters + 32 secret ones + 6 of checksum (contract section 7).
struct APIKey: Sendable {
    enum Kind: String, Sendable {
        case application = "a"
        case administrator = "d"
    }

    let kind: Kind
    /// The 12 public characters, by which the key is listed.
    let id: String
    /// The whole key. Shown once, never logged.
    let text: String

    static func generate(_ kind: Kind) -> APIKey {
        let body = "pst\(kind.rawValue)_" + randomDigits(44)
        return APIKey(kind: kind, checked: body + checksum(of: body))
    }

    /// Nil for what cannot be a key: wrong form, or a checksum that tells of a typing error.
    init?(_ text: String) {
        let octets = Array(text.utf8)
        guard octets.count == 55, text.hasPrefix("pst"), octets[4] == UInt8(ascii: "_"),
            let kind = Kind(rawValue: String(Unicode.Scalar(octets[3]))),
            octets[5...].allSatisfy({ Base62.isDigit[Int($0)] }),
            text.hasSuffix(Self.checksum(of: String(text.dropLast(6))))
        else { return nil }
        self.init(kind: kind, checked: text)
    }

    private init(kind: Kind, checked text: String) {
        self.kind = kind
        self.text = text
        id = String(text.dropFirst(5).prefix(12))
    }

    /// What is kept at rest. The secret has 190 bits, so a plain hash cannot be searched.
    var digest: [UInt8] {
        let octets = Array(text.utf8)
        return SHA256.digest(octets.span)
    }

    private static func randomDigits(_ count: Int) -> String {
        var digits: [UInt8] = []
        while digits.count < count {
            // 248 is the largest multiple of 62 in an octet: above it, digits would not be equal.
            for octet in SecureRandom.bytes(64) where octet < 248 && digits.count < count {
                digits.append(Base62.digits[Int(octet % 62)])
            }
        }
        return String(decoding: digits, as: UTF8.self)
    }

    /// CRC-32 in base 62, most significant digit first, six digits.
    private static func checksum(of body: String) -> String {
        let octets = Array(body.utf8)
        var value = CRC32.checksum(octets.span)
        var digits: [UInt8] = []
        for _ in 0..<6 {
            digits.insert(Base62.digits[Int(value % 62)], at: 0)
            value /= 62
        }
        return String(decoding: digits, as: UTF8.self)
    }
}

private enum Base62 {
    static let digits = Array(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8
    )

    /// For each octet; every request asks it fifty times.
    static let isDigit = (0...255).map { digits.contains(UInt8($0)) }
}
