/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcpcrypt/init.h"

enum { PREAMBLE_BYTES = 8, MAGIC_BYTES = 4 }; /* magic, message_len */

/* nciphers is there in Init1 only. */
static const uint8_t count_bytes[] = {[SL_INIT_1] = 1, [SL_INIT_2] = 0};

static const uint8_t magics[][MAGIC_BYTES] = {
    [SL_INIT_1] = {0x15, 0x10, 0x1a, 0x0e},
    [SL_INIT_2] = {0x09, 0x71, 0x05, 0xe0},
};

/* Shortest message with `n` ciphers. */
static size_t least_bytes(enum sl_init_kind kind, size_t n, size_t pub_bytes)
{
    return (size_t)PREAMBLE_BYTES + count_bytes[kind] + 2 * n + SL_INIT_NONCE_BYTES + pub_bytes;
}

static bool magic_fits(const struct sl_cursor *c, enum sl_init_kind kind)
{
    const size_t left = sl_cursor_left(c);

    return left == 0 || memcmp(c->at, magics[kind], left < MAGIC_BYTES ? left : MAGIC_BYTES) == 0;
}

static void read_body(struct sl_cursor body, size_t n, size_t pub_bytes, struct sl_init *out)
{
    out->n_ciphers = (uint8_t)n;
    out->ciphers = sl_take(&body, 2 * n).at;
    out->nonce = sl_take(&body, SL_INIT_NONCE_BYTES).at;
    out->pub = sl_take(&body, pub_bytes).at;
    out->ignored = body.at;
    out->ignored_len = (uint32_t)sl_cursor_left(&body);
}

enum sl_init_read sl_init_read(struct sl_cursor c, enum sl_init_kind kind, size_t pub_bytes,
                               struct sl_init *out)
{
    const size_t there = sl_cursor_left(&c);
    size_t n = 1;

    *out = (struct sl_init){.len = PREAMBLE_BYTES};
    if (!magic_fits(&c, kind))
        return SL_INIT_ABORT;
    if (there < PREAMBLE_BYTES)
        return SL_INIT_INCOMPLETE;
    (void)sl_take(&c, MAGIC_BYTES);
    out->len = (uint32_t)sl_take_be(&c, 4);
    if (out->len > SL_INIT_MAX_BYTES ||
        out->len < least_bytes(kind, kind == SL_INIT_1 ? 0 : 1, pub_bytes))
        return SL_INIT_ABORT;
    if (kind == SL_INIT_1 && there > PREAMBLE_BYTES) {
        n = sl_take_be(&c, 1);
        if (out->len < least_bytes(kind, n, pub_bytes))
            return SL_INIT_ABORT;
    }
    if (there < out->len)
        return SL_INIT_INCOMPLETE;
    c.end = c.at + (out->len - PREAMBLE_BYTES - count_bytes[kind]);
    read_body(c, n, pub_bytes, out);
    return SL_INIT_OK;
}

bool sl_init_names(const struct sl_init *m, uint16_t cipher)
{
    struct sl_cursor c = sl_cursor_of(m->ciphers, (size_t)2 * m->n_ciphers);

    while (sl_cursor_left(&c) > 0)
        if (sl_take_be(&c, 2) == cipher)
            return true;
    return false;
}

size_t sl_init_write(enum sl_init_kind kind, const uint16_t *ciphers, uint8_t n_ciphers,
                     const uint8_t *nonce, const uint8_t *pub, size_t pub_bytes, uint8_t *out,
                     size_t room)
{
    struct sl_writer w = sl_writer_of(out, room);
    size_t i;

    sl_put(&w, magics[kind], MAGIC_BYTES);
    sl_put_be(&w, least_bytes(kind, n_ciphers, pub_bytes), 4);
    if (kind == SL_INIT_1)
        sl_put_be(&w, n_ciphers, 1);
    for (i = 0; i < n_ciphers; i++)
        sl_put_be(&w, ciphers[i], 2);
    sl_put(&w, nonce, SL_INIT_NONCE_BYTES);
    sl_put(&w, pub, pub_bytes);
    return w.full ? 0 : (size_t)(w.at - out);
}
