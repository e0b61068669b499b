/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "base/cursor.h"
#include "tcpcrypt/job.h"

/*
 * Codec of encryption frames (RFC 8548 4.2): the clear head, what stands before the data in the
 * plaintext, and the nonce.
 *
 * Bytes in, struct out; the generation that a rekey bit means, and what may follow a FINp, belong
 * to tcpcrypt.c. Pure functions.
 */
enum {
    SL_FRAME_HEAD_BYTES = 3,          /* control, clen: the associated data as well (R72) */
    SL_FRAME_PREFIX_BYTES = 1,        /* flags */
    SL_FRAME_PREFIX_MAX_BYTES = 3,    /* flags, urgent */
    SL_FRAME_PLAIN_MAX_BYTES = 65519, /* clen is below 2^16, the tag 16 (R69) */
    SL_FRAME_MIN_BYTES = SL_FRAME_HEAD_BYTES + SL_FRAME_PREFIX_BYTES + SL_AEAD_TAG_BYTES,
    SL_FRAME_MAX_BYTES = SL_FRAME_HEAD_BYTES + SL_FRAME_PLAIN_MAX_BYTES + SL_AEAD_TAG_BYTES,
};

struct sl_frame_head {
    uint16_t clen;
    bool rekey;
};

/* False when no ciphertext can be that short (trap 12). Needs SL_FRAME_HEAD_BYTES. */
bool sl_frame_head_read(struct sl_cursor c, struct sl_frame_head *h);

/* `plain_len`: 1 .. SL_FRAME_PLAIN_MAX_BYTES. */
void sl_frame_head_write(uint8_t *out, bool rekey, uint32_t plain_len);

/* What stands before the data. */
struct sl_frame_prefix {
    bool finp, urgp;
    uint16_t urgent; /* meaningful if urgp */
    uint8_t len;     /* 1 or 3 */
};

/* False when the plaintext is shorter than its fields (A8). */
bool sl_frame_prefix_read(struct sl_cursor plain, struct sl_frame_prefix *p);

/* Returns the length; `p->len` is not looked at. */
size_t sl_frame_prefix_write(uint8_t *out, const struct sl_frame_prefix *p);

/* NR xor (0, 0, 0, 0, offset): R73. `nr` and `nonce` have SL_AEAD_NONCE_BYTES. */
void sl_frame_nonce(const uint8_t *nr, uint64_t offset, uint8_t *nonce);
