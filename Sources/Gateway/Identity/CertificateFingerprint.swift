/// The SHA-256 fingerprint of a certificate, as `openssl x509 -fingerprint -sha256` prints it or
/// plainer.
struct CertificateFingerprint: Equatable, Sendable {
    /// 64 digits, in small letters and without colons.
    let text: String

    init?(_ text: String) {
        var rest = text[...]
        // OpenSSL puts `sha256 Fingerprint=` before it.
        if let equals = rest.firstIndex(of: "=") { rest = rest[rest.index(after: equals)...] }
        let digits = rest.lowercased().utf8.filter { $0 != UInt8(ascii: ":") }
        guard digits.count == 64, digits.allSatisfy({ "0123456789abcdef".utf8.contains($0) }) else {
            return nil
        }
        self.text = String(decoding: digits, as: UTF8.self)
    }
}
