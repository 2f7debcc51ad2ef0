import COpenSSL

/// A P-256 key and a certificate that vouches for itself: for loopback, demonstrations and tests.
package struct SelfSignedCertificate: Sendable {
    package let certificatePEM: String
    package let privateKeyPEM: String

    /// Valid from an hour ago, so that a clock that is a little slow takes it too. `names` are DNS
    /// names as A-labels, `addresses` IP addresses; a client checks these and not the common name.
    package init(
        commonName: String,
        names: [String],
        addresses: [String],
        validDays: Int
    ) throws(CryptoError) {
        guard let key = postern_generate_p256() else { throw CryptoError("make a P-256 key") }
        defer { EVP_PKEY_free(key) }
        guard let certificate = X509_new() else { throw CryptoError("make a certificate") }
        defer { X509_free(certificate) }
        try Self.describe(certificate, commonName: commonName, validDays: validDays)
        try Self.name(certificate, names: names, addresses: addresses)
        guard X509_set_pubkey(certificate, key) == 1,
            X509_sign(certificate, key, EVP_sha256()) > 0
        else { throw CryptoError("sign a certificate") }
        certificatePEM = try Self.text("write a certificate") {
            PEM_write_bio_X509($0, certificate)
        }
        privateKeyPEM = try Self.text("write a key") {
            PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil)
        }
    }

    private static func describe(
        _ certificate: OpaquePointer,
        commonName: String,
        validDays: Int
    ) throws(CryptoError) {
        // RFC 5280 §4.1.2.2: at most 20 octets, positive, unique; 16 random ones are.
        var serial = SecureRandom.bytes(16)
        serial[0] = serial[0] & 0x7f | 0x40
        guard let number = BN_bin2bn(serial, Int32(serial.count), nil) else {
            throw CryptoError("number a certificate")
        }
        defer { BN_free(number) }
        guard let name = X509_NAME_new() else { throw CryptoError("name a certificate") }
        defer { X509_NAME_free(name) }
        // A common name has at most 64 characters (RFC 5280 appendix A.1); the rest is in the list.
        let label = String(commonName.prefix(64))
        let seconds = Int64(validDays) * 86_400
        guard X509_set_version(certificate, 2) == 1,
            BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nil,
            X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, label, -1, -1, 0) == 1,
            X509_set_subject_name(certificate, name) == 1,
            X509_set_issuer_name(certificate, name) == 1,
            X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) != nil,
            X509_gmtime_adj(X509_getm_notAfter(certificate), Int(seconds)) != nil
        else { throw CryptoError("describe a certificate") }
    }

    private static func name(
        _ certificate: OpaquePointer,
        names: [String],
        addresses: [String]
    ) throws(CryptoError) {
        guard let list = postern_names_new() else { throw CryptoError("name a certificate") }
        defer { postern_names_free(list) }
        for name in names where postern_add_dns_name(list, name) != 1 {
            throw CryptoError("name a certificate", reason: "\(name) is no DNS name")
        }
        for address in addresses where postern_add_ip_address(list, address) != 1 {
            throw CryptoError("name a certificate", reason: "\(address) is no IP address")
        }
        // Not marked as an authority: browsers refuse one as a server.
        guard
            names.isEmpty && addresses.isEmpty
                || postern_set_alternative_names(certificate, list) == 1
        else { throw CryptoError("name a certificate") }
    }

    private static func text(
        _ operation: String,
        _ write: (OpaquePointer) -> Int32
    ) throws(CryptoError) -> String {
        guard let memory = BIO_new(BIO_s_mem()) else { throw CryptoError(operation) }
        defer { BIO_free(memory) }
        guard write(memory) == 1 else { throw CryptoError(operation) }
        var start: UnsafeMutablePointer<CChar>?
        let count = postern_bio_bytes(memory, &start)
        let bytes = UnsafeRawBufferPointer(start: start, count: count)
        return String(decoding: bytes, as: UTF8.self)
    }
}
