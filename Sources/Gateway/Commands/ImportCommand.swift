import Delivery
import Glibc
import Wire

/// `import exchange`: a configuration and a parity report from the exports of Exchange.
enum ImportCommand {
    static let all = [
        Command(
            "import exchange",
            "FILE…",
            "reads exports of Get-ReceiveConnector, Get-SendConnector, Get-AcceptedDomain and"
                + " Get-ADPermission (ConvertTo-Json or Export-Csv); writes a configuration and a report",
            options: [
                .value("output", "FILE", "the configuration goes there instead of standard output"),
                .value("hostname", "NAME", "this server's name (default relay.<default domain>)"),
                .value("certificate", "FILE", "the certificate of connectors that offer TLS"),
                .value("key", "FILE", "its private key"),
                .value(
                    "mailbox-server",
                    "HOST",
                    "where the mail of authoritative domains goes (default the exported servers)"
                ),
            ],
            run: run
        )
    ]

    @Sendable
    private static func run(_ it: Invocation) async throws(CommandFailure) {
        let files = it.arguments.words
        guard !files.isEmpty else { throw CommandFailure(.usage, "this command takes FILE…") }
        let made: ExchangeImport
        do throws(ImportFailure) {
            var records: [ExportRecord] = []
            for file in files { records += try read(file) }
            made = try ExchangeImport(records, try options(it.arguments))
        } catch {
            throw CommandFailure(.badData, error.description)
        }
        try judge(made.configuration)
        try give(made, it)
    }

    private static func read(_ file: String) throws(ImportFailure) -> [ExportRecord] {
        guard let octets = TextFile.octets(file) else {
            throw ImportFailure(file, "cannot be read (\(String(cString: strerror(errno))))")
        }
        return try ExchangeExport.records(in: octets, file: file)
    }

    private static func options(_ arguments: Arguments) throws(ImportFailure) -> ImportOptions {
        var options = ImportOptions(
            hostname: arguments.value("hostname"),
            mailboxServer: arguments.value("mailbox-server")
        )
        switch (arguments.value("certificate"), arguments.value("key")) {
        case (let certificate?, let key?): options.certificate = (certificate, key)
        case (nil, nil): break
        default: throw ImportFailure("", "--certificate and --key belong together")
        }
        return options
    }

    /// What was written is what `check` will read.
    private static func judge(_ text: String) throws(CommandFailure) {
        do throws(ConfigurationError) {
            _ = try ConfigurationReader.read(
                text,
                file: "the imported configuration",
                readSecret: SecretFile.read
            )
        } catch {
            throw CommandFailure(
                .badData,
                error.problems.map(\.description).joined(separator: "\n")
            )
        }
    }

    private static func give(_ made: ExchangeImport, _ it: Invocation) throws(CommandFailure) {
        let output = it.arguments.value("output")
        if let output { try write(made.configuration, to: output) }
        if it.wantsJSON {
            var json = JSONWriter()
            json.beginObject()
            made.report.write(to: &json)
            json.member("output", output)
            if output == nil { json.member("configuration", made.configuration) }
            json.endObject()
            return it.say(String(decoding: json.octets, as: UTF8.self))
        }
        guard output == nil else { return it.say(made.report.text) }
        Terminal.write(Array(made.configuration.utf8))
        Terminal.complain(made.report.text)
    }

    /// A file that is there already is left alone.
    private static func write(_ text: String, to path: String) throws(CommandFailure) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else {
            let reason = String(cString: strerror(errno))
            throw CommandFailure(.cannotCreate, "\(path): cannot be created (\(reason))")
        }
        defer { close(descriptor) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else {
                throw CommandFailure(.cannotCreate, "\(path): \(String(cString: strerror(errno)))")
            }
            rest = rest.dropFirst(count)
        }
    }
}
