/* SPDX-License-Identifier: BSD-3-Clause */
#include "shard/shard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_ether.h>

#include "base/invariant.h"
#include "base/log.h"
#include "base/wheel.h"
#include "tcpcrypt/inline_queue.h"
#include "tcpcrypt/tcpcrypt.h"

enum {
    SECRETS_PER_CONNECTION = 8, /* keys of both directions, current and next, and their source */
    SECRETS_MAX = 1 << 30,
    DRAIN_CHECKS_PER_S = 10000,
};

static_assert((int)SL_SHARD_PORTS == (int)SL_NET_PORTS_MAX, "one number for a port everywhere");
static_assert((int)SL_SHARD_BURST == (int)SL_FLOWS_BURST, "a burst is looked up at once");

static _Thread_local struct sl_shard *current;

/* ---- configuration -------------------------------------------------------------------------- */

static void default_tcp(struct sl_shard_config *c)
{
    const struct sl_tcp_config t = sl_tcp_config_default();

    c->rcv_ranges_max = t.rcv_ranges_max;
    c->jobs_max = t.jobs_max;
    c->rcvbuf_bytes = t.rcvbuf_bytes;
    c->sndbuf_bytes = t.sndbuf_bytes;
    c->rto_initial_ns = t.rto.initial_ns;
    c->rto_min_ns = t.rto.min_ns;
    c->rto_max_ns = t.rto.max_ns;
    c->delayed_ack_ns = t.delayed_ack_ns;
    c->msl_ns = t.msl_ns;
    c->fin_wait_2_ns = t.fin_wait_2_ns;
    c->auth_timeout_ns = t.auth_timeout_ns;
    c->keepalive_idle_ns = t.keepalive_idle_ns;
    c->keepalive_interval_ns = t.keepalive_interval_ns;
    c->keepalive_probes = t.keepalive_probes;
    c->syn_retries = t.syn_retries;
    c->synack_retries = t.synack_retries;
    c->retries_2 = t.retries_2;
    c->ttl = t.ttl;
    c->timestamps = t.timestamps;
    c->window_scale = t.window_scale;
}

struct sl_shard_config sl_shard_config_default(void)
{
    const struct sl_tep_ops *teps[SL_ENO_TEPS_MAX];
    struct sl_shard_config c = {
        /* Tables are made whole at the start: TCP's own defaults are for a machine of its own. */
        .connections_max = 65536,
        .half_open_max = 4096,
        .time_wait_max = 65536,
        .descriptors_max = 131072,
        .neighbours_max = sl_net_config_default().neighbours_max,
        .kex_timeout_ns = 10000000000, /* A16 */
        .port_first = 16384,           /* D25 */
        .port_last = 65535,
        .crypt_mode = SL_CRYPT_OPPORTUNISTIC,
        /* Increasing preference: what the fastest code does goes last. */
        .aeads = {SL_AEAD_CHACHA20_POLY1305, SL_AEAD_AES_256_GCM, SL_AEAD_AES_128_GCM},
        .n_aeads = 3,
        .work_budget = 4,
        .keys_cached = 2048,
    };
    unsigned i;

    default_tcp(&c);
    c.n_teps = (unsigned)sl_tcpcrypt_teps(teps, SL_ENO_TEPS_MAX);
    for (i = 0; i < c.n_teps; i++)
        c.teps[i] = teps[i]->id;
    return c;
}

static struct sl_tcp_config tcp_config(const struct sl_shard_config *c)
{
    struct sl_tcp_config t = sl_tcp_config_default();

    t.connections_max = c->connections_max;
    t.half_open_max = c->half_open_max;
    t.time_wait_max = c->time_wait_max;
    t.rcv_ranges_max = c->rcv_ranges_max;
    t.jobs_max = c->jobs_max;
    t.rcvbuf_bytes = c->rcvbuf_bytes;
    t.sndbuf_bytes = c->sndbuf_bytes;
    t.rto.initial_ns = c->rto_initial_ns;
    t.rto.min_ns = c->rto_min_ns;
    t.rto.max_ns = c->rto_max_ns;
    t.delayed_ack_ns = c->delayed_ack_ns;
    t.msl_ns = c->msl_ns;
    t.fin_wait_2_ns = c->fin_wait_2_ns;
    t.auth_timeout_ns = c->auth_timeout_ns;
    t.keepalive_idle_ns = c->keepalive_idle_ns;
    t.keepalive_interval_ns = c->keepalive_interval_ns;
    t.keepalive_probes = (uint8_t)c->keepalive_probes;
    t.syn_retries = (uint8_t)c->syn_retries;
    t.synack_retries = (uint8_t)c->synack_retries;
    t.retries_2 = (uint8_t)c->retries_2;
    t.ttl = c->ttl;
    t.timestamps = c->timestamps;
    t.window_scale = c->window_scale;
    return t;
}

