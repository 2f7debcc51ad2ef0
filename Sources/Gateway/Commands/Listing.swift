import Wire

/// Prints what the API lists.
enum Listing {
    /// `{data: […]}` as a table of the named columns, or as an array with `--json`.
    static func print(
        _ it: Invocation,
        _ target: String,
        _ columns: [(title: String, field: String)]
    ) async throws(CommandFailure) {
        let client = try await ControlClient(it)
        defer { client.finish() }
        let rows = try await client.ask(.get, target).json["data"].elements
        show(it, rows, columns)
    }

    static func show(
        _ it: Invocation,
        _ rows: [JSONValue],
        _ columns: [(title: String, field: String)]
    ) {
        guard !it.wantsJSON else { return it.say(JSONValue.array(rows).description) }
        it.say(
            Terminal.table(
                columns.map(\.title),
                rows.map { row in columns.map { row[$0.field].text } }
            )
        )
    }

    /// One object, a line each member.
    static func facts(_ value: JSONValue) -> String {
        let lines = value.members.filter { !$0.1.text.isEmpty }
        let width = (lines.map(\.0.count).max() ?? 0) + 2
        return lines.map { name, value in
            name + String(repeating: " ", count: width - name.count) + value.text
        }.joined(separator: "\n")
    }
}
