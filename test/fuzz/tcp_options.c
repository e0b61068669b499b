/* SPDX-License-Identifier: BSD-3-Clause */
#include "fuzz.h"
#include "tcp/options.h"

/*
 * TCP options: any bytes are read within their bounds, ill-formed ones are told by the letter of
 * RFC 9293 3.1, and what was read and is written reads the same again.
 */

/* Kind 0 ends, kind 1 has no length, and any other's is at least 2 and within what is there. */
static bool well_formed(const uint8_t *at, size_t left)
{
    while (left > 0 && at[0] != 0) {
        const size_t len = at[0] == 1 ? 1 : left < 2 ? 0 : at[1];

        if (len > left || (at[0] != 1 && len < 2))
            return false;
        at += len;
        left -= len;
    }
    return true;
}

static bool same_eno(const struct sl_tcp_options *a, const struct sl_tcp_options *b)
{
    const size_t len = sl_cursor_left(&a->eno);

    return (a->n_eno > 0) == (b->n_eno > 0) && len == sl_cursor_left(&b->eno) &&
           (len == 0 || memcmp(a->eno.at, b->eno.at, len) == 0);
}

static bool same(const struct sl_tcp_options *a, const struct sl_tcp_options *b)
{
    return a->mss_bytes == b->mss_bytes && a->has_ts == b->has_ts && a->tsval == b->tsval &&
           a->tsecr == b->tsecr && a->has_wscale == b->has_wscale && a->wscale == b->wscale &&
           a->sack_permitted == b->sack_permitted && same_eno(a, b);
}

/* Blocks may be left out for want of room, from the last one on. */
static void check_sack(const struct sl_tcp_options *was, const struct sl_tcp_options *is,
                       size_t len)
{
    FUZZ_CHECK(is->n_sack <= was->n_sack);
    FUZZ_CHECK(is->n_sack == was->n_sack || len + 12 > SL_TCP_OPTIONS_MAX_BYTES);
    for (unsigned i = 0; i < is->n_sack; i++)
        FUZZ_CHECK(is->sack[i].left == was->sack[i].left &&
                   is->sack[i].right == was->sack[i].right);
}

static void check_rewritten(const struct sl_tcp_options *o, bool syn)
{
    struct sl_tcp_options out = *o, again;
    uint8_t *written = malloc(SL_TCP_OPTIONS_MAX_BYTES);
    uint8_t *exact;
    size_t len;

    if (o->n_eno > 0)
        out.eno.at -= 2; /* kind and length go with it */
    FUZZ_CHECK(sl_cursor_left(&out.eno) <= sl_tcp_options_eno_room(o));
    len = sl_tcp_options_write(&out, written);
    FUZZ_CHECK(len <= SL_TCP_OPTIONS_MAX_BYTES && len % 4 == 0);
    exact = fuzz_exact(written, len);
    FUZZ_CHECK(sl_tcp_options_read(sl_cursor_of(exact, len), syn, &again) == SL_DROP_NONE);
    FUZZ_CHECK(same(o, &again));
    check_sack(o, &again, len);
    free(written);
    free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct sl_cursor c = sl_cursor_of(bytes, size);
    const bool syn = fuzz_u8(&c) % 2 != 0;
    const size_t len = sl_cursor_left(&c);
    uint8_t *wire = fuzz_exact(c.at, len);
    struct sl_tcp_options o;
    const enum sl_drop drop = sl_tcp_options_read(sl_cursor_of(wire, len), syn, &o);

    FUZZ_CHECK(drop == (well_formed(wire, len) ? SL_DROP_NONE : SL_DROP_TCP_OPTION_LENGTH));
    FUZZ_CHECK(o.n_sack <= SL_TCP_SACK_MAX);
    for (unsigned i = 0; i < o.n_sack; i++)
        FUZZ_CHECK(sl_seq_lt(o.sack[i].left, o.sack[i].right));
    FUZZ_CHECK(syn || (o.mss_bytes == 0 && !o.has_wscale && !o.sack_permitted));
    if (drop == SL_DROP_NONE && len <= SL_TCP_OPTIONS_MAX_BYTES)
        check_rewritten(&o, syn);
    free(wire);
    return 0;
}
