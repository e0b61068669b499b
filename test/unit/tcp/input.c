/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include <criterion/criterion.h>

#include "base/invariant.h"
#include "script.h"

TestSuite(input, .fini = script_over);
TestSuite(paws, .fini = script_over);

/* ---- first: sequence number
 * ---------------------------------------------------------------------- */

/* RFC 9293 3.10.7.4, table 6, with rcv_nxt 301 and a window of 1000. */
static const struct {
    const char *story, *segment;
    bool acceptable;
} acceptability[] = {
    {"empty, at the left edge", "301:301 ack 101", true},
    {"empty, before it", "300:300 ack 101", false},
    {"empty, at the last octet", "1300:1300 ack 101", true},
    {"empty, behind it", "1301:1301 ack 101", false},
    {"empty, half the space away", "2147483949:2147483949 ack 101", false},
    {"begins inside", "1300:1310 ack 101", true},
    {"begins behind", "1301:1302 ack 101", false},
    {"ends before", "291:301 ack 101", false},
    {"ends at the first octet", "291:302 ack 101", true},
    {"a FIN at the first octet", "291:301 FIN ack 101", true},
    {"a FIN behind the last octet", "1301:1301 FIN ack 101", false},
    {"a keep-alive without data (MAY-6)", "300:300 ack 101", false},
    {"a keep-alive with an octet (MAY-6)", "300:301 ack 101", false},
};

Test(input, acceptability) /* T9293-3, T9293-4 */
{
    for (size_t i = 0; i < sizeof(acceptability) / sizeof(acceptability[0]); i++) {
        struct script s = established(.rcvbuf_bytes = 1000);
        const uint64_t before = script_counters(&s)->drops[SL_DROP_TCP_SEQUENCE];

        arrives(&s, acceptability[i].segment);
        cr_expect_eq(script_counters(&s)->drops[SL_DROP_TCP_SEQUENCE] - before,
                     !acceptability[i].acceptable, "%s", acceptability[i].story);
        if (!acceptability[i].acceptable) {
            sends(&s, "101:101 ack 301");
            counted(&s, CHALLENGE_ACKS, 1);
        }
        in_state(&s,
                 acceptability[i].acceptable && i == 9 ? SL_TCP_CLOSE_WAIT : SL_TCP_ESTABLISHED);
        script_over();
    }
}

Test(input, acks_of_unacceptable_segments_are_throttled) /* D11, trap 30: no war of ACKs */
{
    struct script s = established();

    for (int i = 0; i < 50; i++) {
        arrives(&s, "200:200 ack 101");
        dropped(&s, TCP_SEQUENCE);
    }
    sends(&s, "101:101 ack 301");
    sends_nothing(&s);
    counted(&s, CHALLENGE_ACKS_LIMITED, 49);
}

Test(input, data_in_the_window_always_gets_its_ack) /* D11 */
{
    struct script s = established();

    arrives(&s, "200:200 ack 101");
    sends(&s, "101:101 ack 301");
    arrives(&s, "301:401 ack 101");
    sends(&s, "101:101 ack 401");
    arrives(&s, "501:601 ack 101");
    sends(&s, "101:101 ack 401");
}

Test(input, nothing_of_an_unacceptable_segment_counts) /* T9293-4 */
{
    struct script s = established();

    call_send(&s, 100);
    sends(&s, "101:201 ack 301");
    arrives(&s, "200:200 ack 201 win 5");
    dropped(&s, TCP_SEQUENCE);
    cr_assert_eq(s.tcb->snd_una, 101);
    cr_assert_eq(s.tcb->snd_wnd, 65535);
}

Test(input, a_shut_window_is_probed) /* T9293-5, T9293-39, MAY-8 */
{
    struct script s = established(.rcvbuf_bytes = 1000);

    call_send(&s, 100);
    sends(&s, "101:201 ack 301");
    arrives(&s, "301:1301 ack 101");
    sends(&s, "201:201 ack 1301 win 0");
    for (int i = 0; i < 5; i++) { /* each probe is answered: none falls to the throttle */
        arrives(&s, "1301:1302 ack 101");
        dropped(&s, TCP_SEQUENCE);
        sends(&s, "201:201 ack 1301 win 0");
    }
    arrives(&s, "1301:1301 ack 201"); /* an ACK counts */
    accepted(&s);
    cr_assert_eq(s.tcb->snd_una, 201);
    sends_nothing(&s);
    arrives(&s, "1302:1302 ack 201");
    dropped(&s, TCP_SEQUENCE);
}

