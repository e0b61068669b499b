/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>

#include "script.h"
#include "tcp/crypt.h"

/*
 * How frames are sent that a TEP has sealed, and what TCP answers to who cuts them. Here the tests
 * cut and seal; the TEP is a stub that has its keys.
 */
TestSuite(sealed, .fini = script_over);

static const struct sl_eno_policy off; /* not NULL: the payload is nobody's stream */

static struct sl_tep_facts ready(const struct sl_tep_state *t)
{
    (void)t;
    return (struct sl_tep_facts){.ready = true};
}

static size_t no_session_id(const struct sl_tep_state *t, uint8_t *out)
{
    (void)t, (void)out;
    return 0;
}

static void erase(struct sl_tep_state *t)
{
    (void)t;
}

static enum sl_tep_next nothing(struct sl_tep_state *t, const struct sl_tep_pending *p,
                                uint32_t room, uint64_t offset, struct sl_tep_cut *cut,
                                struct sl_job *job)
{
    (void)t, (void)p, (void)room, (void)offset, (void)cut, (void)job;
    return SL_TEP_NEXT_NOTHING;
}

static const struct sl_tep_ops stub = {
    .name = "stub", .facts = ready, .session_id = no_session_id, .next = nothing, .erase = erase};

static struct script encrypted(struct script s)
{
    struct sl_crypt *c = calloc(1, sizeof(*c));

    cr_assert(c != NULL);
    c->tep = &stub;
    c->state = (struct sl_tep_state *)c;
    c->overhead_bytes = 20;
    sl_list_init(&c->opens);
    sl_list_init(&c->seals);
    s.tcb->crypt = c;
    s.tcb->encrypting = true;
    return s;
}

/* A written segment of `len` bytes. */
static struct sl_snd_seg *writes(struct script *s, uint16_t len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(script_host(s)->data);
    struct sl_snd_seg *seg;

    cr_assert(m != NULL);
    memset(rte_pktmbuf_append(m, len), 0x5a, len);
    seg = sl_sndq_push(&s->tcb->sndq, m);
    cr_assert(seg != NULL);
    sl_tcb_wants_output(s->tcb);
    return seg;
}

/* A frame of `len` bytes, sealed or being sealed, at the end of what is cut. */
static struct sl_snd_seg *cuts(struct script *s, uint16_t len, enum sl_snd_state state)
{
    struct sl_snd_seg *seg = writes(s, len);
    const struct sl_sndq *q = &s->tcb->sndq;
    sl_seq seq = s->tcb->snd_nxt;

    if (q->n_cut > q->n_sent) {
        const struct sl_snd_seg *before = sl_sndq_at(q, q->n_cut - 1);

        seq = before->seq + before->len + before->fin;
    }
    sl_sndq_cut(&s->tcb->sndq, seq, len, len > 20 ? len - 20U : 0);
    seg->state = state;
    return seg;
}

Test(sealed, in_the_order_of_the_stream) /* what is sealed early waits */
{
    struct script s = encrypted(established(.eno = &off));
    struct sl_snd_seg *second;

    cuts(&s, 1000, SL_SND_SEALED);
    second = cuts(&s, 1000, SL_SND_CUT);
    cuts(&s, 500, SL_SND_SEALED);
    sends(&s, "101:1101 nopsh ack 301");
    sends_nothing(&s);
    second->state = SL_SND_SEALED;
    sl_tcb_wants_output(s.tcb);
    sends(&s, "1101:2101 nopsh ack 301");
    sends(&s, "2101:2601 ack 301");
    sends_nothing(&s);
}

Test(sealed, what_is_written_is_never_sent) /* R26 */
{
    struct script s = encrypted(established(.eno = &off));

    writes(&s, 1000);
    writes(&s, 1000);
    sends_nothing(&s);
    at(&s, 100000);
    cr_expect_eq(s.tcb->snd_nxt, 101);
}

Test(sealed, windows_hold_it_back) /* T5681-1: it was cut for another window, perhaps */
{
    struct script s = encrypted(established(.eno = &off, .wnd = 2400));

    cuts(&s, 1400, SL_SND_SEALED);
    cuts(&s, 1400, SL_SND_SEALED);
    sends(&s, "101:1501 ack 301");
    sends_nothing(&s);
    arrives(&s, "301:301 ack 1501");
    sends(&s, "1501:2901 ack 301");
}

Test(sealed, cwnd_holds_it_back)
{
    struct script s = encrypted(established(.eno = &off));

    s.tcb->cc.cwnd = 1460;
    cuts(&s, 1400, SL_SND_SEALED);
    cuts(&s, 1400, SL_SND_SEALED);
    sends(&s, "101:1501 ack 301");
    sends_nothing(&s);
}

