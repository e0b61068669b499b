/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include <criterion/criterion.h>

#include "base/invariant.h"
#include "script.h"

TestSuite(timewait, .fini = script_over);

/* snd_nxt 102, rcv_nxt 302; the peer's FIN was 301. */
static void close_actively(struct script *s)
{
    call_close(s);
    sends(s, "101:101 FIN ack 301");
    arrives(s, "301:301 FIN ack 102");
    sends(s, "102:102 ack 302");
    in_state(s, SL_TCP_TIME_WAIT);
}

static struct script time_wait(bool ts)
{
    struct script s = established(.ts = ts);

    close_actively(&s);
    return s;
}

Test(timewait, lasts_2_msl) /* MUST-13, D3, T9293-32 */
{
    struct script s = time_wait(false);

    at(&s, 59999);
    in_state(&s, SL_TCP_TIME_WAIT);
    at(&s, 60001);
    in_state(&s, SL_TCP_CLOSED);
    sends_nothing(&s);
    cr_assert_eq(sl_tcp_connections(s.tcp), 0);
    cr_assert_eq(s.tcp->n_time_wait, 0);
}

Test(timewait, knows_no_timer_but_its_own) /* 3.10.7.4, eighth: "turn off the other timers" */
{
    struct script s = established(.keepalive = true);
    struct sl_tcp_options_set set = script_options(&s);

    set.keepalive_idle_ns = 1000000000;
    sl_tcb_set_options(s.tcp, s.tcb, &set, script_now_ns(&s));
    close_actively(&s);
    at(&s, 59999);
    sends_nothing(&s);
    in_state(&s, SL_TCP_TIME_WAIT);
}

Test(timewait, a_repeated_fin_is_acknowledged_and_starts_it_anew) /* T9293-27 */
{
    struct script s = time_wait(false);

    at(&s, 50000);
    arrives(&s, "301:301 FIN ack 102");
    accepted(&s);
    sends(&s, "102:102 ack 302");
    at(&s, 50200);
    arrives(&s, "301:301 FIN ack 102"); /* unthrottled: the peer is in LAST-ACK */
    sends(&s, "102:102 ack 302");
    at(&s, 110100);
    in_state(&s, SL_TCP_TIME_WAIT);
    at(&s, 110300);
    in_state(&s, SL_TCP_CLOSED);
}

Test(timewait, a_fin_repeated_with_its_data_is_one) /* T9293-27 */
{
    struct script s = established();

    call_shutdown(&s);
    sends(&s, "101:101 FIN ack 301");
    arrives(&s, "301:351 FIN ack 102");
    sends(&s, "102:102 ack 352");
    arrives(&s, "301:351 FIN ack 102");
    accepted(&s);
    sends(&s, "102:102 ack 352");
    reads(&s, 50);
}

Test(timewait, a_reset_does_not_end_it) /* T1337-1, trap 19 */
{
    struct script s = time_wait(false);

    arrives(&s, "302:302 RST");
    dropped(&s, TCP_TIME_WAIT);
    arrives(&s, "302:302 RST ack 102");
    dropped(&s, TCP_TIME_WAIT);
    sends_nothing(&s);
    in_state(&s, SL_TCP_TIME_WAIT);
}

Test(timewait, old_duplicates_draw_few_acks) /* T1337-2, T9293-4 */
{
    struct script s = time_wait(false);

    for (int i = 0; i < 20; i++) {
        arrives(&s, "200:210 ack 102");
        dropped(&s, TCP_SEQUENCE);
    }
    sends(&s, "102:102 ack 302");
    sends_nothing(&s);
    arrives(&s, "302:302 ack 103");
    dropped(&s, TCP_ACK_RANGE);
    arrives(&s, "302:302");
    dropped(&s, TCP_NO_ACK);
    in_state(&s, SL_TCP_TIME_WAIT);
}

Test(timewait, text_is_ignored) /* T9293-26 */
{
    struct script s = time_wait(false);

    arrives(&s, "302:312 FIN ack 102");
    dropped(&s, TCP_TIME_WAIT);
    arrives(&s, "302:302 ack 102");
    dropped(&s, TCP_TIME_WAIT);
    sends_nothing(&s);
}

