/// A String of RFC 9651 §3.3.3, as `Idempotency-Key` carries it; bare text is taken too, since
/// most clients send it so.
package enum StructuredString {
    /// Nil for an empty text, a broken quoting, or characters other than visible ASCII and blank.
    package static func parse(_ value: some StringProtocol) -> String? {
        let octets = HTTPFields.trimmed([UInt8](value.utf8)[...])
        guard octets.allSatisfy({ 0x20...0x7E ~= $0 }) else { return nil }
        guard octets.first == HTTPOctet.quote else {
            return octets.isEmpty ? nil : String(decoding: octets, as: UTF8.self)
        }
        var text: [UInt8] = []
        var rest = octets.dropFirst()
        while let octet = rest.popFirst() {
            switch octet {
            case HTTPOctet.quote:
                return text.isEmpty || !rest.isEmpty ? nil : String(decoding: text, as: UTF8.self)
            case HTTPOctet.backslash:
                guard let escaped = rest.popFirst(),
                    [HTTPOctet.quote, HTTPOctet.backslash].contains(escaped)
                else { return nil }
                text.append(escaped)
            default: text.append(octet)
            }
        }
        return nil
    }
}
