/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "base/invariant.h"
#include "tcp/crypt.h"

/*
 * What an active and a passive opening have in common: numbers and options out of the peer's SYN,
 * the step to ESTABLISHED, and what ENO decides at the end.
 */
enum {
    HEADERS4_BYTES = 40, /* without options */
    HEADERS6_BYTES = 60,
    MSS4_DEFAULT = 536, /* MUST-15 */
    MSS6_DEFAULT = 1220,
    TS_BYTES = 12,
    WSCALE_MAX = 14,         /* T7323-10 */
    FRAME_MAX_BYTES = 65538, /* A15 */
};

struct sl_eno_seen sl_handshake_eno_seen(const struct sl_seg *seg)
{
    return (struct sl_eno_seen){
        .n = seg->o.n_eno,
        .ack = (seg->flags & SL_TCP_ACK) != 0,
        .content = seg->o.eno,
    };
}

uint8_t sl_handshake_wscale(const struct sl_tcb *tcb)
{
    const bool may_encrypt = tcb->syn->eno.state != SL_ENO_DISABLED;
    const uint32_t frame = may_encrypt ? (uint32_t)FRAME_MAX_BYTES + tcb->mtu_bytes : 0;

    return sl_output_wscale(RTE_MAX(tcb->rcvbuf_bytes, frame));
}

void sl_handshake_set_mss(struct sl_tcb *tcb)
{
    const bool ip4 = sl_addr_is_ip4(&tcb->remote);
    const uint32_t headers = ip4 ? HEADERS4_BYTES : HEADERS6_BYTES;
    const uint32_t options = tcb->ts_on ? TS_BYTES : 0;
    const uint32_t room =
        tcb->mtu_bytes > headers + options + 1 ? tcb->mtu_bytes - headers - options : 1;
    uint32_t mss = tcb->peer_mss_bytes;

    if (mss == 0)
        mss = ip4 ? MSS4_DEFAULT : MSS6_DEFAULT;
    mss = mss > options ? mss - options : 0;
    /* D38: neither a division by zero nor a million tiny segments (CVE-2019-11479). */
    mss = RTE_MAX(mss, (uint32_t)tcb->tcp->config.mss_min_bytes);
    tcb->mss_bytes = (uint16_t)RTE_MIN(mss, room);
}

void sl_handshake_take_syn(struct sl_tcb *tcb, const struct sl_seg *seg, uint64_t now_ns)
{
    const struct sl_tcp_config *config = &tcb->tcp->config;

    tcb->irs = seg->seq;
    tcb->rcv_nxt = seg->seq + 1; /* what else the SYN carries stays unacknowledged (T9293-14) */
    tcb->rcv_adv = tcb->rcv_nxt + RTE_MIN(tcb->rcvbuf_bytes, (uint32_t)UINT16_MAX);
    tcb->last_ack_sent = tcb->rcv_nxt;
    tcb->snd_wnd = seg->wnd; /* never scaled here (T7323-4) */
    tcb->snd_wnd_max = seg->wnd;
    tcb->snd_wl1 = seg->seq;
    tcb->snd_wl2 = seg->ack;
    tcb->ts_on = config->timestamps && seg->o.has_ts; /* T7323-15 */
    tcb->syn->peer_ts_seen = seg->o.has_ts;
    if (tcb->ts_on) {
        tcb->ts_recent = seg->o.tsval;
        tcb->ts_recent_at_ns = now_ns;
    }
    tcb->syn->peer_wscale_seen = seg->o.has_wscale;
    if (config->window_scale && seg->o.has_wscale) {
        tcb->snd_wscale = (uint8_t)RTE_MIN((int)seg->o.wscale, WSCALE_MAX);
    } else { /* T7323-7 */
        tcb->snd_wscale = 0;
        tcb->rcv_wscale = 0;
    }
    tcb->peer_mss_bytes = seg->o.mss_bytes;
    sl_handshake_set_mss(tcb);
}

