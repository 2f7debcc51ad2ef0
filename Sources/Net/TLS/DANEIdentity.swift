import COpenSSL

/// By what a mail server is known whose domain publishes TLSA records (RFC 7672 §3).
package struct DANEIdentity: Sendable, Equatable {
    /// Where the records stand; it is asked for by SNI (RFC 7672 §8.1).
    package let baseDomain: String
    /// Other names that a certificate of a named authority may carry: §3.2.2.
    package let otherNames: [String]
    package let records: [TLSARecord]

    package init(baseDomain: String, otherNames: [String], records: [TLSARecord]) {
        self.baseDomain = baseDomain
        self.otherNames = otherNames
        self.records = records
    }
}

extension TLSARecord {
    /// DANE-TA(2) or DANE-EE(3) of a whole certificate or its key, as it is or as a digest that we know;
    /// the others do not count for SMTP (RFC 7672 §3.1.3).
    package var isUsableForMail: Bool {
        guard usage == 2 || usage == 3, selector <= 1 else { return false }
        return switch matching {
        case 0: !data.isEmpty
        case 1: data.count == 32
        case 2: data.count == 64
        default: false
        }
    }
}

extension TLSContext {
    func enableDANE() throws(StreamError) {
        guard SSL_CTX_dane_enable(pointer) == 1 else { throw .takeTLS("no DANE") }
        // RFC 7672 §3.1.1: what is looked at is the record, not the certificate's names and dates.
        _ = SSL_CTX_dane_set_flags(pointer, UInt(DANE_FLAG_NO_DANE_EE_NAMECHECKS))
    }
}

extension TLSClientContext {
    /// Never resumed: the records may have changed since.
    func session(
        for identity: DANEIdentity?,
        on loop: EventLoop
    ) throws(StreamError) -> TLSSession {
        guard let identity else { throw .tls("no TLSA records to verify the certificate against") }
        let session = try TLSSession(context, on: loop, resumption: nil)
        SSL_set_connect_state(session.ssl)
        guard SSL_dane_enable(session.ssl, identity.baseDomain) == 1 else {
            throw .takeTLS("not a server name: \(identity.baseDomain)")
        }
        for name in identity.otherNames { SSL_add1_host(session.ssl, name) }
        X509_VERIFY_PARAM_set_hostflags(
            SSL_get0_param(session.ssl),
            UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS)
        )
        var usable = 0
        for record in identity.records where record.isUsableForMail {
            let added = SSL_dane_tlsa_add(
                session.ssl,
                record.usage,
                record.selector,
                record.matching,
                record.data,
                record.data.count
            )
            usable += added == 1 ? 1 : 0
        }
        ERR_clear_error()
        guard usable > 0 else { throw .tls("no TLSA record can be used") }
        return session
    }
}
