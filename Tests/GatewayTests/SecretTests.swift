import Crypto
import Glibc
import Mail
import Store
import Testing

@testable import Gateway

@Suite("Passwords at rest")
struct SecretTests {
    private static let cheap = Scrypt(cost: 16, blockSize: 1, parallelism: 1)

    @Test("a verifier fits its own password alone, and is read as it was written")
    func verifier() throws {
        let verifier = try PasswordVerifier(of: "Blätter 7", parameters: Self.cheap)
        let again = try #require(PasswordVerifier(verifier.description))
        #expect(again == verifier && again.description.hasPrefix("$scrypt$ln=4,r=1,p=1$"))
        #expect(again.fits("Blätter 7"))
        for other in ["blätter 7", "Blätter 7 ", "", "Blätter"] { #expect(!again.fits(other)) }
        let twin = try PasswordVerifier(of: "Blätter 7", parameters: Self.cheap)
        #expect(twin != verifier, "each has a salt of its own")
        #expect(!PasswordVerifier.decoy.fits(""))
    }

    @Test(
        "what is no verifier is none",
        arguments: [
            "", "x", "$scrypt$ln=4,r=1,p=1$c2FsdA==$aGFzaA==", "$argon2$ln=4,r=1,p=1$$",
            "$scrypt$ln=99,r=1,p=1$c2FsdA==$" + String(repeating: "AAAA", count: 10) + "AAA=",
            "$scrypt$r=1,ln=4,p=1$c2FsdA==$" + String(repeating: "AAAA", count: 10) + "AAA=",
            "$scrypt$ln=4,r=1$c2FsdA==$" + String(repeating: "AAAA", count: 10) + "AAA=",
        ]
    )
    func noVerifier(text: String) {
        #expect(PasswordVerifier(text) == nil)
    }

    @Test("passwords made by us have 20 characters that nobody mistakes, and differ")
    func generated() {
        let made = (0..<50).map { _ in GeneratedPassword.make() }
        #expect(Set(made).count == 50)
        #expect(made.allSatisfy { $0.utf8.count == 20 && $0.allSatisfy { !"0O1Il".contains($0) } })
    }

    @Test("the vault's key is made at first need, for its owner alone, and outlives the process")
    func vault() throws {
        let drawer = try Drawer()
        let vault = SecretVault(directory: drawer.directory)
        let (id, other) = (CredentialID(at: Counter.start), CredentialID(at: Counter.start))
        #expect(throws: SecretVaultError.self) { try vault.open([1, 2, 3], for: id) }
        #expect(access(vault.path, F_OK) != 0)
        let box = try vault.seal("tanstaaf", for: id)
        var facts = stat()
        #expect(stat(vault.path, &facts) == 0 && facts.st_mode & 0o777 == 0o600)
        #expect(facts.st_size == 32)
        let reopened = SecretVault(directory: drawer.directory)
        #expect(try reopened.open(box, for: id) == Array("tanstaaf".utf8))
        #expect(try reopened.open(box, for: other) == nil)
        #expect(try reopened.open(nil, for: CredentialID?.none) == nil)
    }

    @Test("a key file that is open to others, damaged or missing says so, and how to mend it")
    func brokenVault() throws {
        let drawer = try Drawer()
        let id = CredentialID(at: Counter.start)
        let path = SecretVault(directory: drawer.directory).path
        let box = try SecretVault(directory: drawer.directory).seal("x", for: id)
        func complaint() -> String {
            do throws(SecretVaultError) {
                _ = try SecretVault(directory: drawer.directory).open(box, for: id)
                return ""
            } catch {
                return error.description
            }
        }
        #expect(complaint() == "")
        chmod(path, 0o640)
        #expect(complaint() == "\(path): is open to others; chmod 600 it")
        chmod(path, 0o600)
        truncate(path, 31)
        #expect(complaint().hasPrefix("\(path): is damaged; put the right one back"))
        unlink(path)
        #expect(complaint().hasPrefix("\(path): is missing; put the right one back"))
    }

    static let fingerprints: [(String, Bool)] = [
        (String(repeating: "aB", count: 32), true),
        ((0..<32).map { _ in "0F" }.joined(separator: ":"), true),
        ("sha256 Fingerprint=" + (0..<32).map { _ in "0F" }.joined(separator: ":"), true),
        (String(repeating: "ab", count: 31), false), (String(repeating: "ag", count: 32), false),
        ("", false), (String(repeating: "ab", count: 33), false),
    ]
    @Test("a fingerprint is read as OpenSSL prints it", arguments: fingerprints)
    func fingerprint(text: String, isOne: Bool) {
        let found = CertificateFingerprint(text)
        #expect((found != nil) == isOne)
        #expect(found.map { $0.text.count == 64 && $0.text == $0.text.lowercased() } ?? true)
    }
}
