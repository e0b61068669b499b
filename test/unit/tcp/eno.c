/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/invariant.h"
#include "script.h"
#include "unit/tcpcrypt/toy_tep.h"

/* TCP's part of ENO: what segments carry, when it is decided, and that no plaintext passes. */
TestSuite(eno, .fini = script_over);

static const struct sl_tep_config tep_config = {.kex_timeout_ns = UINT64_C(10000000000)};

/* Our SYN says "7e"; a SYN-ACK of ours, or of the peer, "017e" (b = 1). */
static const struct sl_eno_policy policy = {
    .enabled = true, .n_teps = 1, .teps = {&toy_tep}, .config = &tep_config};
static const struct sl_eno_policy policy_b = {
    .enabled = true, .self_b = true, .n_teps = 1, .teps = {&toy_tep}, .config = &tep_config};

static struct sl_tcb_facts facts(const struct script *s)
{
    struct sl_tcb_facts f;

    sl_tcb_facts(s->tcb, &f);
    return f;
}

static void is_encrypted(const struct script *s, enum sl_tep_role role)
{
    const struct sl_tcb_facts f = facts(s);

    cr_assert(f.encrypted);
    cr_assert_not(f.negotiating);
    cr_assert_eq(f.role, role);
    cr_assert_eq(f.tep_byte, 0x7e);
    cr_assert_eq(f.fallback, SL_ENO_FALLBACK_NONE);
}

static void fell_back(const struct script *s, enum sl_eno_fallback why)
{
    const struct sl_tcb_facts f = facts(s);

    cr_assert_not(f.encrypted);
    cr_assert_not(f.negotiating);
    cr_assert_eq(f.fallback, why, "%s", sl_eno_fallback_name(f.fallback));
}

/* ---- active
 * -------------------------------------------------------------------------------------- */

Test(eno, actively) /* R22, R26, R48 */
{
    struct script s = closed(.eno = &policy);

    call_connect(&s);
    sends(&s, "100:100 SYN <mss 1460, eno 7e>");
    arrives(&s, "300:300 SYN ack 101 <mss 1460, eno 017e>");
    in_state(&s, SL_TCP_ESTABLISHED);
    cr_assert(facts(&s).negotiating); /* our ACK has to go out first */
    sends(&s, "101:101 ack 301 <eno>");
    is_encrypted(&s, SL_TEP_ROLE_A);
    told(&s, SL_TCP_EV_CONNECTED | SL_TCP_EV_WRITABLE);
    counted(&s, ENO_NEGOTIATED, 1);
    counted(&s, ENO_FALLBACK, 0);
    sends(&s, "101:121 PSH ack 301 <eno>"); /* the TEP's first message */
    sends_nothing(&s);
}

Test(eno, the_option_goes_on_until_a_segment_without_syn_comes) /* R22, trap 1 */
{
    struct script s = closed(.eno = &policy);

    call_connect(&s);
    sends(&s, "100:100 SYN <eno 7e>");
    arrives(&s, "300:300 SYN ack 101 <mss 1460, eno 017e>");
    sends(&s, "101:101 ack 301 <eno>");
    sends(&s, "101:121 ack 301 <eno>");
    after(&s, 300);
    sends(&s, "101:121 ack 301 <eno>"); /* lost, and sent again */
    arrives(&s, "300:300 SYN ack 101 <mss 1460, eno 017e>");
    sends(&s, "121:121 ack 301 <eno>"); /* a SYN-ACK is not it */
    arrives(&s, "301:301 ack 121 <eno>");
    cr_assert_null(s.tcb->syn);
    arrives(&s, "300:300 SYN ack 101 <mss 1460, eno 017e>");
    after(&s, 1000);
    arrives(&s, "300:300 SYN ack 101 <mss 1460, eno 017e>");
    sends(&s, "121:121 ack 301 <noeno>");
    is_encrypted(&s, SL_TEP_ROLE_A);
}