Test(input, a_fin_probes_a_shut_window) /* T9293-39: it has no room, and gets its answer */
{
    struct script s = established(.rcvbuf_bytes = 1000);

    arrives(&s, "301:1301 ack 101");
    sends(&s, "101:101 ack 1301 win 0");
    for (int i = 0; i < 3; i++) {
        arrives(&s, "1301:1301 FIN ack 101");
        sends(&s, "101:101 ack 1301 win 0");
    }
    reads(&s, 1000);
    sends(&s, "101:101 ack 1301 win 1000");
    arrives(&s, "1301:1301 FIN ack 101");
    reads_eof(&s);
}

Test(input, the_ack_of_a_probe_counts) /* T9293-5: two shut windows do not wait for each other */
{
    struct script s = established(.rcvbuf_bytes = 1000);

    call_send(&s, 100);
    sends(&s, "101:201 ack 301");
    arrives(&s, "301:1301 ack 101");
    sends(&s, "201:201 ack 1301 win 0");
    arrives(&s, "1301:1311 FIN ack 201 win 77");
    cr_assert_eq(s.tcb->snd_una, 201);
    cr_assert_eq(s.tcb->snd_wnd, 77);
    in_state(&s, SL_TCP_ESTABLISHED); /* its FIN lies behind what was not taken */
    reads(&s, 1000);
    sends(&s, "201:201 ack 1301 win 1000");
}

/* ---- fourth and fifth: SYN, ACK
 * ------------------------------------------------------------------ */

Test(input, a_syn_draws_a_challenge_wherever_it_lies) /* T5961-5, T5961-7 */
{
    static const char *const syns[] = {"301:301 SYN", "310:320 SYN ack 101", "5:5 SYN",
                                       "2147483949:2147483949 SYN", "300:300 SYN ack 101"};

    for (size_t i = 0; i < sizeof(syns) / sizeof(syns[0]); i++) {
        struct script s = established();

        arrives(&s, syns[i]);
        dropped(&s, TCP_SYN_CHALLENGE);
        sends(&s, "101:101 ack 301");
        in_state(&s, SL_TCP_ESTABLISHED);
        reads_nothing(&s);
        counted(&s, CHALLENGE_ACKS, 1);
        script_over();
    }
}

Test(input, a_segment_without_ack_is_dropped) /* T9293-17 */
{
    struct script s = established();

    arrives(&s, "301:311 PSH");
    dropped(&s, TCP_NO_ACK);
    arrives(&s, "301:301 FIN");
    dropped(&s, TCP_NO_ACK);
    sends_nothing(&s);
    in_state(&s, SL_TCP_ESTABLISHED);
    reads_nothing(&s);
}

Test(input, an_ack_of_what_was_never_sent) /* T9293-18 */
{
    struct script s = established();

    call_send(&s, 10);
    sends(&s, "101:111 ack 301");
    arrives(&s, "301:321 FIN ack 112 win 3");
    dropped(&s, TCP_ACK_RANGE);
    sends(&s, "111:111 ack 301");
    cr_assert_eq(s.tcb->snd_una, 101);
    cr_assert_eq(s.tcb->snd_wnd, 65535);
    in_state(&s, SL_TCP_ESTABLISHED);
    reads_nothing(&s);
}

