/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "host.h"
#include "meter.h"
#include "sealane/crypt.h"
#include "sealane/shard.h"

/*
 * Where the TSC cycles of a segment go: a bulk transfer between two shards over a pair of rings,
 * each driven as the loops of `sealane demo` drive theirs.
 *
 * On one thread, the default, the shards take turns. No cache line moves between cores, and other
 * load on the machine does no harm: the transfer is cut in blocks, and of each stage the least of
 * all blocks counts. With --two each shard has an lcore, and of each stage the median counts.
 */
enum {
    SENDER,
    RECEIVER,
    SIDES,
    PORT = 7000,
    RING_FRAMES = 1024, /* as in shard/ports.c */
    BLOCK_SEGS = 2048,
    BLOCKS_MAX = 100000,
    WARM_UP_TURNS = 1000,
    DATA_FRAME_BYTES = 200, /* a longer frame carries data */
    PLAIN_BYTES = 1448,     /* of data in a segment */
    FRAMED_BYTES = 1428,
    TEXT_BYTES = 64,
    ERROR_BYTES = 256,
};

static const char usage[] =
    "segment [--json] [--plain | --encrypted] [--two] [--hot] [--engine NAME] [--blocks N]\n"
    "        [--burst N] [--chunk KIB] [--buffer KIB]";

struct options {
    bool json, plain, encrypted, two, hot;
    unsigned long blocks, burst, chunk_kib, buffer_kib;
    const char *engine;
};

/* Cycles a segment of one block. */
struct block {
    float stages[METER_STAGE_COUNT], total;
};

struct side {
    unsigned index;
    struct sl_shard *shard;
    struct sl_shard_io io;
    struct rte_ring *in, *out;
    int epoll, fd;
    uint8_t *data; /* what is sent, or where it goes */
    size_t at;
    uint64_t segments; /* on the wire, in this block */
    bool did;          /* anything, in this turn */
    struct meter meter;
    struct block *blocks;
    unsigned long n_blocks;
};

static struct options options = {.burst = SL_SHARD_BURST, .blocks = 2000, .chunk_kib = 256};
static struct side sides[SIDES];
static size_t data_bytes;
static atomic_bool stop;

/* ---- the wire and the clock ----------------------------------------------------------------- */

