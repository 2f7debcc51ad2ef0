/// Why a text is no JSON, or more of it than is allowed.
package struct JSONError: Error, Hashable, Sendable {
    /// A sentence for a human, without the place.
    package let reason: String
    /// From 1.
    package let line: Int
    /// In octets, from 1.
    package let column: Int
    /// In octets from the start of the text.
    package let offset: Int
    /// The value at fault or the one around it, as RFC 6901 names it; empty for the whole document.
    package let pointer: String
    /// It may be good JSON, but there is more of it than is allowed.
    package var exceedsLimit = false
}

extension JSONError: CustomStringConvertible {
    package var description: String {
        "line \(line), column \(column)\(pointer.isEmpty ? "" : " (at \(pointer))"): \(reason)"
    }
}

/// What a reader takes before it gives up.
package struct JSONLimits: Hashable, Sendable {
    /// Arrays and objects inside each other.
    package var maximumDepth: Int
    /// Of a string, key or number that is kept. Streamed strings have no limit here.
    package var maximumStringOctets: Int
    /// All values of a document together.
    package var maximumValues: Int

    package init(
        maximumDepth: Int = 64,
        maximumStringOctets: Int = 16 << 20,
        maximumValues: Int = 200_000
    ) {
        self.maximumDepth = maximumDepth
        self.maximumStringOctets = maximumStringOctets
        self.maximumValues = maximumValues
    }
}

enum JSONPointer {
    /// RFC 6901 §3.
    static func token(_ key: String) -> String {
        guard key.utf8.contains(where: { $0 == 126 || $0 == 47 }) else { return "/" + key }
        return "/" + key.replacing("~", with: "~0").replacing("/", with: "~1")
    }
}
