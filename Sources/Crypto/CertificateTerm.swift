import COpenSSL

/// Until when a certificate is valid.
package struct CertificateTerm: Sendable {
    /// In seconds since 1970.
    package let end: Int64

    /// Of the first certificate of a PEM file; nil where none can be read.
    package init?(file path: String) {
        ERR_clear_error()
        defer { ERR_clear_error() }
        guard let file = BIO_new_file(path, "r") else { return nil }
        defer { BIO_free(file) }
        guard let certificate = PEM_read_bio_X509_AUX(file, nil, nil, nil) else { return nil }
        defer { X509_free(certificate) }
        guard let epoch = ASN1_TIME_set(nil, 0) else { return nil }
        defer { ASN1_TIME_free(epoch) }
        var days: Int32 = 0
        var seconds: Int32 = 0
        guard ASN1_TIME_diff(&days, &seconds, epoch, X509_get0_notAfter(certificate)) == 1 else {
            return nil
        }
        end = Int64(days) * 86_400 + Int64(seconds)
    }
}
