/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "tcpcrypt/job.h"

/*
 * tcpcrypt's key schedule (RFC 8548 3.3 to 3.5): HKDF with SHA-256, as all its TEPs have it.
 *
 * One context of libcrypto serves all steps of a run, since a fresh one for each would triple
 * their price (0.3 us a step). Errors stick: step straight on and ask sl_schedule_end() whether
 * all went well; only then are the outputs worth anything. Secrets belong to the caller, who
 * erases them. Thread: any, each with a struct of its own.
 */
enum { SL_K_LEN = 32, SL_SESSION_ID_BYTES = 1 + SL_K_LEN, SL_RESUME_BYTES = 18 };

struct sl_schedule {
    void *mac; /* EVP_MAC_CTX */
    bool failed;
};

struct sl_schedule sl_schedule_begin(void);
bool sl_schedule_end(struct sl_schedule *s);

struct sl_schedule_part {
    const void *at;
    size_t len;
};

/* PRK = ss[0] = Extract(N_A, parts): R61. */
void sl_schedule_prk(struct sl_schedule *s, const uint8_t *n_a,
                     const struct sl_schedule_part *parts, size_t n, uint8_t *prk);

/* ss[i + 1] of ss[i]: R62. `out` may be `ss`. */
void sl_schedule_next_ss(struct sl_schedule *s, const uint8_t *ss, uint8_t *out);

/* SL_SESSION_ID_BYTES: R44, R63. `sn` at most 16 bytes (R67). */
void sl_schedule_session_id(struct sl_schedule *s, const uint8_t *ss, const uint8_t *sn,
                            size_t sn_len, uint8_t tep_byte, uint8_t *out);

/* mk[0]: R64. */
void sl_schedule_mk_0(struct sl_schedule *s, const uint8_t *ss, const uint8_t *sn, size_t sn_len,
                      uint8_t *out);

/* mk[j + 1] of mk[j]: R64. `out` may be `mk`. */
void sl_schedule_next_mk(struct sl_schedule *s, const uint8_t *mk, uint8_t *out);

enum sl_schedule_side { SL_K_AB, SL_K_BA };

/* K, then NR, SL_AEAD_NONCE_BYTES of it: R65. */
void sl_schedule_traffic_key(struct sl_schedule *s, const uint8_t *mk, enum sl_schedule_side side,
                             enum sl_aead aead, uint8_t *out);

/* SL_RESUME_BYTES: R66. */
void sl_schedule_resume(struct sl_schedule *s, const uint8_t *ss, uint8_t *out);