Test(input, an_ack_that_is_too_old) /* T5961-8, T5961-9: MAX.SND.WND is the largest ever */
{
    struct script s = established(.wnd = 1000);

    arrives(&s, "301:301 ack 101 win 500");
    call_send(&s, 500);
    sends(&s, "101:601 ack 301");
    arrives(&s, "301:301 ack 601 win 500");
    cr_assert_eq(s.tcb->snd_wnd_max, 1000);
    arrives(&s, "301:311 ack 4294966896"); /* 601 - 1001 */
    dropped(&s, TCP_ACK_RANGE);
    sends(&s, "601:601 ack 301");
    reads_nothing(&s);
    arrives(&s, "301:311 ack 4294966897"); /* 601 - 1000 */
    accepted(&s);
    reads(&s, 10);
    cr_assert_eq(s.tcb->snd_una, 601);
}

Test(input, the_data_of_an_old_ack_is_taken) /* T9293-19 */
{
    struct script s = established();

    call_send(&s, 10);
    sends(&s, "101:111 ack 301");
    arrives(&s, "301:301 ack 111");
    arrives(&s, "301:311 FIN ack 101");
    accepted(&s);
    reads(&s, 10);
    in_state(&s, SL_TCP_CLOSE_WAIT);
    cr_assert_eq(s.tcb->snd_una, 111);
}

Test(input, older_segments_do_not_move_the_window) /* T9293-20, MUST-1 */
{
    struct script s = established();

    arrives(&s, "301:311 ack 101 win 40000"); /* MUST-1: not negative */
    cr_assert_eq(s.tcb->snd_wnd, 40000);
    arrives(&s, "331:341 ack 101 win 2000");
    cr_assert_eq(s.tcb->snd_wnd, 2000);
    arrives(&s, "321:331 ack 101 win 3000"); /* overtaken by the one before */
    cr_assert_eq(s.tcb->snd_wnd, 2000);
    arrives(&s, "331:341 ack 101 win 4000");
    cr_assert_eq(s.tcb->snd_wnd, 4000);
}

/* ---- sixth: URG
 * ---------------------------------------------------------------------------------- */

Test(input, urgent_data_stays_in_line) /* T6093-1, -2, -3, -4, MUST-30, MUST-31, trap 27 */
{
    struct script s = established();

    arrives(&s, "301:401 URG ack 101 urg 50");
    cr_assert(s.tcb->urgent);
    cr_assert_eq(s.tcb->rcv_up, 351);             /* D28 */
    arrives(&s, "401:501 URG ack 101 urg 65535"); /* far beyond what is there */
    cr_assert_eq(s.tcb->rcv_up, 65936);
    arrives(&s, "501:601 URG ack 101 urg 0"); /* it does not go back */
    arrives(&s, "601:701 URG ack 101 urg 1");
    cr_assert_eq(s.tcb->rcv_up, 65936);
    arrives(&s, "701:701 URG ack 101 urg 3");
    reads(&s, 400);
}

Test(input, an_urgent_pointer_of_zero_is_nothing) /* trap 27 (CVE-2019-12255) */
{
    struct script s = established();

    arrives(&s, "301:401 URG ack 101 urg 0");
    cr_assert_not(s.tcb->urgent);
    reads(&s, 100);
}

/* ---- seventh: text
 * ------------------------------------------------------------------------------- */

Test(input, in_order) /* T9293-22's sixth step before it, MAY-17 */
{
    struct script s = established();

    arrives(&s, "301:401 ack 101");
    accepted(&s);
    told(&s, SL_TCP_EV_READABLE);
    sends(&s, "101:101 ack 401");
    arrives(&s, "401:1861 PSH ack 101");
    sends(&s, "101:101 ack 1861");
    reads(&s, 1560);
}

Test(input, a_burst_is_acknowledged_once) /* MUST-58, MUST-59, D7 */
{
    struct script s = established(.rcvbuf_bytes = 60000);
    char text[64];

    for (int i = 0; i < 20; i++) {
        (void)snprintf(text, sizeof(text), "%d:%d ack 101", 301 + 1000 * i, 1301 + 1000 * i);
        arrives(&s, text);
    }
    sends(&s, "101:101 ack 20301");
    sends_nothing(&s);
    reads(&s, 20000);
}

/* Segment `i` of 100 bytes arrives by itself. */
static void arrives_alone(struct script *s, int i, const char *flags)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "%d:%d %s ack 101", 301 + 100 * i, 401 + 100 * i, flags);
    arrives(s, text);
}