Test(sealed, goes_in_parts_through_half_a_window) /* MUST-38 (3), R74: the same bytes, cut up */
{
    struct script s = encrypted(established(.eno = &off, .wnd = 1000));

    cuts(&s, 1400, SL_SND_SEALED);
    sends(&s, "101:1101 nopsh ack 301");
    sends_nothing(&s);
    arrives(&s, "301:301 ack 1101");
    sends(&s, "1101:1501 ack 301");
    arrives(&s, "301:301 ack 1501");
    cr_expect_eq(s.tcb->sndq.n, 0);
    cr_expect_eq(s.tcb->sndq.data_bytes, 0);
}

Test(sealed, probes_with_an_octet_of_a_frame) /* T9293-40 */
{
    struct script s = encrypted(established(.eno = &off, .wnd = 1400));

    cuts(&s, 1400, SL_SND_SEALED);
    cuts(&s, 1400, SL_SND_SEALED);
    sends(&s, "101:1501 ack 301");
    arrives(&s, "301:301 ack 1501 win 0");
    at(&s, 200);
    sends(&s, "1501:1502 ack 301");
    arrives(&s, "301:301 ack 1502 win 0");
    at(&s, 600);
    sends(&s, "1502:1503 ack 301");
    arrives(&s, "301:301 ack 1502 win 8000"); /* the second one was not taken */
    sends(&s, "1502:1503 ack 301");
    sends(&s, "1503:2901 ack 301");
}

Test(sealed, probes_without_data_when_nothing_is_sealed) /* a frame cannot be cut for one octet */
{
    struct script s = encrypted(established(.eno = &off, .wnd = 1400));

    cuts(&s, 1400, SL_SND_SEALED);
    writes(&s, 100);
    sends(&s, "101:1501 ack 301");
    arrives(&s, "301:301 ack 1501 win 0");
    at(&s, 200);
    sends(&s, "1500:1500 ack 301");
    arrives(&s, "301:301 ack 1501 win 0");
    at(&s, 600);
    sends(&s, "1500:1500 ack 301");
    cr_expect_eq(s.tcb->sndq.n_cut, 0);
    cr_expect_eq(s.tcb->snd_nxt, 1501);
}

Test(sealed, probes_while_it_is_being_sealed)
{
    struct script s = encrypted(established(.eno = &off, .wnd = 1400));

    cuts(&s, 1400, SL_SND_SEALED);
    cuts(&s, 100, SL_SND_CUT);
    sends(&s, "101:1501 ack 301");
    arrives(&s, "301:301 ack 1501 win 0");
    at(&s, 200);
    sends(&s, "1500:1500 ack 301");
}

Test(sealed, fin_is_on_the_last_frame) /* R76, R77 */
{
    struct script s = encrypted(established(.eno = &off));

    cuts(&s, 1000, SL_SND_SEALED);
    cuts(&s, 24, SL_SND_SEALED)->fin = true;
    sends(&s, "101:1101 ack 301");
    sends(&s, "1101:1125 FIN ack 301");
    cr_expect(s.tcb->fin_sent);
    cr_expect_eq(s.tcb->snd_nxt, 1126);
    at(&s, 200);
    sends(&s, "101:1101 ack 301");
    arrives(&s, "301:301 ack 1101");
    sends(&s, "1101:1125 FIN ack 301");
    arrives(&s, "301:301 ack 1126");
    cr_expect(sl_ack_covers_fin(s.tcb));
}

Test(sealed, no_fin_of_tcp_s_own) /* R77: a FIN without the frame that says so is no end */
{
    struct script s = encrypted(established(.eno = &off));

    s.tcb->crypt->mark_out = true; /* it was cut, and is under way */
    call_shutdown(&s);
    sends_nothing(&s);
    at(&s, 100000);
    cr_expect_not(s.tcb->fin_sent);
}

Test(sealed, fin_does_not_overtake_its_last_octet) /* the window ends just before the FIN */
{
    struct script s = encrypted(established(.eno = &off, .wnd = 100));

    cuts(&s, 100, SL_SND_SEALED)->fin = true;
    sends(&s, "101:200 nopsh ack 301");
    sends_nothing(&s);
    arrives(&s, "301:301 ack 200");
    sends(&s, "200:201 FIN ack 301");
    arrives(&s, "301:301 ack 202");
    cr_expect(sl_ack_covers_fin(s.tcb));
}

