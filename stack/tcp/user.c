/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include <rte_prefetch.h>

#include "base/invariant.h"
#include "tcp/crypt.h"

/* User calls: RFC 9293 3.10.1 to 3.10.5. */

enum {
    TAIL_BYTES = 32,         /* of a data mbuf, kept free for what a TEP puts behind */
    ENO_OVERHEAD_BYTES = 20, /* while it is open whether there will be a TEP: tcpcrypt's */
    ALLOC_BURST = 32,
    AHEAD = 2, /* segments: in their time a line comes from memory, or from another core */
};

/* ---- OPEN
 * ---------------------------------------------------------------------------------------- */

void sl_tcb_take_options(struct sl_tcb *tcb, const struct sl_tcp_options_set *set)
{
    const struct sl_tcp_config *config = &tcb->tcp->config;

#define CHOOSE(field) tcb->field = set->field != 0 ? set->field : config->field
    CHOOSE(ttl);
    CHOOSE(syn_retries);
    CHOOSE(keepalive_probes);
    CHOOSE(keepalive_idle_ns);
    CHOOSE(keepalive_interval_ns);
#undef CHOOSE
    tcb->tos = set->tos;
    tcb->nodelay = set->nodelay;
    tcb->keepalive = set->keepalive;
    tcb->user_timeout_ns = set->user_timeout_ns;
}

/* TCP_ENO_TEP_MANDATORY that comes when the connection is plain already (decision P3). */
static bool refuses_now(const struct sl_tcb *tcb)
{
    return tcb->require_encryption && !tcb->encrypting && !tcb->negotiating &&
           tcb->state >= SL_TCP_ESTABLISHED && tcb->state < SL_TCP_TIME_WAIT;
}

void sl_tcb_set_options(struct sl_tcp *tcp, struct sl_tcb *tcb,
                        const struct sl_tcp_options_set *set, uint64_t now_ns)
{
    tcp->now_ns = now_ns;
    sl_tcb_take_options(tcb, set);
    tcb->require_encryption = set->require_encryption; /* of one that negotiates: in the end */
    if (tcb->state == SL_TCP_CLOSED)
        return;
    if (refuses_now(tcb)) {
        sl_tcb_reset(tcb, SL_TCP_ABORTED, now_ns);
        return;
    }
    if (!tcb->keepalive)
        sl_tcb_timer_off(tcb, SL_TIMER_KEEPALIVE);
    else if (tcb->state >= SL_TCP_ESTABLISHED && tcb->state < SL_TCP_TIME_WAIT)
        sl_tcb_timer_set(tcb, SL_TIMER_KEEPALIVE, tcb->last_rcv_ns + tcb->keepalive_idle_ns);
    sl_tcb_wants_output(tcb); /* nodelay may let something go */
}

static void begin_active(struct sl_tcb *tcb, uint64_t now_ns)
{
    struct sl_tcp *tcp = tcb->tcp;

    tcb->iss =
        sl_isn(&tcp->keys, &tcb->local, tcb->local_port, &tcb->remote, tcb->remote_port, now_ns);
    tcb->snd_una = tcb->iss;
    tcb->snd_nxt = tcb->iss + 1;
    tcb->ts_offset =
        sl_isn_ts_offset(&tcp->keys, &tcb->local, tcb->local_port, &tcb->remote, tcb->remote_port);
    tcb->rcv_wscale = sl_handshake_wscale(tcb);
    tcb->peer_mss_bytes = UINT16_MAX; /* until its SYN says less: what the MTU gives */
    tcb->ts_on = tcp->config.timestamps;
    sl_handshake_set_mss(tcb);
    tcb->ts_on = false;
    sl_tcb_enter(tcb, SL_TCP_SYN_SENT);
    tcb->syn->send_now = true;
    sl_tcb_wants_output(tcb);
}

