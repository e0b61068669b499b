/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_common.h>

#include "base/invariant.h"
#include "tcp/crypt.h"
#include "tcp/tcb.h"

/*
 * The deadlines of connections: SL_TIMER_COUNT for each, over one entry in the wheel, which stands
 * at the earliest or before it. Moving a deadline on touches two words of the TCB; the entry then
 * fires for nothing once, and is armed anew.
 */
static const uint64_t ms_ns = 1000000, s_ns = 1000000000;

enum {
    PERSIST_MAX_S = 60,    /* D6 */
    OVERRIDE_MIN_MS = 100, /* MUST-38 */
    OVERRIDE_MAX_MS = 1000,
    ENO_TIMEOUTS = 3, /* SYNs that got lost before ENO is blamed for it (R25) */
    SHUT_PROBES_MAX = 32,
};

static enum sl_tcb_timer earliest(const struct sl_tcb *tcb)
{
    unsigned which = 0, i;

    for (i = 1; i < SL_TIMER_COUNT; i++) {
        if (tcb->due_ns[i] < tcb->due_ns[which])
            which = i;
    }
    return (enum sl_tcb_timer)which;
}

void sl_tcb_timer_set(struct sl_tcb *tcb, enum sl_tcb_timer which, uint64_t at_ns)
{
    tcb->due_ns[which] = at_ns;
    if (at_ns != SL_NEVER && (!sl_timer_is_armed(&tcb->timer) || at_ns < tcb->timer.at_ns))
        sl_wheel_arm(tcb->tcp->wheel, &tcb->timer, at_ns);
}

/* ---- retransmission and persist ---------------------------------------------------------------
 */

/* No later than the user is ready to wait (MUST-21). */
static uint64_t within_user_timeout(const struct sl_tcb *tcb, uint64_t at_ns, uint64_t now_ns)
{
    const uint64_t since_ns = tcb->stalled_since_ns > 0 ? tcb->stalled_since_ns : now_ns;

    return tcb->user_timeout_ns > 0 ? RTE_MIN(at_ns, since_ns + tcb->user_timeout_ns) : at_ns;
}

static void arm_retransmit(struct sl_tcb *tcb, uint64_t after_ns, uint64_t now_ns)
{
    sl_tcb_timer_set(tcb, SL_TIMER_RETRANSMIT, within_user_timeout(tcb, now_ns + after_ns, now_ns));
}

/* SHLD-29, SHLD-30, D6; or the time that SWS avoidance may hold data back (MUST-38). */
static uint64_t persist_interval(const struct sl_tcb *tcb)
{
    const uint64_t rto_ns = tcb->rto.rto_ns, max_ns = PERSIST_MAX_S * s_ns;

    if (sl_output_sees_window(tcb))
        return RTE_MIN(RTE_MAX(rto_ns, OVERRIDE_MIN_MS * ms_ns), OVERRIDE_MAX_MS * ms_ns);
    return rto_ns > max_ns >> tcb->shut_probes ? max_ns : rto_ns << tcb->shut_probes;
}

void sl_timers_rearm(struct sl_tcb *tcb, uint64_t now_ns)
{
    const bool in_flight = tcb->snd_una != tcb->snd_nxt;

    if (in_flight && (tcb->snd_wnd > 0 || tcb->state < SL_TCP_ESTABLISHED)) {
        tcb->persisting = false;
        arm_retransmit(tcb, sl_rto_now(&tcb->rto, &tcb->tcp->config.rto), now_ns);
        return;
    }
    if (!in_flight && !sl_output_shut_out(tcb)) {
        tcb->persisting = false;
        sl_tcb_timer_off(tcb, SL_TIMER_RETRANSMIT);
        return;
    }
    if (tcb->persisting && tcb->due_ns[SL_TIMER_RETRANSMIT] != SL_NEVER)
        return; /* answers to probes do not put off the next one */
    tcb->persisting = true;
    arm_retransmit(tcb, persist_interval(tcb), now_ns);
}

/* Too many probes without any answer (D6): the window may stay shut, the peer may not be gone. */
static bool is_gone(const struct sl_tcb *tcb, uint64_t now_ns)
{
    const uint64_t silent_ns = now_ns - tcb->stalled_since_ns;

    if (tcb->probes == 0)
        return false;
    if (tcb->user_timeout_ns > 0)
        return silent_ns >= tcb->user_timeout_ns;
    return tcb->probes > tcb->tcp->config.retries_2 && silent_ns >= 100 * s_ns;
}

static void persist_fired(struct sl_tcb *tcb, uint64_t now_ns)
{
    const bool in_flight = tcb->snd_una != tcb->snd_nxt;

    if (!in_flight && !sl_output_shut_out(tcb)) {
        tcb->persisting = false;
        sl_tcb_wants_output(tcb);
        return;
    }
    if (is_gone(tcb, now_ns)) {
        sl_tcb_end(tcb, SL_TCP_TIMEOUT); /* T9293-30 */
        return;
    }
    if (tcb->probes == 0)
        tcb->stalled_since_ns = now_ns;
    if (tcb->probes < UINT8_MAX)
        tcb->probes++;
    if (tcb->shut_probes < SHUT_PROBES_MAX)
        tcb->shut_probes++;
    arm_retransmit(tcb, persist_interval(tcb), now_ns);
    if (!in_flight && sl_output_sees_window(tcb)) {
        tcb->override = true;
        sl_tcb_wants_output(tcb);
        /* What is sent cut is sent in parts. A frame may be too large to be cut at all. */
        if (!tcb->encrypting || tcb->sndq.n_sent < tcb->sndq.n_cut)
            return;
    }
    sl_output_probe(tcb, now_ns);
}

