import Crypto
import Glibc
import Mail
import Synchronization

/// Seals what must be known in clear: passwords for CRAM-MD5, secrets that sign webhooks. The key has a file of its own, so that
/// neither the store nor a copy of it gives the passwords away.
final class SecretVault: Sendable {
    let path: String
    private let cipher = Mutex<AES256GCM?>(nil)
    /// Opened for user names that nobody has, so that they take as long as the others.
    private let decoy = SecureRandom.bytes(48)

    init(directory: String) {
        path = "\(directory)/credentials.key"
    }

    /// Makes the key file where there is none yet.
    func seal<Subject>(
        _ secret: String,
        for id: Identifier<Subject>
    ) throws(SecretVaultError) -> [UInt8] {
        let cipher = try cipher(makingFile: true)
        let (text, context) = (Array(secret.utf8), Array(id.description.utf8))
        return try guarding { () throws(CryptoError) in
            try cipher.seal(text.span, context: context.span)
        }
    }

    /// Nil where nothing was sealed, or not for that credential.
    func open<Subject>(
        _ box: [UInt8]?,
        for id: Identifier<Subject>?
    ) throws(SecretVaultError) -> [UInt8]? {
        let cipher = try cipher(makingFile: false)
        let (box, context) = (box ?? decoy, Array((id?.description ?? "").utf8))
        return try guarding { () throws(CryptoError) in
            try cipher.open(box.span, context: context.span)
        }
    }

    private func guarding<Answer>(
        _ work: () throws(CryptoError) -> Answer
    ) throws(SecretVaultError) -> Answer {
        do throws(CryptoError) {
            return try work()
        } catch {
            throw SecretVaultError(path: path, reason: "\(error)")
        }
    }

    private func cipher(makingFile: Bool) throws(SecretVaultError) -> AES256GCM {
        // Reading 32 octets once holds up nobody.
        try cipher.withLock { known throws(SecretVaultError) in
            if let known { return known }
            let made = try load(makingFile: makingFile)
            known = made
            return made
        }
    }

    private func load(makingFile: Bool) throws(SecretVaultError) -> AES256GCM {
        var key = try KeyFile.read(path)
        if key == nil, makingFile { key = try KeyFile.make(path) }
        guard let key else {
            throw SecretVaultError(path: path, reason: "is missing; \(Self.cure)")
        }
        guard let cipher = AES256GCM(key: key) else {
            throw SecretVaultError(path: path, reason: "is damaged; \(Self.cure)")
        }
        return cipher
    }

    private static let cure =
        "put the right one back, or remove the webhooks and the credentials made with --cram-md5"
        + " and add them anew"
}

/// Why recoverable passwords cannot be used.
struct SecretVaultError: Error, CustomStringConvertible {
    let path: String
    let reason: String

    var description: String { "\(path): \(reason)" }
}

/// A key's file: 32 random octets, for their owner alone.
enum KeyFile {
    /// Nil where there is none.
    static func read(_ path: String) throws(SecretVaultError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw failure(path, "cannot be read")
        }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw failure(path, "cannot be read") }
        guard facts.st_mode & 0o077 == 0 else {
            throw SecretVaultError(path: path, reason: "is open to others; chmod 600 it")
        }
        guard let octets = TextFile.octets(descriptor) else {
            throw failure(path, "cannot be read")
        }
        return octets
    }

    /// On disk before anything is sealed with it; never half written.
    static func make(_ path: String) throws(SecretVaultError) -> [UInt8] {
        let key = SecureRandom.bytes(AES256GCM.keyOctets)
        let draft = path + ".new"
        unlink(draft)
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(path, "cannot be made") }
        defer { close(descriptor) }
        guard write(descriptor, key, key.count) == key.count, fsync(descriptor) == 0,
            rename(draft, path) == 0
        else { throw failure(path, "cannot be made") }
        syncFolder(of: path)
        return key
    }

    private static func syncFolder(of path: String) {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    private static func failure(_ path: String, _ what: String) -> SecretVaultError {
        SecretVaultError(path: path, reason: "\(what): \(String(cString: strerror(errno)))")
    }
}
