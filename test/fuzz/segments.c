/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include <rte_byteorder.h>
#include <rte_tcp.h>

#include "base/invariant.h"
#include "host.h"
#include "tcpcrypt/tcpcrypt.h"

/*
 * Connections and a listener against segments that are made up, most of them near what is
 * acceptable, between calls of the application and time. Every byte that the peer sends is a
 * function of its sequence number, every byte of ours of its place, so that it shows: what is
 * read is the peer's stream without a gap; what is sent is ours; what is acknowledged did come;
 * what must be encrypted does not leave in clear; and all goes once nobody wants it.
 */

enum {
    STREAM_MAX = 1 << 15, /* of a peer's stream: no payload beyond */
    OPS_MAX = 96,
    PAYLOAD_MAX = 2048,
    SEG_MAX = 60 + PAYLOAD_MAX,
    CONNS_MAX = 64,
    HOUR_S = 3600,
};

enum { CAME = 1, FIN_CAME = 2 };

/* A connection, as its model sees it. Stays for as long as the application has it. */
struct conn {
    struct sl_tcb *tcb;
    bool flow, user, rd_shut;
    bool waits; /* it is over, but accept() has yet to hand it out */
    uint32_t written, read;
    sl_seq announced; /* right edge of our window */
    sl_seq allowed;   /* that of the peer's, the farthest that it was */
    bool has_announced, has_allowed;
    uint32_t came_to; /* the peer's stream is here without a gap up to this place */
    uint8_t came[STREAM_MAX + 1];
};

struct world {
    struct host h;
    struct conn conns[CONNS_MAX];
    struct sl_eno_policy policy;
    struct sl_tcp_options_set set;
};

static struct world w;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    host_init();
    return 0;
}

static uint8_t peer_byte(sl_seq seq)
{
    return (uint8_t)(seq * 7 + (seq >> 8) * 13 + 1);
}

static uint8_t our_byte(uint32_t at)
{
    return (uint8_t)(at * 11 + (at >> 8) * 5 + 3);
}

static bool in_use(const struct conn *c)
{
    return c->flow || c->user || c->waits;
}

static struct conn *conn_of(const struct sl_tcb *tcb)
{
    for (unsigned i = 0; i < CONNS_MAX; i++)
        if (w.conns[i].tcb == tcb && in_use(&w.conns[i]))
            return &w.conns[i];
    return NULL;
}

static void opened(struct host *h, struct sl_tcb *tcb)
{
    unsigned i = 0;

    (void)h;
    while (i < CONNS_MAX - 1 && in_use(&w.conns[i]))
        i++;
    FUZZ_CHECK(!in_use(&w.conns[i]));
    memset(&w.conns[i], 0, sizeof(w.conns[i]));
    w.conns[i].tcb = tcb;
    w.conns[i].flow = true;
}

static void ended(struct host *h, struct sl_tcb *tcb)
{
    (void)h;
    conn_of(tcb)->waits = tcb->listener != NULL;
    conn_of(tcb)->flow = false;
}

/* ---- what we send -------------------------------------------------------------------------- */

static void check_ack(struct conn *c, sl_seq ack)
{
    const struct sl_tcb *tcb = c->tcb;
    const uint32_t at = ack - tcb->irs - 1;

    if (ack == tcb->irs) /* a RST before anything came */
        return;
    while (c->came_to < STREAM_MAX && (c->came[c->came_to] & CAME) != 0)
        c->came_to++;
    FUZZ_CHECK(at <= c->came_to || (at == c->came_to + 1 && (c->came[at - 1] & FIN_CAME) != 0));
}

/* SHLD-14: our window's right edge never moves left, but for what scaling rounds off (RFC
 * 7323 2.4). */
