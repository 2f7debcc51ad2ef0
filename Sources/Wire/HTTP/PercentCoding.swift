/// Percent-encoding, RFC 3986 §2.1.
package enum PercentCoding {
    /// Everything but RFC 3986's unreserved characters becomes `%XX`.
    package static func encode(_ text: some StringProtocol) -> String {
        String(decoding: encoded(text.utf8, keeping: .unreserved), as: UTF8.self)
    }

    static func encoded(_ octets: some Sequence<UInt8>, keeping set: HTTPOctetSet) -> [UInt8] {
        let digits = [UInt8]("0123456789ABCDEF".utf8)
        var output: [UInt8] = []
        for octet in octets {
            if set.contains(octet) {
                output.append(octet)
            } else {
                output.append(HTTPOctet.percent)
                output.append(digits[Int(octet >> 4)])
                output.append(digits[Int(octet & 15)])
            }
        }
        return output
    }

    /// Nil for a broken escape, a NUL, or what is not UTF-8.
    static func text(_ octets: ArraySlice<UInt8>, plusIsSpace: Bool = false) -> String? {
        guard let decoded = self.octets(octets, plusIsSpace: plusIsSpace), !decoded.contains(0)
        else { return nil }
        return String(validating: decoded, as: UTF8.self)
    }

    /// Nil for a broken escape.
    private static func octets(
        _ octets: ArraySlice<UInt8>,
        plusIsSpace: Bool = false
    ) -> ArraySlice<UInt8>? {
        let isCoded = octets.contains {
            $0 == HTTPOctet.percent || (plusIsSpace && $0 == HTTPOctet.plus)
        }
        guard isCoded else { return octets }
        var output: [UInt8] = []
        output.reserveCapacity(octets.count)
        var index = octets.startIndex
        while index < octets.endIndex {
            switch octets[index] {
            case HTTPOctet.percent:
                guard index + 2 < octets.endIndex,
                    let high = HTTPOctet.hexValue(octets[index + 1]),
                    let low = HTTPOctet.hexValue(octets[index + 2])
                else { return nil }
                output.append(UInt8(high << 4 | low))
                index += 2
            case HTTPOctet.plus where plusIsSpace: output.append(HTTPOctet.space)
            default: output.append(octets[index])
            }
            index += 1
        }
        return output[...]
    }
}