Test(eno, no_plaintext_passes) /* R26: neither out ... */
{
    struct script s = closed(.eno = &policy);

    call_connect(&s);
    cr_assert_eq(call_send(&s, 500), 500);
    sends(&s, "100:100 SYN <eno 7e>");
    arrives(&s, "300:300 SYN ack 101 <mss 1460, eno 017e>");
    sends(&s, "101:101 ack 301 <eno>");
    sends(&s, "101:121 ack 301 <eno>"); /* no data before there are keys */
    cr_assert_eq(call_send(&s, 500), 500);
    arrives(&s, "301:301 ack 121 <eno>");
    sends_nothing(&s);
    arrives(&s, "301:401 ack 121"); /* ... nor in: this is nothing that the TEP knows */
    iterate(&s);
    in_state(&s, SL_TCP_CLOSED);
    cr_assert_eq(sl_tcb_error(s.tcb), SL_TCP_KEX_FAILED);
    script_skip(&s);
    reads_error(&s, sl_tcp_error_errno(SL_TCP_KEX_FAILED));
}

Test(eno, data_that_overtakes_our_ack_waits) /* R26: nothing is taken before it is decided */
{
    struct script s = closed(.eno = &policy);

    call_connect(&s);
    sends(&s, "100:100 SYN <eno 7e>");
    arrives(&s, "300:300 SYN ack 101 <mss 1460, eno 017e>");
    arrives(&s, "301:401 FIN ack 101 <eno>"); /* in the same burst */
    dropped(&s, TCP_ENO_PLAINTEXT);
    sends(&s, "101:101 ack 301 <eno>");
    is_encrypted(&s, SL_TEP_ROLE_A);
    reads_nothing(&s);
}

/* SYN-ACKs that lead to plain TCP. */
static const struct {
    const char *story, *syn_ack;
    enum sl_eno_fallback why;
} plain[] = {
    {"no option (R23)", "300:300 SYN ack 101 <mss 1460>", SL_ENO_FALLBACK_NO_ENO},
    {"two (R3)", "300:300 SYN ack 101 <eno 017e, eno 017e>", SL_ENO_FALLBACK_NO_ENO},
    {"ill-formed (R10)", "300:300 SYN ack 101 <eno 0183>", SL_ENO_FALLBACK_MALFORMED},
    {"our own, mirrored (R16, trap 4)", "300:300 SYN ack 101 <eno 7e>", SL_ENO_FALLBACK_SAME_ROLE},
    {"a TEP that we have not (R20)", "300:300 SYN ack 101 <eno 0123>",
     SL_ENO_FALLBACK_NO_COMMON_TEP},
    {"none at all (R11)", "300:300 SYN ack 101 <eno 01>", SL_ENO_FALLBACK_NO_COMMON_TEP},
};

Test(eno, falls_back_actively) /* R3, R10, R16, R23, R24 */
{
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        struct script s = closed(.eno = &policy);

        call_connect(&s);
        call_send(&s, 10);
        sends(&s, "100:100 SYN <eno 7e>");
        arrives(&s, plain[i].syn_ack);
        accepted(&s);
        fell_back(&s, plain[i].why);
        told(&s, SL_TCP_EV_CONNECTED | SL_TCP_EV_WRITABLE);
        sends(&s, "101:111 ack 301 <noeno>"); /* R23 */
        cr_assert_null(s.tcb->syn, "%s", plain[i].story);
        arrives(&s, "301:311 ack 111");
        reads(&s, 10);
        counted(&s, ENO_FALLBACK, 1);
        counted(&s, ENO_NEGOTIATED, 0);
        script_over();
    }
}

Test(eno, actively_and_required) /* policy: no plain TCP */
{
    struct script s = closed(.eno = &policy, .require_encryption = true);

    call_connect(&s);
    call_send(&s, 10);
    sends(&s, "100:100 SYN <eno 7e>");
    arrives(&s, "300:300 SYN ack 101 <mss 1460>");
    dropped(&s, TCP_ENO_PLAINTEXT);
    sends(&s, "101:101 RST ack 301");
    in_state(&s, SL_TCP_CLOSED);
    told(&s, SL_TCP_EV_ERROR);
    cr_assert_eq(sl_tcb_error(s.tcb), SL_TCP_NO_ENCRYPTION);
    reads_error(&s, sl_tcp_error_errno(SL_TCP_NO_ENCRYPTION));
}

Test(eno, required_and_switched_off_cannot_be) /* policy */
{
    struct script s = closed(.require_encryption = true);

    call_connect(&s);
    sends(&s, "100:100 SYN <noeno>");
    arrives(&s, "300:300 SYN ack 101 <mss 1460>");
    dropped(&s, TCP_ENO_PLAINTEXT);
    cr_assert_eq(sl_tcb_error(s.tcb), SL_TCP_NO_ENCRYPTION);
}

