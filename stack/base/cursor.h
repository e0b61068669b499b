/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * The one means by which bytes from strangers are read, and its counterpart for writing.
 *
 * Errors stick: a codec reads or writes straight on and asks once, at the end. A cursor never
 * owns the bytes. Thread: plain data of the caller.
 */

/* Reads bytes that a stranger wrote. A read past the end yields zero and sets `bad`, for good. */
struct sl_cursor {
    const uint8_t *at, *end;
    bool bad;
};

/* `bytes` may be NULL when `len` is 0. */
static inline struct sl_cursor sl_cursor_of(const void *bytes, size_t len)
{
    const uint8_t *at = (const uint8_t *)bytes;

    return (struct sl_cursor){at, len > 0 ? at + len : at, false}; /* C has no NULL + 0 */
}

static inline size_t sl_cursor_left(const struct sl_cursor *c)
{
    return (size_t)(c->end - c->at);
}

/* Cut the next `n` bytes off as a cursor of their own; empty and bad when there are fewer. */
static inline struct sl_cursor sl_take(struct sl_cursor *c, size_t n)
{
    if (n > sl_cursor_left(c)) {
        c->at = c->end;
        c->bad = true;
        return *c;
    }

    const uint8_t *at = c->at;

    c->at = n > 0 ? at + n : at;
    return (struct sl_cursor){.at = at, .end = c->at};
}

/* The next `n` bytes (at most 8) as a big-endian number. */
static inline uint64_t sl_take_be(struct sl_cursor *c, size_t n)
{
    struct sl_cursor field = sl_take(c, n);
    uint64_t v = 0;

    while (field.at < field.end)
        v = v << 8 | *field.at++;
    return v;
}

/* Copy the next `n` bytes to `out`; zeroes and a bad cursor when there are fewer. */
static inline void sl_take_bytes(struct sl_cursor *c, void *out, size_t n)
{
    struct sl_cursor field = sl_take(c, n);

    if (sl_cursor_left(&field) == n)
        memcpy(out, field.at, n);
    else
        memset(out, 0, n);
}

/* Writes into a buffer of known size. A write past the end writes nothing and sets `full`. */
struct sl_writer {
    uint8_t *at, *end;
    bool full;
};

static inline struct sl_writer sl_writer_of(void *bytes, size_t room)
{
    return (struct sl_writer){(uint8_t *)bytes, (uint8_t *)bytes + room, false};
}

static inline void sl_put(struct sl_writer *w, const void *bytes, size_t n)
{
    if (n > (size_t)(w->end - w->at)) {
        w->full = true;
        return;
    }
    if (n > 0)
        memcpy(w->at, bytes, n);
    w->at += n;
}

/* The low `n` bytes (at most 8) of `v`, big-endian. */
static inline void sl_put_be(struct sl_writer *w, uint64_t v, size_t n)
{
    uint8_t bytes[8];
    size_t i;

    for (i = 0; i < n; i++)
        bytes[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
    sl_put(w, bytes, n);
}
