/// Domain names beyond ASCII as DNS carries them: IDNA 2008 (RFC 5891 §4), as far as a relay needs.
package enum InternationalName {
    /// The name in lower case with A-labels. The caller checks lengths and hyphens.
    package static func ascii(of name: String) throws(AddressError) -> String {
        var labels: [String] = []
        for label in composed(name.lowercased()).split(
            omittingEmptySubsequences: false,
            whereSeparator: { fullStops.contains($0) }
        ) {
            labels.append(try aLabel(of: label))
        }
        return labels.joined(separator: ".")
    }

    /// The name for human eyes: A-labels that decode are shown in Unicode.
    package static func unicode(of name: String) -> String {
        guard name.contains("xn--") else { return name }
        return name.split(separator: ".", omittingEmptySubsequences: false).map { label in
            guard label.hasPrefix("xn--") else { return String(label) }
            return Punycode.decode(String(label.dropFirst(4))) ?? String(label)
        }.joined(separator: ".")
    }

    /// The full stops that input methods write (RFC 3490 §3.1).
    private static let fullStops: Set<Unicode.Scalar> = [".", "\u{3002}", "\u{ff0e}", "\u{ff61}"]

    private static func aLabel(
        of label: String.UnicodeScalarView.SubSequence
    ) throws(AddressError) -> String {
        if label.allSatisfy(\.isASCII) { return String(label) }
        for scalar in label where !isAllowed(scalar) {
            throw AddressError("the domain holds U+\(hex(scalar)), which no domain name may have")
        }
        guard let first = label.first, !first.properties.generalCategory.isMark else {
            throw AddressError("a label of the domain begins with a combining mark")
        }
        guard let encoded = Punycode.encode(String(label)) else {
            throw AddressError("a label of the domain is too long")
        }
        return "xn--" + encoded
    }

    private static func hex(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
    }

    /// Letters, marks and digits, as RFC 5892 §2.1 has them; ASCII is judged by the caller.
    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return true }
        switch scalar.properties.generalCategory {
        case .lowercaseLetter, .otherLetter, .modifierLetter, .nonspacingMark, .spacingMark,
            .decimalNumber:
            return true
        default:
            // ZWNJ, ZWJ and the middle dot: RFC 5892 appendix A.
            return [0x200c, 0x200d, 0xb7, 0x30fb].contains(scalar.value)
        }
    }

    /// Letters followed by combining marks as the one letter they make, and fullwidth ASCII narrow.
    /// A label typed with either spelling must give one name (normal form C, RFC 5891 §4.1).
    private static func composed(_ name: String) -> String.UnicodeScalarView {
        var scalars = String.UnicodeScalarView()
        for character in name {
            let parts = character.unicodeScalars
            if parts.count > 1, let letter = letters[character] {
                scalars.append(letter)
            } else {
                scalars.append(contentsOf: parts.map(narrow))
            }
        }
        return scalars
    }

    private static func narrow(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        guard (0xff01...0xff5d).contains(scalar.value), scalar.value != 0xff0e else {
            return scalar
        }
        return Unicode.Scalar(scalar.value - 0xfee0) ?? scalar
    }

    /// Characters that Swift holds equal to their decomposed spelling find it in a dictionary.
    private static let letters: [Character: Unicode.Scalar] = {
        let blocks: [ClosedRange<UInt32>] = [
            0xc0...0x24f, 0x386...0x3ce, 0x400...0x4ff, 0x622...0x6d3, 0x929...0x934,
            0x1e00...0x1fff, 0x3040...0x30ff, 0xac00...0xd7a3,
        ]
        var letters: [Character: Unicode.Scalar] = [:]
        for scalar in blocks.joined().compactMap(Unicode.Scalar.init) {
            letters[Character(scalar)] = scalar
        }
        return letters
    }()
}

extension Unicode.GeneralCategory {
    fileprivate var isMark: Bool {
        self == .nonspacingMark || self == .spacingMark || self == .enclosingMark
    }
}