Test(input, the_first_16_segments_are_acknowledged_at_once) /* D7 */
{
    struct script s = established();
    int i = 0;

    for (; i < 16; i++) {
        arrives_alone(&s, i, "PSH");
        cr_assert_eq(script_pending(&s), 1, "segment %d", i);
        script_skip(&s);
        after(&s, 1);
    }
    arrives_alone(&s, i++, "PSH");
    sends_nothing(&s);
    after(&s, 41); /* delayed, though; and longer than that was quiet */
    sends(&s, "101:101 ack 2001");
    arrives_alone(&s, i++, "PSH"); /* somebody waits for an answer */
    sends(&s, "101:101 ack 2101");
    arrives_alone(&s, i++, "PSH"); /* not for long: no quiet time before it */
    sends_nothing(&s);
    after(&s, 41);
    sends(&s, "101:101 ack 2201");
    arrives_alone(&s, i++, ""); /* nobody waits */
    sends_nothing(&s);
    after(&s, 41);
    script_skip(&s);
    after(&s, 201); /* idle for longer than an RTO: as at the beginning */
    for (int k = 0; k < 16; k++) {
        arrives_alone(&s, i++, "");
        cr_assert_eq(script_pending(&s), 1, "segment %d after idle", k);
        script_skip(&s);
    }
    arrives_alone(&s, i++, "");
    sends_nothing(&s);
    after(&s, 41);
    script_skip(&s);
    arrives_alone(&s, i + 1, ""); /* never too late for a hole (MAY-13) ... */
    cr_assert_eq(script_pending(&s), 1);
    script_skip(&s);
    arrives_alone(&s, i, ""); /* ... nor for what fills it (T5681-19) */
    cr_assert_eq(script_pending(&s), 1);
}

Test(input, out_of_order) /* SHLD-31, MAY-13, T2018-5 */
{
    struct script s = established();

    arrives(&s, "401:501 ack 101");
    accepted(&s);
    sends(&s, "101:101 ack 301"); /* at once, though it is no challenge */
    reads_nothing(&s);
    arrives(&s, "601:701 ack 101");
    sends(&s, "101:101 ack 301");
    arrives(&s, "301:401 ack 101");
    sends(&s, "101:101 ack 501"); /* T5681-19 */
    reads(&s, 200);
    arrives(&s, "501:601 ack 101");
    sends(&s, "101:101 ack 701");
    reads(&s, 200);
}

Test(input, duplicates) /* D43, trap 15 */
{
    struct script s = established();

    arrives(&s, "401:501 ack 101");
    arrives(&s, "401:501 ack 101");
    dropped(&s, TCP_DUPLICATE);
    script_skip(&s);
    arrives(&s, "301:501 ack 101");
    accepted(&s);
    sends(&s, "101:101 ack 501");
    arrives(&s, "301:401 ack 101");
    dropped(&s, TCP_SEQUENCE);
    sends(&s, "101:101 ack 501");
    reads(&s, 200);
}

/* What overlaps what is there already: the first bytes count. "other" bytes must never be read. */
static const struct {
    const char *story, *segments[6];
    uint32_t bytes;
} overlaps[] = {
    {"new behind old: T9293-42", {"301:401 ack 101", "351:351 ack 101", "351:501 ack 101"}, 200},
    {"held bytes win over later ones (D43)",
     {"351:401 ack 101", "351:401 other ack 101", "301:351 ack 101"},
     100},
    {"a filler reaches over held bytes",
     {"351:401 ack 101", "301:401 ack 101", "401:411 ack 101"},
     110},
    {"a filler reaches beyond held bytes",
     {"351:361 ack 101", "381:391 ack 101", "301:451 ack 101"},
     150},
    {"held pieces inside a larger one",
     {"321:331 ack 101", "341:351 ack 101", "311:361 ack 101", "301:321 ack 101"},
     60},
};