struct sl_tcb *sl_tcp_connect(struct sl_tcp *tcp, const struct sl_addr *local, uint16_t local_port,
                              const struct sl_addr *remote, uint16_t remote_port,
                              uint16_t mtu_bytes, const struct sl_tcp_options_set *set, void *user,
                              uint64_t now_ns, int *err)
{
    struct sl_tcb *tcb;

    tcp->now_ns = now_ns;
    if (sl_closed_is_group(remote)) { /* MUST-46 */
        *err = -ENETUNREACH;
        return NULL;
    }
    tcb = sl_tcb_create(tcp, set, false, now_ns);
    if (tcb == NULL) {
        *err = -ENOMEM;
        return NULL;
    }
    tcb->user = user;
    tcb->local = *local;
    tcb->local_port = local_port;
    tcb->remote = *remote;
    tcb->remote_port = remote_port;
    tcb->mtu_bytes = mtu_bytes;
    if (!tcp->host.flow_add(tcp->host.ctx, tcb)) {
        sl_count(tcp->host.counters, SL_COUNT_CONNECTIONS_REFUSED);
        tcb->detached = true;
        sl_tcb_release(tcb);
        *err = -EADDRINUSE;
        return NULL;
    }
    begin_active(tcb, now_ns);
    return tcb;
}

/* ---- SEND
 * ---------------------------------------------------------------------------------------- */

/* Application bytes for one segment: with what a TEP adds it is a full one, and it fits the mbuf.
 */
static uint32_t segment_room(const struct sl_tcb *tcb)
{
    const bool eno = tcb->syn != NULL && tcb->syn->eno.state != SL_ENO_DISABLED;
    const uint32_t overhead = tcb->encrypting ? sl_crypt_overhead(tcb)
                              : eno           ? ENO_OVERHEAD_BYTES
                                              : 0;
    const uint32_t mbuf = rte_pktmbuf_data_room_size(tcb->tcp->host.data) - RTE_PKTMBUF_HEADROOM;
    const uint32_t mss = tcb->mss_bytes > overhead ? tcb->mss_bytes - overhead : 1;

    return RTE_MIN(mss, mbuf - TAIL_BYTES);
}

/* The caller's ranges, read like one. */
struct source {
    const struct sl_iov *iov;
    size_t n, at; /* at: bytes of iov[0] taken */
    uint64_t left;
};

static struct source source_of(const struct sl_iov *iov, size_t n)
{
    struct source from = {.iov = iov, .n = n};

    for (size_t i = 0; i < n; i++)
        from.left += iov[i].len;
    return from;
}

static void copy_from(struct source *from, uint8_t *out, uint32_t len)
{
    from->left -= len;
    while (len > 0) {
        const size_t here = RTE_MIN(from->iov->len - from->at, (size_t)len);

        if (here > 0)
            memcpy(out, (const uint8_t *)from->iov->base + from->at, here);
        out += here;
        len -= (uint32_t)here;
        from->at += here;
        if (from->at == from->iov->len) {
            from->iov++;
            from->at = 0;
        }
    }
}

/* Fill up the segment that was written last. */
static uint32_t append(struct sl_tcb *tcb, struct source *from, uint32_t want, uint32_t room)
{
    const struct sl_snd_seg *tail = sl_sndq_tail(&tcb->sndq);
    uint32_t n;

    if (tail == NULL || tail->m->data_len >= room)
        return 0;
    n = RTE_MIN(want, room - tail->m->data_len);
    if (rte_pktmbuf_tailroom(tail->m) < n + TAIL_BYTES)
        return 0;
    copy_from(from, (uint8_t *)rte_pktmbuf_append(tail->m, (uint16_t)n), n);
    sl_sndq_grew(&tcb->sndq, n);
    return n;
}

/* The bytes that will be copied when `after` others are, as far as they are in one range. */
static void prefetch_source(const struct source *from, size_t after, uint32_t len)
{
    const char *base = from->iov->base;
    const size_t end = RTE_MIN(from->at + after + len, from->iov->len);
    size_t at;

    for (at = from->at + after; at < end; at += RTE_CACHE_LINE_SIZE)
        rte_prefetch0(base + at);
}

/* The lines that `len` bytes of data and a TEP's head and tail will be written to. */
static void prefetch_room(const struct rte_mbuf *m, uint32_t len)
{
    const char *at = rte_pktmbuf_mtod(m, const char *);
    const char *end = at + len + TAIL_BYTES;

    for (at -= RTE_CACHE_LINE_SIZE; at < end; at += RTE_CACHE_LINE_SIZE)
        rte_prefetch0_write(at);
}