Test(timewait, knows_paws) /* T7323-30 */
{
    struct script s = time_wait(true);

    arrives(&s, "301:301 FIN ack 102 <ts 1>");
    dropped(&s, TCP_PAWS);
    arrives(&s, "301:301 FIN ack 102 <>");
    dropped(&s, TCP_NO_TIMESTAMP);
}

/* ---- RFC 6191
 * ------------------------------------------------------------------------------------ */

static const struct {
    const char *story, *syn;
    bool ts, opens;
} reopenings[] = {
    {"T6191-1: a newer timestamp", "200:200 SYN <mss 1460, ts 7001 0>", true, true},
    {"T6191-2: the same, and a newer number", "302:302 SYN <mss 1460, ts 7000 0>", true, true},
    {"T6191-2: the same, and the FIN's number", "301:301 SYN <mss 1460, ts 7000 0>", true, false},
    {"T6191-3: an older timestamp", "400:400 SYN <mss 1460, ts 6999 0>", true, false},
    {"T6191-4: none any more, a newer number", "302:302 SYN <mss 1460>", true, true},
    {"T6191-4: none any more, an older number", "301:301 SYN <mss 1460>", true, false},
    {"T6191-5: one now", "200:200 SYN <mss 1460, ts 1 0>", false, true},
    {"T6191-6: never one, a newer number", "302:302 SYN <mss 1460>", false, true},
    {"T6191-6: never one, an older number", "300:300 SYN <mss 1460>", false, false},
    {"a SYN with more than that is none", "400:400 SYN FIN <mss 1460, ts 9000 0>", true, false},
    {"nor is a SYN-ACK", "400:400 SYN ack 102 <mss 1460, ts 9000 0>", true, false},
    {"nor a reset", "400:400 SYN RST <ts 9000 0>", true, false},
};

Test(timewait, reopens) /* T6191-1 to -6, MAY-2, SHLD-4, D3, trap 19 */
{
    for (size_t i = 0; i < sizeof(reopenings) / sizeof(reopenings[0]); i++) {
        struct script s = time_wait(reopenings[i].ts);

        call_listen(&s);
        arrives(&s, reopenings[i].syn);
        if (reopenings[i].opens) {
            accepted(&s);
            cr_expect_eq(script_pending(&s), 1, "%s", reopenings[i].story);
            cr_expect_eq(s.listener->n_half_open, 1, "%s", reopenings[i].story);
            cr_expect_eq(s.tcp->n_time_wait, 0, "%s", reopenings[i].story);
        } else { /* D3: silently */
            dropped(&s, TCP_TIME_WAIT);
            cr_expect_eq(script_pending(&s), 0, "%s", reopenings[i].story);
            in_state(&s, SL_TCP_TIME_WAIT);
        }
        script_over();
    }
}

/* Connection after connection of one tuple, the ISN's clock standing still. */
Test(timewait, a_new_incarnation_begins_above_the_old_one) /* MAY-2 */
{
    struct script s = established(.iss = 100);

    call_send(&s, 100);
    sends(&s, "101:201 ack 301");
    call_close(&s);
    sends(&s, "201:201 FIN ack 301");
    arrives(&s, "301:301 FIN ack 202");
    sends(&s, "202:202 ack 302");
    /* As if more had been sent than the clock has ticked. */
    s.tcb->snd_nxt = 1000000000;
    call_listen(&s);
    arrives(&s, "302:302 SYN <mss 1460>");
    s.tcb = SL_CONTAINER(s.listener->half_open.next, struct sl_tcb_syn, link)->tcb;
    cr_assert_eq(s.tcb->iss, 1000000000 + 65537);
    script_skip(&s);
    arrives(&s, "303:303 RST"); /* it comes to nothing */
    arrives(&s, "500:500 SYN <mss 1460>");
    s.tcb = SL_CONTAINER(s.listener->half_open.next, struct sl_tcb_syn, link)->tcb;
    cr_assert_lt(s.tcb->iss, 1000000000); /* and the clock counts again */
}

Test(timewait, without_a_listener_a_syn_is_nothing) /* D3 */
{
    struct script s = time_wait(false);

    arrives(&s, "400:400 SYN <mss 1460>");
    dropped(&s, TCP_TIME_WAIT);
    sends_nothing(&s);
}