static uint64_t now_ns(void *ctx)
{
    const enum meter_stage last = meter_begin(METER_CLOCK);
    struct timespec t;

    (void)ctx;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    (void)meter_begin(last);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void count(struct side *s, struct rte_mbuf *const *pkts, unsigned n)
{
    unsigned i;

    s->did |= n > 0;
    for (i = 0; i < n; i++)
        s->segments += pkts[i]->pkt_len > DATA_FRAME_BYTES;
}

static uint16_t rx(void *ctx, uint16_t port, struct rte_mbuf **pkts, uint16_t n)
{
    struct side *s = ctx;
    const unsigned most = n < options.burst ? n : (unsigned)options.burst;
    unsigned got;

    (void)port;
    (void)meter_begin(METER_RX);
    got = rte_ring_sc_dequeue_burst(s->in, (void **)pkts, most, NULL);
    (void)meter_begin(METER_PARSE);
    s->did |= got > 0;
    if (s->index == RECEIVER)
        count(s, pkts, got);
    return (uint16_t)got;
}

static uint16_t tx(void *ctx, uint16_t port, struct rte_mbuf **pkts, uint16_t n)
{
    struct side *s = ctx;
    const unsigned long room = rte_ring_free_count(s->out);
    const unsigned most = n < room ? n : (unsigned)room;

    (void)port;
    if (s->index == SENDER)
        count(s, pkts, most);
    s->did |= most > 0;
    return (uint16_t)rte_ring_sp_enqueue_burst(s->out, (void **)pkts, most, NULL);
}

/* ---- the application ------------------------------------------------------------------------ */

/* On this thread the calls are those of this side from now on. */
static void enter(struct side *s)
{
    meter_use(&s->meter);
    (void)sl_shard_enter(s->shard);
}

static bool is_ready(struct side *s)
{
    struct epoll_event event;

    return sl_epoll_wait(s->epoll, &event, 1, 0) > 0;
}

static size_t chunk(const struct side *s)
{
    const size_t left = data_bytes - s->at, most = options.chunk_kib << 10;

    return left < most ? left : most;
}

static void move(struct side *s)
{
    ssize_t n;

    if (s->index == SENDER) {
        (void)meter_begin(METER_APP_WRITE);
        n = sl_send(s->fd, s->data + s->at, chunk(s), 0);
    } else {
        (void)meter_begin(METER_APP_READ);
        n = sl_recv(s->fd, s->data + s->at, chunk(s), 0);
    }
    if (n == 0 || (n < 0 && errno != EAGAIN))
        host_die("the transfer ends: %s", n == 0 ? "end of stream" : strerror(errno));
    s->did |= n > 0;
    if (n > 0)
        s->at = (s->at + (size_t)n) % data_bytes;
}

static void end_block(struct side *s)
{
    struct block *b = &s->blocks[s->n_blocks++];
    unsigned stage;

    b->total = 0;
    for (stage = 0; stage < METER_STAGE_COUNT; stage++) {
        b->stages[stage] = (float)s->meter.cycles[stage] / (float)s->segments;
        b->total += b->stages[stage];
        s->meter.cycles[stage] = 0;
    }
    s->segments = 0;
}

static void turn(struct side *s)
{
    s->did = false;
    if (is_ready(s))
        move(s);
    meter_turn(s->did);
    if (s->segments >= BLOCK_SEGS && s->n_blocks < options.blocks)
        end_block(s);
}

/* ---- coming up and going down --------------------------------------------------------------- */

static const char *address(unsigned index)
{
    return index == SENDER ? "10.78.0.2" : "10.78.0.1";
}

static void open_shard(struct side *s)
{
    const struct sl_shard_port port = {
        .mac = {2, 0, 0, 0, 0, (uint8_t)(s->index + 1)},
        .mtu_bytes = 1500,
        .rx_cksum_good = true, /* as on the demo's rings */
        .tx_cksum_none = true,
    };
    struct sl_shard_config c = sl_shard_config_default();
    char text[TEXT_BYTES], err[ERROR_BYTES] = "";

    c.index = s->index;
    c.engine = options.engine;
    c.connections_max = 1024;
    c.descriptors_max = 1024;
    if (options.buffer_kib > 0)
        c.sndbuf_bytes = c.rcvbuf_bytes = (uint32_t)options.buffer_kib << 10;
    s->io = (struct sl_shard_io){.ctx = s, .now_ns = now_ns, .rx = rx, .tx = tx};
    if ((s->shard = sl_shard_create(&c, &s->io, err, sizeof(err))) == NULL)
        host_die("%s", err);
    (void)snprintf(text, sizeof(text), "%s/24", address(s->index));
    if (sl_shard_port_add(s->shard, &port) < 0 || sl_shard_address_add(s->shard, 0, text) < 0)
        host_die("the shard takes no port");
    if ((s->epoll = sl_epoll_create1(0)) < 0)
        host_die("epoll: %s", strerror(errno));
}

static void open_side(unsigned index)
{
    struct side *s = &sides[index];
    const unsigned flags = RING_F_SP_ENQ | RING_F_SC_DEQ;

    s->index = index;
    s->data = host_map(data_bytes);
    s->blocks = calloc(options.blocks, sizeof(s->blocks[0]));
    s->in = rte_ring_create(address(index), RING_FRAMES, SOCKET_ID_ANY, flags);
    if (s->blocks == NULL || s->in == NULL)
        host_die("no memory");
    sides[1 - index].out = s->in;
}

static void watch(struct side *s, uint32_t events)
{
    struct epoll_event event = {.events = events};

    if (sl_epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->fd, &event) < 0)
        host_die("epoll: %s", strerror(errno));
}

static int new_socket(bool encrypted)
{
    const int on = encrypted;
    const int fd = sl_socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || sl_setsockopt(fd, IPPROTO_TCP, TCP_ENO_ENABLED, &on, sizeof(on)) < 0)
        host_die("socket: %s", strerror(errno));
    return fd;
}

