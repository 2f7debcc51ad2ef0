/// Comma-separated values as Export-Csv writes them (RFC 4180): quoted fields may hold line ends, a
/// `#TYPE` line may stand first. Where a culture's list separator is `;`, that separates.
struct CSVTable {
    struct Row {
        /// Where it begins, from 1.
        let line: Int
        let fields: [String]
    }

    let header: [String]
    let rows: [Row]

    init(parsing text: String) throws(ImportFailure) {
        var reader = CSVReader(text)
        var rows = try reader.rows()
        if let first = rows.first, first.fields.first?.hasPrefix("#TYPE") == true {
            rows.removeFirst()
        }
        guard let head = rows.first else { throw ImportFailure("", "holds no header line") }
        header = head.fields
        self.rows = Array(rows.dropFirst())
        for row in self.rows where row.fields.count != header.count {
            throw ImportFailure(
                "\(row.line)",
                "has \(row.fields.count) fields where the header names \(header.count)"
            )
        }
    }
}

private struct CSVReader {
    private let characters: [Unicode.Scalar]
    private let separator: Unicode.Scalar
    private var index = 0
    private var line = 1

    init(_ text: String) {
        characters = Array(text.unicodeScalars)
        separator = Self.separator(in: text)
    }

    /// What stands between the names of the header, which hold neither.
    private static func separator(in text: String) -> Unicode.Scalar {
        let lines = text.split(whereSeparator: \.isNewline)
        let head = lines.first { !$0.hasPrefix("#TYPE") } ?? ""
        return head.contains(";") && !head.contains(",") ? ";" : ","
    }

    mutating func rows() throws(ImportFailure) -> [CSVTable.Row] {
        var rows: [CSVTable.Row] = []
        while index < characters.count {
            let start = line
            let fields = try row()
            if fields != [""] { rows.append(CSVTable.Row(line: start, fields: fields)) }
        }
        return rows
    }

    private mutating func row() throws(ImportFailure) -> [String] {
        var fields: [String] = []
        while true {
            fields.append(try field())
            guard index < characters.count else { return fields }
            let end = characters[index]
            index += 1
            if end == separator { continue }
            if end == "\r", index < characters.count, characters[index] == "\n" { index += 1 }
            line += 1
            return fields
        }
    }

    private mutating func field() throws(ImportFailure) -> String {
        guard index < characters.count, characters[index] == "\"" else {
            let start = index
            while index < characters.count, !endsField(characters[index]) { index += 1 }
            return text(characters[start..<index])
        }
        let start = line
        index += 1
        var found = String.UnicodeScalarView()
        while index < characters.count {
            let character = characters[index]
            index += 1
            if character == "\"" {
                guard index < characters.count, characters[index] == "\"" else {
                    return try closed(String(found))
                }
                index += 1
            }
            if character == "\n" { line += 1 }
            found.append(character)
        }
        throw ImportFailure("\(start)", "a quoted field that begins here never ends")
    }

    /// Behind a quote comes the end of the field and nothing else.
    private func closed(_ field: String) throws(ImportFailure) -> String {
        guard index == characters.count || endsField(characters[index]) else {
            throw ImportFailure("\(line)", "a quoted field is followed by more text")
        }
        return field
    }

    private func endsField(_ character: Unicode.Scalar) -> Bool {
        character == separator || character == "\n" || character == "\r"
    }

    private func text(_ characters: ArraySlice<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: characters)
        return String(view)
    }
}