/*
 * Fresh segments from `mbufs`, as far as the queue takes them: if that is not all, `from` has gone
 * too far. Frees what is left over.
 */
static uint32_t push(struct sl_tcb *tcb, struct source *from, uint32_t want, uint32_t room,
                     struct rte_mbuf **mbufs, uint32_t n_mbufs)
{
    uint32_t done = 0, i;

    for (i = 0; i < n_mbufs; i++) {
        const uint32_t n = RTE_MIN(want - done, room);
        struct rte_mbuf *m = mbufs[i];

        if (i + AHEAD < n_mbufs) {
            prefetch_source(from, (size_t)AHEAD * room, room);
            prefetch_room(mbufs[i + AHEAD], room);
        }
        copy_from(from, (uint8_t *)rte_pktmbuf_append(m, (uint16_t)n), n);
        if (sl_sndq_push(&tcb->sndq, m) == NULL)
            break;
        done += n;
    }
    for (; i < n_mbufs; i++)
        rte_pktmbuf_free(mbufs[i]);
    return done;
}

/* Queue `want` bytes, as many as there is memory for. */
static uint32_t queue_bytes(struct sl_tcb *tcb, struct source *from, uint32_t want)
{
    const uint32_t room = segment_room(tcb);
    uint32_t done = append(tcb, from, want, room);

    while (done < want) {
        const uint32_t n = RTE_MIN((want - done + room - 1) / room, (uint32_t)ALLOC_BURST);
        struct rte_mbuf *mbufs[ALLOC_BURST];
        uint32_t pushed;

        if (SL_FAULT(send_alloc) || rte_pktmbuf_alloc_bulk(tcb->tcp->host.data, mbufs, n) != 0) {
            sl_count(tcb->tcp->host.counters, SL_COUNT_POOL_EMPTY);
            break;
        }
        pushed = push(tcb, from, want - done, room, mbufs, n);
        done += pushed;
        if (pushed < RTE_MIN(want - (done - pushed), n * room))
            break;
    }
    return done;
}

/* Why nothing may be sent any more; 0 if it may (T9293-36). */
static int send_error(const struct sl_tcb *tcb)
{
    if (tcb->error != SL_TCP_OK)
        return -sl_tcp_error_errno((enum sl_tcp_error)tcb->error);
    return tcb->fin_queued || tcb->state == SL_TCP_CLOSED ? -EPIPE : 0;
}

/* Nothing may be in flight whose acknowledgment would tell the user to go on. */
void sl_tcb_feed(struct sl_tcb *tcb)
{
    struct rte_mbuf *probe = rte_pktmbuf_alloc(tcb->tcp->host.data);

    if (probe == NULL) {
        sl_tcb_wants_output(tcb);
        return;
    }
    rte_pktmbuf_free(probe);
    tcb->send_starved = false;
    if (sl_tcb_has_room(tcb)) {
        tcb->send_blocked = false;
        sl_tcb_event(tcb, SL_TCP_EV_WRITABLE);
    }
}

int64_t sl_tcp_send(struct sl_tcp *tcp, struct sl_tcb *tcb, const struct sl_iov *iov, size_t n,
                    uint64_t now_ns)
{
    struct source from = source_of(iov, n);
    const int error = send_error(tcb);
    uint32_t want, done;

    tcp->now_ns = now_ns;
    if (error != 0)
        return error;
    want = tcb->sndq.data_bytes < tcb->sndbuf_bytes
               ? (uint32_t)RTE_MIN(from.left, (uint64_t)tcb->sndbuf_bytes - tcb->sndq.data_bytes)
               : 0;
    tcb->send_blocked = want < from.left;
    done = queue_bytes(tcb, &from, want);
    if (done < want) {
        tcb->send_blocked = true;
        tcb->send_starved = true;
        sl_tcb_wants_output(tcb);
    }
    if (done > 0) {
        sl_count_add(tcp->host.counters, SL_COUNT_BYTES_OUT, done);
        sl_tcb_wants_output(tcb);
    }
    return done;
}

/* ---- RECEIVE
 * ------------------------------------------------------------------------------------- */