static void check_window(struct conn *c, const struct rte_tcp_hdr *t)
{
    const bool syn = (t->tcp_flags & SL_TCP_SYN) != 0;
    const uint8_t shift = syn ? 0 : c->tcb->rcv_wscale;
    const uint32_t wnd = (uint32_t)rte_be_to_cpu_16(t->rx_win) << shift;
    const sl_seq edge = rte_be_to_cpu_32(t->recv_ack) + wnd;

    FUZZ_CHECK(!c->has_announced ||
               sl_seq_geq(edge + (1U << c->tcb->rcv_wscale) - 1, c->announced));
    c->announced = c->has_announced ? sl_seq_max(edge, c->announced) : edge;
    c->has_announced = true;
}

/* What the peer allows, in the stack's own words: it has to keep to them. */
static void see_window(struct conn *c)
{
    const sl_seq edge = c->tcb->snd_una + c->tcb->snd_wnd;

    c->allowed = c->has_allowed ? sl_seq_max(c->allowed, edge) : edge;
    c->has_allowed = true;
}

static void check_data(struct conn *c, sl_seq seq, const uint8_t *data, uint32_t len)
{
    const uint32_t at = seq - c->tcb->iss - 1;

    see_window(c);
    FUZZ_CHECK(sl_seq_leq(seq + len, c->allowed) || (len == 1 && seq == c->tcb->snd_una) ||
               (len == 1 && sl_seq_leq(seq, c->allowed))); /* a probe (T9293-40) */

    FUZZ_CHECK(!c->tcb->require_encryption || c->tcb->encrypting); /* R26 */
    if (c->tcb->encrypting)
        return;
    FUZZ_CHECK(at + len <= c->written);
    for (uint32_t i = 0; i < len; i++)
        FUZZ_CHECK(data[i] == our_byte(at + i));
}

static void sent(struct host *h, struct sl_tcb *tcb, const uint8_t *bytes, size_t len)
{
    const struct rte_tcp_hdr *t = (const void *)bytes;
    const size_t head = (size_t)(t->data_off >> 4) * 4;
    struct conn *c = tcb != NULL ? conn_of(tcb) : NULL;
    struct sl_tcp_options o;

    (void)h;
    FUZZ_CHECK(head >= sizeof(*t) && head <= len && (t->data_off & 0x0f) == 0);
    FUZZ_CHECK(sl_tcp_options_read(sl_cursor_of(bytes + sizeof(*t), head - sizeof(*t)), true, &o) ==
               SL_DROP_NONE);
    FUZZ_CHECK(len - head + 20 + head <= HOST_MTU);
    if (c == NULL) {
        FUZZ_CHECK(len == head);
        return;
    }
    FUZZ_CHECK((t->tcp_flags & SL_TCP_SYN) == 0 || rte_be_to_cpu_32(t->sent_seq) == tcb->iss);
    if ((t->tcp_flags & SL_TCP_ACK) != 0 && tcb->state != SL_TCP_SYN_SENT) {
        check_ack(c, rte_be_to_cpu_32(t->recv_ack));
        if ((t->tcp_flags & SL_TCP_RST) == 0)
            check_window(c, t);
    }
    if (len > head)
        check_data(c, rte_be_to_cpu_32(t->sent_seq), bytes + head, (uint32_t)(len - head));
}

/* ---- what the peer sends ------------------------------------------------------------------- */

struct made {
    uint8_t bytes[SEG_MAX];
    size_t head, len;
    sl_seq seq, ack;
    uint16_t port, local_port; /* host order */
    uint8_t flags;
    struct sl_addr remote;
};

