/// What a command accepts beside its own words.
struct Option: Sendable {
    let name: String
    /// The name of its value in the help; nil for a switch.
    let value: String?
    let summary: String
    let isRepeatable: Bool

    static func value(
        _ name: String,
        _ value: String,
        _ summary: String,
        repeatable: Bool = false
    ) -> Option {
        Option(name: name, value: value, summary: summary, isRepeatable: repeatable)
    }

    static func flag(_ name: String, _ summary: String) -> Option {
        Option(name: name, value: nil, summary: summary, isRepeatable: false)
    }

    static let common: [Option] = [
        .value(
            "config",
            "FILE",
            "the configuration (default $POSTERN_CONFIG, then"
                + " /etc/postern/postern.json5)"
        ),
        .flag("json", "machine-readable output"),
        .flag("help", "this text"),
    ]
}

/// A command's arguments, sorted out.
struct Arguments: Sendable {
    private(set) var words: [String] = []
    private var values: [String: [String]] = [:]

    /// Options may stand anywhere; `--name value` and `--name=value` are one; after `--` all is
    /// words.
    init(_ arguments: [String], options: [Option]) throws(CommandFailure) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            if argument == "--" {
                words += rest
                return
            }
            guard argument.hasPrefix("--") else {
                words.append(argument)
                continue
            }
            let parts = argument.dropFirst(2).split(
                separator: "=",
                maxSplits: 1,
                omittingEmptySubsequences: false
            )
            let name = parts.first.map(String.init) ?? ""
            guard let option = options.first(where: { $0.name == name }) else {
                throw CommandFailure(.usage, "unknown option --\(name)")
            }
            try take(option, parts.count == 2 ? String(parts[1]) : nil, &rest)
        }
    }

    private mutating func take(
        _ option: Option,
        _ attached: String?,
        _ rest: inout ArraySlice<String>
    ) throws(CommandFailure) {
        guard let form = option.value else {
            guard attached == nil else {
                throw CommandFailure(.usage, "--\(option.name) takes no value")
            }
            values[option.name] = []
            return
        }
        guard let value = attached ?? rest.popFirst() else {
            throw CommandFailure(.usage, "--\(option.name) needs \(form)")
        }
        guard option.isRepeatable || values[option.name] == nil else {
            throw CommandFailure(.usage, "--\(option.name) is given twice")
        }
        values[option.name, default: []].append(value)
    }

    func has(_ name: String) -> Bool { values[name] != nil }
    func value(_ name: String) -> String? { values[name]?.last }
    func all(_ name: String) -> [String] { values[name] ?? [] }

    func number(
        _ name: String,
        in range: ClosedRange<Int>
    ) throws(CommandFailure) -> Int? {
        guard let text = value(name) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw CommandFailure(
                .usage,
                "--\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return number
    }

    /// Exactly the words that `names` lists.
    func expect(_ names: [String]) throws(CommandFailure) -> [String] {
        guard words.count == names.count else {
            let form = names.isEmpty ? "no argument" : names.joined(separator: " ")
            throw CommandFailure(.usage, "this command takes \(form)")
        }
        return words
    }
}
