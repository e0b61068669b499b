/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/tcb.h"

/* CLOSED (RFC 9293 3.10.7.1): segments that belong to nobody, and addresses that may be nobody's.
 */

enum { MULTICAST6 = 0xff, MULTICAST4_FIRST = 224 }; /* and class E, and the broadcast address */

bool sl_closed_is_group(const struct sl_addr *a)
{
    if (sl_addr_is_any(a))
        return true;
    if (!sl_addr_is_ip4(a))
        return a->bytes[0] == MULTICAST6;
    return a->bytes[12] >= MULTICAST4_FIRST || a->bytes[12] == 0;
}

/* A RST to such an address would be a reflection, one to ourselves a loop. */
enum sl_drop sl_closed_check_addresses(const struct sl_seg *seg)
{
    if (sl_closed_is_group(&seg->local) || sl_closed_is_group(&seg->remote))
        return SL_DROP_TCP_ADDRESS;
    if (seg->local_port == seg->remote_port && sl_addr_eq(&seg->local, &seg->remote))
        return SL_DROP_TCP_LAND;
    return SL_DROP_NONE;
}

enum sl_drop sl_tcp_stray_segment(struct sl_tcp *tcp, struct sl_seg *seg, uint64_t now_ns)
{
    enum sl_drop drop = sl_closed_check_addresses(seg);

    tcp->now_ns = now_ns;
    sl_count(tcp->host.counters, SL_COUNT_SEGS_IN);
    if (drop == SL_DROP_NONE) {
        sl_output_rst_for(tcp, seg, now_ns); /* never to a RST (T9293-7) */
        drop = SL_DROP_TCP_NO_SOCKET;
    }
    sl_count_drop(tcp->host.counters, drop);
    rte_pktmbuf_free(seg->m);
    seg->m = NULL;
    return drop;
}
