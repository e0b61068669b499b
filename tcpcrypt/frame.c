/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcpcrypt/frame.h"

#include <endian.h>
#include <string.h>

enum { NONCE_LOW_AT = SL_AEAD_NONCE_BYTES - 8 }; /* where the offset goes (R73) */
enum { REKEY = 0x01 };                           /* control; the other bits are reserved (R70) */
enum { FINP = 0x01, URGP = 0x02 };               /* flags; the other bits are reserved (R71) */

bool sl_frame_head_read(struct sl_cursor c, struct sl_frame_head *h)
{
    h->rekey = (sl_take_be(&c, 1) & REKEY) != 0;
    h->clen = (uint16_t)sl_take_be(&c, 2);
    return !c.bad && h->clen >= SL_FRAME_PREFIX_BYTES + SL_AEAD_TAG_BYTES;
}

void sl_frame_head_write(uint8_t *out, bool rekey, uint32_t plain_len)
{
    struct sl_writer w = sl_writer_of(out, SL_FRAME_HEAD_BYTES);

    sl_put_be(&w, rekey ? REKEY : 0, 1);
    sl_put_be(&w, plain_len + SL_AEAD_TAG_BYTES, 2);
}

bool sl_frame_prefix_read(struct sl_cursor plain, struct sl_frame_prefix *p)
{
    const uint64_t flags = sl_take_be(&plain, 1);

    *p = (struct sl_frame_prefix){
        .finp = (flags & FINP) != 0,
        .urgp = (flags & URGP) != 0,
        .len = SL_FRAME_PREFIX_BYTES,
    };
    if (p->urgp) {
        p->urgent = (uint16_t)sl_take_be(&plain, 2);
        p->len = SL_FRAME_PREFIX_MAX_BYTES;
    }
    return !plain.bad;
}

size_t sl_frame_prefix_write(uint8_t *out, const struct sl_frame_prefix *p)
{
    struct sl_writer w = sl_writer_of(out, SL_FRAME_PREFIX_MAX_BYTES);

    sl_put_be(&w, (uint64_t)(p->finp ? FINP : 0) | (p->urgp ? URGP : 0), 1);
    if (p->urgp)
        sl_put_be(&w, p->urgent, 2);
    return (size_t)(w.at - out);
}

/* In whole words: what was just written by bytes can only be read again once it is in the cache. */
void sl_frame_nonce(const uint8_t *nr, uint64_t offset, uint8_t *nonce)
{
    const uint64_t mask = htobe64(offset);
    uint64_t low;

    memcpy(&low, nr + NONCE_LOW_AT, sizeof(low));
    low ^= mask;
    memcpy(nonce, nr, NONCE_LOW_AT);
    memcpy(nonce + NONCE_LOW_AT, &low, sizeof(low));
}
