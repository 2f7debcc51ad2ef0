import Crypto
import Mail

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
        return APIKey(kind: kind, checked: body + String(octets: checksum(of: body.utf8.span).span))
    }

    /// Nil for what cannot be a key: wrong form, or a checksum that tells of a typing error.
    init?(_ text: String) {
        let octets = text.utf8.span
        guard octets.count == 55, text.hasPrefix("pst"), octets[4] == UInt8(ascii: "_"),
            let kind = Kind(octets[3]), Self.isChecked(octets)
        else { return nil }
        self.init(kind: kind, checked: text)
    }

    private static func isChecked(_ octets: Span<UInt8>) -> Bool {
        for index in 5..<55 where !Base62.isDigit[Int(octets[index])] { return false }
        let sum = checksum(of: octets.extracting(..<49))
        for place in 0..<6 where octets[49 + place] != sum[place] { return false }
        return true
    }

    private init(kind: Kind, checked text: String) {
        self.kind = kind
        self.text = text
        id = String(octets: text.utf8.span.extracting(5..<17))
    }

    /// What is kept at rest. The secret has 190 bits, so a plain hash cannot be searched.
    var digest: [UInt8] {
        SHA256.digest(text.utf8.span)
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
    private static func checksum(of body: Span<UInt8>) -> InlineArray<6, UInt8> {
        var value = CRC32.checksum(body)
        var digits = InlineArray<6, UInt8>(repeating: 0)
        for place in (0..<6).reversed() {
            digits[place] = Base62.digits[Int(value % 62)]
            value /= 62
        }
        return digits
    }
}

extension APIKey.Kind {
    fileprivate init?(_ octet: UInt8) {
        switch octet {
        case UInt8(ascii: "a"): self = .application
        case UInt8(ascii: "d"): self = .administrator
        default: return nil
        }
    }
}

private enum Base62 {
    static let digits = Array(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8
    )

    /// For each octet; every request asks it fifty times.
    static let isDigit = (0...255).map { digits.contains(UInt8($0)) }
}
