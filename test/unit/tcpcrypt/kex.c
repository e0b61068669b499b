/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcpcrypt/kex.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>
#include <openssl/err.h>

static void unhex(const char *hex, uint8_t *out)
{
    unsigned byte;

    for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
        *out++ = (uint8_t)byte;
}

/* RFC 7748 6.1 */
Test(kex, x25519_of_rfc_7748)
{
    const struct sl_kex *k = sl_kex_find(0x23);
    uint8_t a[32], b[32], pub_a[32], pub_b[32], want[32], es[32];

    unhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a", a);
    unhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb", b);
    cr_expect(k->keygen(a, pub_a));
    cr_expect(k->keygen(b, pub_b));
    unhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a", want);
    cr_expect_arr_eq(pub_a, want, 32);
    unhex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f", want);
    cr_expect_arr_eq(pub_b, want, 32);
    cr_expect(k->derive(a, pub_a, pub_b, es));
    unhex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742", want);
    cr_expect_arr_eq(es, want, 32);
    cr_expect(k->derive(b, pub_b, pub_a, es));
    cr_expect_arr_eq(es, want, 32);
}

/* The points of small order: RFC 7748 7 and its references; R57, trap 17. */
static const char *const small_order[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

Test(kex, x25519_refuses_what_makes_the_secret_zero)
{
    const struct sl_kex *k = sl_kex_find(0x23);
    const uint8_t secret[32] = {1, 2, 3}, zero[32] = {0};
    uint8_t pub[32], peer[32], es[32];

    cr_expect(k->keygen(secret, pub));
    for (size_t i = 0; i < sizeof(small_order) / sizeof(small_order[0]); i++) {
        unhex(small_order[i], peer);
        memset(es, 0xff, 32);
        cr_expect_not(k->derive(secret, pub, peer, es), "%s", small_order[i]);
        cr_expect_arr_eq(es, zero, 32);
    }
    cr_expect_eq(ERR_peek_error(), 0, "a peer's key leaves no error behind in our thread");
}

Test(kex, built_teps_only)
{
    cr_expect_null(sl_kex_find(0x20));
    cr_expect_null(sl_kex_find(0xa3), "an identifier has no v bit");
    cr_expect_eq(sl_kex_find(0x23)->tep, 0x23);
}
