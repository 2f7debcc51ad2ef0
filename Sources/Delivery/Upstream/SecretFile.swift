import Glibc

/// Files that hold a secret.
package enum SecretFile {
    /// Nil when it cannot be read or is no UTF-8. A bare name is looked for in
    /// `$CREDENTIALS_DIRECTORY` first, where systemd puts credentials. One line end at its end is not
    /// part of the secret.
    package static func read(_ path: String) -> String? {
        guard var secret = places(path).lazy.compactMap(text).first else { return nil }
        if secret.hasSuffix("\r\n") || secret.hasSuffix("\n") { secret.removeLast() }
        return secret
    }

    /// Puts another secret in the place of what is there, whole or not at all. False where the file is
    /// not ours to write.
    static func replace(_ path: String, with secret: String) -> Bool {
        guard let place = places(path).first(where: { access($0, F_OK) == 0 }) else { return false }
        let draft = place + ".new"
        unlink(draft)
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return false }
        let octets = Array((secret + "\n").utf8)
        let isWritten = octets.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        let isSynced = isWritten == octets.count && fsync(descriptor) == 0
        close(descriptor)
        guard isSynced, rename(draft, place) == 0 else {
            unlink(draft)
            return false
        }
        return true
    }

    private static func places(_ path: String) -> [String] {
        guard !path.contains("/"), let directory = getenv("CREDENTIALS_DIRECTORY") else {
            return [path]
        }
        return ["\(String(cString: directory))/\(path)", path]
    }

    private static func text(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var whole: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16_384)
        while whole.count <= 1 << 20 {
            let count = piece.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress, $0.count)
            }
            guard count >= 0 else { return nil }
            if count == 0 { return String(validating: whole, as: UTF8.self) }
            whole += piece[..<count]
        }
        return nil
    }
}
