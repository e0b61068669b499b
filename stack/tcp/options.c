/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/options.h"

enum {
    EOL = 0,
    NOP = 1,
    MSS = 2,
    WINDOW_SCALE = 3,
    SACK_PERMITTED = 4,
    SACK = 5,
    TIMESTAMPS = 8,
    ENO = 69, /* R1 */
};

enum { SACK_BLOCK_BYTES = 8 };

/* Blocks that end before they begin say nothing (trap 25); the caller checks against its window. */
static void read_sack(struct sl_cursor body, struct sl_tcp_options *o)
{
    if (sl_cursor_left(&body) % SACK_BLOCK_BYTES != 0)
        return;
    while (sl_cursor_left(&body) > 0 && o->n_sack < SL_TCP_SACK_MAX) {
        const sl_seq left = (sl_seq)sl_take_be(&body, 4);
        const sl_seq right = (sl_seq)sl_take_be(&body, 4);

        if (sl_seq_lt(left, right))
            o->sack[o->n_sack++] = (struct sl_tcp_sack){left, right};
    }
}

/* What only a SYN may say: MUST-65, T7323-3, T2018-1. */
static void read_syn_body(uint64_t kind, struct sl_cursor body, struct sl_tcp_options *o)
{
    const size_t len = sl_cursor_left(&body);

    if (kind == MSS && len == 2 && o->mss_bytes == 0) {
        o->mss_bytes = (uint16_t)sl_take_be(&body, 2);
        /* 0 means none here, but it was an offer: as absurd as 1, and raised like it (D38). */
        if (o->mss_bytes == 0)
            o->mss_bytes = 1;
    }
    if (kind == WINDOW_SCALE && len == 1 && !o->has_wscale) {
        o->wscale = (uint8_t)sl_take_be(&body, 1);
        o->has_wscale = true;
    }
    if (kind == SACK_PERMITTED && len == 0)
        o->sack_permitted = true;
}

/* RFC 9293 3.1, MUST-6: what we do not know is not heard; nor is a known option of another size. */
static void read_body(uint64_t kind, struct sl_cursor body, struct sl_tcp_options *o)
{
    if (kind == TIMESTAMPS && sl_cursor_left(&body) == 8 && !o->has_ts) {
        o->tsval = (uint32_t)sl_take_be(&body, 4);
        o->tsecr = (uint32_t)sl_take_be(&body, 4);
        o->has_ts = true;
    }
    if (kind == SACK && o->n_sack == 0)
        read_sack(body, o);
    if (kind == ENO && o->n_eno++ == 0) /* two in a SYN count as none, and the caller tells: R3 */
        o->eno = body;
}

enum sl_drop sl_tcp_options_read(struct sl_cursor c, bool syn, struct sl_tcp_options *o)
{
    *o = (struct sl_tcp_options){0};
    while (sl_cursor_left(&c) > 0) {
        const uint64_t kind = sl_take_be(&c, 1);

        if (kind == EOL)
            break;
        if (kind == NOP)
            continue;

        const uint64_t len = sl_take_be(&c, 1);

        if (len < 2) /* also when the length byte itself is missing */
            return SL_DROP_TCP_OPTION_LENGTH;

        const struct sl_cursor body = sl_take(&c, len - 2);

        if (c.bad)
            return SL_DROP_TCP_OPTION_LENGTH;
        if (syn)
            read_syn_body(kind, body, o);
        read_body(kind, body, o);
    }
    return SL_DROP_NONE;
}

static void put_nops(struct sl_writer *w, size_t n)
{
    while (n-- > 0)
        sl_put_be(w, NOP, 1);
}

/* As many blocks as fit, the first ones first: they are the most recent (RFC 2018 4). */
static void put_sack(struct sl_writer *w, const struct sl_tcp_options *o, bool aligned)
{
    const size_t head = aligned ? 4 : 2;
    const size_t room = (size_t)(w->end - w->at);
    size_t n = o->n_sack, i;

    if (room < head + SACK_BLOCK_BYTES)
        return;
    if (n > (room - head) / SACK_BLOCK_BYTES)
        n = (room - head) / SACK_BLOCK_BYTES;
    put_nops(w, head - 2);
    sl_put_be(w, SACK, 1);
    sl_put_be(w, 2 + n * SACK_BLOCK_BYTES, 1);
    for (i = 0; i < n; i++) {
        sl_put_be(w, o->sack[i].left, 4);
        sl_put_be(w, o->sack[i].right, 4);
    }
}

/* `aligned`: each option, or pair of them, is filled up to 4 bytes by NOPs in front. */
static size_t write_layout(const struct sl_tcp_options *o, uint8_t *out, bool aligned)
{
    struct sl_writer w = sl_writer_of(out, SL_TCP_OPTIONS_MAX_BYTES);
    const size_t eno_bytes = sl_cursor_left(&o->eno);

    if (o->mss_bytes != 0)
        sl_put_be(&w, (uint64_t)MSS << 24 | 4U << 16 | o->mss_bytes, 4);
    if (aligned && o->has_ts != o->sack_permitted) /* together they fill 12 bytes */
        put_nops(&w, 2);
    if (o->sack_permitted)
        sl_put_be(&w, SACK_PERMITTED << 8 | 2, 2);
    if (o->has_ts) {
        sl_put_be(&w, TIMESTAMPS << 8 | 10, 2);
        sl_put_be(&w, (uint64_t)o->tsval << 32 | o->tsecr, 8);
    }
    if (o->has_wscale) {
        put_nops(&w, aligned);
        sl_put_be(&w, WINDOW_SCALE << 16 | 3U << 8 | o->wscale, 3);
    }
    if (aligned)
        put_nops(&w, -eno_bytes % 4);
    sl_put(&w, o->eno.at, eno_bytes);
    if (o->n_sack > 0)
        put_sack(&w, o, aligned);
    while ((w.at - out) % 4 != 0) /* MUST-69 */
        sl_put_be(&w, EOL, 1);
    return w.full ? 0 : (size_t)(w.at - out);
}

/* What data and most acknowledgments carry, 12 bytes laid out as above, without the questions. */
static size_t write_timestamps(const struct sl_tcp_options *o, uint8_t *out)
{
    struct sl_writer w = sl_writer_of(out, SL_TCP_OPTIONS_MAX_BYTES);

    sl_put_be(&w, NOP << 24 | NOP << 16 | TIMESTAMPS << 8 | 10, 4);
    sl_put_be(&w, (uint64_t)o->tsval << 32 | o->tsecr, 8);
    return 12;
}

size_t sl_tcp_options_write(const struct sl_tcp_options *o, uint8_t *out)
{
    size_t len;

    if (o->has_ts && o->mss_bytes == 0 && !o->has_wscale && !o->sack_permitted && o->n_sack == 0 &&
        sl_cursor_left(&o->eno) == 0)
        return write_timestamps(o, out);
    len = write_layout(o, out, true);
    return len > 0 ? len : write_layout(o, out, false);
}

size_t sl_tcp_options_eno_room(const struct sl_tcp_options *o)
{
    const size_t others = (o->mss_bytes != 0 ? 4U : 0U) + (o->sack_permitted ? 2U : 0U) +
                          (o->has_ts ? 10U : 0U) + (o->has_wscale ? 3U : 0U);

    return SL_TCP_OPTIONS_MAX_BYTES - others;
}
