import Wire

/// What became of one setting of Exchange.
struct Parity: Hashable, Sendable {
    enum Outcome: String, Hashable, Sendable, CaseIterable {
        case exact
        case approximated
        /// Postern has nothing of the kind.
        case none
        /// It could have been taken, and on purpose was not.
        case skipped
    }

    let object: String
    let setting: String
    let value: String
    let outcome: Outcome
    /// Where it stands in the written file; empty where it stands nowhere.
    let became: String
    /// Why it is no exact match, and what to do.
    let note: String
}

/// Every rule of the exports, in their order.
struct ParityReport: Hashable, Sendable {
    private(set) var lines: [Parity] = []

    mutating func add(_ line: Parity) { lines.append(line) }

    func count(_ outcome: Parity.Outcome) -> Int { lines.count { $0.outcome == outcome } }

    var summary: String {
        "\(count(.exact)) exact, \(count(.approximated)) approximated,"
            + " \(count(.none)) without equivalent, \(count(.skipped)) not imported"
    }

    /// For a terminal; `=` exact, `~` approximated, `-` nothing of the kind, `/` not imported.
    var text: String {
        var text: [String] = []
        var object = ""
        for line in lines {
            if line.object != object {
                object = line.object
                text.append("\(text.isEmpty ? "" : "\n")\(object)")
            }
            text.append(line.text)
        }
        return (text + ["", summary]).joined(separator: "\n")
    }

    func write(to json: inout JSONWriter) {
        json.members("rules", lines) { line, json in
            json.beginObject()
            json.member("object", line.object)
            json.member("setting", line.setting)
            json.member("value", line.value)
            json.member("outcome", line.outcome.rawValue)
            json.member("became", line.became)
            json.member("note", line.note)
            json.endObject()
        }
        json.key("summary")
        json.beginObject()
        for outcome in Parity.Outcome.allCases {
            json.key(outcome.rawValue)
            json.integer(count(outcome))
        }
        json.endObject()
    }
}

extension Parity {
    fileprivate var text: String {
        let mark =
            switch outcome {
            case .exact: "="
            case .approximated: "~"
            case .none: "-"
            case .skipped: "/"
            }
        let given = value.isEmpty ? setting : "\(setting) \(value)"
        let target = became.isEmpty ? "" : " → \(became)"
        return "  \(mark) \(given)\(target)" + (note.isEmpty ? "" : "\n      \(note)")
    }
}