/* One of the options that a connection may have, with numbers that fit it. */
static size_t fitting_options(const struct sl_tcb *tcb, uint8_t which, struct sl_cursor *c,
                              uint8_t *out)
{
    static const uint8_t eno_syn[] = {69, 3, 0x23}, eno_answer[] = {69, 4, 1, 0x23},
                         eno_ack[] = {69, 2};
    struct sl_tcp_options o = {0};

    if ((which & 1) != 0 && tcb != NULL && tcb->ts_on) {
        o.has_ts = true;
        o.tsval = tcb->ts_recent + fuzz_u8(c);
        o.tsecr = sl_tcb_tsval(tcb, w.h.now_ns) - (which & 0x80 ? fuzz_u8(c) : 0U);
    }
    if ((which & 2) != 0 && tcb != NULL) {
        for (unsigned i = 0; i < 3; i++) {
            const sl_seq left = tcb->snd_una + fuzz_u16(c) % 4096;

            o.sack[o.n_sack++] = (struct sl_tcp_sack){left, left + 1 + fuzz_u16(c) % 2048};
        }
    }
    if ((which & 4) != 0) {
        o.mss_bytes = fuzz_u16(c);
        o.has_wscale = (which & 8) != 0;
        o.wscale = which >> 6;
        o.sack_permitted = true;
        o.has_ts = (which & 0x20) != 0;
        o.tsval = 1000;
    }
    if ((which & 0x10) != 0) {
        o.eno = (which & 4) == 0 ? sl_cursor_of(eno_ack, sizeof(eno_ack))
                : tcb != NULL    ? sl_cursor_of(eno_answer, sizeof(eno_answer))
                                 : sl_cursor_of(eno_syn, sizeof(eno_syn));
    }
    return sl_tcp_options_write(&o, out);
}

static size_t raw_options(struct sl_cursor *c, uint8_t *out)
{
    const struct sl_cursor raw = fuzz_take(c, fuzz_u8(c) % 41);
    const size_t len = sl_cursor_left(&raw);

    if (len > 0)
        memcpy(out, raw.at, len);
    memset(out + len, 0, -len % 4);
    return len + -len % 4;
}

static sl_seq near(sl_seq exact, uint8_t how, struct sl_cursor *c)
{
    switch (how % 4) {
    case 0:
    case 1:
        return exact;
    case 2:
        return exact + (sl_seq)(int16_t)fuzz_u16(c);
    default:
        return (how & 0x40) != 0 ? fuzz_u32(c) : exact + (sl_seq)(int8_t)fuzz_u8(c);
    }
}

static uint8_t likely_flags(uint8_t how, struct sl_cursor *c)
{
    static const uint8_t likely[] = {SL_TCP_ACK, SL_TCP_ACK | SL_TCP_PSH,
                                     SL_TCP_ACK, SL_TCP_ACK | SL_TCP_FIN,
                                     SL_TCP_SYN, SL_TCP_SYN | SL_TCP_ACK};

    return how % 8 < 6 ? likely[how % 8] : fuzz_u8(c);
}

/* Bytes of the one true stream, as far as the model keeps it. */
static void fill(struct made *s, const struct sl_tcb *tcb, uint32_t len)
{
    const sl_seq first = s->seq + ((s->flags & SL_TCP_SYN) != 0);
    const uint32_t at = tcb != NULL ? first - tcb->irs - 1 : 0;

    /* In front of the stream anything may stand: it must not be read. */
    if (at >= STREAM_MAX && at < UINT32_MAX - PAYLOAD_MAX)
        len = 0;
    if (at < STREAM_MAX && len > STREAM_MAX - at)
        len = STREAM_MAX - at;
    for (uint32_t i = 0; i < len; i++)
        s->bytes[s->head + i] = peer_byte(first + i);
    s->len = s->head + len;
}

/* The model learns it: before the stack does, or after, when only then there is a connection. */
static void note(const struct made *s, const struct sl_tcb *tcb)
{
    struct conn *c = tcb != NULL ? conn_of(tcb) : NULL;
    const bool syn = (s->flags & SL_TCP_SYN) != 0;
    uint32_t at;

    if (c == NULL)
        return;
    at = s->seq + syn - tcb->irs - 1;
    for (size_t i = s->head; i < s->len; i++, at++)
        if (at < STREAM_MAX)
            c->came[at] |= CAME;
    if ((s->flags & SL_TCP_FIN) != 0 && at <= STREAM_MAX)
        c->came[at] |= FIN_CAME;
}

