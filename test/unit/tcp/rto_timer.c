/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>

#include <criterion/criterion.h>

#include "script.h"

/* Time-outs: RFC 6298, RFC 9293 3.8.1 and 3.8.3, readings D4, D18, D42. */
TestSuite(rto_timer, .fini = script_over);

Test(rto_timer, backs_off) /* T6298-11, MUST-19; 200 ms: D18 */
{
    struct script s = established();
    uint64_t due = 200, interval = 200;
    int i;

    call_send(&s, 100);
    sends(&s, "101:201 ack *");
    for (i = 0; i < 6; i++) {
        at(&s, due - 1);
        sends_nothing(&s);
        at(&s, due);
        sends(&s, "101:201 PSH ack *");
        sent_at(&s, due);
        interval *= 2;
        due += interval;
    }
    counted(&s, RTO_FIRED, 6);
    counted(&s, SEGS_RETRANSMITTED, 6);
}

Test(rto_timer, no_longer_than_two_minutes) /* T6298-5, D18 */
{
    struct script s = established();

    call_send(&s, 100);
    at(&s, 204600); /* 200 * (2^10 - 1) */
    script_skip(&s);
    at(&s, 204600 + 119999);
    sends_nothing(&s);
    at(&s, 204600 + 120000);
    sends(&s, "101:201 ack *");
}

Test(rto_timer, follows_the_round_trip) /* T6298-2: 300 + 4 * 150 */
{
    struct script s = established(.rtt_ms = 300);

    call_send(&s, 100);
    sends(&s, "101:201 ack *");
    at(&s, 899);
    sends_nothing(&s);
    at(&s, 900);
    sends(&s, "101:201 ack *");
}

Test(rto_timer, only_the_first_goes_again) /* T6298-11, trap 6 */
{
    struct script s = established();

    call_send(&s, 5000);
    script_skip(&s);
    at(&s, 200);
    sends(&s, "101:1561 ack *");
    at(&s, 599);
    sends_nothing(&s);
    at(&s, 600);
    sends(&s, "101:1561 ack *");
    sends_nothing(&s);
}

Test(rto_timer, runs_from_the_first_segment) /* T6298-10: started when it was off */
{
    struct script s = established(.nodelay = true);

    call_send(&s, 100);
    sends(&s, "101:201 ack *");
    at(&s, 100);
    call_send(&s, 100);
    sends(&s, "201:301 ack *");
    at(&s, 200);
    sends(&s, "101:201 ack *");
    sent_at(&s, 200);
}

Test(rto_timer, restarts_with_new_data_acknowledged) /* T6298-10 */
{
    struct script s = established(.nodelay = true);

    call_send(&s, 100);
    sends(&s, "101:201 ack *");
    at(&s, 100);
    call_send(&s, 100);
    sends(&s, "201:301 ack *");
    at(&s, 150);
    arrives(&s, "301:301 ack 201"); /* RTO: 27.5 + 4 * 38.75 ms, so 200 */
    at(&s, 349);
    sends_nothing(&s);
    at(&s, 350);
    sends(&s, "201:301 ack *");
    sent_at(&s, 350);
}

Test(rto_timer, stops_when_all_is_acknowledged) /* T6298-10 */
{
    struct script s = established();

    call_send(&s, 100);
    sends(&s, "101:201 ack *");
    at(&s, 100);
    arrives(&s, "301:301 ack 201");
    at(&s, 100000);
    sends_nothing(&s);
    counted(&s, RTO_FIRED, 0);
}

Test(rto_timer, not_restarted_by_anything_else) /* trap 2 */
{
    struct script s = established();

    call_send(&s, 2000);
    script_skip(&s);
    at(&s, 150);
    arrives(&s, "301:301 ack 101");           /* a duplicate */
    arrives(&s, "301:301 ack 101 win 60000"); /* a window update */
    arrives(&s, "301:401 ack 101");           /* data */
    script_skip(&s);
    at(&s, 200);
    sends(&s, "101:1561 ack *");
    sent_at(&s, 200);
}

Test(rto_timer, karn) /* T6298-6, MUST-18, trap 1: no sample, and the back-off stays */
{
    struct script s = established();
    const uint64_t srtt_ns = s.tcb->rto.srtt_ns;

    call_send(&s, 100);
    at(&s, 200);
    script_skip(&s);
    at(&s, 250);
    arrives(&s, "301:301 ack 201");
    cr_expect_eq(s.tcb->rto.srtt_ns, srtt_ns);
    call_send(&s, 100);
    sends(&s, "201:301 ack *");
    at(&s, 649);
    sends_nothing(&s);
    at(&s, 650); /* 400 ms */
    sends(&s, "201:301 ack *");
}