Test(input, overlapping_data) /* T9293-42, D43, trap 8 */
{
    for (size_t i = 0; i < sizeof(overlaps) / sizeof(overlaps[0]); i++) {
        struct script s = established();

        for (size_t k = 0; k < 6 && overlaps[i].segments[k] != NULL; k++)
            arrives(&s, overlaps[i].segments[k]);
        reads(&s, overlaps[i].bytes);
        script_over();
    }
}

Test(input, held_bytes_win_over_the_filler) /* D43: what arrived first */
{
    struct script s = established();
    uint8_t bytes[100];

    arrives(&s, "351:401 ack 101");
    arrives(&s, "301:401 other ack 101");
    cr_assert_eq(sl_tcp_recv(s.tcp, s.tcb, bytes, sizeof(bytes), false, 0), 100);
    for (uint32_t i = 50; i < 100; i++)
        cr_assert_eq(bytes[i], (uint8_t)(i * 7 + 1));
}

Test(input, delivered_bytes_never_change) /* D43 */
{
    struct script s = established();

    arrives(&s, "301:401 ack 101");
    arrives(&s, "301:451 ack 101");
    arrives(&s, "350:451 other ack 101");
    dropped(&s, TCP_SEQUENCE);
    reads(&s, 150);
}

Test(input, is_trimmed_to_the_window_on_both_sides) /* T9293-42 */
{
    struct script s = established(.rcvbuf_bytes = 1000);

    arrives(&s, "301:801 ack 101");
    script_skip(&s);
    arrives(&s, "701:901 ack 101"); /* 100 too early */
    accepted(&s);
    sends(&s, "101:101 ack 901");
    arrives(&s, "901:1401 FIN ack 101"); /* 100, and the FIN, too late */
    accepted(&s);
    sends(&s, "101:101 ack 1301 win 0");
    in_state(&s, SL_TCP_ESTABLISHED);
    reads(&s, 1000);
}

Test(input, chains_of_mbufs) /* an mbuf chain is trimmed anywhere */
{
    static const char *const segments[] = {"301:901 ack 101", "601:1201 ack 101",
                                           "1401:1601 ack 101", "1195:1501 ack 101"};

    for (uint32_t bytes = 37; bytes <= 301; bytes += 24) {
        struct script s = established(.rcvbuf_bytes = 1250);

        in_pieces(&s, bytes);
        for (size_t i = 0; i < sizeof(segments) / sizeof(segments[0]); i++)
            arrives(&s, segments[i]);
        arrives(&s, "1201:2000 FIN ack 101"); /* trimmed at the right edge, 1551 */
        reads(&s, 1250);
        script_over();
    }
}

Test(input, the_right_edge_once_announced_stays_good) /* T7323-11, T7323-12, SHLD-14 */
{
    struct script s = established(.scale = true, .wscale = 0, .rcvbuf_bytes = 100001);

    arrives(&s, "301:310 ack 101");
    script_skip(&s);
    const sl_seq edge = s.tcb->rcv_adv;

    for (int i = 0; i < 9; i++) {
        char text[64];

        (void)snprintf(text, sizeof(text), "%d:%d ack 101", 310 + i, 311 + i);
        arrives(&s, text);
        script_skip(&s);
        cr_assert(sl_seq_geq(s.tcb->rcv_adv, edge));
    }
}

Test(input, many_islands_are_bounded) /* trap 24; what is in order is never kept out */
{
    struct script s = established();
    char text[64];

    s.tcb->rcvq.max_ranges = 8;
    for (int i = 0; i < 8; i++) {
        (void)snprintf(text, sizeof(text), "%d:%d ack 101", 401 + 20 * i, 411 + 20 * i);
        arrives(&s, text);
        accepted(&s);
    }
    arrives(&s, "701:711 ack 101");
    dropped(&s, TCP_RCV_RANGES);
    arrives(&s, "301:401 ack 101");
    accepted(&s);
    reads(&s, 110);
}