static struct sl_tcb *flow_of(const struct made *s)
{
    for (unsigned i = 0; i < w.h.n_flows; i++) {
        struct sl_tcb *tcb = w.h.flows[i];

        if (tcb->remote_port == rte_cpu_to_be_16(s->port) &&
            tcb->local_port == rte_cpu_to_be_16(s->local_port) &&
            sl_addr_eq(&tcb->remote, &s->remote))
            return tcb;
    }
    return NULL;
}

static void arrive(struct made *s, uint16_t wnd, uint16_t urgent)
{
    struct rte_tcp_hdr t = {.src_port = rte_cpu_to_be_16(s->port),
                            .dst_port = rte_cpu_to_be_16(s->local_port),
                            .sent_seq = rte_cpu_to_be_32(s->seq),
                            .recv_ack = rte_cpu_to_be_32(s->ack),
                            .data_off = (uint8_t)(s->head / 4 << 4),
                            .tcp_flags = s->flags,
                            .rx_win = rte_cpu_to_be_16(wnd),
                            .tcp_urp = rte_cpu_to_be_16(urgent)};
    struct sl_tcb *before = flow_of(s), *after;

    memcpy(s->bytes, &t, sizeof(t));
    if (before != NULL && before->state != SL_TCP_SYN_SENT)
        note(s, before);
    host_segment(&w.h, &s->remote, s->bytes, s->len);
    after = flow_of(s);
    if (after != NULL && (after != before || after->irs + 1 == after->rcv_nxt))
        note(s, after);
    for (unsigned i = 0; i < w.h.n_flows; i++)
        see_window(conn_of(w.h.flows[i]));
}

static void address(struct made *s, const struct sl_tcb *tcb, uint8_t who)
{
    s->remote = host_remote();
    s->local_port = HOST_PORT;
    s->port = 40000 + who % 4;
    if ((who & 0xe0) == 0xe0) /* a group, or our own */
        s->remote = sl_addr_of_ip4(rte_cpu_to_be_32((who & 0x10) != 0 ? 0xe0000001 : 0x0a000001));
    if ((who & 0xe0) == 0xc0)
        s->local_port = 7; /* nobody's */
    if (tcb != NULL) {
        s->remote = tcb->remote;
        s->local_port = rte_be_to_cpu_16(tcb->local_port);
        s->port = rte_be_to_cpu_16(tcb->remote_port);
    }
}

/* The connection that a byte names; NULL: a new one. */
static struct sl_tcb *pick_flow(uint8_t who)
{
    const unsigned i = who % (w.h.n_flows + 1);

    return who >= 0x80 || i == w.h.n_flows ? NULL : w.h.flows[i];
}

static void segment(struct sl_cursor *c)
{
    const uint8_t who = fuzz_u8(c), how_seq = fuzz_u8(c), how_ack = fuzz_u8(c), what = fuzz_u8(c);
    const struct sl_tcb *tcb = pick_flow(who);
    const uint16_t wnd = (how_seq & 0x10) == 0   ? UINT16_MAX
                         : (how_seq & 0x20) == 0 ? fuzz_u16(c)
                                                 : fuzz_u8(c) % 4;
    struct made s = {.flags = likely_flags(what, c)};
    uint32_t len;

    address(&s, tcb, who);
    s.seq = near(tcb != NULL ? tcb->rcv_nxt : 1000, how_seq, c);
    if (tcb != NULL && tcb->state == SL_TCP_SYN_SENT)
        s.seq = fuzz_u8(c);
    s.ack = near(tcb == NULL ? 0 : (how_ack & 0x10) != 0 ? tcb->snd_una : tcb->snd_nxt, how_ack, c);
    s.head = sizeof(struct rte_tcp_hdr);
    if ((what & 0x40) != 0)
        s.head += fitting_options(tcb, fuzz_u8(c), c, s.bytes + s.head);
    else if ((what & 0x20) != 0)
        s.head += raw_options(c, s.bytes + s.head);
    else if (tcb != NULL && tcb->ts_on)
        s.head += fitting_options(tcb, 1, c, s.bytes + s.head);
    len = (how_ack & 0x20) == 0 ? 0 : (how_ack & 0x40) != 0 ? fuzz_u16(c) % 1461 : fuzz_u8(c) % 32;
    if (tcb != NULL && (how_seq & 0xc0) == 0x80) /* it ends about where our window does */
        s.seq = tcb->rcv_adv - len + (how_seq >> 2 & 3);
    fill(&s, tcb, len);
    arrive(&s, wnd, (s.flags & SL_TCP_URG) != 0 ? fuzz_u16(c) : 0);
}

