/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcpcrypt/schedule.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

enum { HASH_BYTES = 32, SN_MAX_BYTES = 16 };

enum { NEXTK = 0x01, SESSID = 0x02, REKEY = 0x03, KEY_A = 0x04, KEY_B = 0x05, RESUME = 0x06 };

struct sl_schedule sl_schedule_begin(void)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
    struct sl_schedule s = {.mac = hmac == NULL ? NULL : EVP_MAC_CTX_new(hmac)};

    EVP_MAC_free(hmac); /* the context holds on to it */
    s.failed = s.mac == NULL || EVP_MAC_CTX_set_params(s.mac, params) != 1;
    return s;
}

bool sl_schedule_end(struct sl_schedule *s)
{
    EVP_MAC_CTX_free(s->mac);
    s->mac = NULL;
    return !s->failed;
}

/* HMAC over all parts; what follows a failure is skipped. */
static void hmac(struct sl_schedule *s, const uint8_t *key, const struct sl_schedule_part *parts,
                 size_t n, uint8_t *out)
{
    size_t i, len;

    s->failed = s->failed || EVP_MAC_init(s->mac, key, SL_K_LEN, NULL) != 1;
    for (i = 0; i < n; i++)
        s->failed = s->failed || EVP_MAC_update(s->mac, parts[i].at, parts[i].len) != 1;
    s->failed = s->failed || EVP_MAC_final(s->mac, out, &len, HASH_BYTES) != 1;
}

/* HKDF-Expand (RFC 5869 2.3); `len` at most two blocks, which is all that tcpcrypt asks for. */
static void cprf(struct sl_schedule *s, const uint8_t *key, const void *info, size_t info_len,
                 uint8_t *out, size_t len)
{
    uint8_t blocks[2][HASH_BYTES] = {{0}};
    uint8_t i;

    for (i = 0; i < 2 && (size_t)i * HASH_BYTES < len; i++) {
        const uint8_t counter = (uint8_t)(i + 1);
        const struct sl_schedule_part parts[] = {
            {blocks[0], i == 0 ? 0 : HASH_BYTES}, {info, info_len}, {&counter, 1}};

        hmac(s, key, parts, 3, blocks[i]);
    }
    memcpy(out, blocks, len);
    OPENSSL_cleanse(blocks, sizeof(blocks));
}

static void cprf_const(struct sl_schedule *s, const uint8_t *key, uint8_t constant, uint8_t *out,
                       size_t len)
{
    cprf(s, key, &constant, 1, out, len);
}

static void cprf_sn(struct sl_schedule *s, const uint8_t *ss, uint8_t constant, const uint8_t *sn,
                    size_t sn_len, uint8_t *out)
{
    uint8_t info[1 + SN_MAX_BYTES] = {constant};

    if (sn_len > SN_MAX_BYTES) {
        s->failed = true;
        return;
    }
    if (sn_len > 0)
        memcpy(info + 1, sn, sn_len);
    cprf(s, ss, info, 1 + sn_len, out, SL_K_LEN);
}

void sl_schedule_prk(struct sl_schedule *s, const uint8_t *n_a,
                     const struct sl_schedule_part *parts, size_t n, uint8_t *prk)
{
    hmac(s, n_a, parts, n, prk); /* HKDF-Extract is HMAC; N_A is the salt (trap 8) */
}

void sl_schedule_next_ss(struct sl_schedule *s, const uint8_t *ss, uint8_t *out)
{
    cprf_const(s, ss, NEXTK, out, SL_K_LEN);
}

void sl_schedule_session_id(struct sl_schedule *s, const uint8_t *ss, const uint8_t *sn,
                            size_t sn_len, uint8_t tep_byte, uint8_t *out)
{
    out[0] = tep_byte;
    cprf_sn(s, ss, SESSID, sn, sn_len, out + 1);
}

void sl_schedule_mk_0(struct sl_schedule *s, const uint8_t *ss, const uint8_t *sn, size_t sn_len,
                      uint8_t *out)
{
    cprf_sn(s, ss, REKEY, sn, sn_len, out);
}

void sl_schedule_next_mk(struct sl_schedule *s, const uint8_t *mk, uint8_t *out)
{
    cprf_const(s, mk, REKEY, out, SL_K_LEN);
}

void sl_schedule_traffic_key(struct sl_schedule *s, const uint8_t *mk, enum sl_schedule_side side,
                             enum sl_aead aead, uint8_t *out)
{
    cprf_const(s, mk, side == SL_K_AB ? KEY_A : KEY_B, out,
               sl_aead_key_bytes(aead) + SL_AEAD_NONCE_BYTES);
}

void sl_schedule_resume(struct sl_schedule *s, const uint8_t *ss, uint8_t *out)
{
    cprf_const(s, ss, RESUME, out, SL_RESUME_BYTES);
}
