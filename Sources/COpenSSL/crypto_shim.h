// What the Crypto room needs beyond functions: macros and casts as inline functions.
#pragma once
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static inline EVP_PKEY *postern_generate_p256(void) { return EVP_EC_gen("P-256"); }

static inline long postern_bio_bytes(BIO *bio, char **start) { return BIO_get_mem_data(bio, start); }

// Flags a string as an IA5String: what a dNSName holds.
static inline int postern_add_dns_name(GENERAL_NAMES *names, const char *name) {
    GENERAL_NAME *entry = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    if (!entry || !text || !ASN1_STRING_set(text, name, -1)) {
        GENERAL_NAME_free(entry);
        ASN1_IA5STRING_free(text);
        return 0;
    }
    GENERAL_NAME_set0_value(entry, GEN_DNS, text);
    if (sk_GENERAL_NAME_push(names, entry)) return 1;
    GENERAL_NAME_free(entry);
    return 0;
}

static inline int postern_add_ip_address(GENERAL_NAMES *names, const char *address) {
    GENERAL_NAME *entry = GENERAL_NAME_new();
    ASN1_OCTET_STRING *octets = a2i_IPADDRESS(address);
    if (!entry || !octets) {
        GENERAL_NAME_free(entry);
        ASN1_OCTET_STRING_free(octets);
        return 0;
    }
    GENERAL_NAME_set0_value(entry, GEN_IPADD, octets);
    if (sk_GENERAL_NAME_push(names, entry)) return 1;
    GENERAL_NAME_free(entry);
    return 0;
}
