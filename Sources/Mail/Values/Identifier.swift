import Crypto

/// What an identifier names; its prefix of four characters tells a reader which.
package protocol IdentifierSubject {
    static var prefix: String { get }
}

/// A UUIDv7 (RFC 9562 §5.7): 48 bits of milliseconds, then random bits. It sorts by the time it was
/// made, so that rows of a table append. Written as its prefix and 26 digits of Crockford's base 32.
package struct Identifier<Subject: IdentifierSubject>: Hashable, Comparable, Sendable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package init(at now: Timestamp, using random: inout some RandomNumberGenerator) {
        let noise = random.next() as UInt64
        let time = UInt64(truncatingIfNeeded: now.milliseconds) << 16
        high = time | 0x7000 | (noise & 0x0fff)
        low = (random.next() as UInt64) >> 2 | 0x8000_0000_0000_0000
    }

    package init(at now: Timestamp) {
        var random = SecureRandomGenerator()
        self.init(at: now, using: &random)
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

extension Identifier: CustomStringConvertible, LosslessStringConvertible {
    package var description: String {
        var text = InlineArray<30, UInt8>(repeating: 0)
        for (place, octet) in Subject.prefix.utf8.enumerated() { text[place] = octet }
        // 26 digits hold 130 bits: the first one has but three.
        text[4] = Base32.digit(high >> 61)
        var rest = (high: high << 3 | low >> 61, low: low << 3)
        for place in 5..<30 {
            text[place] = Base32.digit(rest.high >> 59)
            rest = (rest.high << 5 | rest.low >> 59, rest.low << 5)
        }
        return String(octets: text.span)
    }

    /// Nil for anything that is not this subject's prefix and 26 digits of a 128-bit number.
    package init?(_ text: String) {
        let digits = text.utf8.dropFirst(Subject.prefix.utf8.count)
        guard text.hasPrefix(Subject.prefix), digits.count == 26 else { return nil }
        var value: (high: UInt64, low: UInt64) = (0, 0)
        for digit in digits {
            guard let number = Base32.value(of: digit), value.high >> 59 == 0 else { return nil }
            value = (value.high << 5 | value.low >> 59, value.low << 5 | UInt64(number))
        }
        self.init(high: value.high, low: value.low)
    }
}

/// Crockford's base 32 in lower case: no i, l, o or u to misread.
private enum Base32 {
    /// `0123456789abcdefghjkmnpqrstvwxyz`: each letter left out moves those behind it by one.
    static func digit(_ value: UInt64) -> UInt8 {
        let value = UInt8(truncatingIfNeeded: value)
        guard value >= 10 else { return 48 + value }
        return 87 + value + (value >= 18).octet + (value >= 20).octet + (value >= 22).octet
            + (value >= 27).octet
    }

    static func value(of digit: UInt8) -> UInt8? {
        (0..<32).first { Self.digit($0) == digit }.map { UInt8($0) }
    }
}

package enum MessageSubject: IdentifierSubject { package static let prefix = "msg_" }
package enum ApplicationSubject: IdentifierSubject { package static let prefix = "app_" }
package enum CredentialSubject: IdentifierSubject { package static let prefix = "crd_" }
package enum WebhookSubject: IdentifierSubject { package static let prefix = "whk_" }
package enum RequestSubject: IdentifierSubject { package static let prefix = "req_" }

package typealias MessageID = Identifier<MessageSubject>
package typealias ApplicationID = Identifier<ApplicationSubject>
package typealias CredentialID = Identifier<CredentialSubject>
package typealias WebhookID = Identifier<WebhookSubject>
package typealias RequestID = Identifier<RequestSubject>
