// What the Crypto room needs beyond functions: macros and casts as inline functions.
#pragma once
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

static inline EVP_PKEY *postern_generate_p256(void) { return EVP_EC_gen("P-256"); }

static inline EVP_PKEY *postern_generate_rsa(size_t bits) { return EVP_RSA_gen(bits); }

static inline EVP_PKEY *postern_generate_ed25519(void) {
    return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

static inline void postern_free(void *memory) { OPENSSL_free(memory); }

static inline long postern_bio_bytes(BIO *bio, char **start) { return BIO_get_mem_data(bio, start); }

static inline GENERAL_NAMES *postern_names_new(void) { return sk_GENERAL_NAME_new_null(); }

static inline void postern_names_free(GENERAL_NAMES *names) {
    sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
}

static inline int postern_add_name(GENERAL_NAMES *names, int type, ASN1_STRING *value) {
    GENERAL_NAME *entry = GENERAL_NAME_new();
    if (!entry || !value) {
        GENERAL_NAME_free(entry);
        ASN1_STRING_free(value);
        return 0;
    }
    GENERAL_NAME_set0_value(entry, type, value);
    if (sk_GENERAL_NAME_push(names, entry)) return 1;
    GENERAL_NAME_free(entry);
    return 0;
}

static inline int postern_add_dns_name(GENERAL_NAMES *names, const char *name) {
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    if (text && (!*name || !ASN1_STRING_set(text, name, -1))) {
        ASN1_IA5STRING_free(text);
        return 0;
    }
    return postern_add_name(names, GEN_DNS, text);
}

// 1 for an IPv4 or IPv6 address as text, 0 for anything else.
static inline int postern_add_ip_address(GENERAL_NAMES *names, const char *address) {
    return postern_add_name(names, GEN_IPADD, a2i_IPADDRESS(address));
}

static inline int postern_set_alternative_names(X509 *certificate, GENERAL_NAMES *names) {
    return X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0);
}