Test(sealed, mss_that_shrank_splits_what_waits) /* MUST-16, T1191-8 */
{
    struct script s = encrypted(established(.eno = &off));

    cuts(&s, 1460, SL_SND_SEALED);
    s.tcb->mss_bytes = 1000;
    sl_ack_mss_shrank(s.tcb, script_now_ns(&s));
    sends(&s, "101:1101 nopsh ack 301");
    sends(&s, "1101:1561 ack 301");
}

Test(sealed, may_cut_counts_what_is_cut) /* windows count cut bytes as used */
{
    struct script s = encrypted(established(.eno = &off, .wnd = 5000));

    cuts(&s, 1460, SL_SND_CUT);
    cuts(&s, 1460, SL_SND_CUT);
    cr_expect(sl_tcb_may_cut(s.tcb, 1460, true, false));
    cr_expect_not(sl_tcb_may_cut(s.tcb, 2081, true, false), "5000 - 2920 = 2080");
    s.tcb->cc.cwnd = 4379;
    cr_expect_not(sl_tcb_may_cut(s.tcb, 1460, true, false));
    s.tcb->cc.cwnd = 4380;
    cr_expect(sl_tcb_may_cut(s.tcb, 1460, true, false));
}

Test(sealed, may_cut_is_nagle_s) /* SHLD-7, Minshall; in frames: 1440 and 20 make a full one */
{
    struct script s = encrypted(established(.eno = &off));

    cr_expect(sl_tcb_may_cut(s.tcb, 50, false, true), "nothing is in flight");
    cuts(&s, 1460, SL_SND_CUT);
    cr_expect(sl_tcb_may_cut(s.tcb, 50, false, true), "only a full one is");
    cr_expect_not(sl_tcb_may_cut(s.tcb, 50, false, false), "MUST-38: neither last nor full");
    cuts(&s, 50, SL_SND_CUT);
    cr_expect_not(sl_tcb_may_cut(s.tcb, 60, false, true), "a small one is, if not sent yet");
    cr_expect(sl_tcb_may_cut(s.tcb, 1460, true, false));
    sl_sndq_at(&s.tcb->sndq, 1)->own = true;
    cr_expect(sl_tcb_may_cut(s.tcb, 60, false, true), "a TEP's own is not the application's");
    sl_sndq_at(&s.tcb->sndq, 1)->own = false;
    s.tcb->nodelay = true;
    cr_expect(sl_tcb_may_cut(s.tcb, 60, false, true));
}

Test(sealed, may_cut_half_of_the_largest_window) /* MUST-38 (3) */
{
    struct script s = encrypted(established(.eno = &off, .wnd = 1200));

    cr_expect(sl_tcb_may_cut(s.tcb, 600, false, false));
    cr_expect_not(sl_tcb_may_cut(s.tcb, 599, false, false));
}

Test(sealed, nothing_is_cut_while_losses_wait) /* lost segments go first */
{
    struct script s = encrypted(established(.eno = &off));

    cuts(&s, 1460, SL_SND_SEALED);
    cuts(&s, 1460, SL_SND_SEALED);
    cuts(&s, 1460, SL_SND_SEALED);
    script_skip(&s);
    at(&s, 200);
    sends(&s, "101:1561 ack 301");
    cr_expect_not(sl_tcb_may_cut(s.tcb, 100, true, true));
    arrives(&s, "301:301 ack 4481");
    cr_expect(sl_tcb_may_cut(s.tcb, 100, true, true));
}

Test(sealed, window_for_the_largest_frame) /* A15: 65538 + MSS, whatever the buffer */
{
    struct script s = encrypted(established(.eno = &off, .scale = true, .rcvbuf_bytes = 70000));

    cr_expect_eq(sl_tcb_rcv_wnd(s.tcb), 70000);
    s.tcb->rcvbuf_bytes = 20000;
    s.tcb->rcv_adv = s.tcb->rcv_nxt;
    cr_expect_eq(sl_tcb_rcv_wnd(s.tcb), 65538 + 1460);
}

Test(sealed, idle_restart_before_cutting) /* D19: frames are cut for the window that is left */
{
    struct script s = encrypted(established(.eno = &off));

    s.tcb->cc.cwnd = 40 * 1460;
    at(&s, 60000);
    writes(&s, 100);
    iterate(&s);
    cr_expect_eq(s.tcb->cc.cwnd, 10 * 1460);
}

Test(sealed, keepalive_is_a_new_key) /* R87; C8.2: a plain one where the TEP cannot */
{
    struct script s = encrypted(established(.eno = &off, .keepalive = true));

    s.tcb->crypt->mark_out = true; /* its last frame is cut: no more of them */
    at(&s, 7200000);
    sends(&s, "100:100 ack 301");
    counted(&s, KEEPALIVE_PROBES, 1);
}
