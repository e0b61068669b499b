/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <endian.h>
#include <string.h>

#include "base/cursor.h"
#include "tcpcrypt/job.h"

/*
 * Codec of encryption frames (RFC 8548 4.2): the clear head, what stands before the data in the
 * plaintext, and the nonce.
 *
 * Bytes in, struct out; the generation that a rekey bit means, and what may follow a FINp, belong
 * to tcpcrypt.c. Pure functions, inline because each runs for every frame: as calls they cost a
 * tenth of the encrypted rate where cores are far apart (bench/segment).
 */
enum {
    SL_FRAME_HEAD_BYTES = 3,          /* control, clen: the associated data as well (R72) */
    SL_FRAME_PREFIX_BYTES = 1,        /* flags */
    SL_FRAME_PREFIX_MAX_BYTES = 3,    /* flags, urgent */
    SL_FRAME_PLAIN_MAX_BYTES = 65519, /* clen is below 2^16, the tag 16 (R69) */
    SL_FRAME_MIN_BYTES = SL_FRAME_HEAD_BYTES + SL_FRAME_PREFIX_BYTES + SL_AEAD_TAG_BYTES,
    SL_FRAME_MAX_BYTES = SL_FRAME_HEAD_BYTES + SL_FRAME_PLAIN_MAX_BYTES + SL_AEAD_TAG_BYTES,
};

/* control and flags; their other bits are reserved: R70, R71 */
enum { SL_FRAME_REKEY = 0x01, SL_FRAME_FINP = 0x01, SL_FRAME_URGP = 0x02 };

struct sl_frame_head {
    uint16_t clen;
    bool rekey;
};

/* False when no ciphertext can be that short (trap 12). Needs SL_FRAME_HEAD_BYTES. */
static inline bool sl_frame_head_read(struct sl_cursor c, struct sl_frame_head *h)
{
    h->rekey = (sl_take_be(&c, 1) & SL_FRAME_REKEY) != 0;
    h->clen = (uint16_t)sl_take_be(&c, 2);
    return !c.bad && h->clen >= SL_FRAME_PREFIX_BYTES + SL_AEAD_TAG_BYTES;
}

/* `plain_len`: 1 .. SL_FRAME_PLAIN_MAX_BYTES. */
static inline void sl_frame_head_write(uint8_t *out, bool rekey, uint32_t plain_len)
{
    struct sl_writer w = sl_writer_of(out, SL_FRAME_HEAD_BYTES);

    sl_put_be(&w, rekey ? SL_FRAME_REKEY : 0, 1);
    sl_put_be(&w, plain_len + SL_AEAD_TAG_BYTES, 2);
}

/* What stands before the data. */
struct sl_frame_prefix {
    bool finp, urgp;
    uint16_t urgent; /* meaningful if urgp */
    uint8_t len;     /* 1 or 3 */
};

/* False when the plaintext is shorter than its fields (A8). */
static inline bool sl_frame_prefix_read(struct sl_cursor plain, struct sl_frame_prefix *p)
{
    const uint64_t flags = sl_take_be(&plain, 1);

    *p = (struct sl_frame_prefix){
        .finp = (flags & SL_FRAME_FINP) != 0,
        .urgp = (flags & SL_FRAME_URGP) != 0,
        .len = SL_FRAME_PREFIX_BYTES,
    };
    if (p->urgp) {
        p->urgent = (uint16_t)sl_take_be(&plain, 2);
        p->len = SL_FRAME_PREFIX_MAX_BYTES;
    }
    return !plain.bad;
}

/* Returns the length; `p->len` is not looked at. */
static inline size_t sl_frame_prefix_write(uint8_t *out, const struct sl_frame_prefix *p)
{
    struct sl_writer w = sl_writer_of(out, SL_FRAME_PREFIX_MAX_BYTES);

    sl_put_be(&w, (uint64_t)(p->finp ? SL_FRAME_FINP : 0) | (p->urgp ? SL_FRAME_URGP : 0), 1);
    if (p->urgp)
        sl_put_be(&w, p->urgent, 2);
    return (size_t)(w.at - out);
}

/*
 * NR xor (0, 0, 0, 0, offset): R73. `nr` and `nonce` have SL_AEAD_NONCE_BYTES. In whole words:
 * what was just written by bytes can only be read again once it is in the cache.
 */
static inline void sl_frame_nonce(const uint8_t *nr, uint64_t offset, uint8_t *nonce)
{
    const size_t low_at = SL_AEAD_NONCE_BYTES - sizeof(offset);
    const uint64_t mask = htobe64(offset);
    uint64_t low;

    memcpy(&low, nr + low_at, sizeof(low));
    low ^= mask;
    memcpy(nonce, nr, low_at);
    memcpy(nonce + low_at, &low, sizeof(low));
}
