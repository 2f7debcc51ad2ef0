import Wire

/// Why an export cannot be imported: where, and what to do about it.
struct ImportFailure: Error, Hashable, Sendable {
    /// `receive.json: [2].Bindings`; empty for a file as a whole.
    var place: String
    let text: String

    init(_ place: String, _ text: String) {
        self.place = place
        self.text = text
    }

    var description: String { place.isEmpty ? text : "\(place): \(text)" }

    func within(_ file: String) -> ImportFailure {
        ImportFailure(place.isEmpty ? file : "\(file):\(place)", text)
    }
}

/// Whose output an export is, told by what its objects have.
enum ExchangeCmdlet: String, CaseIterable, Sendable {
    case receiveConnector = "Get-ReceiveConnector"
    case sendConnector = "Get-SendConnector"
    case acceptedDomain = "Get-AcceptedDomain"
    case permission = "Get-ADPermission"

    /// The properties by which it is known.
    var marks: [String] {
        switch self {
        case .receiveConnector: ["bindings", "remoteipranges"]
        case .sendConnector: ["addressspaces"]
        case .acceptedDomain: ["domainname", "domaintype"]
        case .permission: ["user", "extendedrights"]
        }
    }
}

/// One object of an export.
struct ExportRecord: Sendable {
    let cmdlet: ExchangeCmdlet
    /// Where it stands: `receive.json: [2]`, `receive.csv:4`.
    let place: String
    /// Each property as the export names it.
    let names: [String]
    private let values: [String: JSONValue]

    init(_ members: [(name: String, value: JSONValue)], at place: String) throws(ImportFailure) {
        var values: [String: JSONValue] = [:]
        for (name, value) in members { values[name.lowercased()] = value }
        if values["dropdirectory"] != nil {
            throw ImportFailure(
                place,
                "is the output of Get-ForeignConnector, of which there is nothing here; leave it out"
            )
        }
        let cmdlet = ExchangeCmdlet.allCases.first { cmdlet in
            cmdlet.marks.allSatisfy { values[$0] != nil }
        }
        guard let cmdlet else {
            let marks = ExchangeCmdlet.allCases.map { "\($0.rawValue) (\($0.marks[0]))" }
            throw ImportFailure(
                place,
                "is the output of none of \(marks.joined(separator: ", "));"
                    + " export whole objects, without Select-Object"
            )
        }
        self.cmdlet = cmdlet
        self.place = place
        self.values = values
        names = members.map(\.name)
    }

    /// Whether the export has the property, with a value or without.
    func has(_ name: String) -> Bool { values[name.lowercased()] != nil }

    /// What is absent, null or empty is nil.
    subscript(name: String) -> JSONValue? {
        switch values[name.lowercased()] {
        case nil, .null, .string(""): nil
        case let value: value
        }
    }
}

/// Reads the text of an export file, whichever form it has.
enum ExchangeExport {
    static func records(in octets: [UInt8], file: String) throws(ImportFailure) -> [ExportRecord] {
        guard let text = ExportText.decode(octets) else {
            throw ImportFailure(
                file,
                "is neither UTF-8 nor UTF-16; export again with -Encoding UTF8"
            )
        }
        let start = text.first { !$0.isWhitespace }
        guard let start else {
            throw ImportFailure(file, "is empty; leave it out if there was nothing to export")
        }
        let isJSON = start == "[" || start == "{"
        return try isJSON ? objects(text, file) : rows(text, file)
    }

    private static func objects(
        _ text: String,
        _ file: String
    ) throws(ImportFailure) -> [ExportRecord] {
        let value: JSONValue
        do throws(JSONError) {
            var reader = JSONDocumentReader()
            try reader.receive(Array(text.utf8).span)
            value = try reader.finish()
        } catch {
            throw ImportFailure("\(file):\(error.line):\(error.column)", error.reason)
        }
        return try records(in: value, file, "")
    }

    /// Several exports in one file are arrays within an array.
    private static func records(
        in value: JSONValue,
        _ file: String,
        _ path: String
    ) throws(ImportFailure) -> [ExportRecord] {
        if let elements = value.exchangeElements {
            let path = value.arrayValue == nil ? path + ".value" : path
            var records: [ExportRecord] = []
            for (index, element) in elements.enumerated() {
                records += try self.records(in: element, file, "\(path)[\(index)]")
            }
            return records
        }
        let place = path.isEmpty ? file : "\(file): \(path)"
        guard let object = value.objectValue else {
            throw ImportFailure(
                place,
                "must be an object, not \(value.kind);"
                    + " export with Get-… | ConvertTo-Json -Depth 4"
            )
        }
        return [try ExportRecord(object.members.map { ($0.key, $0.value) }, at: place)]
    }

    private static func rows(
        _ text: String,
        _ file: String
    ) throws(ImportFailure) -> [ExportRecord] {
        let table: CSVTable
        do throws(ImportFailure) {
            table = try CSVTable(parsing: text)
        } catch {
            throw error.within(file)
        }
        // Whatever has no lines below its first may be anything.
        if table.rows.isEmpty {
            _ = try ExportRecord(table.header.map { ($0, .string("")) }, at: "\(file):1")
        }
        var records: [ExportRecord] = []
        for row in table.rows {
            let members = zip(table.header, row.fields).map {
                (name: $0, value: JSONValue.string($1))
            }
            records.append(try ExportRecord(members, at: "\(file):\(row.line)"))
        }
        return records
    }
}
