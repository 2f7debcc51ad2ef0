import Mail
import Wire

/// Members of an object in one call, by names of the program; nil writes null.
extension JSONWriter {
    mutating func member(_ name: String, _ value: String?) {
        key(plain: name)
        if let value { string(value) } else { null() }
    }

    mutating func member(_ name: String, _ value: Int?) {
        key(plain: name)
        if let value { integer(value) } else { null() }
    }

    mutating func member(_ name: String, _ value: Bool) {
        key(plain: name)
        bool(value)
    }

    mutating func member(_ name: String, _ value: Timestamp?) {
        member(name, value?.rfc3339)
    }

    mutating func member(_ name: String, _ values: [String]) {
        key(plain: name)
        beginArray()
        for value in values { string(value) }
        endArray()
    }

    mutating func members<Element>(
        _ name: String,
        _ elements: [Element],
        _ write: (Element, inout JSONWriter) -> Void
    ) {
        key(plain: name)
        beginArray()
        for element in elements { write(element, &self) }
        endArray()
    }
}