Test(rto_timer, karn_of_what_lay_behind_a_hole) /* T6298-6: it waited for the retransmission */
{
    struct script s = established();
    const uint64_t srtt_ns = s.tcb->rto.srtt_ns;

    call_send(&s, 2000);
    at(&s, 200); /* the first one goes again */
    script_skip(&s);
    at(&s, 250);
    arrives(&s, "301:301 ack 2101");
    cr_expect_eq(s.tcb->rto.srtt_ns, srtt_ns);
}

Test(rto_timer, valid_sample_ends_the_back_off) /* T6298-6 */
{
    struct script s = established();

    call_send(&s, 100);
    at(&s, 200);
    script_skip(&s);
    at(&s, 250);
    arrives(&s, "301:301 ack 201");
    call_send(&s, 100);
    sends(&s, "201:301 ack *");
    at(&s, 260);
    arrives(&s, "301:301 ack 301");
    call_send(&s, 100);
    sends(&s, "301:401 ack *");
    at(&s, 460);
    sends(&s, "301:401 ack *");
}

Test(rto_timer, timestamp_tells_which_it_was) /* T7323-22, T6298-6: 7/8 10 + 1/8 50 */
{
    struct script s = established(.ts = true);

    call_send(&s, 100);
    sends(&s, "101:201 ack * <ts 10>"); /* the SYN's was 0, 10 ms before */
    at(&s, 200);
    sends(&s, "101:201 ack * <ts 210>");
    at(&s, 250);
    arrives(&s, "301:301 ack 201 <ts 7001 210>");
    cr_expect_eq(s.tcb->rto.srtt_ns, UINT64_C(15000000));
    call_send(&s, 100);
    sends(&s, "201:301 ack *");
    at(&s, 450); /* no back-off any more */
    sends(&s, "201:301 ack *");
}

Test(rto_timer, next_echo_counts_after_a_timeout) /* whatever was being timed before */
{
    struct script s = established(.ts = true);

    call_send(&s, 2896);
    at(&s, 10);
    arrives(&s, "301:301 ack 1549 <ts 7001 10>"); /* a sample: the next one, beyond 2997 */
    at(&s, 210);
    script_skip(&s);
    cr_expect_eq(s.tcb->rto.backoff, 1);
    at(&s, 230);
    arrives(&s, "301:301 ack 2997 <ts 7001 220>");
    cr_expect_eq(s.tcb->rto.backoff, 0);
    cr_expect_eq(s.tcb->rto.srtt_ns, UINT64_C(11250000)); /* 7/8 10 + 1/8 20 */
}

Test(rto_timer, echo_of_an_old_ack_is_no_sample) /* T7323-22, trap 1 */
{
    struct script s = established(.ts = true);

    call_send(&s, 100);
    sends(&s, "101:201 ack * <ts 10>");
    at(&s, 200);
    sends(&s, "101:201 ack * <ts 210>");
    at(&s, 250);
    arrives(&s, "301:401 ack 101 <ts 7001 210>"); /* snd_una does not move */
    cr_expect_eq(s.tcb->rto.srtt_ns, UINT64_C(10000000));
    cr_expect_eq(s.tcb->rto.backoff, 1);
}

Test(rto_timer, echo_that_cannot_be_is_no_sample) /* a stranger's number */
{
    struct script s = established(.ts = true);

    call_send(&s, 100);
    at(&s, 200);
    script_skip(&s);
    arrives(&s, "301:301 ack 201 <ts 7001 99999999>");
    cr_expect_eq(s.tcb->rto.srtt_ns, UINT64_C(10000000));
}

Test(rto_timer, gives_up) /* MUST-20, SHLD-10, SHLD-11, D42: 15 retransmissions, 924.6 s */
{
    struct script s = established();

    call_send(&s, 100);
    at(&s, 599);
    cr_expect_eq(script_path_advice(&s), 0);
    at(&s, 1400); /* the third */
    cr_expect_eq(script_path_advice(&s), -1);
    at(&s, 924599);
    in_state(&s, SL_TCP_ESTABLISHED);
    cr_expect_eq(script_pending(&s), 16);
    at(&s, 924600);
    in_state(&s, SL_TCP_CLOSED);
    told(&s, SL_TCP_EV_ERROR);
    reads_error(&s, ETIMEDOUT);
    cr_expect_eq(script_pending(&s), 16, "no segment says so");
    counted(&s, CONNECTIONS_TIMED_OUT, 1);
}

