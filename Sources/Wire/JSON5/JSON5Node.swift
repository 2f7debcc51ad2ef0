/// A JSON5 value (spec.json5.org) and where it begins, so that a complaint about it can say where.
package struct JSON5Node: Hashable, Sendable {
    package let value: JSON5Value
    /// From 1.
    package let line: Int
    /// In characters, from 1.
    package let column: Int
}

package enum JSON5Value: Hashable, Sendable {
    case null
    case bool(Bool)
    case number(JSON5Number)
    case string(String)
    case array([JSON5Node])
    /// In the order they were written, each name once.
    case object([JSON5Member])
}

package struct JSON5Member: Hashable, Sendable {
    package let key: String
    /// Where the key begins.
    package let line: Int
    package let column: Int
    package let node: JSON5Node
}

/// A number as it was written and what it is worth.
package struct JSON5Number: Hashable, Sendable {
    package let text: String
    /// Nil when it is not whole or does not fit.
    package let int: Int?
    /// Infinite where the text says so or names more than a `Double` holds.
    package let double: Double
}

/// What a node holds, or nil when it holds something else.
extension JSON5Node {
    package var intValue: Int? {
        if case .number(let number) = value { number.int } else { nil }
    }
    package var arrayValue: [JSON5Node]? {
        if case .array(let elements) = value { elements } else { nil }
    }
    package var objectValue: [JSON5Member]? {
        if case .object(let members) = value { members } else { nil }
    }

    package subscript(key: String) -> JSON5Node? {
        objectValue?.first { $0.key == key }?.node
    }

    /// With its article, for a message: "an object".
    package var kind: String {
        switch value {
        case .null: "null"
        case .bool: "true or false"
        case .number: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object: "an object"
        }
    }
}
