/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/tcb.h"

/* SEGMENT ARRIVES in SYN-SENT: RFC 9293 3.10.7.3, whose order this follows. */

static enum sl_drop check_ack(struct sl_tcb *tcb, const struct sl_seg *seg, uint64_t now_ns)
{
    if (!(seg->flags & SL_TCP_ACK) ||
        (sl_seq_gt(seg->ack, tcb->iss) && sl_seq_leq(seg->ack, tcb->snd_nxt)))
        return SL_DROP_NONE;
    sl_output_rst_for(tcb->tcp, seg, now_ns); /* T9293-10; none to a RST */
    return SL_DROP_TCP_SYN_SENT_STATE;
}

/* Payload, and a FIN, of a SYN: neither processed nor acknowledged (T9293-14, R31, R32). */
static enum sl_drop rest_of_syn(const struct sl_seg *seg)
{
    return seg->len > 0 ? SL_DROP_TCP_SYN_DATA : SL_DROP_NONE;
}

/* Our SYN is acknowledged: ESTABLISHED (T9293-12). */
static enum sl_drop take_syn_ack(struct sl_tcb *tcb, const struct sl_seg *seg, uint64_t now_ns)
{
    sl_ack_take(tcb, seg, now_ns);
    sl_handshake_done(tcb, now_ns);
    tcb->ack_now = true;
    sl_tcb_wants_output(tcb);
    sl_tcb_eno_settle(tcb, now_ns); /* a fall-back is known now; else our ACK settles it */
    if (tcb->state == SL_TCP_CLOSED && tcb->error == SL_TCP_NO_ENCRYPTION)
        return SL_DROP_TCP_ENO_PLAINTEXT;
    return rest_of_syn(seg);
}

/* The SYNs crossed: SYN-RECEIVED, and a SYN-ACK with the same ISS (MUST-10). */
static enum sl_drop cross(struct sl_tcb *tcb, const struct sl_seg *seg)
{
    sl_tcb_enter(tcb, SL_TCP_SYN_RECEIVED);
    tcb->syn->send_now = true;
    sl_tcb_wants_output(tcb);
    return rest_of_syn(seg);
}

enum sl_drop sl_syn_sent_segment(struct sl_tcb *tcb, struct sl_seg *seg, uint64_t now_ns)
{
    const enum sl_drop drop = check_ack(tcb, seg, now_ns); /* first */

    if (drop != SL_DROP_NONE)
        return drop;
    if (seg->flags & SL_TCP_RST) { /* second: T5961-4 */
        if (!(seg->flags & SL_TCP_ACK))
            return SL_DROP_TCP_SYN_SENT_STATE;
        sl_tcb_end(tcb, SL_TCP_REFUSED);
        return SL_DROP_NONE;
    }
    if (!(seg->flags & SL_TCP_SYN)) /* fifth: T9293-13 */
        return SL_DROP_TCP_SYN_SENT_STATE;

    const struct sl_eno_seen seen = sl_handshake_eno_seen(seg);

    tcb->last_rcv_ns = now_ns;
    sl_handshake_take_syn(tcb, seg, now_ns); /* fourth */
    sl_eno_syn_received(&tcb->syn->eno, &seen);
    return seg->flags & SL_TCP_ACK ? take_syn_ack(tcb, seg, now_ns) : cross(tcb, seg);
}