static void impatient(struct sl_tcp_config *c)
{
    c->retries_2 = 4;
}

Test(rto_timer, gives_up_not_before_100_s) /* SHLD-11 */
{
    struct script s = established(.tune = impatient);

    call_send(&s, 100);
    at(&s, 99999);
    in_state(&s, SL_TCP_ESTABLISHED);
    at(&s, 102200); /* the first time-out behind it: 200 * (2^9 - 1) */
    in_state(&s, SL_TCP_CLOSED);
}

Test(rto_timer, user_timeout) /* MUST-21, T9293-30 */
{
    struct script s = established(.user_timeout_ns = UINT64_C(5000000000));

    call_send(&s, 100);
    at(&s, 4999);
    in_state(&s, SL_TCP_ESTABLISHED);
    at(&s, 5000);
    in_state(&s, SL_TCP_CLOSED);
    told(&s, SL_TCP_EV_ERROR);
    cr_expect_eq(sl_tcb_error(s.tcb), SL_TCP_TIMEOUT);
}

Test(rto_timer, user_timeout_shorter_than_the_rto) /* MUST-21 */
{
    struct script s = established(.user_timeout_ns = UINT64_C(100000000));

    call_send(&s, 100);
    at(&s, 99);
    in_state(&s, SL_TCP_ESTABLISHED);
    at(&s, 100);
    in_state(&s, SL_TCP_CLOSED);
}

Test(rto_timer, progress_starts_the_user_timeout_anew) /* MUST-21 */
{
    struct script s = established(.user_timeout_ns = UINT64_C(5000000000));

    call_send(&s, 2000);
    at(&s, 4000);
    script_skip(&s);
    arrives(&s, "301:301 ack 1561");
    at(&s, 8999);
    in_state(&s, SL_TCP_ESTABLISHED);
    at(&s, 20000);
    in_state(&s, SL_TCP_CLOSED);
}

Test(rto_timer, repeated_timeouts_leave_ssthresh) /* T5681-8 */
{
    struct script s = established();

    call_send(&s, 10 * 1460);
    at(&s, 200);
    cr_expect_eq(s.tcb->cc.ssthresh, 5 * 1460);
    at(&s, 600);
    cr_expect_eq(s.tcb->cc.ssthresh, 5 * 1460);
    cr_expect_eq(s.tcb->cc.cwnd, 1460);
}

Test(rto_timer, timeout_after_progress_is_another_loss) /* T5681-8, T5681-20 */
{
    struct script s = established();

    call_send(&s, 10 * 1460);
    at(&s, 200);
    cr_expect_eq(s.tcb->cc.ssthresh, 5 * 1460);
    arrives(&s, "301:301 ack 1561"); /* two go again, and get lost */
    at(&s, 2000);
    cr_expect_eq(s.tcb->cc.ssthresh, 2 * 1460);
}

Test(rto_timer, syn) /* T6298-1, MUST-22, MUST-23, D4 */
{
    static const uint64_t ms[] = {0, 1000, 3000, 7000, 15000, 31000, 63000, 127000};
    struct script s = closed();
    size_t i;

    call_connect(&s);
    for (i = 0; i < sizeof(ms) / sizeof(ms[0]); i++) {
        at(&s, ms[i]);
        sends(&s, "100:100 SYN");
        sent_at(&s, ms[i]);
    }
    at(&s, 246999);
    in_state(&s, SL_TCP_SYN_SENT);
    sends_nothing(&s);
    at(&s, 247000); /* 127 s and the longest RTO (D18) */
    in_state(&s, SL_TCP_CLOSED);
    told(&s, SL_TCP_EV_ERROR);
    cr_expect_eq(sl_tcb_error(s.tcb), SL_TCP_TIMEOUT);
    cr_expect_eq(script_path_advice(&s), -1); /* MUST-22 */
}

