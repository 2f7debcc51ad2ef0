@testable import Gateway

func readConfiguration(
    _ text: String,
    secrets: [String: String] = [:]
) throws(ConfigurationError) -> Configuration {
    try ConfigurationReader.read(text, file: "postern.json5") { secrets[$0] }
}

/// Each problem as the administrator reads it.
func configurationProblems(_ text: String, secrets: [String: String] = [:]) -> [String] {
    do throws(ConfigurationError) {
        _ = try readConfiguration(text, secrets: secrets)
        return []
    } catch {
        return error.problems.map(\.description)
    }
}

/// A sound file around what a test is about.
func configurationFile(
    connector: String = "",
    send: String = "",
    _ members: String = ""
) -> String {
    """
    {
      hostname: "relay.corp.example",
      receiveConnectors: [{
        name: "Default",
        bindings: ["127.0.0.1:25"],
        \(connector)
      }],
      sendConnectors: [{
        name: "Exchange",
        addressSpaces: ["*"],
        \(send.contains("delivery:") ? "" : #"smartHosts: ["exch1.corp.example:25"],"#)
        \(send)
      }],
      \(members)
    }
    """
}
