/* SPDX-License-Identifier: BSD-3-Clause */
#include "script.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <rte_byteorder.h>
#include <rte_tcp.h>

#include "mbufs/mbufs.h"
#include "tcpcrypt/job.h"

enum {
    LOCAL_PORT = 5000,
    REMOTE_PORT = 40000,
    FLOWS_MAX = 64,
    SENT_MAX = 4096,
    PORTS_MAX = 64,
    JOBS_MAX = 256,
    POOL_MBUFS = 1023,
    NS_PER_MS = 1000000,
    TICK_NS = 64, /* of the ISN's clock: reading D2 */
    STEPS_MAX = 100000,
    LINE_PAYLOAD_MAX = 65536,
    OPTIONS_MAX = 40,
    KIND_MSS = 2,
    KIND_WS = 3,
    KIND_SACKOK = 4,
    KIND_SACK = 5,
    KIND_TS = 8,
    KIND_ENO = 69,
};

struct sent {
    uint8_t *bytes; /* TCP header and payload */
    size_t len;
    uint64_t at_ns;
    uint16_t port; /* of the peer, host order */
};

/* Per port of the peer: what turns our real sequence numbers into the story's. */
struct mapping {
    uint16_t port;
    sl_seq offset;
};

struct script_world {
    struct script_params p;
    struct sl_tcp_config config;
    struct sl_tcp_host host;
    struct sl_tcp *tcp;
    struct sl_tcp_listener *listener;
    struct sl_counters counters;
    struct sl_random_seeded random, secrets;
    struct rte_mempool *pools[4];
    uint64_t now_ns, epoch_ns;
    struct sl_tcb *flows[FLOWS_MAX];
    unsigned n_flows, flows_max;
    struct sent sent[SENT_MAX];
    unsigned head, n_sent; /* looked at, written */
    struct mapping mapped[PORTS_MAX];
    unsigned n_mapped;
    uint16_t remote_port;
    struct sl_addr local, remote;
    uint32_t pieces;
    uint32_t ts_base, ts_last; /* our first and last TSval */
    bool ts_seen;
    unsigned events, acceptable;
    int advice;
    enum sl_drop drop;
    uint32_t read_at; /* how far the application has read */
    uint32_t sent_at; /* how far it has written */
    int err;
    uint64_t matched_ns;
};

static struct script_world *the_world;

__attribute__((format(printf, 3, 4))) static _Noreturn void fail(const char *file, int line,
                                                                 const char *format, ...)
{
    static char text[4096];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    cr_assert(false, "%s:%d: %s", file, line, text);
    abort();
}

/* Byte `at` of either stream. */
static uint8_t pattern(uint32_t at)
{
    return (uint8_t)(at * 7 + (at >> 8) * 13 + 1);
}

/* ---- the host ----------------------------------------------------------------------------------
 */

static sl_seq *offset_of(struct script_world *w, uint16_t port)
{
    unsigned i;

    for (i = 0; i < w->n_mapped; i++) {
        if (w->mapped[i].port == port)
            return &w->mapped[i].offset;
    }
    cr_assert(w->n_mapped < PORTS_MAX);
    w->mapped[w->n_mapped] = (struct mapping){.port = port};
    return &w->mapped[w->n_mapped++].offset;
}

/* A SYN tells where this connection's numbers begin, and the first timestamp where they do. */
static void learn(struct script_world *w, const struct sent *sent)
{
    const struct rte_tcp_hdr *h = (const void *)sent->bytes;
    const size_t head = (size_t)(h->data_off >> 4) * 4;
    struct sl_tcp_options o;

    if (h->tcp_flags & SL_TCP_SYN)
        *offset_of(w, sent->port) = rte_be_to_cpu_32(h->sent_seq) - w->p.iss;
    if (sl_tcp_options_read(sl_cursor_of(h + 1, head - sizeof(*h)), true, &o) != SL_DROP_NONE ||
        !o.has_ts || (h->tcp_flags & SL_TCP_RST))
        return;
    if (!w->ts_seen)
        w->ts_base = o.tsval;
    w->ts_seen = true;
    w->ts_last = o.tsval;
}

static void note_sent(struct script_world *w, struct rte_mbuf *m, const struct sl_net_hdr *hdr)
{
    struct sent *sent = &w->sent[w->n_sent];
    const struct rte_tcp_hdr *h;

    cr_assert(w->n_sent < SENT_MAX, "more than %d segments in one story", SENT_MAX);
    cr_assert(rte_pktmbuf_headroom(m) >= SL_NET_HEAD_BYTES, "no headroom for the network floor");
    cr_assert(m->data_len >= sizeof(*h), "the TCP header is cut");
    cr_assert(memcmp(&hdr->dst, &w->remote, sizeof(hdr->dst)) == 0 || w->p.passive ||
                  w->n_mapped > 0,
              "to a stranger");
    sent->bytes = test_bytes(m, &sent->len);
    sent->at_ns = w->now_ns;
    h = (const void *)sent->bytes;
    cr_assert((size_t)(h->data_off >> 4) * 4 <= m->data_len, "header and options are one piece");
    cr_assert((h->data_off & 0x0f) == 0, "reserved bits are zero (T9293-1)");
    sent->port = rte_be_to_cpu_16(h->dst_port);
    w->n_sent++;
    learn(w, sent);
    rte_pktmbuf_free(m);
}

static enum sl_drop host_tx(void *ctx, struct sl_tcb *tcb, struct rte_mbuf *m)
{
    struct sl_net_hdr hdr;

    sl_tcb_hdr(tcb, &hdr);
    note_sent(ctx, m, &hdr);
    return SL_DROP_NONE;
}

static void host_tx_stray(void *ctx, const struct sl_net_hdr *hdr, struct rte_mbuf *m)
{
    note_sent(ctx, m, hdr);
}