static bool no_entropy(struct sl_random *r, void *out, size_t n)
{
    (void)r;
    memset(out, 0, n);
    return false;
}

Test(eno, without_randomness_there_is_no_option) /* R13, R60 */
{
    struct script s = closed(.eno = &policy);
    struct sl_random poor = {.fill = no_entropy};

    s.tcp->host.secrets = &poor;
    call_connect(&s);
    sends(&s, "100:100 SYN <noeno>");
    arrives(&s, "300:300 SYN ack 101 <mss 1460, eno 017e>");
    sends(&s, "101:101 ack 301 <noeno>");
    fell_back(&s, SL_ENO_FALLBACK_DISABLED);
    counted(&s, ENO_FALLBACK, 0); /* it was never tried */
    call_abort(&s);
    call_listen(&s);
    from_port(&s, 40001);
    arrives(&s, "300:300 SYN <mss 1460, eno 7e>");
    script_skip(&s);
    cr_assert_eq(SL_CONTAINER(s.listener->half_open.next, struct sl_tcb_syn, link)->eno.state,
                 SL_ENO_DISABLED);
}

/* ---- passive
 * ------------------------------------------------------------------------------------- */

static struct script answered(bool required)
{
    struct script s = closed(.eno = &policy, .require_encryption = required);

    call_listen(&s);
    arrives(&s, "300:300 SYN <mss 1460, eno 7e>");
    sends(&s, "100:100 SYN ack 301 <mss 1460, eno 017e>"); /* R14, R19, R28 */
    return s;
}

Test(eno, passively) /* R22, R26 */
{
    struct script s = answered(false);

    arrives(&s, "301:301 ack 101 <eno>");
    accepted(&s);
    cr_assert(call_accept(&s));
    is_encrypted(&s, SL_TEP_ROLE_B);
    cr_assert_null(s.tcb->syn); /* a segment without SYN came: no more options */
    counted(&s, ENO_NEGOTIATED, 1);
    call_send(&s, 10);
    sends_nothing(&s); /* no key yet */
}

Test(eno, the_bare_ack_is_lost_and_data_is_the_first_ack_segment) /* trap 1 */
{
    struct script s = answered(false);

    arrives(&s, "301:321 PSH ack 101 <eno>");
    cr_assert(call_accept(&s));
    is_encrypted(&s, SL_TEP_ROLE_B);
    reads_nothing(&s); /* it is the TEP's */
}

Test(eno, several_options_in_a_segment_without_syn_are_one) /* R4 */
{
    struct script s = answered(false);

    arrives(&s, "301:301 ack 101 <eno 0102, eno>");
    cr_assert(call_accept(&s));
    is_encrypted(&s, SL_TEP_ROLE_B);
}

Test(eno, the_first_ack_segment_has_none) /* R23 */
{
    struct script s = answered(false);

    arrives(&s, "301:311 ack 101");
    accepted(&s);
    cr_assert(call_accept(&s));
    fell_back(&s, SL_ENO_FALLBACK_NO_ACK_ENO);
    reads(&s, 10);
    sends(&s, "101:101 ack 311 <noeno>");
    arrives(&s, "311:321 ack 101 <eno>"); /* too late */
    reads(&s, 10);
    counted(&s, ENO_FALLBACK, 1);
    call_send(&s, 10);
    sends(&s, "101:111 ack 321 <noeno>");
}

Test(eno, an_unacceptable_segment_decides_nothing) /* R23: of acceptable ones */
{
    struct script s = answered(false);

    arrives(&s, "301:301 ack 999");
    dropped(&s, TCP_ACK_RANGE);
    arrives(&s, "299:300 ack 101");
    dropped(&s, TCP_SEQUENCE);
    script_skip(&s);
    arrives(&s, "301:301 ack 101 <eno>");
    cr_assert(call_accept(&s));
    is_encrypted(&s, SL_TEP_ROLE_B);
}

Test(eno, a_repeated_syn_without_it_disables) /* R23, R25, trap 3 */
{
    struct script s = answered(false);

    after(&s, 600);
    arrives(&s, "300:300 SYN <mss 1460>");
    sends(&s, "100:100 SYN ack 301 <noeno>");
    arrives(&s, "301:301 ack 101");
    cr_assert(call_accept(&s));
    fell_back(&s, SL_ENO_FALLBACK_NO_ENO);
}