Test(input, a_low_pool_keeps_no_payload) /* "an empty pool is a slow day, not a deadlock" */
{
    struct script s = established();
    struct rte_mempool *rx = script_host(&s)->rx;
    struct rte_mbuf *taken[1024];
    unsigned n = 0;

    call_send(&s, 10);
    sends(&s, "101:111 ack 301");
    s.tcp->rx_countdown = 0;
    while (rte_mempool_avail_count(rx) > rx->size / 8)
        taken[n++] = rte_pktmbuf_alloc(rx);
    arrives(&s, "301:401 FIN ack 111");
    dropped(&s, TCP_POOL_LOW);
    cr_assert_eq(s.tcb->snd_una, 111); /* the acknowledgment counted */
    in_state(&s, SL_TCP_ESTABLISHED);
    sends(&s, "111:111 ack 301"); /* and says that the payload is wanted again */
    rte_pktmbuf_free_bulk(taken, n);
    arrives(&s, "301:401 FIN ack 111");
    accepted(&s);
    reads(&s, 100);
}

static void trickle(struct script *s, int i, int bytes)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "%d:%d ack 101", 301 + bytes * i, 301 + bytes * (i + 1));
    arrives(s, text);
    script_skip(s);
}

Test(input, unread_bytes_share_mbufs) /* trap 24: memory counts by its real size */
{
    struct script s = established();

    for (int i = 0; i < 3000; i++)
        trickle(&s, i, 3);
    cr_assert_leq(s.tcb->inq.n, 40);
    reads(&s, 9000);
}

Test(input, unread_mbufs_are_bounded) /* trap 24 */
{
    enum { BOUND = 65535 / 256 + 32 };
    struct script s = established();
    const struct sl_inq *q = &s.tcb->inq;
    struct rte_mbuf *held[BOUND];

    for (int i = 0; i < BOUND; i++) {
        trickle(&s, i, 100);
        accepted(&s);
        held[i] = q->ring[(q->head + q->n - 1) & q->mask];
        rte_mbuf_refcnt_update(held[i], 1); /* somebody else reads it, too: it may not grow */
    }
    cr_assert_eq(q->n, BOUND);
    trickle(&s, BOUND, 100);
    dropped(&s, TCP_RCV_MEMORY);
    cr_assert_eq(s.tcb->rcv_nxt, 301 + 100 * BOUND);
    in_state(&s, SL_TCP_ESTABLISHED);
    reads(&s, 100 * BOUND);
    trickle(&s, BOUND, 100); /* again, and now there is room */
    accepted(&s);
    reads(&s, 100);
    rte_pktmbuf_free_bulk(held, BOUND);
}

#ifdef SL_CHECKED
Test(input, without_memory_payload_is_left_unacknowledged)
{
    struct script s = established();

    sl_fault_arm("inq_ring", 1);
    arrives(&s, "301:401 FIN ack 101");
    dropped(&s, TCP_NO_MEMORY);
    in_state(&s, SL_TCP_ESTABLISHED);
    arrives(&s, "301:401 FIN ack 101");
    accepted(&s);
    reads(&s, 100);
    in_state(&s, SL_TCP_CLOSE_WAIT);
}
#endif

/* ---- RFC 7323 5: PAWS
 * ---------------------------------------------------------------------------- */

Test(paws, an_old_timestamp) /* T7323-29, T7323-30 */
{
    struct script s = established(.ts = true);

    arrives(&s, "301:311 ack 101 <ts 8000>");
    script_skip(&s);
    arrives(&s, "311:321 ack 101 <ts 7999>");
    dropped(&s, TCP_PAWS);
    sends(&s, "101:101 ack 311 <ts * 8000>");
    reads(&s, 10);
    arrives(&s, "311:321 ack 101 <ts 8000>"); /* the same again is good */
    accepted(&s);
    reads(&s, 10);
}

Test(paws, comes_before_the_sequence_check) /* T7323-30 */
{
    struct script s = established(.ts = true);

    arrives(&s, "5:6 ack 101 <ts 6999>");
    dropped(&s, TCP_PAWS);
}

Test(paws, is_throttled_too) /* D11 */
{
    struct script s = established(.ts = true);

    for (int i = 0; i < 10; i++)
        arrives(&s, "301:311 ack 101 <ts 1>");
    sends(&s, "101:101 ack 301");
    sends_nothing(&s);
}

