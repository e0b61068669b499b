/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <rte_mbuf.h>

#include "base/drop.h"
#include "net/addr.h"
#include "net/net.h"
#include "tcp/options.h"

/*
 * One received segment, parsed: what TCP's event processing works on. The reader checks every
 * length and trims `m` to the payload; it decides nothing.
 */
enum {
    SL_TCP_FIN = 0x01,
    SL_TCP_SYN = 0x02,
    SL_TCP_RST = 0x04,
    SL_TCP_PSH = 0x08,
    SL_TCP_ACK = 0x10,
    SL_TCP_URG = 0x20,
    SL_TCP_ECE = 0x40,
    SL_TCP_CWR = 0x80,
};

struct sl_seg {
    struct rte_mbuf *m; /* the payload: whoever takes it sets NULL; what is left is freed */
    sl_seq seq, ack;
    uint32_t len; /* payload bytes */
    uint16_t wnd; /* as on the wire */
    uint16_t urgent;
    uint16_t local_port, remote_port; /* network order */
    uint8_t flags;
    uint8_t tos; /* with the ECN bits */
    uint8_t ttl;
    struct sl_addr local, remote;
    uint16_t port; /* of the network floor */
    struct sl_tcp_options o;
};

/*
 * Parse the TCP header at the start of `m`, which begins there and holds the segment. Takes `m`
 * into `seg->m` in every case. SL_DROP_NONE, SL_DROP_TCP_SHORT, SL_DROP_TCP_OPTION_LENGTH.
 * (`seg->o.eno` points into the mbuf's header, which stays as long as the mbuf does.)
 */
enum sl_drop sl_seg_read(struct rte_mbuf *m, const struct sl_net_meta *meta, struct sl_seg *seg);

/* Sequence numbers that it occupies: payload, SYN and FIN. */
static inline uint32_t sl_seg_len(const struct sl_seg *s)
{
    return s->len + ((s->flags & SL_TCP_SYN) != 0) + ((s->flags & SL_TCP_FIN) != 0);
}