Test(eno, a_repeated_syn_gets_the_same_option) /* R25, D36 */
{
    struct script s = answered(false);

    after(&s, 600);
    arrives(&s, "300:300 SYN <mss 1460, eno 7e>");
    sends(&s, "100:100 SYN ack 301 <eno 017e>");
    arrives(&s, "301:301 ack 101 <eno>");
    cr_assert(call_accept(&s));
    is_encrypted(&s, SL_TEP_ROLE_B);
}

Test(eno, a_full_accept_queue_puts_the_decision_off) /* D46 with R22 */
{
    struct script s = closed(.eno = &policy, .backlog = 1);

    call_listen(&s);
    from_port(&s, 1);
    arrives(&s, "300:300 SYN <mss 1460, eno 7e>");
    script_skip(&s);
    arrives(&s, "301:301 ack 101 <eno>");
    from_port(&s, 2);
    arrives(&s, "300:300 SYN <mss 1460, eno 7e>");
    script_skip(&s);
    arrives(&s, "301:301 ack 101 <eno>");
    dropped(&s, TCP_ACCEPT_QUEUE);
    cr_assert(call_accept(&s));
    arrives(&s, "301:321 ack 101 <eno>");
    accepted(&s);
    cr_assert(call_accept(&s));
    is_encrypted(&s, SL_TEP_ROLE_B);
}

Test(eno, a_syn_without_it_gets_an_answer_without_it) /* R12, R23 */
{
    struct script s = closed(.eno = &policy);

    call_listen(&s);
    arrives(&s, "300:300 SYN <mss 1460>");
    sends(&s, "100:100 SYN ack 301 <noeno>");
    arrives(&s, "301:301 ack 101");
    cr_assert(call_accept(&s));
    fell_back(&s, SL_ENO_FALLBACK_NO_ENO);
}

Test(eno, data_of_a_syn_is_discarded_and_not_acknowledged) /* R29, R31, R32 */
{
    struct script s = closed(.eno = &policy);

    call_listen(&s);
    arrives(&s, "300:340 SYN <mss 1460, eno 7e>");
    dropped(&s, TCP_SYN_DATA);
    sends(&s, "100:100 SYN ack 301 <eno 017e>");
    arrives(&s, "301:301 ack 101 <eno>");
    cr_assert(call_accept(&s));
    is_encrypted(&s, SL_TEP_ROLE_B);
    reads_nothing(&s);
}

Test(eno, data_of_a_syn_is_discarded_though_eno_is_off) /* R31: "even when ENO is switched off" */
{
    struct script s = closed();

    call_listen(&s);
    arrives(&s, "300:340 SYN <mss 1460, eno 7e>");
    dropped(&s, TCP_SYN_DATA);
    sends(&s, "100:100 SYN ack 301 <noeno>");
    arrives(&s, "301:301 ack 101");
    cr_assert(call_accept(&s));
    fell_back(&s, SL_ENO_FALLBACK_DISABLED);
    reads_nothing(&s);
}

Test(eno, passively_and_required_a_plain_syn_is_refused) /* policy */
{
    struct script s = closed(.eno = &policy, .require_encryption = true);

    call_listen(&s);
    arrives(&s, "300:300 SYN <mss 1460>");
    dropped(&s, TCP_ENO_PLAINTEXT);
    sends(&s, "0:0 RST ack 301");
    cr_assert_eq(script_flows(&s), 0);
    arrives(&s, "300:300 SYN <mss 1460, eno 0123>"); /* it is B who sets b */
    dropped(&s, TCP_ENO_PLAINTEXT);
    sends(&s, "0:0 RST ack 301");
}

Test(eno, passively_and_required_a_plain_ack_is_reset) /* policy */
{
    struct script s = answered(true);

    arrives(&s, "301:311 ack 101");
    dropped(&s, TCP_ENO_PLAINTEXT);
    sends(&s, "101:101 RST ack 301");
    cr_assert_eq(script_flows(&s), 0);
    cr_assert(call_accept(&s)); /* to learn why */
    cr_assert_eq(sl_tcb_error(s.tcb), SL_TCP_NO_ENCRYPTION);
    reads_error(&s, sl_tcp_error_errno(SL_TCP_NO_ENCRYPTION));
}

#ifdef SL_CHECKED
Test(eno, without_memory_for_the_tep_the_connection_is_reset)
{
    struct script s = answered(false);

    sl_fault_arm("crypt_begin", 1);
    arrives(&s, "301:301 ack 101 <eno>");
    sends(&s, "101:101 RST ack 301");
    cr_assert_eq(script_flows(&s), 0);
    cr_assert(call_accept(&s));
    cr_assert_eq(sl_tcb_error(s.tcb), SL_TCP_NO_BUFFERS);
}
#endif