static struct sl_tcb **flow_of(struct script_world *w, const struct sl_addr *local,
                               uint16_t local_port, const struct sl_addr *remote,
                               uint16_t remote_port)
{
    unsigned i;

    for (i = 0; i < w->n_flows; i++) {
        const struct sl_tcb *tcb = w->flows[i];

        if (tcb->local_port == local_port && tcb->remote_port == remote_port &&
            sl_addr_eq(&tcb->local, local) && sl_addr_eq(&tcb->remote, remote))
            return &w->flows[i];
    }
    return NULL;
}

static bool host_flow_add(void *ctx, struct sl_tcb *tcb)
{
    struct script_world *w = ctx;

    if (w->n_flows >= w->flows_max ||
        flow_of(w, &tcb->local, tcb->local_port, &tcb->remote, tcb->remote_port) != NULL)
        return false;
    w->flows[w->n_flows++] = tcb;
    return true;
}

static void host_flow_remove(void *ctx, struct sl_tcb *tcb)
{
    struct script_world *w = ctx;
    unsigned i;

    for (i = 0; i < w->n_flows && w->flows[i] != tcb; i++)
        ;
    cr_assert(i < w->n_flows, "a flow is removed that was never added");
    w->flows[i] = w->flows[--w->n_flows];
}

static void host_event(void *ctx, struct sl_tcb *tcb, unsigned ev)
{
    struct script_world *w = ctx;

    (void)tcb;
    w->events |= ev;
}

static void host_acceptable(void *ctx, struct sl_tcp_listener *l)
{
    struct script_world *w = ctx;

    (void)l;
    w->acceptable++;
}

/* A story has no peer that could seal: encrypted connections are the simulator's. */
static void host_job(void *ctx, struct sl_job *job)
{
    (void)ctx;
    (void)job;
    cr_assert(false, "no story gets as far as a job");
}

static void host_path(void *ctx, struct sl_tcb *tcb, bool good)
{
    struct script_world *w = ctx;

    (void)tcb;
    w->advice += good ? 1 : -1;
}

/* ---- the world ---------------------------------------------------------------------------------
 */

static void fill_defaults(struct script_params *p)
{
#define DEFAULT(field, value) p->field = p->field != 0 ? p->field : (value)
    DEFAULT(iss, 100);
    DEFAULT(irs, 300);
    DEFAULT(wnd, 65535);
    DEFAULT(mss_bytes, 1460);
    DEFAULT(mtu_bytes, 1500);
    DEFAULT(rcvbuf_bytes, 65535);
    DEFAULT(sndbuf_bytes, 65536);
    DEFAULT(backlog, 8);
    DEFAULT(rtt_ms, 10);
#undef DEFAULT
}

static void make_config(struct script_world *w)
{
    w->config = sl_tcp_config_default();
    w->config.timestamps = w->p.ts;
    w->config.window_scale = w->p.scale;
    w->config.connections_max = 64;
    w->config.half_open_max = 32;
    w->config.time_wait_max = 16;
    w->config.rcvbuf_bytes = w->p.rcvbuf_bytes;
    w->config.sndbuf_bytes = w->p.sndbuf_bytes;
    w->config.jobs_max = JOBS_MAX;
    if (w->p.tune != NULL)
        w->p.tune(&w->config);
}

static void make_host(struct script_world *w)
{
    static const char *const names[] = {"heads", "clones", "data", "rx"};
    unsigned i;

    for (i = 0; i < 4; i++)
        w->pools[i] = test_pool(names[i], POOL_MBUFS);
    w->host = (struct sl_tcp_host){
        .ctx = w,
        .tx = host_tx,
        .tx_stray = host_tx_stray,
        .flow_add = host_flow_add,
        .flow_remove = host_flow_remove,
        .event = host_event,
        .acceptable = host_acceptable,
        .job = host_job,
        .path = host_path,
        .heads = w->pools[0],
        .clones = w->pools[1],
        .data = w->pools[2],
        .rx = w->pools[3],
        .counters = &w->counters,
        .random = sl_random_seed(&w->random, 1),
        .secrets = sl_random_seed(&w->secrets, 2),
        .arena = sl_arena_create(256),
    };
}

/* Move the clock to where the ISN of the first connection is the story's. */
static void set_clock(struct script_world *w)
{
    const sl_seq isn = sl_isn(&w->tcp->keys, &w->local, rte_cpu_to_be_16(LOCAL_PORT), &w->remote,
                              rte_cpu_to_be_16(REMOTE_PORT), w->now_ns);

    w->now_ns += (uint64_t)(w->p.iss - isn) * TICK_NS;
    cr_assert_eq(sl_isn(&w->tcp->keys, &w->local, rte_cpu_to_be_16(LOCAL_PORT), &w->remote,
                        rte_cpu_to_be_16(REMOTE_PORT), w->now_ns),
                 w->p.iss);
    w->epoch_ns = w->now_ns;
}

struct script script_closed(const struct script_params *p)
{
    struct script_world *w = calloc(1, sizeof(*w));

    cr_assert(w != NULL && the_world == NULL);
    the_world = w;
    test_eal();
    w->p = *p;
    fill_defaults(&w->p);
    make_config(w);
    make_host(w);
    w->flows_max = FLOWS_MAX;
    w->remote_port = REMOTE_PORT;
    cr_assert(sl_addr_parse(p->ip6 ? "fd00::1" : "10.0.0.1", &w->local));
    cr_assert(sl_addr_parse(p->ip6 ? "fd00::2" : "10.0.0.2", &w->remote));
    w->now_ns = 1000 * (uint64_t)NS_PER_MS;
    w->tcp = sl_tcp_create(&w->config, &w->host, w->now_ns);
    cr_assert(w->tcp != NULL);
    set_clock(w);
    return (struct script){.tcp = w->tcp, .w = w};
}

