/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/siphash.h"

#include <string.h>

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/params.h>

/* Key and input of the SipHash paper's appendix A: the bytes 00, 01, 02, ... */
static const struct sl_siphash_key paper_key = {UINT64_C(0x0706050403020100),
                                                UINT64_C(0x0f0e0d0c0b0a0908)};

static void count_up(uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)i;
}

Test(siphash, gives_the_value_of_the_papers_appendix)
{
    uint8_t in[15];

    count_up(in, sizeof(in));
    cr_assert_eq(sl_siphash(&paper_key, in, sizeof(in)), UINT64_C(0xa129ca6149be45e5));
}

Test(siphash, gives_the_vectors_of_the_reference_code)
{
    /* vectors_sip64 of the authors' code, read as little-endian numbers; by length. */
    static const uint64_t expected[] = {
        UINT64_C(0x726fdb47dd0e0e31), UINT64_C(0x74f839c593dc67fd), UINT64_C(0x0d6c8009d9a94f5a),
        UINT64_C(0x85676696d7fb7e2d), UINT64_C(0xcf2794e0277187b7), UINT64_C(0x18765564cd99a68d),
        UINT64_C(0xcbc9466e58fee3ce), UINT64_C(0xab0200f58b01d137), UINT64_C(0x93f5f5799a932462),
    };
    uint8_t in[8];

    count_up(in, sizeof(in));
    for (size_t len = 0; len < sizeof(expected) / sizeof(expected[0]); len++)
        cr_expect_eq(sl_siphash(&paper_key, in, len), expected[len], "%zu bytes", len);
}

static uint64_t libcrypto(const uint8_t key[16], const uint8_t *in, size_t len)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    size_t size = 8;
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t("size", &size), OSSL_PARAM_END};
    uint8_t out[8];
    uint64_t v = 0;

    cr_assert(EVP_MAC_init(ctx, key, 16, params) && EVP_MAC_update(ctx, in, len) &&
              EVP_MAC_final(ctx, out, &size, sizeof(out)) && size == 8);
    for (int i = 7; i >= 0; i--)
        v = v << 8 | out[i];
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    return v;
}

Test(siphash, agrees_with_libcrypto_at_any_length_and_alignment)
{
    for (size_t len = 0; len <= 64; len++) {
        for (size_t offset = 0; offset < 8; offset++) {
            uint8_t key_bytes[16], in[72];
            struct sl_siphash_key key = {0};

            for (size_t i = 0; i < sizeof(in); i++)
                in[i] = (uint8_t)(i * 167 + len * 13 + 5);
            for (size_t i = 0; i < 16; i++)
                key_bytes[i] = (uint8_t)(i * 89 + len);
            for (size_t i = 8; i-- > 0;) {
                key.k0 = key.k0 << 8 | key_bytes[i];
                key.k1 = key.k1 << 8 | key_bytes[8 + i];
            }
            cr_expect_eq(sl_siphash(&key, in + offset, len), libcrypto(key_bytes, in + offset, len),
                         "%zu bytes at %zu", len, offset);
        }
    }
}
