/// The form in which parameters of SMTP carry any text (RFC 3461 §4): printable ASCII, with `+`, `=`
/// and all else as `+` and two hexadecimal digits.
enum XText {
    private static let hexDigits = Array("0123456789ABCDEF".utf8)

    static func encode(_ text: some StringProtocol) -> String {
        var octets: [UInt8] = []
        for octet in text.utf8 {
            if isLiteral(octet) || octet >= 0x80 {
                octets.append(octet)
            } else {
                octets.append(UInt8(ascii: "+"))
                octets.append(hexDigits[Int(octet >> 4)])
                octets.append(hexDigits[Int(octet & 15)])
            }
        }
        return String(octets: octets.span)
    }

    /// Nil for what is no xtext, or stands for anything but printable ASCII and blanks (§4.2, §4.4).
    /// Only an address of type utf-8 may hold more, as it is (RFC 6533 §3).
    static func decode(_ text: some StringProtocol, allowsUnicode: Bool = false) -> String? {
        var octets: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let octet = rest.popFirst() {
            if octet == UInt8(ascii: "+") {
                guard let code = code(rest.prefix(2)), 32...126 ~= code || code == .tab else {
                    return nil
                }
                octets.append(code)
                rest = rest.dropFirst(2)
            } else if isLiteral(octet) || allowsUnicode && octet >= 0x80 {
                octets.append(octet)
            } else {
                return nil
            }
        }
        return String(octets: octets.span)
    }

    private static func isLiteral(_ octet: UInt8) -> Bool {
        33...126 ~= octet && octet != UInt8(ascii: "+") && octet != UInt8(ascii: "=")
    }

    /// The digits are capital: §4.
    private static func code(_ digits: ArraySlice<UInt8>) -> UInt8? {
        guard digits.count == 2, let high = digits.first, let low = digits.last,
            !(97...102).contains(high), !(97...102).contains(low), let high = high.hexValue,
            let low = low.hexValue
        else { return nil }
        return high << 4 | low
    }
}

/// Any text of SMTP's parameters, such as AUTH= of MAIL (RFC 4954 §5).
package func isXText(_ text: String) -> Bool { XText.decode(text) != nil }
