import Crypto

/// A password for a device, made by us: long enough that nobody guesses it, of letters and digits
/// that a person can type at a printer's panel without mistaking one for another.
enum GeneratedPassword {
    private static let alphabet = Array(
        "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".utf8
    )

    /// 20 characters of 57: more than 116 bits.
    static func make() -> String {
        var random = SecureRandomGenerator()
        let characters = (0..<20).map { _ in
            alphabet[Int.random(in: alphabet.indices, using: &random)]
        }
        return String(decoding: characters, as: UTF8.self)
    }
}