void script_over(void)
{
    struct script_world *w = the_world;
    unsigned i;

    if (w == NULL)
        return;
    sl_tcp_destroy(w->tcp);
    cr_expect_eq(w->n_flows, 0, "flows are left");
    for (i = 0; i < w->n_sent; i++)
        free(w->sent[i].bytes);
    for (i = 0; i < 4; i++) {
        cr_expect_eq(rte_mempool_avail_count(w->pools[i]), POOL_MBUFS, "mbufs of pool %s leaked",
                     w->pools[i]->name);
        rte_mempool_free(w->pools[i]);
    }
    sl_arena_destroy(w->host.arena);
    free(w);
    the_world = NULL;
}

/* ---- reading a line of a story -----------------------------------------------------------------
 */

struct line {
    const char *file, *text;
    int number;
    uint32_t first, last;
    uint8_t flags;
    uint32_t ack;
    uint16_t urgent;
    uint32_t win;
    bool has_ack, ack_any, has_win, has_psh, no_psh, other, has_options;
    char options[512];
};

static const struct {
    const char *word;
    uint8_t flag;
} flag_words[] = {
    {"SYN", SL_TCP_SYN}, {"FIN", SL_TCP_FIN}, {"RST", SL_TCP_RST}, {"PSH", SL_TCP_PSH},
    {"URG", SL_TCP_URG}, {"ECE", SL_TCP_ECE}, {"CWR", SL_TCP_CWR},
};

static bool read_flag(struct line *l, const char *word)
{
    for (size_t i = 0; i < sizeof(flag_words) / sizeof(flag_words[0]); i++) {
        if (strcmp(word, flag_words[i].word) == 0) {
            l->flags |= flag_words[i].flag;
            return true;
        }
    }
    return false;
}

static uint32_t number(const struct line *l, const char *word)
{
    char *end;
    const unsigned long n = word != NULL ? strtoul(word, &end, 10) : 0;

    if (word == NULL || *end != '\0' || n > UINT32_MAX)
        fail(l->file, l->number, "\"%s\": a number is missing or wrong", l->text);
    return (uint32_t)n;
}

static void read_word(struct line *l, const char *word, char **rest)
{
    if (strcmp(word, "ack") == 0) {
        const char *n = strtok_r(NULL, " ", rest);

        l->has_ack = true;
        l->ack_any = n != NULL && strcmp(n, "*") == 0;
        l->ack = l->ack_any ? 0 : number(l, n);
    } else if (strcmp(word, "win") == 0) {
        l->has_win = true;
        l->win = number(l, strtok_r(NULL, " ", rest));
    } else if (strcmp(word, "urg") == 0) {
        l->urgent = (uint16_t)number(l, strtok_r(NULL, " ", rest));
    } else if (strcmp(word, "other") == 0) {
        l->other = true;
    } else if (strcmp(word, "nopsh") == 0) {
        l->no_psh = true;
    } else if (!read_flag(l, word)) {
        fail(l->file, l->number, "\"%s\": what is \"%s\"?", l->text, word);
    }
}

static void read_line(const char *file, int where, const char *text, struct line *l)
{
    char words[512];
    char *open, *word, *rest;

    *l = (struct line){.file = file, .number = where, .text = text};
    (void)snprintf(words, sizeof(words), "%s", text);
    open = strchr(words, '<');
    if (open != NULL) {
        char *close = strchr(open, '>');

        if (close == NULL)
            fail(file, where, "\"%s\": no >", text);
        *close = '\0';
        l->has_options = true;
        (void)snprintf(l->options, sizeof(l->options), "%s", open + 1);
        *open = '\0';
    }
    word = strtok_r(words, " ", &rest);
    if (word == NULL || sscanf(word, "%" SCNu32 ":%" SCNu32, &l->first, &l->last) != 2)
        fail(file, where, "\"%s\": begins without FIRST:LAST", text);
    while ((word = strtok_r(NULL, " ", &rest)) != NULL)
        read_word(l, word, &rest);
    l->has_psh = (l->flags & SL_TCP_PSH) != 0;
    if (l->has_ack)
        l->flags |= SL_TCP_ACK;
    if (l->last - l->first > LINE_PAYLOAD_MAX)
        fail(file, where, "\"%s\": too long", text);
}

/* "0123" to bytes; returns how many. */
static size_t hex(const struct line *l, const char *digits, uint8_t *out)
{
    size_t n = 0;
    unsigned byte;

    for (; digits[0] != '\0'; digits += 2) {
        if (digits[1] == '\0' || sscanf(digits, "%2x", &byte) != 1 || n == OPTIONS_MAX)
            fail(l->file, l->number, "\"%s\": bad hex", l->text);
        out[n++] = (uint8_t)byte;
    }
    return n;
}

/* The words of one option of the list; false at the end of it. */
struct words {
    char text[128];
    char *word[3];
    unsigned n;
};

static bool next_option(char **list, struct words *o)
{
    char *one = strtok_r(NULL, ",", list), *rest, *word;

    *o = (struct words){0};
    if (one == NULL)
        return false;
    (void)snprintf(o->text, sizeof(o->text), "%s", one);
    for (word = strtok_r(o->text, " ", &rest); word != NULL && o->n < 3;
         word = strtok_r(NULL, " ", &rest))
        o->word[o->n++] = word;
    return true;
}

/* ---- segments of the peer ----------------------------------------------------------------------
 */

