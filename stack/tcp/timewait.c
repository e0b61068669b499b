/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/crypt.h"

/*
 * TIME-WAIT (RFC 9293 3.6.1, readings D3): entering it, its bounded table, segments in it
 * (RFC 1337), and when a SYN ends it early (RFC 6191).
 */

static void restart(struct sl_tcb *tcb, uint64_t now_ns)
{
    struct sl_tcp *tcp = tcb->tcp;

    sl_list_remove(&tcb->all_link);
    sl_list_add_tail(&tcp->time_wait, &tcb->all_link);
    sl_tcb_timer_set(tcb, SL_TIMER_TIME_WAIT, now_ns + 2 * tcp->config.msl_ns); /* MUST-13 */
}

bool sl_time_wait_evict(struct sl_tcp *tcp)
{
    if (sl_list_empty(&tcp->time_wait))
        return false;
    sl_count(tcp->host.counters, SL_COUNT_TIME_WAIT_EVICTED);
    sl_tcb_end(SL_CONTAINER(tcp->time_wait.next, struct sl_tcb, all_link), SL_TCP_OK);
    return true;
}

void sl_time_wait_enter(struct sl_tcb *tcb, uint64_t now_ns)
{
    struct sl_tcp *tcp = tcb->tcp;
    int i;

    sl_tcb_enter(tcb, SL_TCP_TIME_WAIT);
    for (i = 0; i < SL_TIMER_COUNT; i++)
        sl_tcb_timer_off(tcb, (enum sl_tcb_timer)i);
    if (tcp->n_time_wait >= tcp->config.time_wait_max)
        sl_time_wait_evict(tcp);
    tcp->n_time_wait++;
    restart(tcb, now_ns);
    sl_tcb_event(tcb, SL_TCP_EV_CLOSED);
    sl_crypt_end(tcb);
    sl_tcb_release(tcb);
}

/* The peer's FIN, or a segment that ends with it, again: our ACK was lost (T9293-27). */
static bool repeats_fin(const struct sl_tcb *tcb, const struct sl_seg *seg)
{
    return (seg->flags & SL_TCP_FIN) && seg->seq + seg->len == tcb->fin_seq;
}

enum sl_drop sl_time_wait_segment(struct sl_tcb *tcb, struct sl_seg *seg, uint64_t now_ns)
{
    const enum sl_drop drop = sl_input_check_timestamp(tcb, seg, now_ns);

    if (drop != SL_DROP_NONE)
        return drop;
    /* T1337-1: no RST ends it. D3: a SYN that may not reopen it draws nothing. */
    if (seg->flags & (SL_TCP_RST | SL_TCP_SYN))
        return SL_DROP_TCP_TIME_WAIT;
    if (!(seg->flags & SL_TCP_ACK))
        return SL_DROP_TCP_NO_ACK;
    if (repeats_fin(tcb, seg) && seg->ack == tcb->snd_nxt) {
        restart(tcb, now_ns);
        tcb->ack_now = true;
        sl_tcb_wants_output(tcb);
        return SL_DROP_NONE;
    }
    if (!sl_input_is_acceptable(tcb, seg)) {
        sl_input_challenge(tcb, now_ns); /* T1337-2 */
        return SL_DROP_TCP_SEQUENCE;
    }
    if (seg->ack != tcb->snd_nxt) {
        sl_input_challenge(tcb, now_ns);
        return SL_DROP_TCP_ACK_RANGE;
    }
    return SL_DROP_TCP_TIME_WAIT; /* a pure ACK; T9293-26: text is ignored */
}

/* RFC 6191 2. The last number seen is the FIN's. */
static bool is_newer(const struct sl_tcb *tcb, const struct sl_seg *seg)
{
    const bool beyond = sl_seq_gt(seg->seq, tcb->fin_seq);

    if (!tcb->ts_on)
        return seg->o.has_ts || beyond; /* T6191-5, T6191-6 */
    if (!seg->o.has_ts)
        return beyond; /* T6191-4 */
    if (seg->o.tsval == tcb->ts_recent)
        return beyond;                              /* T6191-2 */
    return sl_seq_gt(seg->o.tsval, tcb->ts_recent); /* T6191-1, T6191-3 */
}

bool sl_tcp_time_wait_reopens(struct sl_tcp *tcp, struct sl_tcb *tcb, const struct sl_seg *seg,
                              uint64_t now_ns)
{
    const uint8_t control = SL_TCP_SYN | SL_TCP_ACK | SL_TCP_RST | SL_TCP_FIN;

    tcp->now_ns = now_ns;
    if (tcb->state != SL_TCP_TIME_WAIT || (seg->flags & control) != SL_TCP_SYN ||
        !is_newer(tcb, seg))
        return false;
    tcp->reopened.local = tcb->local;
    tcp->reopened.remote = tcb->remote;
    tcp->reopened.local_port = tcb->local_port;
    tcp->reopened.remote_port = tcb->remote_port;
    tcp->reopened.snd_nxt = tcb->snd_nxt;
    tcp->reopened.valid = true;
    sl_tcb_end(tcb, SL_TCP_OK);
    return true;
}