Test(rto_timer, syn_ack) /* D4 */
{
    static const uint64_t ms[] = {0, 1000, 3000, 7000, 15000, 31000};
    struct script s = closed(.passive = true);
    size_t i;

    call_listen(&s);
    arrives(&s, "300:300 SYN <mss 1460>");
    for (i = 0; i < sizeof(ms) / sizeof(ms[0]); i++) {
        at(&s, ms[i]);
        sends(&s, "100:100 SYN ack 301");
        sent_at(&s, ms[i]);
    }
    at(&s, 62999);
    cr_expect_eq(script_flows(&s), 1);
    at(&s, 63000);
    cr_expect_eq(script_flows(&s), 0);
    sends_nothing(&s);
}

Test(rto_timer, repeated_syn_does_not_put_off_the_timer) /* D36, T6298-10 */
{
    struct script s = closed(.passive = true);

    call_listen(&s);
    arrives(&s, "300:300 SYN <mss 1460>");
    sends(&s, "100:100 SYN ack 301");
    at(&s, 600);
    arrives(&s, "300:300 SYN <mss 1460>");
    sends(&s, "100:100 SYN ack 301");
    at(&s, 999);
    sends_nothing(&s);
    at(&s, 1000);
    sends(&s, "100:100 SYN ack 301");
}

Test(rto_timer, three_seconds_after_a_lost_syn) /* T6298-12, D18 */
{
    struct script s = closed();

    call_connect(&s);
    at(&s, 1000);
    script_skip(&s);
    arrives(&s, "300:300 SYN ack 101 <mss 1460>");
    script_skip(&s);
    call_send(&s, 100);
    sends(&s, "101:201 ack *");
    at(&s, 3999);
    sends_nothing(&s);
    at(&s, 4000);
    sends(&s, "101:201 ack *");
}

Test(rto_timer, timestamp_of_a_lost_syn) /* D18: the echo says which SYN it was */
{
    struct script s = closed(.ts = true);

    call_connect(&s);
    at(&s, 1000);
    script_skip(&s);
    at(&s, 1010);
    arrives(&s, "300:300 SYN ack 101 <mss 1460, ts 7000 1000>");
    cr_expect_eq(s.tcb->rto.srtt_ns, UINT64_C(10000000));
    cr_expect_eq(sl_rto_now(&s.tcb->rto, &s.tcb->tcp->config.rto), UINT64_C(200000000));
}

/* A TEP of which ENO needs the name only. */
static size_t offers_nothing(const struct sl_tep_config *c, enum sl_tep_role role, uint8_t *data,
                             size_t room, bool *v)
{
    (void)c, (void)role, (void)data, (void)room;
    *v = false;
    return 0;
}

static const struct sl_tep_ops name_only = {.name = "none", .id = 0x21, .offer = offers_nothing};
static const struct sl_eno_policy policy = {.enabled = true, .n_teps = 1, .teps = {&name_only}};

Test(rto_timer, eno_is_dropped_when_syns_get_lost) /* R25: a middlebox may dislike it */
{
    struct script s = closed(.eno = &policy);

    call_connect(&s);
    sends(&s, "100:100 SYN <eno 21>");
    at(&s, 1000);
    sends(&s, "100:100 SYN <eno 21>");
    at(&s, 3000);
    sends(&s, "100:100 SYN <eno 21>");
    at(&s, 7000);
    sends(&s, "100:100 SYN <noeno>");
    at(&s, 15000);
    sends(&s, "100:100 SYN <noeno>");
}

Test(rto_timer, eno_stays_where_encryption_is_required)
{
    struct script s = closed(.eno = &policy, .require_encryption = true);

    call_connect(&s);
    at(&s, 7001);
    cr_assert_eq(script_pending(&s), 4);
    sends(&s, "100:100 SYN <eno 21>");
    sends(&s, "100:100 SYN <eno 21>");
    sends(&s, "100:100 SYN <eno 21>");
    sends(&s, "100:100 SYN <eno 21>");
}

Test(rto_timer, lazy_deadlines) /* moved on, or off: the wheel's entry fires for nothing */
{
    struct script s = established();
    int i;

    for (i = 0; i < 50; i++) {
        char text[64];

        call_send(&s, 100);
        script_skip(&s);
        after(&s, 15);
        (void)snprintf(text, sizeof(text), "301:301 ack %d", 201 + i * 100);
        arrives(&s, text);
    }
    after(&s, 10000);
    sends_nothing(&s);
    cr_expect_eq(s.tcb->sndq.ring, NULL, "an idle connection holds no ring");
}
