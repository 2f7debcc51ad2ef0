import Mail

/// Why a text is no JSON5, where, and what would help.
package struct JSON5Error: Error, Hashable, Sendable {
    package let reason: String
    /// What to do about it, as an order.
    package let cure: String
    /// From 1.
    package let line: Int
    /// In characters, from 1.
    package let column: Int
}

extension JSON5Error: CustomStringConvertible {
    package var description: String { "line \(line), column \(column): \(reason); \(cure)" }
}

/// JSON5 as spec.json5.org has it, made for configuration files: no key twice in an object.
package enum JSON5 {
    package static func parse(_ text: String) throws(JSON5Error) -> JSON5Node {
        var parser = JSON5Parser(text)
        return try parser.document()
    }

    /// The octets of a file, which must be UTF-8.
    package static func parse(_ octets: Span<UInt8>) throws(JSON5Error) -> JSON5Node {
        if let text = try? UTF8Span(validating: octets) { return try parse(String(copying: text)) }
        throw notUTF8(octets)
    }

    private static func notUTF8(_ octets: Span<UInt8>) -> JSON5Error {
        var line = 1
        var start = 0
        while start < octets.count {
            // An LF cannot be part of a character, so each line stands for itself.
            let end = endOfRun(in: octets, from: start) { ($0 == 10).octet }
            guard (try? UTF8Span(validating: octets.extracting(start..<end))) != nil else { break }
            start = end + 1
            line += 1
        }
        return JSON5Error(
            reason: "the line is not UTF-8",
            cure: "save the file as UTF-8",
            line: line,
            column: 1
        )
    }
}
