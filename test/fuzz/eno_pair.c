/* SPDX-License-Identifier: BSD-3-Clause */
#include "teps.h"

/*
 * ENO between two honest ends over a network that loses and repeats, but changes nothing: whatever
 * they want, both encrypt, with the same TEP and transcript and in opposite roles, or neither does.
 */

enum { SYNS_MAX = 4, SEGMENTS_MAX = 4 };

struct end {
    struct sl_eno e;
    struct sl_eno_policy policy;
    bool established;
};

/* A SYN or SYN-ACK of `from`; does it arrive? */
static void syn(struct end *from, struct end *to, bool ack, bool arrives, size_t room)
{
    const uint8_t *option = NULL;
    const size_t len = sl_eno_own(&from->e, &option, room);
    uint8_t *content = fuzz_exact(len > 0 ? option + 2 : NULL, len > 0 ? len - 2 : 0);
    const struct sl_eno_seen seen = {
        .n = len > 0, .ack = ack, .content = sl_cursor_of(content, len > 0 ? len - 2 : 0)};

    if (arrives && !to->established) {
        sl_eno_syn_received(&to->e, &seen);
        to->established = ack;
    }
    free(content);
}

static void segment(struct end *from, struct end *to, bool arrives)
{
    const struct sl_eno_seen seen = {.n = sl_eno_wants_option(&from->e), .ack = true};

    sl_eno_segment_sent(&from->e);
    if (!arrives)
        return;
    sl_eno_segment_received(&to->e, &seen);
    to->established = true;
}

/* RFC 9293 figure 6: `a` opens, `b` answers each SYN that it gets. */
static void open_passively(struct end *a, struct end *b, struct sl_cursor *c)
{
    const uint8_t lost = fuzz_u8(c), how = fuzz_u8(c), plain = fuzz_u8(c);

    for (unsigned i = 0; i < SYNS_MAX && !a->established; i++) {
        const bool arrives = (lost >> i & 1) == 0 || i + 1 == SYNS_MAX;

        if (i > 0 && (plain >> i & 1) != 0)
            sl_eno_give_up(&a->e);
        syn(a, b, false, arrives, how & 1 ? SL_ENO_OPTION_MAX_BYTES : how >> 2);
        if (arrives)
            syn(b, a, true, (lost >> (4 + i) & 1) == 0 || i + 1 == SYNS_MAX,
                how & 2 ? SL_ENO_OPTION_MAX_BYTES : how >> 2);
    }
}

/* RFC 9293 figure 7: both open, and answer the other's SYN by a SYN-ACK, which may be lost. */
static void open_crossing(struct end *a, struct end *b, struct sl_cursor *c)
{
    const uint8_t lost = fuzz_u8(c);

    syn(a, b, false, false, SL_ENO_OPTION_MAX_BYTES);
    syn(b, a, false, false, SL_ENO_OPTION_MAX_BYTES);
    syn(a, b, false, true, SL_ENO_OPTION_MAX_BYTES);
    syn(b, a, false, true, SL_ENO_OPTION_MAX_BYTES);
    syn(a, b, true, (lost & 1) == 0, SL_ENO_OPTION_MAX_BYTES);
    syn(b, a, true, (lost & 1) != 0 || (lost & 2) == 0, SL_ENO_OPTION_MAX_BYTES);
    if (!a->established) /* answered b's SYN-ACK, were it not lost */
        syn(b, a, true, true, SL_ENO_OPTION_MAX_BYTES);
}

static void check(const struct end *a, const struct end *b)
{
    uint8_t of_a[2 * SL_ENO_OPTION_MAX_BYTES], of_b[2 * SL_ENO_OPTION_MAX_BYTES];
    const struct sl_tep_ops *tep = sl_eno_tep(&a->e);
    const size_t len = sl_eno_transcript(&a->e, of_a);

    FUZZ_CHECK(a->e.state == b->e.state);
    FUZZ_CHECK(a->e.state == SL_ENO_ENCRYPTING || a->e.state == SL_ENO_DISABLED);
    FUZZ_CHECK(tep == sl_eno_tep(&b->e));
    if (tep == NULL)
        return;
    FUZZ_CHECK(a->e.role != b->e.role && a->e.tep_byte == b->e.tep_byte);
    FUZZ_CHECK(a->policy.enabled && b->policy.enabled);
    FUZZ_CHECK(len > 0 && sl_eno_transcript(&b->e, of_b) == len && memcmp(of_a, of_b, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct sl_cursor c = sl_cursor_of(bytes, size);
    const uint8_t how = fuzz_u8(&c);
    const bool crossing = how % 4 == 0;
    const uint8_t lost = fuzz_u8(&c);
    struct end a = {0}, b = {0};

    fuzz_policy(&a.policy, &c);
    fuzz_policy(&b.policy, &c);
    sl_eno_init(&a.e, &a.policy, false);
    sl_eno_init(&b.e, &b.policy, !crossing);
    if (crossing)
        open_crossing(&a, &b, &c);
    else
        open_passively(&a, &b, &c);
    for (unsigned i = 0; i < SEGMENTS_MAX; i++)
        segment(&a, &b, (lost >> i & 1) == 0 || i + 1 == SEGMENTS_MAX);
    for (unsigned i = 0; i < SEGMENTS_MAX; i++)
        segment(i % 2 == 0 ? &b : &a, i % 2 == 0 ? &a : &b, true);
    check(&a, &b);
    return 0;
}
