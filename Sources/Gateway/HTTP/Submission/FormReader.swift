import Mail
import Wire

enum JSONPointer {
    /// A name as a part of a pointer (RFC 6901 §3).
    static func escaped(_ name: String) -> String {
        guard name.utf8.contains(where: { $0 == 0x7e || $0 == 0x2f }) else { return name }
        return name.replacing("~", with: "~0").replacing("/", with: "~1")
    }
}

/// Reads a JSON object field by field and notes all that is wrong, each with its pointer.
struct FormReader {
    private let members: JSONObject
    private let pointer: String
    /// Whether each member was asked for.
    private var isKnown: [Bool]
    private(set) var problems: [Problem.Item] = []

    /// Nil where the value is no object; the problem is in `problems` of the throwing caller.
    init?(_ value: JSONValue, at pointer: String) {
        guard case .object(let members) = value else { return nil }
        self.members = members
        self.pointer = pointer
        isKnown = Array(repeating: false, count: members.count)
    }

    func place(_ name: String) -> String {
        pointer + "/" + JSONPointer.escaped(name)
    }

    mutating func note(_ name: String, _ code: String, _ detail: String) {
        problems.append(.init(name.isEmpty ? pointer : place(name), code, detail))
    }

    mutating func note(_ items: [Problem.Item]) {
        problems += items
    }

    /// The field's value; nil when it is absent or null.
    mutating func value(_ name: String) -> JSONValue? {
        guard let place = find(name) else { return nil }
        let value = members.members[place].value
        if case .null = value { return nil }
        return value
    }

    func isList(_ name: String) -> Bool {
        if case .array = members[name] { true } else { false }
    }

    /// Whether the field is there at all, if only as null.
    mutating func isGiven(_ name: String) -> Bool {
        find(name) != nil
    }

    private mutating func find(_ name: String) -> Int? {
        guard let place = members.place(of: name) else { return nil }
        isKnown[place] = true
        return place
    }

    mutating func string(_ name: String, maximum: Int = .max) -> String? {
        guard let value = value(name) else { return nil }
        guard case .string(let text) = value else {
            note(name, "wrong_type", "\(name) must be a string")
            return nil
        }
        guard text.utf8.count <= maximum else {
            note(name, "too_long", "\(name) may have at most \(maximum) octets")
            return nil
        }
        return text
    }

    /// A string that will stand in a header: without line breaks and other controls.
    mutating func line(_ name: String, maximum: Int = .max) -> String? {
        guard let text = string(name, maximum: maximum) else { return nil }
        guard !text.hasControls else {
            note(name, "control_character", "\(name) may have no line breaks or other controls")
            return nil
        }
        return text
    }

    mutating func bool(_ name: String) -> Bool? {
        guard let value = value(name) else { return nil }
        guard case .bool(let flag) = value else {
            note(name, "wrong_type", "\(name) must be true or false")
            return nil
        }
        return flag
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int>) -> Int? {
        guard let value = value(name) else { return nil }
        guard case .number(let number) = value, let integer = number.int, range.contains(integer)
        else {
            note(
                name,
                "wrong_type",
                "\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound)"
            )
            return nil
        }
        return integer
    }

    mutating func timestamp(_ name: String) -> Timestamp? {
        guard let text = string(name) else { return nil }
        guard let moment = Timestamp(rfc3339: text) else {
            note(name, "invalid", "\(name) must be an RFC 3339 time such as 2026-01-31T08:30:00Z")
            return nil
        }
        return moment
    }

    mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String,
        _ type: Choice.Type
    ) -> Choice? where Choice.RawValue == String {
        guard let text = string(name) else { return nil }
        guard let choice = Choice(rawValue: text) else {
            let all = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            note(name, "invalid", "\(name) must be one of \(all)")
            return nil
        }
        return choice
    }

    mutating func strings(_ name: String, maximum: Int = .max) -> [String]? {
        guard let value = value(name) else { return nil }
        guard case .array(let elements) = value else {
            note(name, "wrong_type", "\(name) must be a list of strings")
            return nil
        }
        guard elements.count <= maximum else {
            note(name, "too_many", "\(name) may have at most \(maximum) entries")
            return nil
        }
        var strings: [String] = []
        for (index, element) in elements.enumerated() {
            guard case .string(let text) = element else {
                problems.append(
                    .init("\(place(name))/\(index)", "wrong_type", "must be a string")
                )
                continue
            }
            strings.append(text)
        }
        return strings
    }

    /// An object whose values are strings, in the order given.
    mutating func dictionary(_ name: String) -> [(name: String, value: String)]? {
        guard let value = value(name) else { return nil }
        guard case .object(let object) = value else {
            note(name, "wrong_type", "\(name) must be an object of strings")
            return nil
        }
        var pairs: [(name: String, value: String)] = []
        for member in object {
            guard case .string(let text) = member.value else {
                problems.append(
                    .init(
                        "\(place(name))/\(JSONPointer.escaped(member.key))",
                        "wrong_type",
                        "must be a string"
                    )
                )
                continue
            }
            pairs.append((member.key, text))
        }
        return pairs
    }

    /// Ends the reading: whatever nobody asked for is unknown.
    mutating func finish() {
        for (member, isKnown) in zip(members, isKnown) where !isKnown {
            note(member.key, "unknown_field", "unknown field \(member.key)")
        }
    }
}

extension String {
    /// Holds a character of the category Cc: U+0000 to U+001F, U+007F to U+009F.
    fileprivate var hasControls: Bool {
        var previous: UInt8 = 0
        for octet in utf8 {
            let isC1 = previous == 0xc2 && (0x80...0x9f).contains(octet)
            if octet < 0x20 || octet == 0x7f || isC1 { return true }
            previous = octet
        }
        return false
    }
}