/* ---- the table
 * ----------------------------------------------------------------------------------- */

static void close_port(struct script *s, uint16_t port)
{
    from_port(s, port);
    call_connect(s);
    sends(s, "100:100 SYN");
    arrives(s, "300:300 SYN ack 101 <mss 1460>");
    sends(s, "101:101 ack 301");
    close_actively(s);
}

static void three(struct sl_tcp_config *config)
{
    config->time_wait_max = 3;
    config->connections_max = 4;
}

Test(timewait, the_oldest_gives_way) /* D3, trap 19 */
{
    struct script s = closed(.tune = three);

    for (uint16_t port = 1; port <= 3; port++)
        close_port(&s, port);
    counted(&s, TIME_WAIT_EVICTED, 0);
    from_port(&s, 1);
    arrives(&s, "301:301 FIN ack 102"); /* its time begins anew: now it is the youngest */
    sends(&s, "102:102 ack 302");
    close_port(&s, 4);
    counted(&s, TIME_WAIT_EVICTED, 1);
    cr_assert_eq(s.tcp->n_time_wait, 3);
    from_port(&s, 1);
    arrives(&s, "301:301 FIN ack 102");
    sends(&s, "102:102 ack 302");
    from_port(&s, 2);
    arrives(&s, "301:301 FIN ack 102");
    dropped(&s, TCP_NO_SOCKET);
    script_skip(&s);
}

static void four_at_all(struct sl_tcp_config *config)
{
    config->connections_max = 4;
}

Test(timewait, makes_room_for_the_living) /* time spent waiting refuses nobody */
{
    struct script s = closed(.tune = four_at_all);

    for (uint16_t port = 1; port <= 4; port++)
        close_port(&s, port);
    from_port(&s, 5);
    call_connect(&s);
    cr_assert_not_null(s.tcb);
    counted(&s, TIME_WAIT_EVICTED, 1);
    cr_assert_eq(sl_tcp_connections(s.tcp), 4);
}

Test(timewait, unread_data_outlives_it) /* T9293-35 */
{
    struct script s = established();

    call_shutdown(&s);
    sends(&s, "101:101 FIN ack 301");
    arrives(&s, "301:401 FIN ack 102");
    in_state(&s, SL_TCP_TIME_WAIT);
    told(&s, SL_TCP_EV_READABLE | SL_TCP_EV_EOF | SL_TCP_EV_CLOSED);
    at(&s, 60001);
    in_state(&s, SL_TCP_CLOSED);
    told_nothing(&s); /* T9293-32 */
    reads(&s, 100);
    reads_eof(&s);
}

Test(timewait, a_close_in_it_changes_nothing) /* 3.10.4 */
{
    struct script s = established();

    call_shutdown(&s);
    sends(&s, "101:101 FIN ack 301");
    arrives(&s, "301:401 FIN ack 102");
    sends(&s, "102:102 ack 402");
    call_close(&s); /* unread data, too: the peer is done */
    sends_nothing(&s);
    in_state(&s, SL_TCP_TIME_WAIT);
}

Test(timewait, an_abort_ends_it_without_a_segment) /* T9293-33 */
{
    struct script s = established();

    call_shutdown(&s);
    sends(&s, "101:101 FIN ack 301");
    arrives(&s, "301:301 FIN ack 102");
    sends(&s, "102:102 ack 302");
    call_abort(&s);
    in_state(&s, SL_TCP_CLOSED);
    sends_nothing(&s);
    cr_assert_eq(sl_tcp_connections(s.tcp), 0);
}

Test(timewait, an_abort_resets_who_waits_for_its_fin_to_be_acknowledged)
{
    struct script s = established();

    call_shutdown(&s);
    sends(&s, "101:101 FIN ack 301");
    arrives(&s, "301:301 ack 102");
    arrives(&s, "301:304 FIN ack 102");
    in_state(&s, SL_TCP_TIME_WAIT);
    call_abort(&s);
    sends(&s, "102:102 RST ack 305");
    sends_nothing(&s);
    in_state(&s, SL_TCP_CLOSED);
    cr_assert_eq(sl_tcp_connections(s.tcp), 0);
}