static void put_sack(struct script_world *w, const struct line *l, struct sl_writer *out,
                     const char *word)
{
    uint32_t left = 0, right = 0;

    if (word == NULL || sscanf(word, "%" SCNu32 "-%" SCNu32, &left, &right) != 2)
        fail(l->file, l->number, "\"%s\": sack LEFT-RIGHT", l->text);
    sl_put_be(out, KIND_SACK, 1);
    sl_put_be(out, 10, 1);
    sl_put_be(out, left + *offset_of(w, w->remote_port), 4);
    sl_put_be(out, right + *offset_of(w, w->remote_port), 4);
}

static void put_ts(struct sl_writer *out, uint32_t val, uint32_t ecr)
{
    sl_put_be(out, KIND_TS, 1);
    sl_put_be(out, 10, 1);
    sl_put_be(out, val, 4);
    sl_put_be(out, ecr, 4);
}

static void put_option(struct script_world *w, const struct line *l, struct sl_writer *out,
                       const struct words *o)
{
    uint8_t bytes[OPTIONS_MAX];
    size_t n = o->n > 1 && (strcmp(o->word[0], "eno") == 0 || strcmp(o->word[0], "raw") == 0)
                   ? hex(l, o->word[1], bytes)
                   : 0;

    if (strcmp(o->word[0], "mss") == 0) {
        sl_put_be(out, KIND_MSS << 8 | 4, 2);
        sl_put_be(out, number(l, o->word[1]), 2);
    } else if (strcmp(o->word[0], "ws") == 0) {
        sl_put_be(out, KIND_WS << 8 | 3, 2);
        sl_put_be(out, number(l, o->word[1]), 1);
    } else if (strcmp(o->word[0], "ts") == 0) {
        put_ts(out, number(l, o->word[1]),
               o->n > 2 ? number(l, o->word[2]) + w->ts_base : w->ts_last);
    } else if (strcmp(o->word[0], "sackok") == 0) {
        sl_put_be(out, KIND_SACKOK << 8 | 2, 2);
    } else if (strcmp(o->word[0], "sack") == 0) {
        put_sack(w, l, out, o->word[1]);
    } else if (strcmp(o->word[0], "eno") == 0) {
        sl_put_be(out, KIND_ENO << 8 | (n + 2), 2);
        sl_put(out, bytes, n);
    } else if (strcmp(o->word[0], "raw") == 0) {
        sl_put(out, bytes, n);
    } else {
        fail(l->file, l->number, "\"%s\": what is option %s?", l->text, o->word[0]);
    }
}

/* The peer's own clock: milliseconds, from a number of its own. */
static uint32_t peer_ts(const struct script_world *w)
{
    return 7000 + (uint32_t)((w->now_ns - w->epoch_ns) / NS_PER_MS);
}

static size_t put_options(struct script_world *w, struct line *l, uint8_t *bytes)
{
    struct sl_writer out = sl_writer_of(bytes, OPTIONS_MAX);
    char list_text[520];
    char *list;
    struct words o;

    if (!l->has_options && w->p.ts && !(l->flags & SL_TCP_RST)) {
        sl_put_be(&out, 0x0101, 2);
        put_ts(&out, peer_ts(w), w->ts_last);
    }
    (void)snprintf(list_text, sizeof(list_text), "x,%s", l->options);
    strtok_r(list_text, ",", &list);
    while (l->has_options && next_option(&list, &o)) {
        if (o.n > 0)
            put_option(w, l, &out, &o);
    }
    while ((out.at - bytes) % 4 != 0)
        sl_put_be(&out, 1, 1);
    if (out.full)
        fail(l->file, l->number, "\"%s\": more than 40 bytes of options", l->text);
    return (size_t)(out.at - bytes);
}

static void put_payload(const struct script_world *w, const struct line *l, uint8_t *out)
{
    for (uint32_t i = 0; i < l->last - l->first; i++) {
        const uint8_t byte = pattern(l->first + i - (w->p.irs + 1));

        out[i] = l->other ? (uint8_t)~byte : byte;
    }
}

/* The header (and all of the payload, or its first piece) in one mbuf, the rest behind it. */
static struct rte_mbuf *make_mbuf(const struct script_world *w, const uint8_t *bytes, size_t head,
                                  size_t len)
{
    const size_t piece = w->pieces != 0 ? w->pieces : len;
    size_t at = RTE_MIN(len, head + piece);
    struct rte_mbuf *m = test_mbuf(w->host.rx, bytes, at, 0, 0);

    for (; at < len; at += piece) {
        struct rte_mbuf *next = test_mbuf(w->host.rx, bytes + at, RTE_MIN(len - at, piece), 0, 0);

        cr_assert_eq(rte_pktmbuf_chain(m, next), 0);
    }
    return m;
}

static struct rte_mbuf *make_segment(struct script_world *w, struct line *l)
{
    const size_t payload = l->last - l->first;
    uint8_t options[OPTIONS_MAX];
    const size_t options_len = put_options(w, l, options);
    const size_t head = sizeof(struct rte_tcp_hdr) + options_len;
    uint8_t *bytes = calloc(1, head + payload);
    struct rte_tcp_hdr *h = (void *)bytes;
    struct rte_mbuf *m;

    cr_assert(bytes != NULL);
    h->src_port = rte_cpu_to_be_16(w->remote_port);
    h->dst_port = rte_cpu_to_be_16(LOCAL_PORT);
    h->sent_seq = rte_cpu_to_be_32(l->first);
    h->recv_ack = l->has_ack ? rte_cpu_to_be_32(l->ack + *offset_of(w, w->remote_port)) : 0;
    h->data_off = (uint8_t)(head / 4 << 4);
    h->tcp_flags = l->flags;
    h->rx_win = rte_cpu_to_be_16(l->has_win ? (uint16_t)l->win : w->p.wnd);
    h->tcp_urp = rte_cpu_to_be_16(l->urgent);
    memcpy(h + 1, options, options_len);
    put_payload(w, l, bytes + head);
    m = make_mbuf(w, bytes, head, head + payload);
    free(bytes);
    return m;
}

