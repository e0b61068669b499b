/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/part.h"

#include "base/invariant.h"

static void trim(struct rte_mbuf *m, uint16_t off, uint16_t len)
{
    m->data_off = (uint16_t)(m->data_off + off);
    m->data_len = len;
    m->pkt_len = len;
}

struct rte_mbuf *sl_part_take(struct rte_mbuf *m, uint16_t off, uint16_t len)
{
    struct rte_mbuf *own;

    SL_INVARIANT(m->nb_segs == 1 && off + len <= m->data_len);
    if (off == 0 && len == m->data_len)
        return m;
    if (rte_mbuf_refcnt_read(m) == 1) {
        trim(m, off, len);
        return m;
    }
    if (SL_FAULT(part_take) || (own = rte_pktmbuf_alloc(m->pool)) == NULL)
        return NULL;
    if (rte_pktmbuf_tailroom(own) >= len) {
        memcpy(rte_pktmbuf_append(own, len), rte_pktmbuf_mtod_offset(m, const void *, off), len);
    } else {
        rte_pktmbuf_attach(own, m);
        trim(own, off, len);
    }
    rte_pktmbuf_free_seg(m);
    return own;
}
