import Glibc
import Wire

/// What commands print.
enum Terminal {
    static func complain(_ text: String) {
        let octets = Array((text + "\n").utf8)
        _ = octets.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// Columns as wide as they must be.
    static func table(_ header: [String], _ rows: [[String]]) -> String {
        let all = [header] + rows
        let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            zip(row, widths).map { text, width in
                text + String(repeating: " ", count: width - text.count)
            }.joined(separator: "  ").trimmingTrailingBlanks
        }.joined(separator: "\n")
    }
}

extension String {
    fileprivate var trimmingTrailingBlanks: String {
        String(self[..<(lastIndex { $0 != " " }.map { index(after: $0) } ?? startIndex)])
    }
}

/// Reading answers of the API without ceremony: what is absent is empty.
extension JSONValue? {
    subscript(_ name: String) -> JSONValue? { self.flatMap { $0[name] } }

    var elements: [JSONValue] { self?.arrayValue ?? [] }

    /// A value as a cell of a table shows it.
    var text: String { self?.text ?? "" }
}

extension JSONValue {
    var text: String {
        switch self {
        case .null, .streamed, .object: ""
        case .bool(let flag): flag ? "yes" : "no"
        case .number(let number): number.text
        case .string(let text): text
        case .array(let elements): elements.map(\.text).joined(separator: " ")
        }
    }
}

extension JSONObject {
    /// The pairs in their order; of a name given twice the last counts.
    init(_ pairs: [(String, JSONValue)]) {
        self.init()
        for (name, value) in pairs { self[name] = value }
    }
}

extension Terminal {
    /// Octets as they are, on standard output.
    static func write(_ octets: [UInt8]) {
        var rest = octets[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count)
            }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
