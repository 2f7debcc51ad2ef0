/// A number as its text, valid by RFC 8259 §6: nothing is lost until someone asks for a value.
package struct JSONNumber: Hashable, Sendable {
    package let text: String

    /// Nil for what JSON does not write as a number.
    package init?(_ text: String) {
        guard Self.isNumber(text.utf8.span) else { return nil }
        self.text = text
    }

    package init(_ value: some FixedWidthInteger) { text = String(value) }

    init(checked text: String) { self.text = text }

    /// The whole number, also when it is written as `1.0` or `1e3`; nil when it is not whole, does not
    /// fit, or would be rounded on the way.
    package var int: Int? {
        if let int = Int(text) { return int }
        guard let double, abs(double) < 0x1p53 else { return nil }
        let whole = Int(double)
        return Double(whole) == double ? whole : nil
    }

    /// The nearest double; nil when the number is too large for one.
    package var double: Double? { Double(text).flatMap { $0.isFinite ? $0 : nil } }

    /// `-` digits without leading zeros, then perhaps a fraction, then perhaps an exponent.
    static func isNumber(_ octets: Span<UInt8>) -> Bool {
        var index = 0
        if index < octets.count, octets[index] == 45 { index += 1 }
        if index < octets.count, octets[index] == 48 {
            index += 1
        } else if !skipDigits(octets, &index) {
            return false
        }
        if index < octets.count, octets[index] == 46 {
            index += 1
            guard skipDigits(octets, &index) else { return false }
        }
        if index < octets.count, octets[index] | 32 == 101 {
            index += 1
            if index < octets.count, octets[index] == 43 || octets[index] == 45 { index += 1 }
            guard skipDigits(octets, &index) else { return false }
        }
        return index == octets.count
    }

    /// False when there is none.
    private static func skipDigits(_ octets: Span<UInt8>, _ index: inout Int) -> Bool {
        let start = index
        while index < octets.count, octets[index] &- 48 < 10 { index += 1 }
        return index > start
    }
}

extension JSONNumber: CustomStringConvertible {
    package var description: String { text }
}