/* ---- crossing SYNs
 * ------------------------------------------------------------------------------- */

Test(eno, simultaneously) /* R16, R25, MUST-10 */
{
    struct script s = closed(.eno = &policy);

    call_connect(&s);
    sends(&s, "100:100 SYN <eno 7e>");
    arrives(&s, "300:300 SYN <mss 1460, eno 017e>");
    sends(&s, "100:100 SYN ack 301 <eno 7e>"); /* the same */
    arrives(&s, "300:300 SYN ack 101 <mss 1460, eno 017e>");
    in_state(&s, SL_TCP_ESTABLISHED);
    is_encrypted(&s, SL_TEP_ROLE_A);
    told(&s, SL_TCP_EV_CONNECTED | SL_TCP_EV_WRITABLE);
    sends(&s, "101:121 PSH ack 301 <eno>");
}

Test(eno, simultaneously_in_one_burst) /* our SYN-ACK had no time to leave */
{
    struct script s = closed(.eno = &policy);

    call_connect(&s);
    sends(&s, "100:100 SYN <eno 7e>");
    arrives(&s, "300:300 SYN <mss 1460, eno 017e>");
    arrives(&s, "301:301 ack 101 <eno>");
    in_state(&s, SL_TCP_ESTABLISHED);
    sends(&s, "101:101 ack 301 <eno>");
    is_encrypted(&s, SL_TEP_ROLE_A);
    told(&s, SL_TCP_EV_CONNECTED | SL_TCP_EV_WRITABLE);
}

Test(eno, simultaneously_as_b) /* R15, R16 */
{
    struct script s = closed(.eno = &policy_b);

    call_connect(&s);
    sends(&s, "100:100 SYN <eno 017e>");
    arrives(&s, "300:300 SYN <mss 1460, eno 7e>");
    sends(&s, "100:100 SYN ack 301 <eno 017e>");
    arrives(&s, "301:301 ack 101 <eno>"); /* the peer had our SYN-ACK first */
    is_encrypted(&s, SL_TEP_ROLE_B);
}

Test(eno, simultaneously_with_equal_roles) /* R16: no tie-break; R25's second exception */
{
    struct script s = closed(.eno = &policy);

    call_connect(&s);
    sends(&s, "100:100 SYN <eno 7e>");
    arrives(&s, "300:300 SYN <mss 1460, eno 7e>");
    sends(&s, "100:100 SYN ack 301 <noeno>");
    arrives(&s, "300:300 SYN ack 101 <mss 1460>");
    fell_back(&s, SL_ENO_FALLBACK_SAME_ROLE);
}

/* ---- encrypted
 * ----------------------------------------------------------------------------------- */

Test(eno, the_urgent_pointer_of_an_encrypted_connection_is_nobodys_word) /* R41 */
{
    struct script s = answered(false);

    arrives(&s, "301:301 URG ack 101 urg 50 <eno>");
    cr_assert(call_accept(&s));
    is_encrypted(&s, SL_TEP_ROLE_B);
    cr_assert_not(s.tcb->urgent);
}

Test(eno, a_fin_alone_is_no_end_of_stream) /* R77, R78: it waits, unacknowledged */
{
    struct script s = answered(false);

    arrives(&s, "301:301 ack 101 <eno>");
    cr_assert(call_accept(&s));
    arrives(&s, "301:301 FIN ack 101");
    in_state(&s, SL_TCP_ESTABLISHED);
    reads_nothing(&s);
    cr_assert_eq(s.tcb->rcv_nxt, 301);
}

Test(eno, the_window_of_an_encrypted_connection_holds_a_frame) /* A15 */
{
    struct script s = closed(.eno = &policy, .rcvbuf_bytes = 4000, .scale = true);

    call_listen(&s);
    arrives(&s, "300:300 SYN <mss 1460, ws 0, eno 7e>");
    sends(&s, "100:100 SYN ack 301 <eno 017e>");
    arrives(&s, "301:301 ack 101 <eno>");
    cr_assert(call_accept(&s));
    is_encrypted(&s, SL_TEP_ROLE_B);
    cr_assert_geq(sl_tcb_rcv_wnd(s.tcb), 65538 + 1460);
}
