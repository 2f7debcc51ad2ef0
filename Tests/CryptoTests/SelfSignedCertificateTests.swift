import Crypto
import Foundation
import Oracles
import Testing

private func x509(_ certificate: SelfSignedCertificate, _ arguments: [String]) throws -> String {
    let pem = certificate.certificatePEM + certificate.privateKeyPEM
    let text = try answer(of: ["openssl"] + arguments, given: Array(pem.utf8))
    return String(decoding: text, as: UTF8.self)
}

@Test("a self-signed certificate names its hosts, fits its key and is of P-256")
func certificate() throws {
    let certificate = try SelfSignedCertificate(
        commonName: "relay.corp.example",
        names: ["relay.corp.example", "localhost"],
        addresses: ["127.0.0.1", "::1"],
        validDays: 30
    )
    let text = try x509(certificate, ["x509", "-noout", "-text"])
    for part in [
        "CN = relay.corp.example", "DNS:relay.corp.example, DNS:localhost",
        "IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1", "NIST CURVE: P-256",
        "ecdsa-with-SHA256", "Version: 3",
    ] {
        #expect(text.contains(part))
    }
    let file = NSTemporaryDirectory() + "postern-\(UUID().uuidString).pem"
    defer { try? FileManager.default.removeItem(atPath: file) }
    try certificate.certificatePEM.write(toFile: file, atomically: true, encoding: .utf8)
    let wanted = Date().timeIntervalSince1970 + 30 * 86_400
    let term = try #require(CertificateTerm(file: file))
    #expect(abs(Double(term.end) - wanted) < 3_700)
    #expect(CertificateTerm(file: file + ".none") == nil)
    let ends = try x509(certificate, ["x509", "-noout", "-checkend", "\(29 * 86_400)"])
    #expect(ends.contains("will not expire"))
    let later = try x509(certificate, ["x509", "-noout", "-checkend", "\(31 * 86_400)"])
    #expect(later.contains("will expire"))
    let ofCertificate = try x509(certificate, ["x509", "-noout", "-pubkey"])
    #expect(try x509(certificate, ["pkey", "-pubout"]) == ofCertificate)
    #expect(ofCertificate.contains("PUBLIC KEY"))
}

@Test("two certificates have two keys and two numbers")
func uniqueness() throws {
    let one = try SelfSignedCertificate(commonName: "a", names: [], addresses: [], validDays: 1)
    let two = try SelfSignedCertificate(commonName: "a", names: [], addresses: [], validDays: 1)
    #expect(one.privateKeyPEM != two.privateKeyPEM)
    #expect(
        try x509(one, ["x509", "-noout", "-serial"]) != x509(two, ["x509", "-noout", "-serial"])
    )
}

@Test("what is no address is refused by name", arguments: ["localhost", "1.2.3", "", "::g"])
func refusal(of address: String) {
    #expect(throws: CryptoError.self) {
        try SelfSignedCertificate(commonName: "a", names: [], addresses: [address], validDays: 1)
    }
}