static struct sl_net_config net_config(const struct sl_shard_config *c)
{
    struct sl_net_config n = sl_net_config_default();

    n.neighbours_max = c->neighbours_max;
    n.ttl = c->ttl;
    return n;
}

/* NULL, or what is wrong. */
static const char *refuse(const struct sl_shard_config *c, const struct sl_shard_io *io)
{
    if (io->now_ns == NULL || io->rx == NULL || io->tx == NULL)
        return "the table of input and output lacks a function";
    if (c->connections_max == 0 || c->descriptors_max == 0 || c->jobs_max == 0)
        return "connections, descriptors and jobs must be at least 1";
    if (c->rcvbuf_bytes == 0 || c->sndbuf_bytes == 0)
        return "buffers must be at least 1 byte";
    if (c->port_first == 0 || c->port_first > c->port_last)
        return "the range of ephemeral ports is empty";
    if (c->n_teps > SL_ENO_TEPS_MAX || c->n_aeads > RTE_DIM(c->aeads) ||
        c->tep_table_n > SL_ENO_TEPS_MAX)
        return "too many TEPs or AEADs";
    if (c->work_budget == 0 || c->keys_cached == 0)
        return "work budget and cached keys must be at least 1";
    return NULL;
}

/* ---- encryption ----------------------------------------------------------------------------- */

static bool choose_aeads(struct sl_shard *s, const struct sl_aead_engine_ops *engine)
{
    struct sl_tep_config *t = &s->tep_config;
    unsigned i;

    for (i = 0; i < s->config.n_aeads; i++) {
        const enum sl_aead aead = (enum sl_aead)s->config.aeads[i];

        if (!engine->supports(aead))
            continue;
        t->aead_a[t->n_aead_a++] = aead;
        t->aead_b[t->n_aead_b++] = aead;
    }
    t->kex_timeout_ns = s->config.kex_timeout_ns;
    return t->n_aead_a > 0 || s->config.n_aeads == 0;
}

static const struct sl_tep_ops *find_tep(uint8_t id)
{
    const struct sl_tep_ops *built[SL_ENO_TEPS_MAX];
    const size_t n = sl_tcpcrypt_teps(built, SL_ENO_TEPS_MAX);
    size_t i;

    for (i = 0; i < n; i++) {
        if (built[i]->id == id)
            return built[i];
    }
    return NULL;
}

static bool choose_teps(struct sl_shard *s, char *err, size_t err_len)
{
    const struct sl_tep_ops *const *table = s->config.tep_table;
    struct sl_eno_policy *p = &s->policy;
    unsigned i;

    if (table != NULL) {
        p->n_teps = (uint8_t)s->config.tep_table_n;
        memcpy(p->teps, table, p->n_teps * sizeof(p->teps[0]));
        return true;
    }
    for (i = 0; i < s->config.n_teps; i++) {
        if ((p->teps[i] = find_tep(s->config.teps[i])) == NULL) {
            (void)snprintf(err, err_len, "TEP 0x%02x is not built", s->config.teps[i]);
            return false;
        }
    }
    p->n_teps = (uint8_t)s->config.n_teps;
    return true;
}

/* R13: without randomness for keys no connection may offer encryption. */
static bool has_randomness(struct sl_shard *s)
{
    uint8_t probe[32];
    const bool has = sl_random_fill(s->secrets, probe, sizeof(probe));

    if (!has)
        sl_log(SL_LOG_WARNING, "no adequate randomness: encryption is off");
    return has;
}