/* MUST-22, MUST-23, D4, D9. */
static void syn_fired(struct sl_tcb *tcb, uint64_t now_ns)
{
    const struct sl_tcp_config *c = &tcb->tcp->config;
    struct sl_tcb_syn *syn = tcb->syn;
    const uint8_t retries =
        tcb->state == SL_TCP_SYN_RECEIVED && tcb->passive ? c->synack_retries : tcb->syn_retries;

    if (tcb->timeouts >= retries ||
        (tcb->user_timeout_ns > 0 && now_ns - syn->sent_ns >= tcb->user_timeout_ns)) {
        sl_tcb_end(tcb, syn->soft_error != SL_TCP_OK ? syn->soft_error : SL_TCP_TIMEOUT);
        return;
    }
    tcb->timeouts++;
    if (tcb->timeouts == c->retries_1)
        tcb->tcp->host.path(tcb->tcp->host.ctx, tcb, false);
    if (tcb->timeouts == ENO_TIMEOUTS && tcb->state == SL_TCP_SYN_SENT && !tcb->require_encryption)
        sl_eno_give_up(&syn->eno);
    syn->send_now = true;
    sl_rto_backoff(&tcb->rto);
    sl_timers_rearm(tcb, now_ns);
    sl_tcb_wants_output(tcb);
}

static void retransmit_fired(struct sl_tcb *tcb, uint64_t now_ns)
{
    if (tcb->syn != NULL && tcb->state < SL_TCP_ESTABLISHED)
        syn_fired(tcb, now_ns);
    else if (tcb->persisting)
        persist_fired(tcb, now_ns);
    else
        sl_ack_rto(tcb, now_ns);
}

/* ---- the others -------------------------------------------------------------------------------
 */

/* MUST-26, MUST-29, D5; a TEP proves more than that somebody answers (R87). */
static void keepalive_fired(struct sl_tcb *tcb, uint64_t now_ns)
{
    const uint64_t idle_until_ns = tcb->last_rcv_ns + tcb->keepalive_idle_ns;

    if (!tcb->keepalive || tcb->state < SL_TCP_ESTABLISHED || tcb->state == SL_TCP_TIME_WAIT)
        return;
    if (tcb->snd_una != tcb->snd_nxt || tcb->persisting) { /* other timers watch over these */
        sl_tcb_timer_set(tcb, SL_TIMER_KEEPALIVE, now_ns + tcb->keepalive_idle_ns);
        return;
    }
    if (idle_until_ns > now_ns) {
        sl_tcb_timer_set(tcb, SL_TIMER_KEEPALIVE, idle_until_ns);
        return;
    }
    if (tcb->probes >= tcb->keepalive_probes) {
        sl_tcb_end(tcb, SL_TCP_TIMEOUT);
        return;
    }
    tcb->probes++;
    sl_tcb_timer_set(tcb, SL_TIMER_KEEPALIVE, now_ns + tcb->keepalive_interval_ns);
    if (tcb->encrypting && sl_crypt_probe(tcb, now_ns))
        sl_count(tcb->tcp->host.counters, SL_COUNT_KEEPALIVE_PROBES);
    else
        sl_output_keepalive(tcb, now_ns);
}

/* May end the connection. */
static void dispatch(struct sl_tcb *tcb, enum sl_tcb_timer which, uint64_t now_ns)
{
    switch (which) {
    case SL_TIMER_RETRANSMIT:
        retransmit_fired(tcb, now_ns);
        return;
    case SL_TIMER_DELAYED_ACK: /* MUST-40 */
        tcb->ack_now = true;
        sl_tcb_wants_output(tcb);
        return;
    case SL_TIMER_KEEPALIVE:
        keepalive_fired(tcb, now_ns);
        return;
    case SL_TIMER_TIME_WAIT: /* T9293-32, D41 */
        sl_tcb_end(tcb, SL_TCP_OK);
        return;
    case SL_TIMER_HOLD:
    case SL_TIMER_AUTH:
    case SL_TIMER_TEP:
        sl_crypt_timer(tcb, which, now_ns);
        return;
    case SL_TIMER_COUNT:
        break;
    }
    SL_INVARIANT(false);
}

/* One deadline each time, since whatever it brings about may end the connection. */
static void fire(void *ctx, struct sl_timer *timer)
{
    struct sl_tcb *tcb = SL_CONTAINER(timer, struct sl_tcb, timer);
    const struct sl_tcp *tcp = ctx;
    const enum sl_tcb_timer which = earliest(tcb);

    if (tcb->due_ns[which] > tcp->now_ns) { /* it was moved on, or switched off */
        sl_wheel_arm(tcp->wheel, timer, tcb->due_ns[which]);
        sl_sndq_trim(&tcb->sndq); /* a while ago it was busy */
        return;
    }
    tcb->due_ns[which] = SL_NEVER;
    sl_wheel_arm(tcp->wheel, timer, tcb->due_ns[earliest(tcb)]);
    dispatch(tcb, which, tcp->now_ns);
}

void sl_tcp_timers(struct sl_tcp *tcp, unsigned budget, uint64_t now_ns)
{
    tcp->now_ns = now_ns;
    sl_wheel_advance(tcp->wheel, now_ns, budget, fire, tcp);
}

uint64_t sl_tcp_next_ns(const struct sl_tcp *tcp)
{
    return sl_wheel_next_ns(tcp->wheel);
}