/* What an honest peer would say now, so that more than beginnings are seen. */
static void honest(struct sl_cursor *c)
{
    const uint8_t who = fuzz_u8(c), how = fuzz_u8(c);
    const struct sl_tcb *tcb = pick_flow(who & 0x7f);
    struct made s = {.flags = SL_TCP_ACK, .head = sizeof(struct rte_tcp_hdr)};

    if (tcb == NULL)
        return;
    address(&s, tcb, 0);
    s.seq = tcb->rcv_nxt;
    s.ack = tcb->snd_nxt;
    if (tcb->state == SL_TCP_SYN_SENT) {
        s.flags |= SL_TCP_SYN;
        s.seq = 5000;
        s.head += fitting_options(tcb, how | 4, c, s.bytes + s.head);
    } else {
        s.head += fitting_options(tcb, 1 | (how & 0x10), c, s.bytes + s.head);
    }
    if ((how & 2) != 0 && tcb->state == SL_TCP_ESTABLISHED)
        s.flags |= SL_TCP_FIN;
    if ((how & 8) != 0 && (s.flags & SL_TCP_SYN) == 0) /* some of it comes again */
        s.seq -= how >> 4;
    fill(&s, tcb, (s.flags & SL_TCP_SYN) != 0 ? 0 : (how & 4) != 0 ? 1000 : how % 4);
    arrive(&s, (how & 0x40) != 0 ? fuzz_u8(c) * 16 : UINT16_MAX, 0);
}

static void icmp(struct sl_cursor *c)
{
    const uint8_t who = fuzz_u8(c), what = fuzz_u8(c);
    struct sl_tcb *tcb = pick_flow(who & 0x7f);
    struct sl_net_icmp_error e = {.kind = what % 4,
                                  .code = what >> 4,
                                  .mtu_bytes = fuzz_u16(c),
                                  .total_bytes = fuzz_u16(c),
                                  .src = host_local(),
                                  .dst = host_remote(),
                                  .protocol = 6};
    uint32_t seq;

    if (tcb == NULL)
        return;
    seq = rte_cpu_to_be_32(tcb->snd_una + ((what & 8) != 0 ? fuzz_u16(c) : 0));
    memcpy(e.quoted, &tcb->local_port, 2);
    memcpy(e.quoted + 2, &tcb->remote_port, 2);
    memcpy(e.quoted + 4, &seq, 4);
    (void)sl_tcp_icmp(w.h.tcp, tcb, &e, w.h.now_ns);
}

/* ---- the application ----------------------------------------------------------------------- */

static struct conn *pick_user(uint8_t who)
{
    unsigned n = 0;

    for (unsigned i = 0; i < CONNS_MAX; i++)
        n += w.conns[i].user;
    for (unsigned i = 0, k = n > 0 ? who % n : 0; n > 0 && i < CONNS_MAX; i++)
        if (w.conns[i].user && k-- == 0)
            return &w.conns[i];
    return NULL;
}

static void app_sends(struct conn *c, uint32_t len)
{
    static uint8_t bytes[UINT16_MAX];
    const struct sl_iov iov[] = {{bytes, len / 3}, {bytes + len / 3, len - len / 3}};
    int64_t n;

    for (uint32_t i = 0; i < len; i++)
        bytes[i] = our_byte(c->written + i);
    n = sl_tcp_send(w.h.tcp, c->tcb, iov, 2, w.h.now_ns);
    FUZZ_CHECK(n <= (int64_t)len);
    c->written += n > 0 ? (uint32_t)n : 0;
}