static bool create_crypt(struct sl_shard *s, char *err, size_t err_len)
{
    const struct sl_shard_config *c = &s->config;
    const uint64_t secrets = (uint64_t)c->connections_max * SECRETS_PER_CONNECTION;
    const struct sl_aead_engine_ops *engine = sl_aead_engine_find(c->engine);
    struct sl_job_queue *queue = c->job_queue;

    if (engine == NULL) {
        (void)snprintf(err, err_len, "no AEAD engine \"%s\"", c->engine ? c->engine : "default");
        return false;
    }
    if (!choose_aeads(s, engine)) {
        (void)snprintf(err, err_len, "engine %s has none of the configured AEADs", engine->name);
        return false;
    }
    if (!choose_teps(s, err, err_len))
        return false;
    s->arena = sl_arena_create((uint32_t)(secrets < SECRETS_MAX ? secrets : SECRETS_MAX));
    if (s->arena == NULL) {
        (void)snprintf(err, err_len, "no memory for secrets");
        return false;
    }
    sl_shard_note_unlocked(s);
    if (queue == NULL) {
        s->engine = engine->create(s->arena, c->keys_cached);
        if (s->engine == NULL && c->engine == NULL) { /* the best one fails its self test */
            engine = sl_aead_engine_find("openssl");
            s->engine = engine->create(s->arena, c->keys_cached);
        }
        if (s->engine != NULL)
            s->own_queue = sl_inline_queue_create(s->engine, c->work_budget);
        if ((queue = s->own_queue) == NULL) {
            (void)snprintf(err, err_len, "AEAD engine %s does not start", engine->name);
            return false;
        }
    }
    sl_jobs_init(&s->jobs, queue, &s->counters);
    s->policy.config = &s->tep_config;
    s->has_randomness = has_randomness(s);
    s->policy.enabled = c->crypt_mode != SL_CRYPT_OFF && s->policy.n_teps > 0 && s->has_randomness;
    return true;
}

/* ---- life ----------------------------------------------------------------------------------- */

static void choose_randomness(struct sl_shard *s)
{
    uint64_t seed = s->config.seed;

    if (seed == 0)
        seed = sl_random_u64(sl_random_system());
    s->behaviour = sl_random_seed(&s->seeded_behaviour, seed);
    s->secrets = sl_random_system();
    if (s->config.seeded_secrets)
        s->secrets = sl_random_seed(&s->seeded_secrets, seed ^ UINT64_C(0x5ec2e75ec2e75ec2));
}

static bool create_floors(struct sl_shard *s, char *err, size_t err_len)
{
    const struct sl_net_config net = net_config(&s->config);
    const struct sl_tcp_config tcp = tcp_config(&s->config);
    struct sl_net_host net_host;
    struct sl_tcp_host tcp_host;

    if (!sl_pools_init(&s->pools, &s->config)) {
        (void)snprintf(err, err_len, "no memory for packet buffers");
        return false;
    }
    if (!sl_flows_init(&s->flows, s->config.connections_max, s->secrets)) {
        (void)snprintf(err, err_len, "no memory for the flow table");
        return false;
    }
    net_host = sl_shard_net_host(s);
    tcp_host = sl_shard_tcp_host(s);
    if ((s->net = sl_net_create(&net, &net_host, s->now_ns)) == NULL ||
        (s->tcp = sl_tcp_create(&tcp, &tcp_host, s->now_ns)) == NULL) {
        (void)snprintf(err, err_len, "no memory for neighbours and connections");
        return false;
    }
    return true;
}

static bool build(struct sl_shard *s, char *err, size_t err_len)
{
    s->now_ns = s->io.now_ns(s->io.ctx);
    choose_randomness(s);
    if (!create_crypt(s, err, err_len) || !create_floors(s, err, err_len))
        return false;
    if (s->config.pcap != NULL) {
        /* The clock again: the tables took long, and both times have to be of one moment. */
        s->pcap = sl_pcap_open(s->config.pcap, s->io.now_ns(s->io.ctx), err, err_len);
        s->config.pcap = NULL; /* the caller's string */
        return s->pcap != NULL;
    }
    return true;
}

struct sl_shard *sl_shard_create(const struct sl_shard_config *config, const struct sl_shard_io *io,
                                 char *err, size_t err_len)
{
    const char *why = refuse(config, io);
    struct sl_shard *s;

    if (why != NULL) {
        (void)snprintf(err, err_len, "%s", why);
        return NULL;
    }
    if (SL_FAULT(shard_create) || (s = calloc(1, sizeof(*s))) == NULL) {
        (void)snprintf(err, err_len, "no memory for a shard");
        return NULL;
    }
    s->config = *config;
    s->io = *io;
    sl_listeners_init(&s->listeners);
    if (!build(s, err, err_len)) {
        sl_shard_destroy(s);
        return NULL;
    }
    current = s;
    return s;
}