static void connect_sides(bool encrypted)
{
    struct side *s = &sides[SENDER], *r = &sides[RECEIVER];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    int listener;

    (void)inet_pton(AF_INET, address(RECEIVER), &to.sin_addr);
    enter(r);
    listener = new_socket(encrypted);
    if (sl_bind(listener, (const struct sockaddr *)&to, sizeof(to)) < 0 ||
        sl_listen(listener, 1) < 0)
        host_die("listen: %s", strerror(errno));
    enter(s);
    s->fd = new_socket(encrypted);
    if (sl_connect(s->fd, (const struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)
        host_die("connect: %s", strerror(errno));
    for (r->fd = -1; r->fd < 0; r->fd = sl_accept(listener, NULL, NULL)) {
        enter(s);
        (void)is_ready(s);
        enter(r);
        (void)is_ready(r);
    }
    watch(r, EPOLLIN);
    (void)sl_close(listener);
    enter(s);
    watch(s, EPOLLOUT);
}

static void check_encryption(bool encrypted)
{
    struct sl_conn_info info = {0};

    enter(&sides[SENDER]);
    if (sl_conn_info(sides[SENDER].fd, &info) < 0 || (info.encrypted != 0) != encrypted)
        host_die("the connection is%s encrypted", encrypted ? " not" : "");
}

/* Each holds mbufs of the other's pools. */
static void close_shards(void)
{
    struct rte_mbuf *m;
    unsigned i;

    for (i = 0; i < SIDES; i++)
        sl_shard_flush(sides[i].shard);
    for (i = 0; i < SIDES; i++) {
        while (rte_ring_sc_dequeue(sides[i].in, (void **)&m) == 0)
            rte_pktmbuf_free(m);
    }
    for (i = 0; i < SIDES; i++)
        sl_shard_destroy(sides[i].shard);
}

/* ---- measuring ------------------------------------------------------------------------------ */

static void reset(struct side *s)
{
    memset(&s->meter, 0, sizeof(s->meter));
    s->segments = 0;
    s->n_blocks = 0;
}

static void take_turns(void)
{
    unsigned long i;

    for (i = 0; i < WARM_UP_TURNS; i++) {
        enter(&sides[i % SIDES]);
        turn(&sides[i % SIDES]);
    }
    reset(&sides[SENDER]);
    reset(&sides[RECEIVER]);
    for (i = 0; sides[RECEIVER].n_blocks < options.blocks; i++) {
        enter(&sides[i % SIDES]);
        turn(&sides[i % SIDES]);
    }
}

static int run_sender(void *arg)
{
    struct side *s = arg;

    enter(s);
    while (!atomic_load_explicit(&stop, memory_order_relaxed))
        turn(s);
    return 0;
}

static void run_both(unsigned lcore)
{
    struct side *r = &sides[RECEIVER];

    reset(&sides[SENDER]);
    reset(r);
    atomic_store(&stop, false);
    if (rte_eal_remote_launch(run_sender, &sides[SENDER], lcore) != 0)
        host_die("lcore %u is not there", lcore);
    enter(r);
    while (r->n_blocks < options.blocks)
        turn(r);
    atomic_store(&stop, true);
    /* What it waits for may be our turn. */
    while (rte_eal_get_lcore_state(lcore) != WAIT)
        turn(r);
    (void)rte_eal_wait_lcore(lcore);
}

static int compare(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

/* Of one stage over all blocks: the least, or the median. */
static float pick(const struct side *s, size_t offset)
{
    float *all = calloc(s->n_blocks + 1, sizeof(all[0])), picked;
    unsigned long i;

    if (all == NULL)
        host_die("no memory");
    for (i = 0; i < s->n_blocks; i++)
        memcpy(&all[i], (const char *)&s->blocks[i] + offset, sizeof(all[0]));
    qsort(all, s->n_blocks, sizeof(all[0]), compare);
    picked = all[options.two ? s->n_blocks / 2 : 0];
    free(all);
    return picked;
}

struct result {
    struct block of[SIDES];
    double gbps, bounce_ns;
};

static struct result measure(bool encrypted)
{
    const double bytes = encrypted ? FRAMED_BYTES : PLAIN_BYTES;
    const unsigned lcore = rte_get_next_lcore((unsigned)-1, 1, 0);
    struct result r = {0};
    unsigned i, stage;
    double whole;

    open_shard(&sides[SENDER]);
    open_shard(&sides[RECEIVER]);
    connect_sides(encrypted);
    if (options.two) {
        r.bounce_ns = host_bounce_ns(lcore);
        run_both(lcore);
    } else {
        take_turns();
    }
    check_encryption(encrypted);
    close_shards();
    for (i = 0; i < SIDES; i++) {
        for (stage = 0; stage < METER_STAGE_COUNT; stage++)
            r.of[i].stages[stage] =
                pick(&sides[i], offsetof(struct block, stages) + stage * sizeof(float));
        r.of[i].total = pick(&sides[i], offsetof(struct block, total));
    }
    whole = r.of[RECEIVER].total + (options.two ? 0 : r.of[SENDER].total);
    r.gbps = bytes * 8 * (double)rte_get_tsc_hz() / whole / 1e9;
    return r;
}

/* ---- telling -------------------------------------------------------------------------------- */

static void print_text(const char *name, const struct result *r)
{
    (void)printf("%-30s %10s %10s   %s\n", name, "sender", "receiver",
                 options.two ? "medians, TSC cycles a segment" : "least, TSC cycles a segment");
    for (unsigned stage = 0; stage < METER_STAGE_COUNT; stage++)
        (void)printf("  %-28s %10.1f %10.1f\n", meter_name((enum meter_stage)stage),
                     (double)r->of[SENDER].stages[stage], (double)r->of[RECEIVER].stages[stage]);
    (void)printf("  %-28s %10.1f %10.1f   %.1f Gbit/s", "whole", (double)r->of[SENDER].total,
                 (double)r->of[RECEIVER].total, r->gbps);
    if (options.two)
        (void)printf(", cores %.0f ns apart", r->bounce_ns);
    (void)printf("\n\n");
}

static json_t *json_side(const struct block *b)
{
    json_t *o = json_object();

    for (unsigned stage = 0; stage < METER_STAGE_COUNT; stage++)
        (void)json_object_set_new(o, meter_name((enum meter_stage)stage),
                                  json_real((double)b->stages[stage]));
    (void)json_object_set_new(o, "whole", json_real((double)b->total));
    return o;
}

static void tell(json_t *all, const char *name, bool encrypted)
{
    const struct result r = measure(encrypted);

    json_t *o;

    if (!options.json) {
        print_text(name, &r);
        return;
    }
    o = json_pack("{s:o, s:o, s:f, s:f}", "sender", json_side(&r.of[SENDER]), "receiver",
                  json_side(&r.of[RECEIVER]), "gbps", r.gbps, "bounce_ns", r.bounce_ns);
    (void)json_object_set_new(all, name, o);
}

static bool read_number(struct options *o, char **argv)
{
    const struct {
        const char *name;
        unsigned long *n;
    } all[] = {{"--blocks", &o->blocks},
               {"--burst", &o->burst},
               {"--chunk", &o->chunk_kib},
               {"--buffer", &o->buffer_kib}};

    for (size_t i = 0; i < RTE_DIM(all); i++) {
        if (strcmp(argv[0], all[i].name) == 0) {
            *all[i].n = host_number(argv[1], usage);
            return true;
        }
    }
    return false;
}

static bool read_flag(struct options *o, const char *arg)
{
    const struct {
        const char *name;
        bool *flag;
    } all[] = {{"--json", &o->json},
               {"--plain", &o->plain},
               {"--encrypted", &o->encrypted},
               {"--two", &o->two},
               {"--hot", &o->hot}};

    for (size_t i = 0; i < RTE_DIM(all); i++) {
        if (strcmp(arg, all[i].name) == 0) {
            *all[i].flag = true;
            return true;
        }
    }
    return false;
}

static void read_options(struct options *o, char **argv)
{
    for (argv++; *argv != NULL; argv++) {
        if (read_flag(o, *argv))
            continue;
        if (strcmp(*argv, "--engine") == 0 && argv[1] != NULL)
            o->engine = argv[1];
        else if (!read_number(o, argv))
            host_die("%s", usage);
        argv++;
    }
    if (!o->plain && !o->encrypted)
        o->plain = o->encrypted = true;
    if (o->blocks > BLOCKS_MAX)
        host_die("--blocks: at most %d", BLOCKS_MAX);
}

int main(int argc, char **argv)
{
    json_t *all = json_object();

    (void)argc;
    read_options(&options, argv);
    data_bytes = (size_t)(options.hot ? 1 : 64) << 20;
    host_start(argv[0], "512", options.two ? "0@0,1@1" : "0@(0,1)");
    open_side(SENDER);
    open_side(RECEIVER);
    if (options.plain)
        tell(all, "plain", false);
    if (options.encrypted)
        tell(all, "encrypted", true);
    if (options.json) {
        (void)json_dumpf(all, stdout, JSON_REAL_PRECISION(6));
        (void)putchar('\n');
    }
    json_decref(all);
    (void)rte_eal_cleanup();
    return 0;
}
