import Wire

/// JSON5 as an administrator would write it: names without quotes, short objects on one line.
enum JSON5Text {
    private static let width = 100

    static func file(_ root: JSONObject, comment: String) -> String {
        "// \(comment)\n\(text(.object(root), indent: 0, isRoot: true))\n"
    }

    private static func text(_ value: JSONValue, indent: Int, isRoot: Bool = false) -> String {
        let short = line(value)
        if !isRoot, indent + short.count <= width { return short }
        let inner = String(repeating: " ", count: indent + 2)
        let outer = String(repeating: " ", count: indent)
        switch value {
        case .object(let object):
            let members = object.map { member in
                "\(inner)\(name(member.key)): \(text(member.value, indent: indent + 2)),\n"
            }
            return "{\n\(members.joined())\(outer)}"
        case .array(let elements):
            let lines = elements.map { "\(inner)\(text($0, indent: indent + 2)),\n" }
            return "[\n\(lines.joined())\(outer)]"
        default:
            return short
        }
    }

    private static func line(_ value: JSONValue) -> String {
        switch value {
        case .object(let object):
            let members = object.map { "\(name($0.key)): \(line($0.value))" }
            return members.isEmpty ? "{}" : "{ \(members.joined(separator: ", ")) }"
        case .array(let elements):
            return "[\(elements.map(line).joined(separator: ", "))]"
        default:
            return String(decoding: value.serialized(), as: UTF8.self)
        }
    }

    private static func name(_ key: String) -> String {
        let isPlain = key.utf8.allSatisfy { byte in
            (97...122).contains(byte | 32) && byte > 64
        }
        return isPlain && !key.isEmpty
            ? key : String(decoding: JSONValue.string(key).serialized(), as: UTF8.self)
    }
}