/* A queue may be slow, never stuck: what it was given comes back. */
static void await_jobs(struct sl_shard *s)
{
    struct sl_job *done[SL_JOBS_BURST];
    uint64_t now_ns = s->now_ns;

    while (s->jobs.n_out > 0 || s->jobs.n_waiting > 0) {
        const unsigned n = sl_jobs_run(&s->jobs, done, now_ns);
        const uint64_t next_ns = sl_jobs_next_ns(&s->jobs, now_ns);
        unsigned i;

        for (i = 0; i < n; i++)
            sl_tcp_job_done(s->tcp, done[i], s->now_ns);
        if (next_ns == SL_NEVER) /* no more than a queue that lost a job can make us wait for */
            break;
        now_ns = next_ns;
    }
}

/* Those that no socket has any more, and whose peers would wait for the rest of them. */
static void reset_flows(struct sl_shard *s)
{
    struct sl_tcb *tcb;
    uint32_t at = 0;

    while ((tcb = sl_flows_next(&s->flows, &at)) != NULL) {
        struct sl_tcb_facts f;

        sl_tcb_facts(tcb, &f);
        if (f.state != SL_TCP_TIME_WAIT)
            sl_tcp_abort(s->tcp, tcb, s->now_ns);
    }
}

void sl_shard_flush(struct sl_shard *s)
{
    unsigned i;

    if (s->tcp == NULL)
        return;
    if (s->user.abort != NULL)
        s->user.abort(s->user.ctx);
    reset_flows(s);
    sl_tcp_output(s->tcp, s->now_ns);
    await_jobs(s);
    sl_tcp_destroy(s->tcp);
    s->tcp = NULL;
    (void)sl_shard_flush_ports(s);
    sl_net_destroy(s->net);
    s->net = NULL;
    for (i = 0; i < s->n_ports; i++)
        (void)sl_txq_empty(&s->txqs[s->ports[i]]);
}

void sl_shard_destroy(struct sl_shard *s)
{
    unsigned i;

    if (s == NULL)
        return;
    sl_shard_flush(s);
    if (s->user.destroy != NULL)
        s->user.destroy(s->user.ctx);
    sl_net_destroy(s->net);
    for (i = 0; i < s->n_ports; i++)
        sl_txq_fini(&s->txqs[s->ports[i]]);
    sl_listeners_fini(&s->listeners);
    sl_flows_fini(&s->flows);
    sl_inline_queue_destroy(s->own_queue);
    if (s->engine != NULL)
        s->engine->ops->destroy(s->engine);
    sl_arena_destroy(s->arena);
    sl_pools_fini(&s->pools);
    sl_pcap_close(s->pcap);
    if (current == s)
        current = NULL;
    free(s);
}

struct sl_shard *sl_shard_enter(struct sl_shard *s)
{
    struct sl_shard *last = current;

    current = s;
    return last;
}

struct sl_shard *sl_shard_current(void)
{
    return current;
}

void sl_shard_wake(struct sl_shard *s)
{
    atomic_store_explicit(&s->wake, true, memory_order_relaxed);
}

/* ---- ports and routes ----------------------------------------------------------------------- */

int sl_shard_port_add(struct sl_shard *s, const struct sl_shard_port *port)
{
    struct sl_net_port p = {
        .mtu_bytes = port->mtu_bytes,
        .rx_cksum_good = port->rx_cksum_good,
        .tx_cksum_none = port->tx_cksum_none,
        .tx_cksum_ip4 = port->tx_cksum_ip4,
        .tx_cksum_tcp = port->tx_cksum_tcp,
    };
    int rc;

    if (s->net == NULL)
        return -ENETDOWN;
    if (port->port >= SL_SHARD_PORTS)
        return -EINVAL;
    memcpy(p.mac.addr_bytes, port->mac, sizeof(port->mac));
    if ((rc = sl_net_port_add(s->net, port->port, &p)) < 0)
        return rc;
    if (!sl_txq_init(&s->txqs[port->port]))
        return -ENOMEM;
    s->mtu_bytes[port->port] = port->mtu_bytes;
    s->ports[s->n_ports++] = port->port;
    return 0;
}

int sl_shard_address_add(struct sl_shard *s, uint16_t port, const char *address)
{
    struct sl_addr a;
    unsigned prefix_len;

    if (s->net == NULL)
        return -ENETDOWN;
    if (port >= SL_SHARD_PORTS || s->txqs[port].ring == NULL ||
        !sl_addr_parse_prefix(address, &a, &prefix_len))
        return -EINVAL;
    return sl_net_address_add(s->net, port, &a, prefix_len, s->now_ns);
}

