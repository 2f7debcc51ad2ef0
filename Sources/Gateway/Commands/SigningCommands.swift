import Crypto
import Glibc
import Mail
import Wire

/// `dkim new`: a key to sign with, and what to publish.
enum SigningCommands {
    static let all = [
        Command(
            "dkim new",
            "",
            "makes a key that signs mail, and prints its DNS record",
            options: [
                .value("domain", "DOMAIN", "the domain that signs"),
                .value("selector", "NAME", "the key's name in DNS (default p1)"),
                .value("algorithm", "rsa|ed25519", "rsa, with 2048 bits, where not given"),
                .value("key", "FILE", "where the private key goes (default SELECTOR.DOMAIN.pem)"),
            ],
            run: makeKey
        )
    ]

    @Sendable
    private static func makeKey(_ it: Invocation) async throws(CommandFailure) {
        _ = try it.arguments.expect([])
        guard let given = it.arguments.value("domain") else {
            throw CommandFailure(.usage, "dkim new needs --domain DOMAIN")
        }
        guard let domain = SigningNames.domain(given) else {
            throw CommandFailure(.usage, "--domain \(given) is no domain")
        }
        let name = it.arguments.value("selector") ?? "p1"
        guard let selector = SigningNames.selector(name) else {
            throw CommandFailure(.usage, "--selector \(name): letters, digits, hyphens and dots")
        }
        let algorithm = it.arguments.value("algorithm") ?? "rsa"
        guard let kind = SigningKey.Kind(rawValue: algorithm) else {
            throw CommandFailure(.usage, "--algorithm must be rsa or ed25519, not \(algorithm)")
        }
        let file = it.arguments.value("key") ?? "\(selector).\(domain).pem"
        let key = try make(kind, in: file)
        report(DKIMKey(domain: domain, selector: selector, key: key), file, it)
    }

    private static func make(
        _ kind: SigningKey.Kind,
        in file: String
    ) throws(CommandFailure) -> SigningKey {
        let key: SigningKey
        let pem: String
        do throws(CryptoError) {
            key = try SigningKey.generate(kind)
            pem = try key.pem()
        } catch {
            throw CommandFailure(.unavailable, "\(error)")
        }
        guard NewFile.write(Array(pem.utf8), to: file) else {
            throw CommandFailure(.cannotCreate, "\(file): \(String(cString: strerror(errno)))")
        }
        return key
    }

    private static func report(_ key: DKIMKey, _ file: String, _ it: Invocation) {
        let line =
            "dkim: [{ domain: \"\(key.domain)\", selector: \"\(key.selector)\","
            + " keyFile: \"\(path(file))\" }]"
        let strings = key.recordStrings.map { "\"\($0)\"" }
        guard it.wantsJSON else {
            it.say("The key is in \(file). Publish this record:\n")
            it.say("\(key.recordName). 3600 IN TXT ( \(strings.joined(separator: "\n    ")) )")
            return it.say("\nand put this into the send connector:\n\n\(line)")
        }
        var json = JSONWriter()
        json.beginObject()
        json.member("domain", key.domain)
        json.member("selector", key.selector)
        json.member("algorithm", key.key.kind.rawValue)
        json.member("key_file", path(file))
        json.member("record_name", key.recordName)
        json.member("record_type", "TXT")
        json.member("record", key.record)
        json.member("record_strings", key.recordStrings)
        json.member("configuration", line)
        json.endObject()
        it.say(String(decoding: json.octets, as: UTF8.self))
    }

    /// From the root, since the server runs elsewhere.
    private static func path(_ file: String) -> String {
        guard let whole = realpath(file, nil) else { return file }
        defer { free(whole) }
        return String(cString: whole)
    }
}

/// A file that was not there and that only its owner reads.
enum NewFile {
    /// False when it cannot be written, or is there already; `errno` tells.
    static func write(_ octets: [UInt8], to path: String) -> Bool {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var rest = octets[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return fsync(descriptor) == 0
    }
}