static void app_reads(struct conn *c, uint32_t len, bool peek)
{
    static uint8_t out[UINT16_MAX];
    const int64_t n = sl_tcp_recv(w.h.tcp, c->tcb, out, len, peek, w.h.now_ns);

    FUZZ_CHECK(n <= (int64_t)len);
    if (n < 0 || len == 0)
        return;
    if (n == 0) { /* the end of the stream, where the peer said it is */
        FUZZ_CHECK(c->rd_shut || c->tcb->encrypting || (c->came[c->read] & FIN_CAME) != 0);
        return;
    }
    FUZZ_CHECK(!c->tcb->encrypting); /* nothing of this is authentic */
    for (uint32_t i = 0; i < n; i++) {
        FUZZ_CHECK((c->came[c->read + i] & CAME) != 0);
        FUZZ_CHECK(out[i] == peer_byte(c->tcb->irs + 1 + c->read + i));
    }
    c->read += peek ? 0 : (uint32_t)n;
}

static void let_go(struct conn *c, bool abort)
{
    c->user = false;
    if (abort)
        sl_tcp_abort(w.h.tcp, c->tcb, w.h.now_ns);
    else
        sl_tcp_close(w.h.tcp, c->tcb, w.h.now_ns);
}

static void app_takes(void)
{
    struct sl_tcb *tcb = w.h.listener != NULL ? sl_tcp_accept(w.h.tcp, w.h.listener) : NULL;

    if (tcb == NULL)
        return;
    FUZZ_CHECK(conn_of(tcb) != NULL);
    conn_of(tcb)->user = true;
    conn_of(tcb)->waits = false;
}

static void app_connects(uint8_t which)
{
    const struct sl_addr local = host_local(), remote = host_remote();
    struct sl_tcb *tcb;
    int err = 0;

    tcb = sl_tcp_connect(w.h.tcp, &local, rte_cpu_to_be_16(6000 + which % 4), &remote,
                         rte_cpu_to_be_16(80), HOST_MTU, &w.set, NULL, w.h.now_ns, &err);
    FUZZ_CHECK(tcb != NULL || err == -ENOMEM || err == -EADDRINUSE);
    if (tcb != NULL)
        conn_of(tcb)->user = true;
}

static void app_listens(uint8_t backlog)
{
    const struct sl_addr local = host_local();
    struct sl_tcp_listener *l = w.h.listener;

    if (l == NULL) {
        w.h.listener = sl_tcp_listen(w.h.tcp, &local, rte_cpu_to_be_16(HOST_PORT), 1 + backlog % 8,
                                     &w.set, NULL);
        return;
    }
    sl_tcp_listener_backlog(l, backlog % 8);
    if (backlog >= 0xc0) {
        w.h.listener = NULL;
        sl_tcp_listener_close(w.h.tcp, l, w.h.now_ns);
        for (unsigned i = 0; i < CONNS_MAX; i++)
            w.conns[i].waits = false;
    }
}

static void application(struct sl_cursor *c, uint8_t what)
{
    const uint8_t who = fuzz_u8(c);
    struct conn *conn = pick_user(who);

    if (what == 0)
        app_takes();
    else if (what == 1)
        app_connects(who);
    else if (what == 2)
        app_listens(who);
    else if (conn == NULL)
        return;
    else if (what == 3)
        app_sends(conn, fuzz_u16(c) % 8192);
    else if (what == 4)
        app_reads(conn, fuzz_u16(c), who >= 0x80);
    else if (what == 5) {
        conn->rd_shut |= (who & 0x40) != 0;
        (void)sl_tcp_shutdown(w.h.tcp, conn->tcb, (who & 0x40) != 0, (who & 0x80) != 0, w.h.now_ns);
    } else {
        let_go(conn, who >= 0x80);
    }
}

