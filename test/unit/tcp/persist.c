/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include <criterion/criterion.h>

#include "script.h"

/* Windows that are shut, or too small: RFC 9293 3.8.6, reading D6. */
TestSuite(persist, .fini = script_over);

/* 3000 bytes were written, 1000 of them fitted, and the window is shut since time 0. */
static struct script shut(void)
{
    struct script s = established(.wnd = 1000);

    call_send(&s, 3000);
    sends(&s, "101:1101 ack *");
    arrives(&s, "301:301 ack 1101 win 0");
    sends_nothing(&s);
    return s;
}

Test(persist, probes_back_off) /* MUST-36, SHLD-29, SHLD-30, T9293-40 */
{
    struct script s = shut();
    uint64_t due = 200, interval = 200;
    int i;

    for (i = 0; i < 9; i++) {
        at(&s, due - 1);
        sends_nothing(&s);
        at(&s, due);
        sends(&s, "1101:1102 ack *");
        sent_at(&s, due);
        arrives(&s, "301:301 ack 1101 win 0");
        interval = interval * 2 < 60000 ? interval * 2 : 60000; /* D6 */
        due += interval;
    }
    counted(&s, PERSIST_PROBES, 9);
    counted(&s, RTO_FIRED, 0);
    counted(&s, FAST_RETRANSMITS, 0); /* answers to probes are no duplicates */
}

Test(persist, an_octet_that_is_taken_counts_as_sent) /* T9293-40 */
{
    struct script s = shut();

    at(&s, 200);
    sends(&s, "1101:1102 ack *");
    at(&s, 250);
    arrives(&s, "301:301 ack 1102 win 0");
    at(&s, 599);
    sends_nothing(&s);
    at(&s, 600); /* an answer does not put off the next one */
    sends(&s, "1102:1103 ack *");
    arrives(&s, "301:301 ack 1103 win 20000");
    sends(&s, "1103:1561 ack *");
    sends(&s, "1561:3021 ack *");
    sends(&s, "3021:3101 PSH ack *");
    sends_nothing(&s);
}

Test(persist, an_octet_that_is_not_taken_goes_again) /* at once, when the window opens */
{
    struct script s = shut();
    const uint32_t cwnd = s.tcb->cc.cwnd;

    at(&s, 200);
    sends(&s, "1101:1102 ack *");
    at(&s, 250);
    arrives(&s, "301:301 ack 1101 win 20000");
    sends(&s, "1101:1102 ack *");
    sends(&s, "1102:1561 ack *");
    sends(&s, "1561:3021 ack *");
    sends(&s, "3021:3101 PSH ack *");
    sends_nothing(&s);
    cr_expect_geq(s.tcb->cc.cwnd, cwnd, "congestion had no part in it");
}

Test(persist, window_that_opens_by_itself) /* a window update, before any probe */
{
    struct script s = shut();

    at(&s, 50);
    arrives(&s, "301:301 ack 1101 win 20000");
    sends(&s, "1101:1561 ack *");
    sends(&s, "1561:3021 ack *");
    sends(&s, "3021:3101 ack *");
    at(&s, 249);
    sends_nothing(&s); /* the probe's timer is the retransmission's now */
    at(&s, 250);
    sends(&s, "1101:1561 ack *");
    counted(&s, PERSIST_PROBES, 0);
}

Test(persist, window_that_shuts_for_a_moment) /* what is in flight may yet be taken */
{
    struct script s = established();

    call_send(&s, 2920);
    sends(&s, "101:1561 ack *");
    sends(&s, "1561:3021 ack *");
    arrives(&s, "301:301 ack 1561 win 0");
    at(&s, 50);
    arrives(&s, "301:301 ack 1561 win 65535");
    sends_nothing(&s);
    at(&s, 250); /* and the timer runs again */
    sends(&s, "1561:3021 ack *");
}

Test(persist, window_that_shuts_twice) /* SHLD-29: the back-off is over when it opens */
{
    struct script s = shut();

    at(&s, 1400);
    cr_expect_eq(script_pending(&s), 3);
    script_skip(&s);
    arrives(&s, "301:301 ack 1102 win 600");
    sends(&s, "1102:1561 ack *");
    arrives(&s, "301:301 ack 1561 win 0");
    at(&s, 1599);
    sends_nothing(&s);
    at(&s, 1600);
    sends(&s, "1561:1562 ack *");
    arrives(&s, "301:301 ack 1561 win 0");
    at(&s, 1999);
    sends_nothing(&s);
    at(&s, 2000);
    sends(&s, "1561:1562 ack *");
}

