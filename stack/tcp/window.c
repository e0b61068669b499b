/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/window.h"

#include <rte_common.h>

#include "tcp/crypt.h"

enum {
    FRAME_MAX_BYTES = 65538, /* A15 */
    WINDOW_FIELD_MAX = 65535,
    WSCALE_MAX = 14,
};

uint8_t sl_output_wscale(uint32_t rcvbuf_bytes)
{
    uint8_t shift = 0;

    while (shift < WSCALE_MAX && (uint32_t)WINDOW_FIELD_MAX << shift < rcvbuf_bytes)
        shift++;
    return shift;
}

static uint32_t rcv_buffer(const struct sl_tcb *tcb)
{
    /* A frame that does not fit could never be completed (A15). */
    return tcb->encrypting ? RTE_MAX(tcb->rcvbuf_bytes, (uint32_t)FRAME_MAX_BYTES + tcb->mss_bytes)
                           : tcb->rcvbuf_bytes;
}

/*
 * Room behind rcv_nxt, as far as a window can tell of it. What waits there out of order, or
 * unauthenticated, lies within it: were it taken off, the window of each duplicate ACK would differ
 * from the last (T5681-14). What was acknowledged and is still held back (A14 b) lies before
 * rcv_nxt.
 */
static uint32_t rcv_room(const struct sl_tcb *tcb)
{
    const uint32_t buffer = rcv_buffer(tcb), most = (uint32_t)WINDOW_FIELD_MAX << tcb->rcv_wscale;
    uint32_t used = tcb->inq.bytes;

    if (tcb->rcvq.n > 0 && sl_seq_lt(sl_rcvq_at(&tcb->rcvq, 0)->seq, tcb->rcv_nxt))
        used += tcb->rcv_nxt - sl_rcvq_at(&tcb->rcvq, 0)->seq;
    return used < buffer ? RTE_MIN(buffer - used, most) : 0;
}

/* What is left of the window that was announced last. */
static uint32_t rcv_announced(const struct sl_tcb *tcb)
{
    return sl_seq_gt(tcb->rcv_adv, tcb->rcv_nxt) ? tcb->rcv_adv - tcb->rcv_nxt : 0;
}

uint32_t sl_tcb_rcv_wnd(const struct sl_tcb *tcb)
{
    const uint32_t room = rcv_room(tcb), announced = rcv_announced(tcb);
    const uint32_t step = RTE_MIN(rcv_buffer(tcb) / 2, (uint32_t)tcb->mss_bytes);

    return room < announced + step ? announced : room; /* SHLD-14, MUST-39 */
}

uint16_t sl_window_field(const struct sl_tcb *tcb, sl_seq *edge)
{
    const uint8_t shift = tcb->rcv_wscale;
    const uint32_t announced = rcv_announced(tcb);
    uint32_t field = sl_tcb_rcv_wnd(tcb) >> shift;

    if (field << shift < announced && (field + 1) << shift <= rcv_room(tcb) + (1U << shift))
        field++;
    field = RTE_MIN(field, (uint32_t)WINDOW_FIELD_MAX);
    *edge = tcb->rcv_nxt + (field << shift);
    return (uint16_t)field;
}

sl_seq sl_window_cut_end(const struct sl_tcb *tcb)
{
    const struct sl_snd_seg *seg;

    if (tcb->sndq.n_cut == tcb->sndq.n_sent)
        return tcb->snd_nxt;
    seg = sl_sndq_at(&tcb->sndq, tcb->sndq.n_cut - 1);
    return seg->seq + seg->len + seg->fin;
}

uint32_t sl_tcb_flight(const struct sl_tcb *tcb)
{
    return tcb->snd_nxt - tcb->snd_una - tcb->lost_bytes;
}

/*
 * SHLD-7 with Minshall's amendment: what is small waits for what was small, not for all that is in
 * flight, so that the end of a large write goes at once (trap 14).
 */
static bool nagle_allows(const struct sl_tcb *tcb, sl_seq at)
{
    const struct sl_sndq *q = &tcb->sndq;

    if (tcb->nodelay || tcb->fin_queued || at == tcb->snd_una)
        return true;
    if (sl_seq_gt(tcb->small_end, tcb->snd_una))
        return false;
    return q->n_cut == q->n_sent || sl_sndq_at(q, q->n_cut - 1)->own ||
           sl_sndq_at(q, q->n_cut - 1)->len + sl_crypt_overhead(tcb) >= tcb->mss_bytes;
}

bool sl_tcb_may_cut(const struct sl_tcb *tcb, uint32_t len, bool full, bool last)
{
    const sl_seq at = sl_window_cut_end(tcb);

    if (tcb->lost_bytes > 0 || len > sl_window_usable(tcb, at) ||
        !sl_window_cwnd_allows(tcb, sl_tcb_flight(tcb) + (at - tcb->snd_nxt), len))
        return false;
    if (full || tcb->override)
        return true;
    return (last || len >= tcb->snd_wnd_max / 2) && nagle_allows(tcb, at); /* MUST-38 */
}
