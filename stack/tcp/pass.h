/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <rte_tcp.h>

#include "tcp/tcb.h"

/*
 * The segments that one connection sends in one go: their common header, the mbufs, and what they
 * settle. What is held is never what is sent: a port gets a header mbuf and, chained behind it, an
 * indirect mbuf on the held payload. An empty pool is counted, and nothing is lost by it.
 */
enum { SL_PASS_HEAD_MAX_BYTES = sizeof(struct rte_tcp_hdr) + SL_TCP_OPTIONS_MAX_BYTES };

struct sl_pass {
    struct sl_tcb *tcb;
    uint64_t now_ns;
    uint32_t segs, new_bytes; /* sent; of these bytes, never sent before */
    sl_seq edge;              /* of the receive window, as announced */
    uint8_t head_len;         /* 0: `head` is not filled yet */
    bool starved;             /* a pool was empty: the connection stays enlisted for output */
    union {
        struct rte_tcp_hdr tcp;
        uint8_t bytes[SL_PASS_HEAD_MAX_BYTES];
    } head;
};

/* All but the sequence number and the flags, of a segment without SYN. */
void sl_pass_head(struct sl_pass *p, bool eno);

/* Do segments without SYN carry the ENO option (R22)? */
bool sl_pass_sends_eno(const struct sl_tcb *tcb);

/* An mbuf for `len` bytes of header; NULL: the pool is empty (counted). */
struct rte_mbuf *sl_pass_mbuf(struct sl_tcp *tcp, uint8_t len);

/* Write the header to `m`, which has its length already, and send it; takes `m`. */
void sl_pass_emit(struct sl_pass *p, struct rte_mbuf *m, sl_seq seq, uint8_t flags);

/*
 * Send `len` bytes of a held segment from `off` on; with PSH and FIN if they reach its end. False:
 * a pool was empty, and nothing happened.
 */
bool sl_pass_part(struct sl_pass *p, const struct sl_snd_seg *seg, uint32_t off, uint32_t len);

/* An ACK without data. False: the pool was empty. */
bool sl_pass_ack(struct sl_pass *p, sl_seq seq);

/* Book what segments with an ACK settle: nothing is owed now. Last of all: may end the TCB. */
void sl_pass_finish(struct sl_pass *p);
