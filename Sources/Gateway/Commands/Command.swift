import Mail
import Store

/// One command: its words, what it takes, and what it does.
struct Command: Sendable {
    /// `app add`; the first word alone for a command without verbs.
    let words: [String]
    /// What stands behind the words.
    let form: String
    let summary: String
    let options: [Option]
    let run: @Sendable (Invocation) async throws(CommandFailure) -> Void

    init(
        _ words: String,
        _ form: String,
        _ summary: String,
        options: [Option] = [],
        run: @escaping @Sendable (Invocation) async throws(CommandFailure) -> Void
    ) {
        self.words = words.split(separator: " ").map(String.init)
        self.form = form
        self.summary = summary
        self.options = options
        self.run = run
    }

    var name: String { words.joined(separator: " ") }

    var help: String {
        let all = options + Option.common
        let forms = all.map { option in
            "  --" + option.name + (option.value.map { " \($0)" } ?? "")
                + (option.isRepeatable ? " …" : "")
        }
        let width = (forms.map(\.count).max() ?? 0) + 2
        let lines = zip(forms, all).map { form, option in
            form + String(repeating: " ", count: width - form.count) + option.summary
        }
        let usage = form.isEmpty ? name : "\(name) \(form)"
        return "postern \(usage)\n  \(summary)\n\n" + lines.joined(separator: "\n")
    }
}

/// A command at work.
struct Invocation: Sendable {
    let arguments: Arguments
    let environment: [String: String]

    var wantsJSON: Bool { arguments.has("json") }

    var configurationFile: String {
        arguments.value("config") ?? environment["POSTERN_CONFIG"] ?? "/etc/postern/postern.json5"
    }

    func say(_ text: String) {
        Terminal.write(Array((text + "\n").utf8))
    }
}

/// The command line of `postern`.
package enum CommandTable {
    static let all: [Command] =
        ServeCommand.all + DemoCommand.all + CheckCommand.all + ExplainCommand.all
        + ListCommands.all + SourceCommand.all + AppCommands.all + KeyCommands.all
        + CredentialCommands.all + SigningCommands.all
        + SendCommand.all + MessageCommands.all + QueueCommands.all + QueueOrderCommands.all
        + RouteCommands.all + SuppressionCommands.all + ImportCommand.all + [
            Command("version", "", "prints the version") { it in
                it.say("postern \(Version.text)")
            }
        ]

    /// Runs what the words ask for; the answer is the process's exit status.
    package static func run(
        _ arguments: [String],
        environment: [String: String]
    ) async -> ExitStatus {
        do throws(CommandFailure) {
            return try await dispatch(arguments, environment)
        } catch {
            Terminal.complain("postern: \(error.message)")
            if error.status == .usage { Terminal.complain("postern --help tells more") }
            return error.status
        }
    }

    private static func dispatch(
        _ arguments: [String],
        _ environment: [String: String]
    ) async throws(CommandFailure) -> ExitStatus {
        let words = arguments.prefix { !$0.hasPrefix("-") }
        let fitting = all.filter { words.starts(with: $0.words) }
        guard let command = fitting.max(by: { $0.words.count < $1.words.count }) else {
            return try overview(Array(words), asked: arguments)
        }
        let rest = Array(arguments.dropFirst(command.words.count))
        let parsed = try Arguments(rest, options: command.options + Option.common)
        guard !parsed.has("help") else {
            Terminal.write(Array((command.help + "\n").utf8))
            return .done
        }
        try await command.run(Invocation(arguments: parsed, environment: environment))
        return .done
    }

    /// The list of commands, or of one command's verbs.
    private static func overview(
        _ words: [String],
        asked arguments: [String]
    ) throws(CommandFailure) -> ExitStatus {
        let verbs = words.isEmpty ? all : all.filter { $0.words[0] == words[0] }
        let wantsHelp = arguments.contains("--help") || words.first == "help"
        guard wantsHelp || (!words.isEmpty && !verbs.isEmpty) else {
            throw CommandFailure(
                .usage,
                words.isEmpty ? "which command?" : "unknown command \(words[0])"
            )
        }
        let listed = verbs.isEmpty ? all : verbs
        let width = (listed.map { "\($0.name) \($0.form)".count }.max() ?? 0) + 2
        let lines = listed.map { command in
            let usage = "\(command.name) \(command.form)"
            return "  " + usage + String(repeating: " ", count: width - usage.count)
                + command.summary
        }
        let text = """
            postern: a gateway that turns HTTP calls into relayed mail

            \(lines.joined(separator: "\n"))

            Every command takes --config FILE, --json and --help.

            """
        if wantsHelp { Terminal.write(Array(text.utf8)) } else { Terminal.complain(text) }
        if !wantsHelp { throw CommandFailure(.usage, "\(words[0]) needs one of these verbs") }
        return .done
    }
}

enum Version {
    static let text = "0.1.0"
}