/* What the shard does with a segment: find its connection, its listener, or nobody. */
static enum sl_drop deliver(struct script_world *w, struct sl_seg *seg)
{
    struct sl_tcb **flow = flow_of(w, &seg->local, seg->local_port, &seg->remote, seg->remote_port);

    if (flow != NULL && (*flow)->state == SL_TCP_TIME_WAIT && w->listener != NULL &&
        sl_tcp_time_wait_reopens(w->tcp, *flow, seg, w->now_ns))
        flow = NULL;
    if (flow != NULL)
        return sl_tcp_segment(w->tcp, *flow, seg, w->now_ns);
    if (w->listener != NULL)
        return sl_tcp_listener_segment(w->tcp, w->listener, seg, w->p.mtu_bytes, w->now_ns);
    return sl_tcp_stray_segment(w->tcp, seg, w->now_ns);
}

void script_arrives(const char *file, int line, struct script *s, const char *text)
{
    struct script_world *w = s->w;
    const struct sl_counters before = w->counters;
    struct sl_net_meta meta = {
        .src = w->remote, .dst = w->local, .protocol = 6, .ttl = 64, .cksum_good = true};
    struct sl_seg seg;
    struct line l;

    read_line(file, line, text, &l);
    if (sl_seg_read(make_segment(w, &l), &meta, &seg) != SL_DROP_NONE)
        fail(file, line, "\"%s\": cannot be parsed", text);
    w->drop = deliver(w, &seg);
    if (w->drop != SL_DROP_NONE && w->counters.drops[w->drop] != before.drops[w->drop] + 1)
        fail(file, line, "\"%s\": dropped by %s, which was counted %" PRIu64 " times", text,
             sl_drop_name(w->drop), w->counters.drops[w->drop] - before.drops[w->drop]);
    for (int i = 1; i < SL_DROP_COUNT; i++) {
        /* A reset that was not sent is a loss of its own. */
        if (i != (int)w->drop && i != SL_DROP_TCP_RST_RATE &&
            w->counters.drops[i] != before.drops[i])
            fail(file, line, "\"%s\": %s was counted, and %s returned", text,
                 sl_drop_name((enum sl_drop)i), sl_drop_name(w->drop));
    }
}

void script_dropped(const char *file, int line, struct script *s, enum sl_drop why)
{
    if (s->w->drop != why)
        fail(file, line, "the segment was dropped by %s, not by %s", sl_drop_name(s->w->drop),
             sl_drop_name(why));
}

void from_port(struct script *s, uint16_t port)
{
    s->w->remote_port = port;
}

void from_address(struct script *s, const char *text)
{
    cr_assert(sl_addr_parse(text, &s->w->remote));
}

void to_address(struct script *s, const char *text)
{
    cr_assert(sl_addr_parse(text, &s->w->local));
}

void in_pieces(struct script *s, uint32_t bytes)
{
    s->w->pieces = bytes;
}

/* ---- segments of ours --------------------------------------------------------------------------
 */

struct heard {
    const struct rte_tcp_hdr *h;
    const uint8_t *payload;
    size_t payload_len;
    sl_seq offset;
    struct sl_tcp_options o;
};

static void hear(struct script_world *w, const struct sent *sent, struct heard *heard)
{
    const struct rte_tcp_hdr *h = (const void *)sent->bytes;
    const size_t head = (size_t)(h->data_off >> 4) * 4;

    heard->h = h;
    heard->payload = sent->bytes + head;
    heard->payload_len = sent->len - head;
    heard->offset = *offset_of(w, sent->port);
    cr_assert_eq(sl_tcp_options_read(sl_cursor_of(h + 1, head - sizeof(*h)),
                                     (h->tcp_flags & SL_TCP_SYN) != 0, &heard->o),
                 SL_DROP_NONE);
}

static void describe(const struct heard *heard, char *out, size_t room)
{
    const struct sl_tcp_options *o = &heard->o;
    const sl_seq first = rte_be_to_cpu_32(heard->h->sent_seq) - heard->offset;
    size_t n = (size_t)snprintf(out, room, "%" PRIu32 ":%" PRIu32, first,
                                first + (uint32_t)heard->payload_len);

    for (size_t i = 0; i < sizeof(flag_words) / sizeof(flag_words[0]); i++) {
        if (heard->h->tcp_flags & flag_words[i].flag)
            n += (size_t)snprintf(out + n, room - n, " %s", flag_words[i].word);
    }
    if (heard->h->tcp_flags & SL_TCP_ACK)
        n += (size_t)snprintf(out + n, room - n, " ack %" PRIu32,
                              rte_be_to_cpu_32(heard->h->recv_ack));
    n += (size_t)snprintf(out + n, room - n, " win %u <", rte_be_to_cpu_16(heard->h->rx_win));
    if (o->mss_bytes != 0)
        n += (size_t)snprintf(out + n, room - n, "mss %u,", o->mss_bytes);
    if (o->has_wscale)
        n += (size_t)snprintf(out + n, room - n, "ws %u,", o->wscale);
    if (o->has_ts)
        n += (size_t)snprintf(out + n, room - n, "ts %" PRIu32 " %" PRIu32 ",",
                              o->tsval - the_world->ts_base, o->tsecr);
    if (o->n_eno > 0)
        n += (size_t)snprintf(out + n, room - n, "eno(%zu bytes),", sl_cursor_left(&o->eno));
    for (int i = 0; i < o->n_sack; i++)
        n += (size_t)snprintf(out + n, room - n, "sack %" PRIu32 "-%" PRIu32 ",", o->sack[i].left,
                              o->sack[i].right);
    (void)snprintf(out + n, room - n, ">");
}

