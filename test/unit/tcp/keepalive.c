/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include <criterion/criterion.h>

#include "script.h"

/* RFC 9293 3.8.4, reading D5. */
TestSuite(keepalive, .fini = script_over);

Test(keepalive, off_by_default) /* MUST-25 */
{
    struct script s = established();

    at(&s, 100000000);
    sends_nothing(&s);
    in_state(&s, SL_TCP_ESTABLISHED);
}

Test(keepalive, probes_and_gives_up) /* MUST-24, -28, -29, SHLD-12, D5: 2 h, then 9 times 75 s */
{
    struct script s = established(.keepalive = true);
    int i;

    at(&s, 7199999);
    sends_nothing(&s);
    for (i = 0; i < 9; i++) {
        at(&s, 7200000 + 75000 * (uint64_t)i);
        sends(&s, "100:100 ack 301");
        sent_at(&s, 7200000 + 75000 * (uint64_t)i);
        in_state(&s, SL_TCP_ESTABLISHED);
    }
    counted(&s, KEEPALIVE_PROBES, 9);
    at(&s, 7874999);
    in_state(&s, SL_TCP_ESTABLISHED);
    at(&s, 7875000);
    in_state(&s, SL_TCP_CLOSED);
    told(&s, SL_TCP_EV_ERROR);
    reads_error(&s, ETIMEDOUT);
}

Test(keepalive, an_answer_is_life) /* MUST-29 */
{
    struct script s = established(.keepalive = true);

    at(&s, 7200000);
    sends(&s, "100:100 ack 301");
    at(&s, 7275000);
    sends(&s, "100:100 ack 301");
    arrives(&s, "301:301 ack 101");
    at(&s, 7275000 + 7199999);
    sends_nothing(&s);
    at(&s, 7275000 + 7200000);
    sends(&s, "100:100 ack 301");
}

Test(keepalive, what_arrives_puts_it_off) /* MUST-26 */
{
    struct script s = established(.keepalive = true);

    at(&s, 5000000);
    arrives(&s, "301:401 ack 101");
    script_skip(&s);
    at(&s, 5000000 + 7199999);
    sends_nothing(&s);
    at(&s, 5000000 + 7200000);
    sends(&s, "100:100 ack 401");
}

static void quick(struct sl_tcp_config *c)
{
    c->keepalive_idle_ns = UINT64_C(1000000000);
    c->keepalive_interval_ns = UINT64_C(100000000);
    c->keepalive_probes = 2;
}

Test(keepalive, not_while_data_is_in_flight) /* MUST-26 */
{
    struct script s = established(.keepalive = true, .tune = quick);

    at(&s, 900);
    call_send(&s, 100);
    at(&s, 2400);
    counted(&s, KEEPALIVE_PROBES, 0);
    in_state(&s, SL_TCP_ESTABLISHED);
    script_skip(&s);
    arrives(&s, "301:301 ack 201");
    at(&s, 3399);
    sends_nothing(&s);
    at(&s, 3400);
    sends(&s, "200:200 ack 301");
}

Test(keepalive, configurable) /* MUST-27 */
{
    struct script s = established(.keepalive = true, .tune = quick);

    at(&s, 1000);
    sends(&s, "100:100 ack 301");
    at(&s, 1100);
    sends(&s, "100:100 ack 301");
    at(&s, 1200);
    in_state(&s, SL_TCP_CLOSED);
}

Test(keepalive, switched_on_and_off_in_mid_connection) /* MUST-24 */
{
    struct script s = established(.tune = quick);
    struct sl_tcp_options_set set = script_options(&s);

    at(&s, 5000);
    set.keepalive = true;
    sl_tcb_set_options(s.tcp, s.tcb, &set, script_now_ns(&s));
    sends(&s, "100:100 ack 301"); /* it was idle for long */
    set.keepalive = false;
    sl_tcb_set_options(s.tcp, s.tcb, &set, script_now_ns(&s));
    at(&s, 100000);
    sends_nothing(&s);
    in_state(&s, SL_TCP_ESTABLISHED);
}

Test(keepalive, a_reset_is_an_answer_too) /* the peer has restarted */
{
    struct script s = established(.keepalive = true, .tune = quick);

    at(&s, 1000);
    sends(&s, "100:100 ack 301");
    arrives(&s, "301:301 RST");
    in_state(&s, SL_TCP_CLOSED);
    reads_error(&s, ECONNRESET);
}
