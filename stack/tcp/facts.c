/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "tcp/crypt.h"

/*
 * Looking at a connection: what sockets, telemetry and the shard's host functions ask (RFC 9293
 * 3.10.6, STATUS). Changes nothing.
 */

const char *sl_tcp_error_name(enum sl_tcp_error e)
{
    switch (e) {
    case SL_TCP_OK:
        return "ok";
    case SL_TCP_RESET:
        return "reset";
    case SL_TCP_REFUSED:
        return "refused";
    case SL_TCP_TIMEOUT:
        return "timeout";
    case SL_TCP_UNREACHABLE:
        return "unreachable";
    case SL_TCP_AUTH_FAILED:
        return "auth_failed";
    case SL_TCP_KEX_FAILED:
        return "kex_failed";
    case SL_TCP_TRUNCATED:
        return "truncated";
    case SL_TCP_NO_ENCRYPTION:
        return "no_encryption";
    case SL_TCP_ABORTED:
        return "aborted";
    case SL_TCP_NO_BUFFERS:
        break;
    }
    return "no_buffers";
}

int sl_tcp_error_errno(enum sl_tcp_error e)
{
    switch (e) {
    case SL_TCP_OK:
        return 0;
    case SL_TCP_RESET:
        return ECONNRESET;
    case SL_TCP_REFUSED:
        return ECONNREFUSED;
    case SL_TCP_TIMEOUT:
        return ETIMEDOUT;
    case SL_TCP_UNREACHABLE:
        return EHOSTUNREACH;
    case SL_TCP_AUTH_FAILED: /* R79: none of these is an end of stream, nor a peer's RST */
        return EBADMSG;
    case SL_TCP_KEX_FAILED:
        return EKEYREJECTED;
    case SL_TCP_TRUNCATED:
        return EPROTO;
    case SL_TCP_NO_ENCRYPTION:
        return ENOKEY;
    case SL_TCP_ABORTED:
        return ECONNABORTED;
    case SL_TCP_NO_BUFFERS:
        break;
    }
    return ENOBUFS;
}

const char *sl_tcp_state_name(enum sl_tcp_state s)
{
    static const char *const names[SL_TCP_STATES] = {
        [SL_TCP_CLOSED] = "CLOSED",           [SL_TCP_LISTEN] = "LISTEN",
        [SL_TCP_SYN_SENT] = "SYN-SENT",       [SL_TCP_SYN_RECEIVED] = "SYN-RECEIVED",
        [SL_TCP_ESTABLISHED] = "ESTABLISHED", [SL_TCP_FIN_WAIT_1] = "FIN-WAIT-1",
        [SL_TCP_FIN_WAIT_2] = "FIN-WAIT-2",   [SL_TCP_CLOSE_WAIT] = "CLOSE-WAIT",
        [SL_TCP_CLOSING] = "CLOSING",         [SL_TCP_LAST_ACK] = "LAST-ACK",
        [SL_TCP_TIME_WAIT] = "TIME-WAIT",
    };

    return names[s];
}

/* May send() take bytes that will get through? */
static bool may_send(const struct sl_tcb *tcb)
{
    return !tcb->fin_queued &&
           (tcb->state == SL_TCP_ESTABLISHED || tcb->state == SL_TCP_CLOSE_WAIT);
}

static void eno_facts(const struct sl_tcb *tcb, struct sl_tcb_facts *f)
{
    f->role = (enum sl_tep_role)tcb->role;
    f->tep_byte = tcb->tep_byte;
    f->self_global = tcb->own_global;
    f->peer_global = tcb->peer_global;
}

void sl_tcb_facts(const struct sl_tcb *tcb, struct sl_tcb_facts *f)
{
    *f = (struct sl_tcb_facts){
        .state = (enum sl_tcp_state)tcb->state,
        .error = (enum sl_tcp_error)tcb->error,
        .soft_error = (enum sl_tcp_error)tcb->soft_error,
        .encrypted = tcb->encrypting,
        .negotiating = tcb->negotiating,
        .fallback = (enum sl_eno_fallback)tcb->fallback,
        .local = tcb->local,
        .remote = tcb->remote,
        .local_port = tcb->local_port,
        .remote_port = tcb->remote_port,
        .mss_bytes = tcb->mss_bytes,
        .readable_bytes = tcb->inq.bytes,
        .unacked_bytes = tcb->sndq.data_bytes,
        .srtt_ns = tcb->rto.srtt_ns,
        .rto_ns = sl_rto_now(&tcb->rto, &tcb->tcp->config.rto),
        .cwnd_bytes = tcb->cc.cwnd,
        .retransmitted_segs = tcb->retransmitted_segs,
    };
    if (may_send(tcb) && tcb->sndq.data_bytes < tcb->sndbuf_bytes)
        f->writable_bytes = tcb->sndbuf_bytes - tcb->sndq.data_bytes;
    eno_facts(tcb, f);
    sl_crypt_facts(tcb, f);
}

unsigned sl_tcb_level(const struct sl_tcb *tcb)
{
    const bool over = tcb->state == SL_TCP_CLOSED;
    const bool open = tcb->state > SL_TCP_SYN_RECEIVED && !tcb->negotiating;
    unsigned ev = 0;

    if (tcb->error != SL_TCP_OK)
        return SL_TCP_EV_ERROR | SL_TCP_EV_READABLE | SL_TCP_EV_WRITABLE;
    if (open)
        ev |= SL_TCP_EV_CONNECTED;
    if (tcb->inq.bytes > 0 || tcb->eof || tcb->rd_shut || over)
        ev |= SL_TCP_EV_READABLE;
    if (tcb->eof)
        ev |= SL_TCP_EV_EOF;
    /* Where send() fails it does not block either. */
    if ((open && (tcb->fin_queued || sl_tcb_has_room(tcb))) || over)
        ev |= SL_TCP_EV_WRITABLE;
    if (over || tcb->state == SL_TCP_TIME_WAIT)
        ev |= SL_TCP_EV_CLOSED;
    return ev;
}

enum sl_tcp_error sl_tcb_error(const struct sl_tcb *tcb)
{
    return (enum sl_tcp_error)tcb->error;
}

void *sl_tcb_user(const struct sl_tcb *tcb)
{
    return tcb->user;
}

void sl_tcb_set_user(struct sl_tcb *tcb, void *user)
{
    tcb->user = user;
}

const struct sl_addr *sl_tcb_local(const struct sl_tcb *tcb, uint16_t *port)
{
    *port = tcb->local_port;
    return &tcb->local;
}

const struct sl_addr *sl_tcb_remote(const struct sl_tcb *tcb, uint16_t *port)
{
    *port = tcb->remote_port;
    return &tcb->remote;
}

struct sl_net_path *sl_tcb_path(struct sl_tcb *tcb)
{
    return &tcb->path;
}

void sl_tcb_hdr(const struct sl_tcb *tcb, struct sl_net_hdr *hdr)
{
    *hdr = (struct sl_net_hdr){
        .src = tcb->local,
        .dst = tcb->remote,
        .protocol = 6,
        .ttl = tcb->ttl,
        .tos = tcb->tos,
    };
}
