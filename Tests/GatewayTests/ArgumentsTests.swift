import Testing

@testable import Gateway

@Suite("Arguments of a command")
struct ArgumentsTests {
    static let options: [Option] =
        [
            .value("from", "ADDRESS", "…"), .value("size", "N", "…"),
            .value("sender", "PATTERN", "…", repeatable: true), .flag("tls", "…"),
        ] + Option.common

    private func parse(_ line: String...) throws(CommandFailure) -> Arguments {
        try Arguments(line, options: Self.options)
    }

    private func failure(of line: [String]) -> CommandFailure? {
        do throws(CommandFailure) {
            _ = try Arguments(line, options: Self.options)
            return nil
        } catch {
            return error
        }
    }

    @Test("values come behind a space or an equals sign, words and options in any order")
    func forms() throws {
        for line in [
            ["--from", "a@b", "x", "--tls", "y"], ["x", "--from=a@b", "y", "--tls"],
            ["--tls", "x", "y", "--from", "a@b"],
        ] {
            let arguments = try Arguments(line, options: Self.options)
            #expect(arguments.words == ["x", "y"])
            #expect(arguments.value("from") == "a@b")
            #expect(arguments.has("tls") && !arguments.has("json"))
        }
    }

    @Test("behind -- all is words")
    func end() throws {
        let arguments = try parse("--tls", "--", "--from", "-x", "--")
        #expect(arguments.words == ["--from", "-x", "--"])
        #expect(arguments.value("from") == nil)
    }

    @Test("a value may hold an equals sign, or nothing")
    func values() throws {
        #expect(try parse("--from=a=b").value("from") == "a=b")
        #expect(try parse("--from", "").value("from") == "")
        #expect(try parse("--from=a@b", "x").words == ["x"])
    }

    @Test("an empty value behind the equals sign is the null sender, not the next word")
    func emptyValue() throws {
        let arguments = try parse("--from=", "x")
        #expect(arguments.value("from") == "")
        #expect(arguments.words == ["x"])
    }

    @Test("what may be repeated is collected in order")
    func repeated() throws {
        let arguments = try parse("--sender", "a@b", "--sender=*@c")
        #expect(arguments.all("sender") == ["a@b", "*@c"])
        #expect(arguments.all("from") == [])
    }

    static let wrong: [([String], String)] = [
        (["--nonsense"], "--nonsense"), (["--nonsense=1"], "--nonsense"), (["--from"], "ADDRESS"),
        (["--tls=yes"], "--tls"), (["--from", "a", "--from", "b"], "twice"),
    ]

    @Test("a wrong line is status 64 and names the option", arguments: wrong)
    func refusal(line: [String], hint: String) throws {
        let failure = try #require(self.failure(of: line))
        #expect(failure.status == .usage)
        #expect(failure.message.contains(hint), "\(failure.message)")
    }

    @Test("numbers stay within their range")
    func numbers() throws {
        #expect(try parse("--size", "5").number("size", in: 1...9) == 5)
        #expect(try parse().number("size", in: 1...9) == nil)
        for text in ["0", "10", "x", "", "5.0", "99999999999999999999"] {
            let arguments = try parse("--size", text)
            #expect(throws: CommandFailure.self) { try arguments.number("size", in: 1...9) }
        }
    }

    @Test("a command takes as many words as it names")
    func words() throws {
        #expect(try parse("a", "b").expect(["NAME", "ID"]) == ["a", "b"])
        #expect(try parse().expect([]) == [])
        #expect(throws: CommandFailure.self) { try parse("a").expect([]) }
        #expect(throws: CommandFailure.self) { try parse("a").expect(["NAME", "ID"]) }
    }
}

@Suite("The table of commands")
struct CommandTableTests {
    @Test("names and options are given once, and options do not hide the common ones")
    func uniqueness() {
        let names = CommandTable.all.map(\.name)
        #expect(Set(names).count == names.count)
        for command in CommandTable.all {
            let options = (command.options + Option.common).map(\.name)
            #expect(Set(options).count == options.count, "\(command.name)")
            #expect(!command.summary.isEmpty)
        }
    }

    @Test("help names every option of a command")
    func help() {
        for command in CommandTable.all {
            for option in command.options + Option.common {
                #expect(command.help.contains("--" + option.name), "\(command.name)")
            }
            #expect(command.help.hasPrefix("postern \(command.name)"))
        }
    }

    @Test(
        "the contract's commands are there",
        arguments: [
            "serve", "demo", "check", "explain", "connector list", "domain list",
            "app add", "app list", "app show", "app remove", "key issue", "key list", "key rotate",
            "key revoke", "send", "message show", "message events", "message source", "queue list",
            "version",
        ]
    )
    func presence(name: String) {
        #expect(CommandTable.all.contains { $0.name == name })
    }

    static let statuses: [([String], Int32)] = [
        ([], 64), (["nonsense"], 64), (["app"], 64), (["app", "nonsense"], 64), (["--help"], 0),
        (["app", "--help"], 0), (["app", "add", "--help"], 0), (["version"], 0),
        (["version", "--nonsense"], 64), (["explain"], 64),
        (["check", "--config", "/nonexistent/postern.json5"], 78),
    ]

    @Test("exit statuses are those of sysexits", arguments: statuses)
    func status(line: [String], expected: Int32) async {
        #expect(await CommandTable.run(line, environment: [:]).rawValue == expected)
    }

    @Test("the configuration is that of --config, else of the environment, else the standard one")
    func configurationFile() throws {
        let file = { (line: [String], environment: [String: String]) in
            Invocation(
                arguments: try Arguments(line, options: Option.common),
                environment: environment
            ).configurationFile
        }
        #expect(try file([], [:]) == "/etc/postern/postern.json5")
        #expect(try file([], ["POSTERN_CONFIG": "/e"]) == "/e")
        #expect(try file(["--config", "/c"], ["POSTERN_CONFIG": "/e"]) == "/c")
    }
}
