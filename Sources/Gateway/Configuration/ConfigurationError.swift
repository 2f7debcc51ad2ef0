/// What is wrong in a configuration file: where it stands, what it is, how to mend it.
struct ConfigurationProblem: Hashable, Sendable, CustomStringConvertible {
    let file: String
    let line: Int?
    /// `receiveConnectors[0].bindings`; empty for the file as a whole.
    let keyPath: String
    let text: String

    var description: String {
        let place = line.map { "\(file):\($0)" } ?? file
        return keyPath.isEmpty ? "\(place): \(text)" : "\(place): \(keyPath): \(text)"
    }
}

struct ConfigurationError: Error, Sendable {
    let problems: [ConfigurationProblem]
}