Test(paws, goes_around_the_end_of_the_timestamps) /* T7323-29: signed, modulo 2^32 */
{
    struct script s = established(.ts = true);

    arrives(&s, "301:311 ack 101 <ts 2147483000>");
    accepted(&s);
    script_skip(&s);
    arrives(&s, "311:321 ack 101 <ts 4294960000>");
    accepted(&s);
    script_skip(&s);
    arrives(&s, "321:331 ack 101 <ts 5>");
    accepted(&s);
    script_skip(&s);
    arrives(&s, "331:341 ack 101 <ts 4294960001>");
    dropped(&s, TCP_PAWS);
}

Test(paws, a_reset_is_exempt) /* T7323-33, trap 23 (CVE-2005-0356) */
{
    struct script s = established(.ts = true);

    arrives(&s, "302:302 RST <ts 9000>");
    dropped(&s, TCP_RST_CHALLENGE);
    cr_assert_eq(s.tcb->ts_recent, 7000);
    arrives(&s, "301:301 RST <ts 1>");
    in_state(&s, SL_TCP_CLOSED);
}

Test(paws, ts_recent_comes_from_the_left_edge_only) /* T7323-25, -26, -27, -28, trap 23 */
{
    struct script s = established(.ts = true);

    arrives(&s, "311:321 ack 101 <ts 8000>"); /* beyond Last.ACK.sent */
    sends(&s, "101:101 ack 301 <ts * 7000>"); /* T7323-27 */
    arrives(&s, "301:311 ack 101 <ts 7500>"); /* fills the hole: T7323-28 */
    sends(&s, "101:101 ack 321 <ts * 7500>");
    arrives(&s, "321:331 ack 101 <ts 8001>"); /* the earliest not acknowledged: T7323-26 */
    arrives(&s, "331:341 ack 101 <ts 8002>");
    sends(&s, "101:101 ack 341 <ts * 8001>");
}

Test(paws, ts_recent_does_not_come_from_outside_the_window) /* T7323-25, trap 23 */
{
    struct script s = established(.ts = true);

    arrives(&s, "5:6 ack 101 <ts 9000>");
    dropped(&s, TCP_SEQUENCE);
    arrives(&s, "301:311 ack 999 <ts 9000>");
    dropped(&s, TCP_ACK_RANGE);
    cr_assert_eq(s.tcb->ts_recent, 7000);
}

Test(paws, ends_after_24_days_of_silence) /* T7323-32 */
{
    struct script s = established(.ts = true);
    const uint64_t day_ms = 86400000;

    at(&s, 24 * day_ms - 1000);
    arrives(&s, "301:311 ack 101 <ts 6000>");
    dropped(&s, TCP_PAWS);
    at(&s, 24 * day_ms + 1000);
    arrives(&s, "301:311 ack 101 <ts 6000>");
    accepted(&s);
    cr_assert_eq(s.tcb->ts_recent, 6000);
    reads(&s, 10);
}

Test(paws, a_segment_without_timestamp) /* T7323-18, T7323-19, D12 */
{
    struct script s = established(.ts = true);

    arrives(&s, "301:311 ack 101 <>");
    dropped(&s, TCP_NO_TIMESTAMP);
    sends_nothing(&s);
    in_state(&s, SL_TCP_ESTABLISHED);
    arrives(&s, "301:301 RST <>");
    in_state(&s, SL_TCP_CLOSED);
}

static void tolerate(struct sl_tcp_config *config)
{
    config->tolerate_missing_ts = true;
}

Test(paws, a_segment_without_timestamp_is_tolerated_on_demand) /* D12 */
{
    struct script s = established(.ts = true, .tune = tolerate);

    arrives(&s, "301:311 ack 101 <>");
    accepted(&s);
    sends(&s, "101:101 ack 311 <ts * 7000>");
    reads(&s, 10);
}

Test(paws, is_not_asked_again_when_held_data_is_delivered) /* T7323-31 */
{
    struct script s = established(.ts = true);

    arrives(&s, "311:321 ack 101 <ts 7001>");
    arrives(&s, "301:311 ack 101 <ts 9000>");
    accepted(&s);
    reads(&s, 20);
}