/*
 * The application made room. It is announced when it is worth a segment (MUST-39): half the buffer
 * or two full segments; smaller steps go with the next ACK that is due anyway.
 */
static void update_window(struct sl_tcb *tcb)
{
    const uint32_t step = RTE_MIN(tcb->rcvbuf_bytes / 2, 2 * (uint32_t)tcb->mss_bytes);

    if (tcb->fin_received || tcb->state <= SL_TCP_SYN_RECEIVED ||
        tcb->rcv_nxt + sl_tcb_rcv_wnd(tcb) - tcb->rcv_adv < step)
        return;
    tcb->ack_now = true;
    sl_tcb_wants_output(tcb);
}

int64_t sl_tcp_recv(struct sl_tcp *tcp, struct sl_tcb *tcb, void *out, size_t len, bool peek,
                    uint64_t now_ns)
{
    const uint32_t n =
        sl_inq_read(&tcb->inq, out, (uint32_t)RTE_MIN(len, (size_t)UINT32_MAX), peek);

    tcp->now_ns = now_ns;
    if (n > 0) {
        if (!peek)
            update_window(tcb);
        return n;
    }
    if (len == 0)
        return 0;
    if (tcb->error != SL_TCP_OK)
        return -sl_tcp_error_errno((enum sl_tcp_error)tcb->error);
    return tcb->eof || tcb->rd_shut || tcb->state == SL_TCP_CLOSED ? 0 : -EAGAIN; /* T9293-35 */
}

/* ---- CLOSE, ABORT
 * -------------------------------------------------------------------------------- */

void sl_tcb_queue_fin(struct sl_tcb *tcb)
{
    tcb->fin_queued = true;
    if (tcb->state == SL_TCP_ESTABLISHED)
        sl_tcb_enter(tcb, SL_TCP_FIN_WAIT_1);
    else if (tcb->state == SL_TCP_CLOSE_WAIT)
        sl_tcb_enter(tcb, SL_TCP_LAST_ACK);
    sl_tcb_wants_output(tcb);
}

int sl_tcp_shutdown(struct sl_tcp *tcp, struct sl_tcb *tcb, bool rd, bool wr, uint64_t now_ns)
{
    tcp->now_ns = now_ns;
    if (tcb->state == SL_TCP_CLOSED)
        return -ENOTCONN;
    if (rd)
        tcb->rd_shut = true;
    if (wr)
        sl_tcb_queue_fin(tcb);
    return 0;
}

/* Bytes that the application never read are lost: the peer has to know (SHLD-3). */
static bool loses_data(const struct sl_tcb *tcb)
{
    return tcb->inq.bytes > 0 &&
           (tcb->state == SL_TCP_ESTABLISHED || tcb->state == SL_TCP_CLOSE_WAIT ||
            tcb->state == SL_TCP_FIN_WAIT_1 || tcb->state == SL_TCP_FIN_WAIT_2);
}

void sl_tcp_close(struct sl_tcp *tcp, struct sl_tcb *tcb, uint64_t now_ns)
{
    tcp->now_ns = now_ns;
    tcb->detached = true;
    tcb->user = NULL;
    if (loses_data(tcb))
        sl_tcb_reset(tcb, SL_TCP_ABORTED, now_ns);
    else if (tcb->state == SL_TCP_SYN_SENT)
        sl_tcb_end(tcb, SL_TCP_OK); /* T9293-34 */
    else if (tcb->state == SL_TCP_FIN_WAIT_2)
        sl_tcb_timer_set(tcb, SL_TIMER_TIME_WAIT, now_ns + tcp->config.fin_wait_2_ns); /* D41 */
    else if (tcb->state != SL_TCP_CLOSED && tcb->state != SL_TCP_TIME_WAIT)
        sl_tcb_queue_fin(tcb);
    sl_inq_fini(&tcb->inq);
    sl_tcb_release(tcb);
}

void sl_tcp_abort(struct sl_tcp *tcp, struct sl_tcb *tcb, uint64_t now_ns)
{
    tcp->now_ns = now_ns;
    tcb->detached = true;
    tcb->user = NULL;
    sl_tcb_reset(tcb, SL_TCP_ABORTED, now_ns);
    sl_tcb_release(tcb);
}
