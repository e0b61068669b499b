/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "tcp/tcb.h"

/*
 * The two windows: what we announce, and what the peer's and congestion control let us send.
 * Pure functions of the TCB.
 */

/* What the peer's window leaves from `at` on; it may have shrunk to before it (MUST-34). */
static inline uint32_t sl_window_usable(const struct sl_tcb *tcb, sl_seq at)
{
    const sl_seq edge = tcb->snd_una + tcb->snd_wnd;

    return sl_seq_gt(edge, at) ? edge - at : 0;
}

/* T5681-1, RFC 6582's inflation and limited transmit included; one segment may always fly. */
static inline bool sl_window_cwnd_allows(const struct sl_tcb *tcb, uint32_t flight, uint32_t len)
{
    return flight == 0 || flight + len <= tcb->cc.cwnd + tcb->inflate_bytes;
}

/* First byte behind what is cut. */
sl_seq sl_window_cut_end(const struct sl_tcb *tcb);

/*
 * The field of a segment without SYN, and the edge that it stands for. It is rounded down, but for
 * where the edge would step back by that (SHLD-14): then up, as long as this is at most one unit
 * more than there is room for. Beyond, small segments would keep a full buffer's window open for
 * ever; there RFC 7323 2.4 has the sender bear with the step.
 */
uint16_t sl_window_field(const struct sl_tcb *tcb, sl_seq *edge);
