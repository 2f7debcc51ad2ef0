/// A JSON value as it was written (RFC 8259): numbers keep their text, objects their order.
package enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)
    /// A string whose content went out in fragments under this number; see `JSONDocumentReader`.
    case streamed(Int)
}

/// What a value is, or nil when it is something else.
extension JSONValue {
    /// Nil also for a number that is not whole or does not fit.
    package var intValue: Int? {
        if case .number(let number) = self { number.int } else { nil }
    }
    package var arrayValue: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }
    package var objectValue: JSONObject? {
        if case .object(let object) = self { object } else { nil }
    }
    package var isNull: Bool { self == .null }

    /// Nil when this is no object or has no such member.
    package subscript(key: String) -> JSONValue? { objectValue?[key] }

    /// Nil when this is no array or has no such element.
    package subscript(index: Int) -> JSONValue? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    /// With its article, for a message: "an object".
    package var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string, .streamed: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

// There is no nil literal: it would make `value["key"] == nil` ask whether the member is null.
extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    package init(stringLiteral text: String) { self = .string(text) }
    package init(integerLiteral value: Int) { self = .number(JSONNumber(value)) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    /// Of two members with one name the last stays.
    package init(dictionaryLiteral members: (String, JSONValue)...) {
        var object = JSONObject()
        for (key, value) in members { object[key] = value }
        self = .object(object)
    }
}
