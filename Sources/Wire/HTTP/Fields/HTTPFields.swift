/// The field lines of a message as they came: the section's octets and where each line's name and
/// value lie in them. Strings are made when asked for.
package struct HTTPFields: Sendable, Equatable {
    /// Offsets into the octets; the value is without surrounding blanks.
    struct Line: Sendable, Equatable {
        let nameStart: UInt32
        let nameEnd: UInt32
        let valueStart: UInt32
        let valueEnd: UInt32

        var nameLength: Int { Int(nameEnd - nameStart) }
        var name: Range<Int> { Int(nameStart)..<Int(nameEnd) }
        var value: Range<Int> { Int(valueStart)..<Int(valueEnd) }
    }

    let octets: [UInt8]
    let lines: [Line]

    /// The value of the first field of that name, in any case; what is not UTF-8 is replaced.
    package func first(_ name: String) -> String? { line(name).map { text($0.value) } }

    package func all(_ name: String) -> [String] {
        lines(named: name).map { text($0.value) }
    }

    func lines(named name: String) -> [Line] { lines.filter { isNamed(name, $0) } }

    /// The elements of a comma-separated list over all fields of that name, RFC 9110 §5.6.1;
    /// a comma within a quoted string separates nothing.
    package func list(_ name: String) -> [String] {
        var elements: [String] = []
        for line in lines where isNamed(name, line) {
            for element in Self.elements(of: octets[line.value]) {
                elements.append(String(decoding: element, as: UTF8.self))
            }
        }
        return elements
    }

    private func line(_ name: String) -> Line? { lines.first { isNamed(name, $0) } }

    private func isNamed(_ name: String, _ line: Line) -> Bool {
        let wanted = name.utf8
        guard wanted.count == line.nameLength else { return false }
        var index = Int(line.nameStart)
        for octet in wanted {
            guard HTTPOctet.lowered(octets[index]) == HTTPOctet.lowered(octet) else { return false }
            index += 1
        }
        return true
    }

    private func text(_ range: Range<Int>) -> String {
        String(decoding: octets[range], as: UTF8.self)
    }
}

extension HTTPFields {
    /// Fields made by hand. Octets that HTTP cannot carry there are replaced.
    init(_ pairs: [(name: String, value: String)]) {
        var octets: [UInt8] = []
        var lines: [Line] = []
        for (name, value) in pairs {
            let nameStart = octets.count
            HTTPFieldText.append(name: name, to: &octets)
            let nameEnd = octets.count
            octets.append(contentsOf: [HTTPOctet.colon, HTTPOctet.space])
            let valueStart = octets.count
            HTTPFieldText.append(value: value, to: &octets)
            lines.append(
                Line(
                    nameStart: UInt32(nameStart),
                    nameEnd: UInt32(nameEnd),
                    valueStart: UInt32(valueStart),
                    valueEnd: UInt32(octets.count)
                )
            )
            octets.append(contentsOf: [HTTPOctet.carriageReturn, HTTPOctet.lineFeed])
        }
        self.init(octets: octets, lines: lines)
    }

    /// The non-empty elements of a list, without the blanks around them.
    static func elements(of value: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        var elements: [ArraySlice<UInt8>] = []
        var start = value.startIndex
        var isQuoted = false
        var isEscaped = false
        for index in value.indices {
            switch value[index] {
            case _ where isEscaped: isEscaped = false
            case HTTPOctet.backslash where isQuoted: isEscaped = true
            case HTTPOctet.quote: isQuoted.toggle()
            case HTTPOctet.comma where !isQuoted:
                elements.append(trimmed(value[start..<index]))
                start = index + 1
            default: break
            }
        }
        elements.append(trimmed(value[start...]))
        return elements.filter { !$0.isEmpty }
    }

    static func trimmed(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var low = value.startIndex
        var high = value.endIndex
        while low < high, HTTPOctet.isBlank(value[low]) { low += 1 }
        while high > low, HTTPOctet.isBlank(value[high - 1]) { high -= 1 }
        return value[low..<high]
    }
}

extension ArraySlice<UInt8> {
    /// Compares ASCII without regard to case; `lowercase` must be in lower case.
    func equalsIgnoringCase(_ lowercase: String) -> Bool {
        let wanted = lowercase.utf8
        return count == wanted.count
            && zip(self, wanted).allSatisfy { HTTPOctet.lowered($0) == $1 }
    }
}
