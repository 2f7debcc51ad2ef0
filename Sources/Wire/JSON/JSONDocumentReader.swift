/// A piece of a streamed string, unescaped and valid UTF-8.
package struct JSONFragment: Hashable, Sendable {
    /// The number in `JSONValue.streamed`, counted from 0.
    package let stream: Int
    /// Where the string stands, as RFC 6901 names it.
    package let pointer: String
    package let octets: [UInt8]
    package let isLast: Bool
}

/// Reads one JSON document out of pieces, strictly by RFC 8259: UTF-8 without a byte-order mark, no
/// name twice in an object, no lone surrogate, nothing behind the document.
///
/// Strings at the given places are not kept: their content comes out in fragments while it is read,
/// so that memory does not grow with an attachment. A place is a path of names and indices; `*`
/// stands for any one of them.
package struct JSONDocumentReader: Sendable {
    private var machine: JSONMachine

    package init(limits: JSONLimits = JSONLimits(), streaming places: [[String]] = []) {
        machine = JSONMachine(limits: limits, places: places, isSequence: false)
    }

    /// After an error the reader gives the same error again.
    package mutating func receive(_ bytes: Span<UInt8>) throws(JSONError) {
        try machine.receive(bytes)
    }

    /// What has come out since the last call, in order.
    package mutating func takeFragments() -> [JSONFragment] { machine.takeFragments() }

    /// The document, when the bytes are at their end.
    package mutating func finish() throws(JSONError) -> JSONValue {
        try machine.finish()
        return machine.documents.removeFirst()
    }
}

/// Reads documents that follow each other, one a line (NDJSON) or just one behind the other.
/// Pointers begin with the document's index, as if the sequence were an array; the places to stream
/// do not.
package struct JSONSequenceReader: Sendable {
    private var machine: JSONMachine

    package init(limits: JSONLimits = JSONLimits(), streaming places: [[String]] = []) {
        machine = JSONMachine(limits: limits, places: places, isSequence: true)
    }

    package mutating func receive(_ bytes: Span<UInt8>) throws(JSONError) {
        try machine.receive(bytes)
    }

    package mutating func takeFragments() -> [JSONFragment] { machine.takeFragments() }

    /// The next whole document; nil until more bytes arrive.
    package mutating func next() -> JSONValue? {
        machine.documents.isEmpty ? nil : machine.documents.removeFirst()
    }

    /// The bytes are at their end; `next` may still have a number that only the end completed.
    package mutating func finish() throws(JSONError) { try machine.finish() }
}

extension JSONValue {
    package static func parse(
        _ bytes: Span<UInt8>,
        limits: JSONLimits = JSONLimits()
    ) throws(JSONError) -> JSONValue {
        var reader = JSONDocumentReader(limits: limits)
        try reader.receive(bytes)
        return try reader.finish()
    }
}