static bool same_number(const char *word, uint32_t n)
{
    return word != NULL && (strcmp(word, "*") == 0 || strtoul(word, NULL, 10) == n);
}

static bool same_sack(const struct sl_tcp_options *o, unsigned i, const char *word)
{
    uint32_t left, right;

    return word != NULL && sscanf(word, "%" SCNu32 "-%" SCNu32, &left, &right) == 2 &&
           i < o->n_sack && o->sack[i].left == left && o->sack[i].right == right;
}

static bool same_eno(const struct line *l, const struct sl_tcp_options *o, const struct words *want)
{
    uint8_t bytes[OPTIONS_MAX];
    const size_t n = want->n > 1 ? hex(l, want->word[1], bytes) : 0;

    return o->n_eno == 1 && sl_cursor_left(&o->eno) == n &&
           (n == 0 || memcmp(o->eno.at, bytes, n) == 0);
}

static bool same_option(const struct script_world *w, const struct line *l,
                        const struct sl_tcp_options *o, const struct words *want, unsigned *n_sack)
{
    const char *name = want->word[0];

    if (strcmp(name, "mss") == 0)
        return o->mss_bytes != 0 && same_number(want->word[1], o->mss_bytes);
    if (strcmp(name, "ws") == 0)
        return o->has_wscale && same_number(want->word[1], o->wscale);
    if (strcmp(name, "ts") == 0)
        return o->has_ts && (want->n < 2 || same_number(want->word[1], o->tsval - w->ts_base)) &&
               (want->n < 3 || same_number(want->word[2], o->tsecr));
    if (strcmp(name, "sackok") == 0)
        return o->sack_permitted;
    if (strcmp(name, "sack") == 0)
        return same_sack(o, (*n_sack)++, want->word[1]);
    if (strcmp(name, "eno") == 0)
        return same_eno(l, o, want);
    if (strcmp(name, "nots") == 0)
        return !o->has_ts;
    if (strcmp(name, "noeno") == 0)
        return o->n_eno == 0;
    if (strcmp(name, "nows") == 0)
        return !o->has_wscale;
    if (strcmp(name, "nomss") == 0)
        return o->mss_bytes == 0;
    if (strcmp(name, "nosack") == 0)
        return o->n_sack == 0 && !o->sack_permitted;
    fail(l->file, l->number, "\"%s\": what is option %s?", l->text, name);
    return false;
}

static bool same_options(const struct script_world *w, const struct line *l,
                         const struct heard *heard)
{
    char list_text[520];
    char *list;
    struct words o;
    unsigned n_sack = 0;

    if (!l->has_options)
        return true;
    (void)snprintf(list_text, sizeof(list_text), "x,%s", l->options);
    strtok_r(list_text, ",", &list);
    while (next_option(&list, &o)) {
        if (o.n > 0 && !same_option(w, l, &heard->o, &o, &n_sack))
            return false;
    }
    return n_sack == 0 || n_sack == heard->o.n_sack;
}

static bool same_head(const struct line *l, const struct heard *heard)
{
    const struct rte_tcp_hdr *h = heard->h;
    const uint8_t mask = (uint8_t)~SL_TCP_PSH;

    return rte_be_to_cpu_32(h->sent_seq) - heard->offset == l->first &&
           heard->payload_len == l->last - l->first && (h->tcp_flags & mask) == (l->flags & mask) &&
           (!l->has_psh || (h->tcp_flags & SL_TCP_PSH)) &&
           (!l->no_psh || !(h->tcp_flags & SL_TCP_PSH)) &&
           (!l->has_ack || l->ack_any || rte_be_to_cpu_32(h->recv_ack) == l->ack) &&
           (!l->has_win || rte_be_to_cpu_16(h->rx_win) == l->win) &&
           rte_be_to_cpu_16(h->tcp_urp) == l->urgent;
}

/* What the application wrote, unless a TEP did something to it. */
static bool same_payload(const struct script *s, const struct line *l, const struct heard *heard)
{
    if (s->w->p.eno != NULL)
        return true;
    for (size_t i = 0; i < heard->payload_len; i++) {
        if (heard->payload[i] != pattern(l->first + (uint32_t)i - (s->w->p.iss + 1)))
            return false;
    }
    return true;
}

void script_sends(const char *file, int line, struct script *s, const char *text)
{
    struct script_world *w = s->w;
    char got[1024];
    struct heard heard;
    struct line l;

    read_line(file, line, text, &l);
    iterate(s);
    if (w->head == w->n_sent)
        fail(file, line, "\"%s\" was not sent, nothing was", text);
    hear(w, &w->sent[w->head], &heard);
    describe(&heard, got, sizeof(got));
    if (!same_head(&l, &heard) || !same_options(w, &l, &heard))
        fail(file, line, "sent was \"%s\", not \"%s\"", got, text);
    if (!same_payload(s, &l, &heard))
        fail(file, line, "\"%s\" was sent with other bytes than were written", got);
    w->matched_ns = w->sent[w->head].at_ns;
    w->head++;
}

void script_sends_nothing(const char *file, int line, struct script *s)
{
    struct script_world *w = s->w;
    char got[1024];
    struct heard heard;

    iterate(s);
    if (w->head == w->n_sent)
        return;
    hear(w, &w->sent[w->head], &heard);
    describe(&heard, got, sizeof(got));
    fail(file, line, "sent was \"%s\", and nothing should be", got);
}

void script_sent_at(const char *file, int line, struct script *s, uint64_t ms)
{
    const uint64_t us = (s->w->matched_ns - s->w->epoch_ns) / 1000;

    /* Timers may fire within an iteration of their time, and ticks of the wheel are 16 us. */
    if (us < ms * 1000 || us > ms * 1000 + 100)
        fail(file, line, "sent at %" PRIu64 " us, not at %" PRIu64 " ms", us, ms);
}