Test(persist, for_ever) /* MUST-37, D6 */
{
    struct script s = shut();
    int i;

    for (i = 0; i < 200; i++) {
        after(&s, 30000);
        if (script_pending(&s) > 0) {
            script_skip(&s);
            arrives(&s, "301:301 ack 1101 win 0");
        }
    }
    in_state(&s, SL_TCP_ESTABLISHED);
    cr_expect_gt(script_counters(&s)->n[SL_COUNT_PERSIST_PROBES], 90);
}

Test(persist, not_for_ever_without_an_answer) /* D6, D42 */
{
    struct script s = shut();

    at(&s, 99999);
    in_state(&s, SL_TCP_ESTABLISHED);
    at(&s, 2000000);
    in_state(&s, SL_TCP_CLOSED);
    told(&s, SL_TCP_EV_ERROR);
    reads_error(&s, ETIMEDOUT);
    counted(&s, PERSIST_PROBES, 16);
}

static void impatient(struct sl_tcp_config *c)
{
    c->retries_2 = 4;
}

Test(persist, not_given_up_before_100_s) /* SHLD-11 */
{
    struct script s = established(.wnd = 1000, .tune = impatient);

    call_send(&s, 3000);
    script_skip(&s);
    arrives(&s, "301:301 ack 1101 win 0");
    at(&s, 99999);
    in_state(&s, SL_TCP_ESTABLISHED);
    at(&s, 102200); /* the first probe's time behind it: 200 * (2^9 - 1) */
    in_state(&s, SL_TCP_CLOSED);
}

Test(persist, user_timeout_counts_silence_only) /* D6, MUST-21 */
{
    struct script s = established(.wnd = 1000, .user_timeout_ns = UINT64_C(10000000000));
    int i;

    call_send(&s, 3000);
    script_skip(&s);
    arrives(&s, "301:301 ack 1101 win 0");
    for (i = 0; i < 100; i++) {
        after(&s, 1000);
        if (script_pending(&s) > 0) {
            script_skip(&s);
            arrives(&s, "301:301 ack 1101 win 0");
        }
    }
    in_state(&s, SL_TCP_ESTABLISHED);
    after(&s, 90000); /* the next probe, and ten seconds */
    in_state(&s, SL_TCP_CLOSED);
}

Test(persist, user_timeout_starts_anew_when_the_window_opens) /* D6: the probes were answered */
{
    struct script s = established(.wnd = 1000, .user_timeout_ns = UINT64_C(2000000000));
    int i;

    call_send(&s, 3000);
    script_skip(&s);
    arrives(&s, "301:301 ack 1101 win 0");
    for (i = 0; i < 4; i++) { /* 200, 600, 1400, 3000 */
        at(&s, (UINT64_C(200) << (i + 1)) - 200);
        sends(&s, "1101:1102 ack *");
        arrives(&s, "301:301 ack 1101 win 0");
    }
    at(&s, 4900);
    arrives(&s, "301:301 ack 1101 win 1000");
    at(&s, 6899);
    in_state(&s, SL_TCP_ESTABLISHED);
    at(&s, 6900);
    in_state(&s, SL_TCP_CLOSED);
}

Test(persist, data_written_later) /* trap 13: nothing was waiting when the window shut */
{
    struct script s = established(.wnd = 1000);

    call_send(&s, 1000);
    sends(&s, "101:1101 ack *");
    arrives(&s, "301:301 ack 1101 win 0");
    at(&s, 5000);
    sends_nothing(&s);
    call_send(&s, 10);
    at(&s, 5199);
    sends_nothing(&s);
    at(&s, 5200);
    sends(&s, "1101:1102 ack *");
}

Test(persist, fin_is_probed_with) /* trap 16 */
{
    struct script s = established(.wnd = 1000);

    call_send(&s, 1000);
    sends(&s, "101:1101 ack *");
    arrives(&s, "301:301 ack 1101 win 0");
    call_close(&s);
    sends_nothing(&s);
    at(&s, 200);
    sends(&s, "1101:1101 FIN ack *");
    arrives(&s, "301:301 ack 1102 win 0");
    in_state(&s, SL_TCP_FIN_WAIT_2);
    at(&s, 60000);
    sends_nothing(&s);
}