int sl_shard_route_add(struct sl_shard *s, const char *prefix, const char *via)
{
    struct sl_addr to, gateway;
    unsigned prefix_len;

    if (s->net == NULL)
        return -ENETDOWN;
    if (!sl_addr_parse_prefix(prefix, &to, &prefix_len) || !sl_addr_parse(via, &gateway))
        return -EINVAL;
    return sl_net_route_add(s->net, &to, prefix_len, &gateway);
}

/* ---- drain ---------------------------------------------------------------------------------- */

/* Does the peer still lack something of ours: bytes, or our FIN? */
static bool owes(const struct sl_tcb *tcb)
{
    struct sl_tcb_facts f;

    sl_tcb_facts(tcb, &f);
    switch (f.state) {
    case SL_TCP_FIN_WAIT_1:
    case SL_TCP_CLOSING:
    case SL_TCP_LAST_ACK:
        return true;
    case SL_TCP_SYN_SENT:
    case SL_TCP_SYN_RECEIVED:
    case SL_TCP_ESTABLISHED:
    case SL_TCP_CLOSE_WAIT:
        return f.unacked_bytes > 0;
    case SL_TCP_CLOSED:
    case SL_TCP_LISTEN:
    case SL_TCP_FIN_WAIT_2:
    case SL_TCP_TIME_WAIT:
    case SL_TCP_STATES:
        break;
    }
    return false;
}

static bool is_drained(const struct sl_shard *s)
{
    const struct sl_tcb *tcb;
    uint32_t at = 0;
    unsigned i;

    for (i = 0; i < s->n_ports; i++) {
        if (s->txqs[s->ports[i]].n > 0)
            return false;
    }
    while ((tcb = sl_flows_next(&s->flows, &at)) != NULL) {
        if (owes(tcb))
            return false;
    }
    return true;
}

/* Looking through all connections costs more than an iteration: seldom, but not rarely. */
int sl_shard_drain(struct sl_shard *s, uint64_t timeout_ns)
{
    uint64_t end_ns, look_ns;

    sl_shard_clock(s);
    end_ns = timeout_ns < SL_NEVER - s->now_ns ? s->now_ns + timeout_ns : SL_NEVER;
    look_ns = s->now_ns;
    for (;;) {
        const bool did = sl_shard_iterate(s);

        if (s->tcp == NULL)
            return 0;
        if (s->now_ns >= look_ns || !did) {
            look_ns = s->now_ns + UINT64_C(1000000000) / DRAIN_CHECKS_PER_S;
            if (is_drained(s))
                return 0;
        }
        if (s->now_ns >= end_ns)
            return -ETIMEDOUT;
        if (!did)
            sl_shard_idle(s, end_ns);
    }
}

/* ---- counters ------------------------------------------------------------------------------- */

void sl_shard_counters(const struct sl_shard *s,
                       bool (*each)(void *ctx, const char *name, uint64_t value, const char *text,
                                    bool is_drop),
                       void *ctx)
{
    int i;

    for (i = 0; i < SL_COUNTER_COUNT; i++) {
        const enum sl_counter what = (enum sl_counter)i;

        if (!each(ctx, sl_counter_name(what), s->counters.n[i], sl_counter_text(what), false))
            return;
    }
    for (i = SL_DROP_NONE + 1; i < SL_DROP_COUNT; i++) {
        const enum sl_drop why = (enum sl_drop)i;

        if (!each(ctx, sl_drop_name(why), s->counters.drops[i], sl_drop_text(why), true))
            return;
    }
}

struct find_counter {
    const char *name;
    uint64_t value;
};

static bool is_other(void *ctx, const char *name, uint64_t value, const char *text, bool is_drop)
{
    struct find_counter *f = ctx;

    (void)text;
    (void)is_drop;
    if (strcmp(name, f->name) != 0)
        return true;
    f->value = value;
    return false;
}

uint64_t sl_shard_counter(const struct sl_shard *s, const char *name)
{
    struct find_counter f = {.name = name};

    sl_shard_counters(s, is_other, &f);
    return f.value;
}

uint64_t sl_shard_mbufs_out(const struct sl_shard *s)
{
    return sl_pools_out(&s->pools);
}
