/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcpcrypt/schedule.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

static size_t unhex(const char *hex, uint8_t *out)
{
    size_t n = 0;
    unsigned byte;

    for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
        out[n++] = (uint8_t)byte;
    return n;
}

#define EXPECT_HEX(at, hex)                                 \
    do {                                                    \
        uint8_t want_[64];                                  \
        cr_expect_arr_eq((at), want_, unhex((hex), want_)); \
    } while (0)

/* A fresh session of test/vectors (TEP 0x23, AES-128-GCM), whose values were derived elsewhere. */
#define N_A "7245a86a09f13855950399b08500b7372e4a203509f63aebf6521d60b64fa310"
#define INIT1                            \
    "15101a0e0000004f03000200100001" N_A \
    "50c19de8c7bec6f7e4f9b51dbd859e176787fd6feddae96f437614d31e70a729"
#define INIT2                                                                            \
    "097105e00000004a0001088b1f8e62c882bf349552bc02a16392355e01c5c0be1d3df277235f00b943" \
    "dfcba34cb778d7b78c4118d62208fd592f15b78d468490bae8c7e6161317082e1f"
#define ES  "27f526c6859351f13bdc91d60825f57405264004928a40746b9ff085f7e03e0d"
#define PRK "dec376439652fb99939577f39ba20c47fc3114c5be61cddca450ed833fde21b7"

Test(schedule, prk_is_extracted_from_transcript_messages_and_secret) /* R61, trap 8 */
{
    uint8_t n_a[32], transcript[7], init1[128], init2[128], es[32], prk[32];
    const struct sl_schedule_part parts[] = {{transcript, unhex("45032345040123", transcript)},
                                             {init1, unhex(INIT1, init1)},
                                             {init2, unhex(INIT2, init2)},
                                             {es, unhex(ES, es)}};
    struct sl_schedule s = sl_schedule_begin();

    unhex(N_A, n_a);
    sl_schedule_prk(&s, n_a, parts, 4, prk);
    cr_expect(sl_schedule_end(&s));
    EXPECT_HEX(prk, PRK);
}

Test(schedule, secrets_of_a_fresh_session) /* R62 to R66 */
{
    uint8_t ss[32], id[33], resume[18];
    struct sl_schedule s = sl_schedule_begin();

    unhex(PRK, ss);
    sl_schedule_session_id(&s, ss, NULL, 0, 0x23, id);
    sl_schedule_next_ss(&s, ss, ss);
    sl_schedule_resume(&s, ss, resume);
    cr_expect(sl_schedule_end(&s));
    EXPECT_HEX(id, "23412f3423c21bcc0553d6d99dbf2968e36ca097f8f1bb99f628c3de5d14590daa");
    EXPECT_HEX(ss, "c33e65b906c703568f1173ae5f68e88dd064e183ea4086a5827973b37d730e6c");
    EXPECT_HEX(resume, "830fe6fa73b955429760d092968c82303ee2");
}

Test(schedule, generations) /* R64, R65 */
{
    uint8_t mk[32], key[44];
    struct sl_schedule s = sl_schedule_begin();

    unhex(PRK, mk);
    sl_schedule_mk_0(&s, mk, NULL, 0, mk);
    EXPECT_HEX(mk, "0498b5f8841096934fc429a169ab5526135d69654edbc27279214d19256d724c");
    sl_schedule_traffic_key(&s, mk, SL_K_AB, SL_AEAD_AES_128_GCM, key);
    EXPECT_HEX(key, "1d651a008cc62da3e6fe64944c5b4038ff59ad7c138c88b3962bf99f");
    sl_schedule_traffic_key(&s, mk, SL_K_BA, SL_AEAD_AES_128_GCM, key);
    EXPECT_HEX(key, "d2e1d4f0d079b54c3e5bf0ce87f41e6d2ffddd1714ca4ab33e6aaefd");
    sl_schedule_next_mk(&s, mk, mk);
    EXPECT_HEX(mk, "ac18811271b9c5ea8352271f4b5cde457f14a0e6797cf40b6a7c2fd48e1e97b2");
    cr_expect(sl_schedule_end(&s));
}

/* The third resumption of that session, with nonces of 3 and 8 bytes: R63, R64, R66, R67. */
Test(schedule, secrets_of_a_resumed_session)
{
    uint8_t ss[32], sn[16], id[33], mk[32], key[44], resume[18];
    struct sl_schedule s = sl_schedule_begin();
    const size_t sn_len = unhex("19e8a3dddc96fb78d59446", sn);

    unhex("9ef9f162e76775d2295937fe4d039c6fe27d237c4d8d726d7414aabc0493c80a", ss);
    sl_schedule_resume(&s, ss, resume);
    EXPECT_HEX(resume, "392fde4925fb57ea6b3b27325dc580fdf7bf");
    sl_schedule_session_id(&s, ss, sn, sn_len, 0xa3, id);
    EXPECT_HEX(id, "a39fa225b8de6fe10d44cdc78765507504155588b6a253efeba66e3ce750b97a0e");
    sl_schedule_mk_0(&s, ss, sn, sn_len, mk);
    EXPECT_HEX(mk, "3cc2a4d0417d5464ceff94fede2be9b54e294c7db2812ddd84534a62a0be8854");
    sl_schedule_traffic_key(&s, mk, SL_K_BA, SL_AEAD_AES_128_GCM, key);
    EXPECT_HEX(key, "e4382efe7128988d0a1f851543218c34b1a4b24037dadfed6cddba46");
    cr_expect(sl_schedule_end(&s));
}

/* RFC 5869 A.2's shape: two blocks of output (44 bytes with a 32-byte key). */
Test(schedule, a_256_bit_traffic_key_takes_two_blocks)
{
    uint8_t mk[32] = {7}, k128[44] = {0}, k256[44] = {0}, zero[16] = {0};
    struct sl_schedule s = sl_schedule_begin();

    sl_schedule_traffic_key(&s, mk, SL_K_AB, SL_AEAD_AES_128_GCM, k128);
    sl_schedule_traffic_key(&s, mk, SL_K_AB, SL_AEAD_CHACHA20_POLY1305, k256);
    cr_expect(sl_schedule_end(&s));
    cr_expect_arr_eq(k128, k256, 28, "one stream of output, cut at another place");
    cr_expect_arr_eq(k128 + 28, zero, 16, "not a byte more than asked for");
    cr_expect(memcmp(k256 + 28, zero, 16) != 0);
}

Test(schedule, errors_stick)
{
    uint8_t mk[32] = {0}, sn[17] = {0};
    struct sl_schedule s = sl_schedule_begin();

    sl_schedule_mk_0(&s, mk, sn, sizeof(sn), mk);
    sl_schedule_next_mk(&s, mk, mk);
    cr_expect_not(sl_schedule_end(&s), "a session nonce has at most 16 bytes");
}
