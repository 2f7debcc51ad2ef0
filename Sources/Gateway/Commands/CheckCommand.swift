import Policy
import Wire

/// `check`: is the configuration valid and safe?
enum CheckCommand {
    static let all = [
        Command("check", "", "validates the configuration and audits it for unsafe relay", run: run)
    ]

    @Sendable
    private static func run(_ it: Invocation) async throws(CommandFailure) {
        _ = try it.arguments.expect([])
        let file = it.configurationFile
        let configuration: Configuration
        do {
            configuration = try ConfigurationFile.load(file)
            _ = try CertificateShelf(configuration)
        } catch let error as CommandFailure {
            if it.wantsJSON { it.say(report(isValid: false, [], error.message)) }
            throw error
        } catch let error as ServiceError {
            let failure = CommandFailure(error)
            if it.wantsJSON { it.say(report(isValid: false, [], failure.message)) }
            throw CommandFailure(.configuration, "\(file): \(failure.message)")
        } catch {
            throw CommandFailure(.configuration, "\(file): \(error)")
        }
        let findings = configuration.audit
        guard !it.wantsJSON else { return it.say(report(isValid: true, findings, nil)) }
        for finding in findings {
            it.say("\(finding.severity.rawValue): \"\(finding.subject)\" \(finding.text)")
        }
        it.say(findings.isEmpty ? "\(file): valid, nothing unsafe found" : "\(file): valid")
    }

    private static func report(
        isValid: Bool,
        _ findings: [AuditFinding],
        _ message: String?
    ) -> String {
        var json = JSONWriter()
        json.beginObject()
        json.member("valid", isValid)
        json.members("findings", findings) { $0.write(to: &$1) }
        json.member(
            "errors",
            message?.split(separator: "\n").map(String.init) ?? []
        )
        json.endObject()
        return String(decoding: json.octets, as: UTF8.self)
    }
}