unsigned script_pending(struct script *s)
{
    iterate(s);
    return s->w->n_sent - s->w->head;
}

void script_skip(struct script *s)
{
    iterate(s);
    s->w->head = s->w->n_sent;
}

bool script_peek(struct script *s, sl_seq *first, sl_seq *last)
{
    struct script_world *w = s->w;
    struct heard heard;

    iterate(s);
    if (w->head == w->n_sent)
        return false;
    hear(w, &w->sent[w->head], &heard);
    *first = rte_be_to_cpu_32(heard.h->sent_seq) - heard.offset;
    *last = *first + (uint32_t)heard.payload_len + ((heard.h->tcp_flags & SL_TCP_SYN) != 0) +
            ((heard.h->tcp_flags & SL_TCP_FIN) != 0);
    return true;
}

/* ---- time --------------------------------------------------------------------------------------
 */

void iterate(struct script *s)
{
    struct script_world *w = s->w;

    sl_tcp_read_frames(w->tcp, w->now_ns);
    sl_tcp_timers(w->tcp, 1000, w->now_ns);
    sl_tcp_cut_frames(w->tcp, w->now_ns);
    sl_tcp_output(w->tcp, w->now_ns);
}

static void run_to(struct script *s, uint64_t ns)
{
    struct script_world *w = s->w;
    unsigned steps = 0;

    cr_assert(ns >= w->now_ns, "the story goes back in time");
    iterate(s);
    for (;;) {
        const uint64_t next_ns = sl_tcp_next_ns(w->tcp);

        if (next_ns > ns)
            break;
        cr_assert(steps++ < STEPS_MAX, "a timer fires for ever");
        if (next_ns > w->now_ns)
            w->now_ns = next_ns;
        iterate(s);
    }
    w->now_ns = ns;
    iterate(s);
}

void at(struct script *s, uint64_t ms)
{
    run_to(s, s->w->epoch_ns + ms * NS_PER_MS);
}

void after(struct script *s, uint64_t ms)
{
    run_to(s, s->w->now_ns + ms * NS_PER_MS);
}

void after_us(struct script *s, uint64_t us)
{
    run_to(s, s->w->now_ns + us * 1000);
}

uint64_t script_now_ns(const struct script *s)
{
    return s->w->now_ns;
}

/* ---- user calls --------------------------------------------------------------------------------
 */

struct sl_tcp_options_set script_options(const struct script *s)
{
    const struct script_params *p = &s->w->p;

    return (struct sl_tcp_options_set){
        .eno = p->eno,
        .require_encryption = p->require_encryption,
        .nodelay = p->nodelay,
        .keepalive = p->keepalive,
        .user_timeout_ns = p->user_timeout_ns,
        .rcvbuf_bytes = p->rcvbuf_bytes,
        .sndbuf_bytes = p->sndbuf_bytes,
    };
}

void call_connect(struct script *s)
{
    struct script_world *w = s->w;
    const struct sl_tcp_options_set set = script_options(s);

    w->err = 0;
    s->tcb = sl_tcp_connect(w->tcp, &w->local, rte_cpu_to_be_16(LOCAL_PORT), &w->remote,
                            rte_cpu_to_be_16(w->remote_port), w->p.mtu_bytes, &set, w, w->now_ns,
                            &w->err);
}

int script_errno(const struct script *s)
{
    return s->w->err;
}

void call_listen(struct script *s)
{
    struct script_world *w = s->w;
    const struct sl_tcp_options_set set = script_options(s);

    s->listener =
        sl_tcp_listen(w->tcp, &w->local, rte_cpu_to_be_16(LOCAL_PORT), w->p.backlog, &set, w);
    w->listener = s->listener;
    cr_assert(s->listener != NULL);
}

bool call_accept(struct script *s)
{
    struct sl_tcb *tcb = sl_tcp_accept(s->tcp, s->listener);

    if (tcb == NULL)
        return false;
    sl_tcb_set_user(tcb, s->w);
    s->tcb = tcb;
    return true;
}

int64_t call_send(struct script *s, uint32_t bytes)
{
    uint8_t *data = malloc(bytes + 1);
    const struct sl_iov iov[2] = {{data, bytes / 2}, {data + bytes / 2, bytes - bytes / 2}};
    int64_t n;

    cr_assert(data != NULL);
    for (uint32_t i = 0; i < bytes; i++)
        data[i] = pattern(s->w->sent_at + i);
    n = sl_tcp_send(s->tcp, s->tcb, iov, 2, s->w->now_ns);
    free(data);
    if (n > 0)
        s->w->sent_at += (uint32_t)n;
    return n;
}

void call_close(struct script *s)
{
    sl_tcp_close(s->tcp, s->tcb, s->w->now_ns);
}

void call_abort(struct script *s)
{
    sl_tcp_abort(s->tcp, s->tcb, s->w->now_ns);
}

int call_shutdown(struct script *s)
{
    return sl_tcp_shutdown(s->tcp, s->tcb, false, true, s->w->now_ns);
}

int call_shutdown_read(struct script *s)
{
    return sl_tcp_shutdown(s->tcp, s->tcb, true, false, s->w->now_ns);
}

void call_listener_close(struct script *s)
{
    sl_tcp_listener_close(s->tcp, s->listener, s->w->now_ns);
    s->w->listener = s->listener = NULL;
}

void script_reads_some(const char *file, int line, struct script *s, uint32_t bytes)
{
    uint8_t *out = malloc(bytes + 1);
    int64_t n;

    cr_assert(out != NULL);
    n = sl_tcp_recv(s->tcp, s->tcb, out, bytes, false, s->w->now_ns);
    if (n != bytes)
        fail(file, line, "read %" PRId64 " bytes, not %" PRIu32, n, bytes);
    for (uint32_t i = 0; i < bytes; i++) {
        if (out[i] != pattern(s->w->read_at + i))
            fail(file, line, "byte %" PRIu32 " of the stream is wrong", s->w->read_at + i);
    }
    s->w->read_at += bytes;
    free(out);
}

