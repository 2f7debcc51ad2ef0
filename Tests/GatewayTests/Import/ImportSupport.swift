import Foundation

@testable import Gateway

/// The exports of Tests/Exports: the default connectors of an Exchange 2019 server and a relay.
enum Exports {
    static func octets(_ name: String) throws -> [UInt8] {
        let tests = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        return [UInt8](try Data(contentsOf: tests.appending(path: "Exports/\(name)")))
    }

    static func records(_ names: String...) throws -> [ExportRecord] {
        try names.flatMap { try ExchangeExport.records(in: octets($0), file: $0) }
    }

    static let certificate = ImportOptions(certificate: ("/tls.pem", "/tls.key"))
}

/// What a text imports as; the members stand in for the rest of an object.
func imported(
    _ text: String,
    _ options: ImportOptions = Exports.certificate
) throws -> ExchangeImport {
    try ExchangeImport(ExchangeExport.records(in: Array(text.utf8), file: "export"), options)
}

/// A receive connector as ConvertTo-Json writes it, with `members` set.
func receiveConnector(_ members: [String: String]) -> String {
    var all = [
        "Name": #""Relay""#, "Identity": #""EX1\\Relay""#, "Bindings": #"["0.0.0.0:25"]"#,
        "RemoteIPRanges": #"["10.1.2.0/24"]"#, "AuthMechanism": #""Tls""#,
        "PermissionGroups": #""AnonymousUsers""#, "TransportRole": #""FrontendTransport""#,
    ]
    all.merge(members) { _, new in new }
    return "{"
        + all.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value)" }
        .joined(separator: ", ") + "}"
}

func sendConnector(_ members: [String: String]) -> String {
    var all = [
        "Name": #""Out""#, "AddressSpaces": #"["SMTP:*;1"]"#, "DNSRoutingEnabled": "true",
    ]
    all.merge(members) { _, new in new }
    return "{"
        + all.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value)" }
        .joined(separator: ", ") + "}"
}

/// Every kind of permission the anonymous were given on the connector `Relay`.
func permissions(_ rights: String...) -> String {
    let list = rights.map { "\"\($0)\"" }.joined(separator: ", ")
    return #"""
        {"Identity": "EX1\\Relay", "User": "NT AUTHORITY\\ANONYMOUS LOGON", "Deny": false,
         "ExtendedRights": [\#(list)]}
        """#
}

extension ExchangeImport {
    /// The file as `check` and `serve` read it.
    func loaded() throws -> Configuration {
        try readConfiguration(configuration, secrets: ["/tls.pem": "x", "/tls.key": "x"])
    }

    func outcomes(of setting: String) -> [String] {
        report.lines.filter { $0.setting == setting }.map { "\($0.outcome) \($0.became)" }
    }
}
