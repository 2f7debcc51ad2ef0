import Crypto
import Mail

/// What a password is checked against: its scrypt hash, with the salt and the parameters it was made
/// by, so that passwords made under other parameters go on being checked.
///
/// Written as `$scrypt$ln=14,r=8,p=1$SALT$HASH`, both in base 64.
struct PasswordVerifier: Equatable, Sendable {
    private static let hashOctets = 32

    private let parameters: Scrypt
    private let salt: [UInt8]
    private let hash: [UInt8]

    /// Costly: not for an event loop.
    init(of password: String, parameters: Scrypt = .standard) throws(CryptoError) {
        self.parameters = parameters
        salt = SecureRandom.bytes(16)
        hash = try Self.hash(password, parameters, salt)
    }

    private init(parameters: Scrypt, salt: [UInt8], hash: [UInt8]) {
        self.parameters = parameters
        self.salt = salt
        self.hash = hash
    }

    /// No password fits it, and checking one costs as much as checking a real one.
    static let decoy = PasswordVerifier(
        parameters: .standard,
        salt: SecureRandom.bytes(16),
        hash: SecureRandom.bytes(hashOctets)
    )

    /// Costly: not for an event loop.
    func fits(_ password: String) -> Bool {
        guard let other = try? Self.hash(password, parameters, salt) else { return false }
        return constantTimeEqual(other.span, hash.span)
    }

    private static func hash(
        _ password: String,
        _ parameters: Scrypt,
        _ salt: [UInt8]
    ) throws(CryptoError) -> [UInt8] {
        try parameters.derive(hashOctets, from: Array(password.utf8).span, salt: salt.span)
    }
}

extension PasswordVerifier: CustomStringConvertible, LosslessStringConvertible {
    var description: String {
        let (salt, hash) = (Base64Encoder.encode(salt.span), Base64Encoder.encode(hash.span))
        return "$scrypt$ln=\(parameters.cost.trailingZeroBitCount),r=\(parameters.blockSize),"
            + "p=\(parameters.parallelism)$\(salt)$\(hash)"
    }

    init?(_ text: String) {
        let parts = text.split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0].isEmpty, parts[1] == "scrypt",
            let salt = try? Base64Decoder.decode(Array(parts[3].utf8).span),
            let hash = try? Base64Decoder.decode(Array(parts[4].utf8).span),
            hash.count == Self.hashOctets
        else { return nil }
        var numbers: [Int] = []
        for (name, part) in zip(["ln=", "r=", "p="], parts[2].split(separator: ",")) {
            guard part.hasPrefix(name), let number = Int(part.dropFirst(name.count)) else {
                return nil
            }
            numbers.append(number)
        }
        guard numbers.count == 3, (1...30).contains(numbers[0]) else { return nil }
        self.init(
            parameters: Scrypt(
                cost: 1 << numbers[0],
                blockSize: numbers[1],
                parallelism: numbers[2]
            ),
            salt: salt,
            hash: hash
        )
    }
}
