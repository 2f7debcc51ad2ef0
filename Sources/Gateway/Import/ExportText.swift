/// The text of a file as PowerShell writes it: UTF-8 with or without a byte order mark, or UTF-16
/// (`>` and Out-File of Windows PowerShell).
enum ExportText {
    /// Nil for octets that are neither.
    static func decode(_ octets: [UInt8]) -> String? {
        if octets.starts(with: [0xef, 0xbb, 0xbf]) { return utf8(octets.dropFirst(3)) }
        if octets.starts(with: [0xff, 0xfe]) { return utf16(octets.dropFirst(2), isBig: false) }
        if octets.starts(with: [0xfe, 0xff]) { return utf16(octets.dropFirst(2), isBig: true) }
        // An export begins with a character of ASCII, so a zero beside it tells the order.
        if octets.count >= 2, octets[1] == 0 { return utf16(octets[...], isBig: false) }
        if octets.count >= 2, octets[0] == 0 { return utf16(octets[...], isBig: true) }
        return utf8(octets[...])
    }

    private static func utf8(_ octets: ArraySlice<UInt8>) -> String? {
        String(validating: octets, as: UTF8.self)
    }

    private static func utf16(_ octets: ArraySlice<UInt8>, isBig: Bool) -> String? {
        guard octets.count.isMultiple(of: 2) else { return nil }
        let pairs = stride(from: octets.startIndex, to: octets.endIndex, by: 2)
        let units = pairs.map { place in
            let (first, second) = (UInt16(octets[place]), UInt16(octets[place + 1]))
            return isBig ? first << 8 | second : second << 8 | first
        }
        return String(validating: units, as: UTF16.self)
    }
}
