/// Columns of text: the first to the left, the others to the right.
struct Table {
    let title: String
    private var rows: [[String]]
    private var notes: [String] = []

    init(_ title: String, columns: [String]) {
        self.title = title
        rows = [columns]
    }

    mutating func add(_ cells: String...) { add(cells) }
    mutating func add(_ cells: [String]) { rows.append(cells) }
    mutating func note(_ text: String) { notes.append(text) }

    var text: String {
        let widths = (rows.first ?? []).indices.map { column in
            rows.map { $0[column].count }.max() ?? 0
        }
        var lines = [title]
        for (number, row) in rows.enumerated() {
            let cells = zip(row, widths).enumerated().map { column, cell in
                let space = String(repeating: " ", count: cell.1 - cell.0.count)
                return column == 0 ? cell.0 + space : space + cell.0
            }
            lines.append("  " + cells.joined(separator: "   "))
            if number == 0 { lines.append("  " + rule(widths)) }
        }
        return (lines + notes.map { "  " + $0 }).joined(separator: "\n") + "\n"
    }

    private func rule(_ widths: [Int]) -> String {
        widths.map { String(repeating: "-", count: $0) }.joined(separator: "   ")
    }
}
