import Delivery
import Glibc

/// Reads configuration and secrets from disk.
enum ConfigurationFile {
    static func load(_ path: String) throws(CommandFailure) -> Configuration {
        try configuration(in: try text(path), path)
    }

    /// Where its server is. Only what tells that must be right.
    static func place(_ path: String) throws(CommandFailure) -> ServerPlace {
        let text = try text(path)
        if let place = ConfigurationReader.place(in: text) { return place }
        let whole = try configuration(in: text, path)
        return ServerPlace(hostname: whole.hostname, dataDirectory: whole.dataDirectory)
    }

    private static func text(_ path: String) throws(CommandFailure) -> String {
        if let text = TextFile.read(path) { return text }
        throw CommandFailure(
            .configuration,
            "\(path): cannot be read (\(String(cString: strerror(errno))));"
                + " name another with --config FILE or $POSTERN_CONFIG"
        )
    }

    private static func configuration(
        in text: String,
        _ path: String
    ) throws(CommandFailure) -> Configuration {
        do throws(ConfigurationError) {
            return try ConfigurationReader.read(text, file: path, readSecret: SecretFile.read)
        } catch {
            throw CommandFailure(
                .configuration,
                error.problems.map(\.description).joined(separator: "\n")
            )
        }
    }
}

enum TextFile {
    /// The file's text, or nil when it cannot be read or is no UTF-8; `errno` tells.
    static func read(_ path: String) -> String? {
        guard let octets = octets(path) else { return nil }
        return String(validating: octets, as: UTF8.self)
    }

    static func octets(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return octets(descriptor)
    }

    /// Everything up to the end of an open file.
    static func octets(_ descriptor: Int32) -> [UInt8]? {
        var whole: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = piece.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress, $0.count)
            }
            guard count >= 0 else { return nil }
            if count == 0 { return whole }
            whole += piece[..<count]
        }
    }
}
