import Glibc
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
        let findings = configuration.audit + (await storedFindings(it, configuration))
        guard !it.wantsJSON else { return it.say(report(isValid: true, findings, nil)) }
        for finding in findings {
            it.say("\(finding.severity.rawValue): \"\(finding.subject)\" \(finding.text)")
        }
        it.say(findings.isEmpty ? "\(file): valid, nothing unsafe found" : "\(file): valid")
    }

    /// What the audit says of applications and keys, where there are any that may be looked at.
    private static func storedFindings(
        _ it: Invocation,
        _ configuration: Configuration
    ) async -> [AuditFinding] {
        guard access("\(configuration.dataDirectory)/postern.sqlite3", R_OK | W_OK) == 0,
            let client = try? await ControlClient(it)
        else { return [] }
        defer { client.finish() }
        let answer = try? await client.ask(.get, "/v1/audit")
        return (answer?.json["data"].elements ?? []).compactMap { finding in
            let code = finding["code"].text
            guard (Directory.auditCodes + SourceAudit.codes).contains(code) else { return nil }
            return AuditFinding(.warning, code, of: finding["subject"].text, finding["detail"].text)
        }
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