static void look(void)
{
    for (unsigned i = 0; i < CONNS_MAX; i++) {
        struct sl_tcb_facts f;

        if (!w.conns[i].user)
            continue;
        sl_tcb_facts(w.conns[i].tcb, &f);
        FUZZ_CHECK(f.state < SL_TCP_STATES && (f.state == SL_TCP_CLOSED) == !w.conns[i].flow);
        FUZZ_CHECK(f.readable_bytes <= STREAM_MAX);
        (void)sl_tcb_level(w.conns[i].tcb);
    }
}

static void step(struct sl_cursor *c)
{
    const uint8_t op = fuzz_u8(c);

    switch (op % 16) {
    case 0:
        host_pass(&w.h, (uint64_t)fuzz_u8(c) * HOST_NS_PER_MS);
        break;
    case 1:
        host_pass(&w.h, (uint64_t)fuzz_u8(c) * 1000 * HOST_NS_PER_MS);
        break;
    case 2:
        icmp(c);
        break;
    case 3:
    case 4:
        honest(c);
        break;
    case 5:
    case 6:
    case 7:
    case 8:
    case 9:
    case 10:
        application(c, op % 16 == 10 ? (op >> 4) % 8 == 0 ? 6 : 5 : op % 16 - 5U);
        break;
    default:
        segment(c);
    }
    if ((op & 0x80) == 0) /* else it is one burst with what follows */
        host_iterate(&w.h);
    look();
}

/* ---- a run --------------------------------------------------------------------------------- */

static void begin(struct sl_cursor *c)
{
    static const struct sl_tep_config tep = {.aead_a = {SL_AEAD_AES_128_GCM},
                                             .aead_b = {SL_AEAD_AES_128_GCM},
                                             .n_aead_a = 1,
                                             .n_aead_b = 1,
                                             .kex_timeout_ns = UINT64_C(10000000000)};
    struct sl_tcp_config config = sl_tcp_config_default();
    const uint8_t how = fuzz_u8(c), fault = fuzz_u8(c);

    memset(&w.h, 0, sizeof(w.h));
    w.h.sent = sent;
    w.h.opened = opened;
    w.h.ended = ended;
    config.timestamps = (how & 1) != 0;
    config.window_scale = (how & 2) != 0;
    config.connections_max = 12;
    config.half_open_max = 4;
    config.time_wait_max = 3;
    config.rcvbuf_bytes = 4096 + (how & 0x20) * 512;
    config.sndbuf_bytes = 16384;
    config.rcv_ranges_max = (how & 0x40) != 0 ? 4 : 64;
    config.jobs_max = 16;
    w.policy = (struct sl_eno_policy){
        .enabled = (how & 4) != 0, .n_teps = 1, .teps = {&sl_tcpcrypt_x25519}, .config = &tep};
    w.set = (struct sl_tcp_options_set){.eno = &w.policy,
                                        .require_encryption = (how & 0x0c) == 0x0c,
                                        .nodelay = (how & 0x10) != 0,
                                        .keepalive = (how & 0x80) != 0};
    host_begin(&w.h, &config);
    app_listens(4);
    sl_fault_random(fault < 0xc0 ? 0 : (fault & 0x3fU) * 1000, fault);
}

/* The application reads what there is, and lets go of all. */
static void over(void)
{
    for (unsigned i = 0; i < HOST_FLOWS_MAX; i++)
        app_takes();
    for (unsigned i = 0; i < CONNS_MAX; i++) {
        if (!w.conns[i].user)
            continue;
        app_reads(&w.conns[i], UINT16_MAX, false);
        let_go(&w.conns[i], false);
    }
    if (w.h.listener != NULL)
        app_listens(UINT8_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct sl_cursor c = sl_cursor_of(bytes, size);

    begin(&c);
    for (int i = 0; i < OPS_MAX && sl_cursor_left(&c) > 0; i++)
        step(&c);
    sl_fault_random(0, 0);
    over();
    host_pass(&w.h, (uint64_t)HOUR_S * 1000 * HOST_NS_PER_MS);
    FUZZ_CHECK(sl_tcp_connections(w.h.tcp) == 0);
    host_end(&w.h);
    return 0;
}