void script_reads(const char *file, int line, struct script *s, uint32_t bytes)
{
    uint8_t byte;

    script_reads_some(file, line, s, bytes);
    if (sl_tcp_recv(s->tcp, s->tcb, &byte, 1, true, s->w->now_ns) > 0)
        fail(file, line, "more than %" PRIu32 " bytes can be read", bytes);
}

void script_reads_result(const char *file, int line, struct script *s, int64_t result)
{
    uint8_t byte;
    const int64_t n = sl_tcp_recv(s->tcp, s->tcb, &byte, 1, false, s->w->now_ns);

    if (n != result)
        fail(file, line, "reading gives %" PRId64 ", not %" PRId64, n, result);
}

/* ---- what is true ------------------------------------------------------------------------------
 */

static bool has_flow(const struct script_world *w, const struct sl_tcb *tcb)
{
    for (unsigned i = 0; i < w->n_flows; i++) {
        if (w->flows[i] == tcb)
            return true;
    }
    return false;
}

void script_in_state(const char *file, int line, struct script *s, enum sl_tcp_state state)
{
    const enum sl_tcp_state now =
        has_flow(s->w, s->tcb) ? (enum sl_tcp_state)s->tcb->state : SL_TCP_CLOSED;

    if (now != state)
        fail(file, line, "in state %s, not %s", sl_tcp_state_name(now), sl_tcp_state_name(state));
}

static const struct {
    const char *word;
    unsigned ev;
} event_words[] = {
    {"CONNECTED", SL_TCP_EV_CONNECTED}, {"READABLE", SL_TCP_EV_READABLE},
    {"WRITABLE", SL_TCP_EV_WRITABLE},   {"EOF", SL_TCP_EV_EOF},
    {"ERROR", SL_TCP_EV_ERROR},         {"CLOSED", SL_TCP_EV_CLOSED},
};

static void name_events(unsigned ev, char *out, size_t room)
{
    size_t n = 0;

    out[0] = '\0';
    for (size_t i = 0; i < sizeof(event_words) / sizeof(event_words[0]); i++) {
        if (ev & event_words[i].ev)
            n += (size_t)snprintf(out + n, room - n, " %s", event_words[i].word);
    }
}

void script_told(const char *file, int line, struct script *s, unsigned ev)
{
    char got[128], want[128];

    iterate(s);
    name_events(s->w->events, got, sizeof(got));
    name_events(ev, want, sizeof(want));
    if (s->w->events != ev)
        fail(file, line, "told was:%s; and should be:%s", got, want);
    s->w->events = 0;
}

void script_counted(const char *file, int line, struct script *s, enum sl_counter what, uint64_t n)
{
    if (s->w->counters.n[what] != n)
        fail(file, line, "%s is %" PRIu64 ", not %" PRIu64, sl_counter_name(what),
             s->w->counters.n[what], n);
}

struct sl_counters *script_counters(struct script *s)
{
    return &s->w->counters;
}

unsigned script_acceptable(const struct script *s)
{
    return s->w->acceptable;
}

unsigned script_flows(const struct script *s)
{
    return s->w->n_flows;
}

void script_flows_max(struct script *s, unsigned max)
{
    s->w->flows_max = max;
}

const struct sl_tcp_host *script_host(const struct script *s)
{
    return &s->w->host;
}

int script_path_advice(struct script *s)
{
    const int advice = s->w->advice;

    s->w->advice = 0;
    return advice;
}

/* ---- a handshake --------------------------------------------------------------------------------
 */

/* Options of the peer's SYN. */
static void syn_options(const struct script_params *p, const char *first, char *out, size_t room)
{
    size_t n = (size_t)snprintf(out, room, "%s <mss %u", first, p->mss_bytes);

    if (p->scale)
        n += (size_t)snprintf(out + n, room - n, ", ws %u", p->wscale);
    if (p->ts)
        n += (size_t)snprintf(out + n, room - n, ", ts 7000");
    (void)snprintf(out + n, room - n, ">");
}

static void open_actively(struct script *s)
{
    const struct script_params *p = &s->w->p;
    char first[64], text[128];

    call_connect(s);
    cr_assert(s->tcb != NULL);
    script_skip(s);
    after(s, p->rtt_ms);
    (void)snprintf(first, sizeof(first), "%" PRIu32 ":%" PRIu32 " SYN ack %" PRIu32, p->irs, p->irs,
                   p->iss + 1);
    syn_options(p, first, text, sizeof(text));
    arrives(s, text);
    script_skip(s);
}

static void open_passively(struct script *s)
{
    const struct script_params *p = &s->w->p;
    char first[64], text[128];

    call_listen(s);
    (void)snprintf(first, sizeof(first), "%" PRIu32 ":%" PRIu32 " SYN", p->irs, p->irs);
    syn_options(p, first, text, sizeof(text));
    arrives(s, text);
    script_skip(s);
    after(s, p->rtt_ms);
    (void)snprintf(text, sizeof(text), "%" PRIu32 ":%" PRIu32 " ack %" PRIu32, p->irs + 1,
                   p->irs + 1, p->iss + 1);
    arrives(s, text);
    cr_assert(call_accept(s));
    script_skip(s);
}

struct script script_established(const struct script_params *p)
{
    struct script s = script_closed(p);

    if (p->passive)
        open_passively(&s);
    else
        open_actively(&s);
    in_state(&s, SL_TCP_ESTABLISHED);
    s.w->events = 0;
    s.w->epoch_ns = s.w->now_ns;
    return s;
}
