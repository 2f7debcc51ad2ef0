import Mail

/// Writes JSON into octets. Values follow each other in the order of the calls; commas and colons are
/// its business. A call that would make something other than JSON is a mistake of the program and
/// stops it.
package struct JSONWriter: Sendable {
    private struct Level: Sendable {
        let isObject: Bool
        var isEmpty = true
    }

    package private(set) var octets: [UInt8] = []
    private let isPretty: Bool
    private var levels: [Level] = []
    private var isAfterKey = false

    /// `pretty`: one member or element a line, two blanks a level.
    package init(pretty: Bool = false, capacity: Int = 256) {
        isPretty = pretty
        octets.reserveCapacity(capacity)
    }

    package mutating func beginObject() { open(UInt8(ascii: "{"), isObject: true) }
    package mutating func endObject() { close(UInt8(ascii: "}"), isObject: true) }
    package mutating func beginArray() { open(UInt8(ascii: "["), isObject: false) }
    package mutating func endArray() { close(UInt8(ascii: "]"), isObject: false) }

    package mutating func key(_ name: String) {
        beginKey()
        quote(name)
        endKey()
    }

    /// For a name of the program, in which nothing needs an escape.
    package mutating func key(plain name: String) {
        beginKey()
        octets.append(34)
        octets.append(name)
        octets.append(34)
        endKey()
    }

    package mutating func string(_ text: String) {
        beginValue()
        quote(text)
    }

    package mutating func integer(_ value: some FixedWidthInteger) {
        beginValue()
        octets.append(String(value))
    }

    package mutating func number(_ number: JSONNumber) {
        beginValue()
        octets.append(number.text)
    }

    package mutating func bool(_ value: Bool) {
        beginValue()
        octets.append(value ? "true" : "false")
    }

    package mutating func null() {
        beginValue()
        octets.append("null")
    }

    /// A streamed string, whose content is elsewhere, is written as null.
    package mutating func value(_ value: JSONValue) {
        switch value {
        case .null, .streamed: null()
        case .bool(let value): bool(value)
        case .number(let number): self.number(number)
        case .string(let text): string(text)
        case .array(let elements):
            beginArray()
            for element in elements { self.value(element) }
            endArray()
        case .object(let object):
            beginObject()
            for member in object {
                key(member.key)
                self.value(member.value)
            }
            endObject()
        }
    }
}

extension JSONWriter {
    private mutating func open(_ bracket: UInt8, isObject: Bool) {
        beginValue()
        octets.append(bracket)
        levels.append(Level(isObject: isObject))
    }

    private mutating func close(_ bracket: UInt8, isObject: Bool) {
        precondition(levels.last?.isObject == isObject && !isAfterKey, "an end where none belongs")
        let level = levels.removeLast()
        if isPretty, !level.isEmpty { breakLine() }
        octets.append(bracket)
    }

    private mutating func beginKey() {
        precondition(levels.last?.isObject == true && !isAfterKey, "a name where none belongs")
        separate()
    }

    private mutating func endKey() {
        octets.append(UInt8(ascii: ":"))
        if isPretty { octets.append(32) }
        isAfterKey = true
    }

    private mutating func beginValue() {
        if isAfterKey {
            isAfterKey = false
        } else {
            precondition(levels.last?.isObject != true, "a value without a name")
            precondition(!levels.isEmpty || octets.isEmpty, "a second document")
            separate()
        }
    }

    private mutating func separate() {
        guard let top = levels.indices.last else { return }
        if !levels[top].isEmpty { octets.append(UInt8(ascii: ",")) }
        levels[top].isEmpty = false
        if isPretty { breakLine() }
    }

    private mutating func breakLine() {
        octets.append(10)
        octets.append(contentsOf: repeatElement(32, count: 2 * levels.count))
    }

    /// RFC 8259 §7: quotes, backslashes and controls are escaped, all else stays.
    private mutating func quote(_ text: String) {
        let bytes = text.utf8.span
        octets.append(34)
        var index = 0
        while true {
            let end = endOfPlainText(in: bytes, from: index)
            octets.append(bytes.extracting(index..<end))
            guard end < bytes.count else { break }
            escape(bytes[end])
            index = end + 1
        }
        octets.append(34)
    }

    private mutating func escape(_ byte: UInt8) {
        switch byte {
        case 34: octets.append("\\\"")
        case 92: octets.append("\\\\")
        case 8: octets.append("\\b")
        case 9: octets.append("\\t")
        case 10: octets.append("\\n")
        case 12: octets.append("\\f")
        case 13: octets.append("\\r")
        default:
            octets.append(byte < 16 ? "\\u000" : "\\u00")
            octets.append(String(byte, radix: 16))
        }
    }
}

extension JSONValue {
    /// As compact or as readable as asked; a streamed string is null.
    package func serialized(pretty: Bool = false) -> [UInt8] {
        var writer = JSONWriter(pretty: pretty)
        writer.value(self)
        return writer.octets
    }
}

extension JSONValue: CustomStringConvertible {
    package var description: String { String(decoding: serialized(), as: UTF8.self) }
}