void sl_handshake_done(struct sl_tcb *tcb, uint64_t now_ns)
{
    sl_tcb_enter(tcb, SL_TCP_ESTABLISHED);
    tcb->soft_error = SL_TCP_OK;
    if (tcb->syn->send_now) {
        /* A SYN that could not leave yet: an ACK says all that is new in it. */
        tcb->syn->send_now = false;
        tcb->ack_now = true;
    }
    if (tcb->of_listener)
        sl_listen_established(tcb);
    if (tcb->keepalive)
        sl_tcb_timer_set(tcb, SL_TIMER_KEEPALIVE, now_ns + tcb->keepalive_idle_ns);
    if (tcb->fin_queued) /* closed in SYN-RECEIVED (3.10.4) */
        sl_tcb_enter(tcb, SL_TCP_FIN_WAIT_1);
    sl_tcb_wants_output(tcb);
}

/* From now on the application may use it. */
static void connected(struct sl_tcb *tcb)
{
    struct sl_tcp *tcp = tcb->tcp;

    if (tcb->of_listener) {
        sl_count(tcp->host.counters, SL_COUNT_CONNECTIONS_PASSIVE);
        tcp->host.acceptable(tcp->host.ctx, tcb->listener);
        return;
    }
    sl_count(tcp->host.counters, SL_COUNT_CONNECTIONS_ACTIVE);
    sl_tcb_event(tcb, SL_TCP_EV_CONNECTED | SL_TCP_EV_WRITABLE);
}

static void keep_outcome(struct sl_tcb *tcb, const struct sl_eno *eno)
{
    tcb->fallback = eno->fallback;
    tcb->role = eno->role;
    tcb->tep_byte = eno->tep_byte;
    tcb->own_global = eno->own_global;
    tcb->peer_global = eno->peer_global;
}

/* R23: plain TCP, if the policy allows. Returns whether the connection goes on. */
static bool fall_back(struct sl_tcb *tcb, const struct sl_eno *eno, uint64_t now_ns)
{
    if (eno->fallback != SL_ENO_FALLBACK_DISABLED)
        sl_count(tcb->tcp->host.counters, SL_COUNT_ENO_FALLBACK);
    if (!tcb->require_encryption)
        return true;
    sl_tcb_reset(tcb, SL_TCP_NO_ENCRYPTION, now_ns);
    return false;
}

/* R26: from here on no plaintext passes. */
static bool encrypt(struct sl_tcb *tcb, uint64_t now_ns)
{
    sl_count(tcb->tcp->host.counters, SL_COUNT_ENO_NEGOTIATED);
    tcb->encrypting = true;
    return sl_crypt_begin(tcb, now_ns);
}

static bool decide(struct sl_tcb *tcb, uint64_t now_ns)
{
    const struct sl_eno *eno = &tcb->syn->eno;

    tcb->negotiating = false;
    keep_outcome(tcb, eno);
    if (eno->state == SL_ENO_ENCRYPTING ? !encrypt(tcb, now_ns) : !fall_back(tcb, eno, now_ns))
        return false;
    connected(tcb);
    sl_tcb_wants_output(tcb); /* what was written meanwhile */
    return true;
}

void sl_tcb_eno_settle(struct sl_tcb *tcb, uint64_t now_ns)
{
    const struct sl_eno *eno = tcb->syn != NULL ? &tcb->syn->eno : NULL;

    if (eno == NULL || tcb->state <= SL_TCP_SYN_RECEIVED ||
        (eno->state != SL_ENO_ENCRYPTING && eno->state != SL_ENO_DISABLED))
        return;
    if (tcb->negotiating && !decide(tcb, now_ns))
        return;
    /* R22: until a segment without SYN came, ours carry the option. */
    if (eno->state == SL_ENO_DISABLED || eno->non_syn_received) {
        free(tcb->syn);
        tcb->syn = NULL;
    }
}
