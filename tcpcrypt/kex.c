/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcpcrypt/kex.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

enum { X25519_BYTES = 32 };

static bool x25519_keygen(const uint8_t *secret, uint8_t *pub)
{
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, X25519_BYTES);
    size_t len = X25519_BYTES;
    const bool ok = key != NULL && EVP_PKEY_get_raw_public_key(key, pub, &len) == 1;

    EVP_PKEY_free(key);
    return ok;
}

/* With its public half given, libcrypto does not compute that once more (27 us). */
static EVP_PKEY *x25519_pair(const uint8_t *secret, const uint8_t *pub)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "X25519", NULL);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)pub,
                                          X25519_BYTES),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, (void *)(uintptr_t)secret,
                                          X25519_BYTES),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *key = NULL;

    if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1)
        (void)EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

/* RFC 8548 5, RFC 7748 6: abort on zero. libcrypto may have refused by itself (trap 17). */
static bool all_zero(const uint8_t *es, size_t len)
{
    static const uint8_t zero[SL_KEX_ES_MAX_BYTES];

    return CRYPTO_memcmp(es, zero, len) == 0;
}

static bool x25519_derive(const uint8_t *secret, const uint8_t *pub, const uint8_t *peer,
                          uint8_t *es)
{
    EVP_PKEY *own = x25519_pair(secret, pub);
    EVP_PKEY *theirs = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, peer, X25519_BYTES);
    EVP_PKEY_CTX *ctx = own == NULL ? NULL : EVP_PKEY_CTX_new(own, NULL);
    size_t len = X25519_BYTES;
    bool ok;

    ERR_set_mark(); /* what a peer's key causes is nobody else's error */
    ok = ctx != NULL && theirs != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
         EVP_PKEY_derive_set_peer(ctx, theirs) == 1 && EVP_PKEY_derive(ctx, es, &len) == 1 &&
         len == X25519_BYTES && !all_zero(es, X25519_BYTES);
    ERR_pop_to_mark();
    if (!ok)
        OPENSSL_cleanse(es, X25519_BYTES);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(theirs);
    EVP_PKEY_free(own);
    return ok;
}

static const struct sl_kex kexes[] = {
    {
        .name = "X25519",
        .tep = 0x23, /* R58 */
        .secret_bytes = X25519_BYTES,
        .pub_bytes = X25519_BYTES,
        .es_bytes = X25519_BYTES,
        .keygen = x25519_keygen,
        .derive = x25519_derive,
    },
};

const struct sl_kex *sl_kex_find(uint8_t tep)
{
    size_t i;

    for (i = 0; i < sizeof(kexes) / sizeof(kexes[0]); i++)
        if (kexes[i].tep == tep)
            return &kexes[i];
    return NULL;
}
