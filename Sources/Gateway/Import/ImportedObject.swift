import Wire

/// One object of an export, read setting by setting; every setting read leaves a line in the report.
final class ImportedObject {
    let record: ExportRecord
    /// How the report names it.
    let title: String
    private(set) var lines: [Parity] = []
    private var seen: Set<String> = []

    init(_ record: ExportRecord, title: String) {
        self.record = record
        self.title = title
    }

    // MARK: Values

    func text(_ setting: String) -> String? {
        seen.insert(setting.lowercased())
        return record[setting]?.exchangeText
    }

    func list(_ setting: String) throws(ImportFailure) -> [String] {
        seen.insert(setting.lowercased())
        let words = record[setting]?.exchangeList ?? []
        for word in words where word.hasPrefix("System.") || word.hasPrefix("Microsoft.Exchange.") {
            throw malformed(
                setting,
                "holds the name of a type instead of its values; export with ConvertTo-Json, or join"
                    + " the values: @{n='\(setting)';e={$_.\(setting) -join ' '}}"
            )
        }
        for word in words where word.hasSuffix("...") || word.hasSuffix("\u{2026}") {
            throw malformed(
                setting,
                "is cut off at \"\(word)\"; export with ConvertTo-Json, or set"
                    + " $FormatEnumerationLimit = -1 first"
            )
        }
        return words
    }

    /// False where the export has no such property.
    func flag(_ setting: String) throws(ImportFailure) -> Bool {
        guard let text = text(setting) else {
            guard record[setting] == nil else {
                throw malformed(setting, "must be True or False, not an object without its text")
            }
            return false
        }
        switch text.lowercased() {
        case "true", "1": return true
        case "false", "0": return false
        default: throw malformed(setting, "must be True or False, not \"\(text)\"")
        }
    }

    func read<Value>(
        _ setting: String,
        _ form: String,
        _ make: (String) -> Value?
    ) throws(ImportFailure) -> Value? {
        guard let text = text(setting) else {
            guard record[setting]?.objectValue == nil else {
                throw malformed(
                    setting,
                    "must be \(form), not an object without its text; export with ConvertTo-Json"
                        + " -Depth 2"
                )
            }
            return nil
        }
        guard let value = make(text) else {
            throw malformed(setting, "must be \(form), not \"\(text)\"")
        }
        return value
    }

    func duration(_ setting: String) throws(ImportFailure) -> Duration? {
        seen.insert(setting.lowercased())
        if let object = record[setting]?.objectValue, object["Ticks"] != nil {
            if let duration = ExchangeQuantity.duration(object) { return duration }
            throw malformed(setting, "must be a time span")
        }
        return try read(setting, "a time span such as 00:10:00") { ExchangeQuantity.duration($0) }
    }

    /// An enumeration's names.
    func flags(_ setting: String, _ kind: ExchangeFlags) throws(ImportFailure) -> Set<String> {
        let form = "some of " + kind.names.map(\.name).joined(separator: ", ")
        return try read(setting, form) { kind.read($0) } ?? []
    }

    func choice(_ setting: String, _ kind: ExchangeChoice) throws(ImportFailure) -> String? {
        try read(setting, "one of " + kind.names.joined(separator: ", ")) { kind.read($0) }
    }

    func malformed(_ setting: String, _ text: String) -> ImportFailure {
        ImportFailure("\(record.place).\(setting)", text)
    }

    // MARK: Report

    func note(
        _ setting: String,
        _ outcome: Parity.Outcome,
        _ became: String = "",
        because note: String = "",
        value: String? = nil
    ) {
        seen.insert(setting.lowercased())
        lines.append(
            Parity(
                object: title,
                setting: setting,
                value: value ?? shown(setting),
                outcome: outcome,
                became: became,
                note: note
            )
        )
    }

    /// The whole object stays behind: of its settings nothing became anything.
    func skip(because reason: String, value: String) {
        lines.removeAll()
        note("Name", .skipped, because: reason, value: value)
    }

    private func shown(_ setting: String) -> String {
        guard let value = record[setting] else { return "" }
        if let span = value.objectValue.flatMap({ ExchangeQuantity.duration($0) }) {
            return Quantity.text(span)
        }
        return value.exchangeText ?? value.exchangeList.joined(separator: ", ")
    }

    /// Settings for which Postern has nothing: noted unless they stand at a harmless value.
    func noteUnmatched(_ table: [UnmatchedSetting]) {
        for row in table {
            let value = text(row.name) ?? shown(row.name)
            guard !value.isEmpty else { continue }
            let isHarmless = row.harmless.contains { $0.lowercased() == value.lowercased() }
            let words = isHarmless ? "" : row.advice
            note(
                row.name,
                isHarmless ? .exact : .none,
                isHarmless ? "always so" : "",
                because: words
            )
        }
    }

    /// Whatever nobody asked for. Properties of the directory say nothing about mail.
    func noteUnknown() {
        for name in record.names {
            let key = name.lowercased()
            guard !seen.contains(key), !UnmatchedSetting.ofTheDirectory.contains(key),
                record[name] != nil
            else { continue }
            note(name, .none, because: "this import does not know the property; judge it yourself")
        }
    }
}