Test(persist, last_octet_and_fin) /* an octet of a segment that ends with a FIN */
{
    struct script s = established(.wnd = 1000);

    call_send(&s, 1002);
    sends(&s, "101:1101 ack *");
    call_close(&s);
    sends_nothing(&s);
    arrives(&s, "301:301 ack 1101 win 0");
    at(&s, 200);
    sends(&s, "1101:1102 ack *");
    arrives(&s, "301:301 ack 1102 win 0");
    at(&s, 600);
    sends(&s, "1102:1103 FIN ack *");
    arrives(&s, "301:301 ack 1103 win 0"); /* all but the FIN */
    at(&s, 1400);
    sends(&s, "1103:1103 FIN ack *");
    arrives(&s, "301:301 ack 1104 win 0");
    in_state(&s, SL_TCP_FIN_WAIT_2);
}

Test(persist, window_shut_on_data_in_flight) /* MUST-35, SHLD-17 */
{
    struct script s = established();
    int i;

    call_send(&s, 2920);
    sends(&s, "101:1561 ack *");
    sends(&s, "1561:3021 ack *");
    at(&s, 10);
    arrives(&s, "301:301 ack 1561 win 0"); /* shrunk: 1561 to 3021 lie beyond it now */
    at(&s, 209);
    sends_nothing(&s);
    at(&s, 210);
    sends(&s, "1561:1562 ack *"); /* a probe, no retransmission */
    for (i = 0; i < 100; i++) {
        arrives(&s, "301:301 ack 1561 win 0");
        after(&s, 60000);
        script_skip(&s);
    }
    in_state(&s, SL_TCP_ESTABLISHED);
    counted(&s, RTO_FIRED, 0);
    arrives(&s, "301:301 ack 1561 win 65535");
    sends(&s, "1561:3021 ack *");
    sends_nothing(&s);
}

Test(persist, losses_wait_for_the_window_too) /* MUST-35: what a time-out left to be sent again */
{
    struct script s = established();

    call_send(&s, 10 * 1460);
    at(&s, 200);
    script_skip(&s);
    at(&s, 210);
    arrives(&s, "301:301 ack 1561 win 0");
    sends_nothing(&s);
    at(&s, 409);
    sends_nothing(&s);
    at(&s, 410);
    sends(&s, "1561:1562 ack *");
    arrives(&s, "301:301 ack 1562 win 65535");
    sends(&s, "1562:3021 ack *");
    counted(&s, RTO_FIRED, 1);
}

Test(persist, small_window_is_used_in_the_end) /* MUST-38 (4): 0.1 to 1 s */
{
    struct script s = established();

    call_send(&s, 1460);
    sends(&s, "101:1561 ack *");
    arrives(&s, "301:301 ack 1561 win 100");
    call_send(&s, 1000);
    sends_nothing(&s);
    at(&s, 199);
    sends_nothing(&s);
    at(&s, 200);
    sends(&s, "1561:1661 ack *");
    sends_nothing(&s);
    at(&s, 399);
    sends_nothing(&s);
    at(&s, 400); /* the retransmission's timer runs for it, as for any other segment */
    sends(&s, "1561:1661 ack *");
    counted(&s, RTO_FIRED, 1);
}

Test(persist, small_window_is_used_again) /* no silent stall after the first piece */
{
    struct script s = established();

    call_send(&s, 1460);
    sends(&s, "101:1561 ack *");
    arrives(&s, "301:301 ack 1561 win 100");
    call_send(&s, 1000);
    at(&s, 200);
    sends(&s, "1561:1661 ack *");
    arrives(&s, "301:301 ack 1661 win 100");
    at(&s, 400);
    sends(&s, "1661:1761 ack *");
    arrives(&s, "301:301 ack 1761 win 2000");
    sends(&s, "1761:2561 PSH ack *");
}

Test(persist, probe_without_memory_is_no_end) /* the next one follows */
{
    struct script s = shut();
    struct rte_mbuf *m[1200];
    unsigned n = 0;

    while ((m[n] = rte_pktmbuf_alloc(script_host(&s)->heads)) != NULL)
        n++;
    at(&s, 200);
    sends_nothing(&s);
    while (n > 0)
        rte_pktmbuf_free(m[--n]);
    at(&s, 599);
    sends_nothing(&s);
    at(&s, 600);
    sends(&s, "1101:1102 ack *");
}

Test(persist, negotiation_of_the_window_starts_shut) /* a SYN-ACK with window 0 */
{
    struct script s = closed();

    call_connect(&s);
    sends(&s, "100:100 SYN");
    call_send(&s, 100);
    arrives(&s, "300:300 SYN ack 101 win 0 <mss 1460>");
    sends(&s, "101:101 ack 301");
    after(&s, 199);
    sends_nothing(&s);
    after(&s, 1);
    sends(&s, "101:102 ack 301");
}
