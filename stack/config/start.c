/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <rte_eal.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_version.h>

#include "config/keys.h"
#include "shard/eal.h"
#include "shard/ports.h"
#include "tcpcrypt/aead/engine.h"

/*
 * Brings up what a configuration describes: EAL, ports, shards. A process has one EAL, so what is
 * up stands in one static place.
 */
enum {
    ARGS_MAX = SL_CONFIG_ARGS_MAX + 16,
    ADDRESS_BYTES = SL_CONFIG_TEXT_BYTES,
    TICK_MS = 100,
    LOOK_MS = 5,
    /* Memory of a shard and of a port beside what follows from the bounds, in MiB. */
    BASE_MIB = 64,
    SHARD_MIB = 64,
    PORT_MIB = 32,
    PACKET_BYTES = 2560,    /* of a payload pool, its bookkeeping included */
    HEADS_BYTES = 1024,     /* of a header mbuf and two indirect ones, likewise */
    CONNECTION_BYTES = 256, /* in flow table and rings */
    SEGMENT_BYTES = 1448,
    BUFFERS_MIN = 8191, /* as in shard/pools.c */
    BUFFERS_MAX = 65535,
};

struct arguments {
    int n;
    const char *argv[ARGS_MAX];
    char room[16][SL_CONFIG_TEXT_BYTES * 4];
    int n_room;
};

static struct {
    bool is_up;
    struct sl_port *ports[SL_SHARD_PORTS];
    struct sl_port_set sets[SL_CONFIG_SHARDS_MAX];
    struct sl_shard *shards[SL_CONFIG_SHARDS_MAX];
    char addresses[SL_CONFIG_SHARDS_MAX][ADDRESS_BYTES];
    unsigned n_shards;
    bool has_own_prefix; /* of this process alone */
    cpu_set_t cpus;      /* before EAL pinned anything */
} up;

/* ---- arguments of EAL ----------------------------------------------------------------------- */

static void add(struct arguments *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct arguments *a, const char *format, ...)
{
    char *text = a->room[a->n_room++];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(a->room[0]), format, args);
    va_end(args);
    a->argv[a->n++] = text;
}

/* Does the file name one of these options, which are separated by spaces? */
static bool is_given(const struct sl_config *c, const char *options)
{
    unsigned i;

    for (i = 0; i < c->eal.n; i++) {
        const char *arg = c->eal.args[i];
        /* "-m512" is -m, "--file-prefix=x" is --file-prefix */
        const size_t len = strncmp(arg, "--", 2) == 0 ? strcspn(arg, "= ") : 2;
        const char *at;

        for (at = options; *at != '\0'; at += strcspn(at, " "), at += *at == ' ') {
            if (strcspn(at, " ") == len && strncmp(at, arg, len) == 0)
                return true;
        }
    }
    return false;
}

static uint64_t buffers_of(const struct sl_shard_config *s, uint32_t buffer_bytes)
{
    const uint64_t wanted = (uint64_t)buffer_bytes / SEGMENT_BYTES * 8;

    if (s->pool_elements > 0)
        return s->pool_elements;
    if (wanted < BUFFERS_MIN)
        return BUFFERS_MIN;
    return wanted < BUFFERS_MAX ? wanted : BUFFERS_MAX;
}

/* Generous: memory without hugepages is not touched before it is used. */
static uint64_t memory_mib(const struct sl_config *c)
{
    const struct sl_shard_config *s = &c->shard;
    const uint64_t buffers = buffers_of(s, s->sndbuf_bytes) + buffers_of(s, s->rcvbuf_bytes);
    const uint64_t flows = (uint64_t)s->connections_max + s->time_wait_max;
    const uint64_t bytes = buffers * (PACKET_BYTES + HEADS_BYTES) + flows * CONNECTION_BYTES;

    return BASE_MIB + sl_config_shards(c) * (SHARD_MIB + (bytes >> 20)) +
           (uint64_t)c->n_ports * PORT_MIB;
}

static void add_memory(struct arguments *a, const struct sl_config *c)
{
    const bool is_huge =
        is_given(c, "-m --in-memory --socket-mem --huge-dir --legacy-mem --huge-unlink");

    if (is_given(c, "--no-huge") ? is_given(c, "-m") : is_huge)
        return;
    if (!is_given(c, "--no-huge"))
        add(a, "--no-huge");
    add(a, "-m");
    add(a, "%llu", (unsigned long long)memory_mib(c));
}

/* The n-th CPU of those that the process may use, beginning anew after the last. */
static unsigned cpu_at(unsigned n)
{
    unsigned left = n % (unsigned)CPU_COUNT(&up.cpus), cpu = 0;

    while (!CPU_ISSET(cpu, &up.cpus) || left-- > 0)
        cpu++;
    return cpu;
}

/*
 * The main lcore is wherever there is room. Of several shards each has an lcore on a CPU; CPUs
 * serve several where there are fewer of them.
 */
static void add_lcores(struct arguments *a, unsigned shards)
{
    char text[SL_CONFIG_TEXT_BYTES * 4];
    const unsigned all = (unsigned)CPU_COUNT(&up.cpus);
    size_t len = (size_t)snprintf(text, sizeof(text), "0@(");
    unsigned i;

    /* More than some hundred CPUs do not fit; the first ones are enough for a thread that waits. */
    for (i = 0; i < all && len + 64 < sizeof(text) / 2; i++)
        len +=
            (size_t)snprintf(text + len, sizeof(text) - len, "%s%u", i > 0 ? "," : "", cpu_at(i));
    len += (size_t)snprintf(text + len, sizeof(text) - len, ")");
    for (i = 0; shards > 1 && i < shards; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, ",%u@%u", i + 1, cpu_at(i));
    add(a, "--lcores");
    add(a, "%s", text);
}

static bool is_pci(const char *device)
{
    unsigned domain, bus, slot, function;
    char end;

    return sscanf(device, "%x:%x:%x.%x%c", &domain, &bus, &slot, &function, &end) >= 4;
}

static void add_pci(struct arguments *a, const struct sl_config *c)
{
    bool any = false;
    unsigned i;

    for (i = 0; i < c->n_ports; i++) {
        if (!is_pci(c->ports[i].device))
            continue;
        a->argv[a->n++] = "-a";
        a->argv[a->n++] = c->ports[i].device;
        any = true;
    }
    if (!any)
        add(a, "--no-pci");
}

/* What the file does not say. Several instances side by side share nothing. */
static void build_arguments(struct arguments *a, const struct sl_config *c)
{
    static const char *const levels[] = {"error", "warning", "warning", "debug"};
    unsigned i;

    a->argv[a->n++] = "sealane";
    for (i = 0; i < c->eal.n; i++)
        a->argv[a->n++] = c->eal.args[i];
    if (!is_given(c, "-c -l --lcores -S"))
        add_lcores(a, sl_config_shards(c));
    add_memory(a, c);
    if (!is_given(c, "--no-pci -a --allow -b --block"))
        add_pci(a, c);
    if (!is_given(c, "--no-shconf --in-memory"))
        add(a, "--no-shconf");
    if (!is_given(c, "--file-prefix"))
        add(a, "--file-prefix=sealane-%ld", (long)getpid());
    if (!is_given(c, "--no-telemetry --telemetry"))
        add(a, "--no-telemetry");
    if (!is_given(c, "--log-level"))
        add(a, "--log-level=%s", levels[c->log_level]);
    a->argv[a->n] = NULL;
}

/* ---- up and down ---------------------------------------------------------------------------- */

static void copy_addresses(const struct sl_config *c)
{
    unsigned i;

    for (i = 0; i < c->n_ports; i++) {
        const struct sl_config_port *p = &c->ports[i];
        char *to = up.addresses[p->shard];

        if (p->addresses.n > 0 && to[0] == '\0')
            (void)snprintf(to, ADDRESS_BYTES, "%.*s", (int)strcspn(p->addresses.text[0], "/"),
                           p->addresses.text[0]);
    }
}

static bool is_kernels(const char *device)
{
    return strncmp(device, "tap:", 4) == 0 || strncmp(device, "net_tap", 7) == 0 ||
           strncmp(device, "af_packet:", 10) == 0 || strncmp(device, "net_af_", 7) == 0;
}

/* A CPU that is spun on does nothing for the kernel, nor for a shard that shares it. */
static bool should_yield(const struct sl_config *c, unsigned shard)
{
    unsigned i;

    if (c->idle != SL_IDLE_AUTO)
        return c->idle == SL_IDLE_YIELD;
    if (sl_config_shards(c) > (unsigned)CPU_COUNT(&up.cpus))
        return true;
    for (i = 0; i < c->n_ports; i++) {
        if (c->ports[i].shard == shard && !is_kernels(c->ports[i].device))
            return false;
    }
    return true;
}

static struct sl_port *open_port(const struct sl_config *c, unsigned i, char *err, size_t err_len)
{
    static const uint8_t none[6];
    const struct sl_config_port *p = &c->ports[i];
    const struct sl_config_mark *mark = &p->marks[sl_key_find("port", "device") - sl_keys];
    struct sl_port_config config = {
        .name = p->name,
        .device = p->device,
        .mtu_bytes = (uint16_t)p->mtu_bytes,
        .queues = (uint16_t)p->queues,
        .has_mac = memcmp(p->mac, none, sizeof(none)) != 0,
    };
    char where[SL_CONFIG_WHERE_BYTES], why[SL_ERR_BYTES - SL_CONFIG_WHERE_BYTES] = "";
    struct sl_port *port;

    memcpy(config.mac, p->mac, sizeof(config.mac));
    if ((port = sl_port_open(&config, why, sizeof(why))) == NULL)
        (void)snprintf(err, err_len, "%s%s", sl_config_where(c, mark, where), why);
    return port;
}

/*
 * Drivers call much an error that is none (net_tap wants a queueing discipline that few kernels
 * have). What DPDK says while it starts is shown if it does not start, or if it was asked for.
 */
struct hearing {
    FILE *stream; /* NULL: shown at once */
    char *text;
    size_t len;
};

static void hear(struct hearing *h, const struct sl_config *c)
{
    *h = (struct hearing){0};
    if (c->log_level > SL_LOG_WARNING || is_given(c, "--log-level"))
        return;
    if ((h->stream = open_memstream(&h->text, &h->len)) != NULL)
        (void)rte_openlog_stream(h->stream);
}

static void hear_no_more(struct hearing *h, bool show)
{
    if (h->stream == NULL)
        return;
    (void)rte_openlog_stream(stderr);
    (void)fclose(h->stream);
    if (show)
        (void)fputs(h->text, stderr);
    free(h->text);
}

static int start(const struct sl_config *c, char *err, size_t err_len)
{
    struct arguments a = {.n = 0};
    unsigned i;
    int rc;

    if (sched_getaffinity(0, sizeof(up.cpus), &up.cpus) != 0)
        CPU_SET(0, &up.cpus);
    build_arguments(&a, c);
    if ((rc = sl_eal_init(a.n, a.argv, err, err_len)) < 0)
        return rc;
    up.is_up = true;
    up.has_own_prefix = !is_given(c, "--file-prefix");
    up.n_shards = sl_config_shards(c);
    copy_addresses(c);
    for (i = 0; i < c->n_ports; i++) {
        if ((up.ports[i] = open_port(c, i, err, err_len)) == NULL) {
            sl_fini();
            return -EIO;
        }
    }
    return 0;
}

int sl_init(const struct sl_config *c, char *err, size_t err_len)
{
    struct hearing h;
    int rc;

    if (up.is_up) {
        (void)snprintf(err, err_len, "EAL and ports are up already");
        return -EALREADY;
    }
    if ((rc = sl_config_check(c, err, err_len)) < 0)
        return rc;
    sl_log_set_level(c->log_level);
    hear(&h, c);
    rc = start(c, err, err_len);
    hear_no_more(&h, rc < 0);
    return rc;
}

void sl_fini(void)
{
    char runtime[SL_CONFIG_TEXT_BYTES];
    unsigned i;

    if (!up.is_up)
        return;
    for (i = 0; i < SL_SHARD_PORTS; i++)
        sl_port_close(up.ports[i]);
    (void)snprintf(runtime, sizeof(runtime), "%s", rte_eal_get_runtime_dir());
    sl_eal_fini();
    if (up.has_own_prefix) /* EAL makes a folder for each prefix, and leaves it */
        (void)rmdir(runtime);
    memset(&up, 0, sizeof(up));
}

/* ---- shards --------------------------------------------------------------------------------- */

/* What a shard of its own does not know: where the cause of its refusal stands. */
static bool add_failed(const struct sl_config *c, const struct sl_config_mark *mark,
                       const char *what, const char *value, int rc, char *err, size_t err_len)
{
    char where[SL_CONFIG_WHERE_BYTES];

    (void)snprintf(err, err_len, "%s%s %s: %s", sl_config_where(c, mark, where), what, value,
                   strerror(-rc));
    return false;
}

static bool add_port(const struct sl_config *c, struct sl_shard *s, unsigned i, char *err,
                     size_t err_len)
{
    const struct sl_config_port *p = &c->ports[i];
    const struct sl_shard_port facts = sl_port_facts(up.ports[i], (uint16_t)i);
    unsigned k;
    int rc;

    if ((rc = sl_shard_port_add(s, &facts)) < 0)
        return add_failed(c, &p->first, "port", p->name, rc, err, err_len);
    for (k = 0; k < p->addresses.n; k++) {
        if ((rc = sl_shard_address_add(s, (uint16_t)i, p->addresses.text[k])) < 0)
            return add_failed(c, &p->marks[sl_key_find("port", "address") - sl_keys], "address",
                              p->addresses.text[k], rc, err, err_len);
    }
    return true;
}

static bool shard_reaches(const struct sl_config *c, unsigned shard, const char *via)
{
    unsigned i;

    for (i = 0; i < c->n_ports; i++) {
        if (c->ports[i].shard == shard && sl_config_port_reaches(&c->ports[i], via))
            return true;
    }
    return false;
}

static bool add_ports_and_routes(const struct sl_config *c, struct sl_shard *s, unsigned shard,
                                 char *err, size_t err_len)
{
    unsigned i;
    int rc;

    for (i = 0; i < c->n_ports; i++) {
        if (c->ports[i].shard == shard && !add_port(c, s, i, err, err_len))
            return false;
    }
    for (i = 0; i < c->n_routes; i++) {
        const struct sl_config_route *r = &c->routes[i];

        if (shard_reaches(c, shard, r->via) && (rc = sl_shard_route_add(s, r->prefix, r->via)) < 0)
            return add_failed(c, &r->mark, "route", r->prefix, rc, err, err_len);
    }
    return true;
}

static bool become_lcore(char *err, size_t err_len)
{
    if (rte_lcore_id() != LCORE_ID_ANY || rte_thread_register() == 0)
        return true;
    (void)snprintf(err, err_len, "EAL does not take this thread");
    return false;
}

static void fill_set(const struct sl_config *c, unsigned shard)
{
    struct sl_port_set *set = &up.sets[shard];
    unsigned i;

    *set = (struct sl_port_set){.yields = should_yield(c, shard)};
    for (i = 0; i < c->n_ports; i++) {
        if (c->ports[i].shard == shard)
            sl_port_set_add(set, (uint16_t)i, up.ports[i], 0);
    }
}

struct sl_shard *sl_open(const struct sl_config *c, unsigned index, char *err, size_t err_len)
{
    struct sl_shard_config config = c->shard;
    struct sl_shard_io io;
    struct sl_shard *s;
    char pcap[SL_CONFIG_TEXT_BYTES * 4];

    if (!up.is_up || index >= up.n_shards) {
        (void)snprintf(err, err_len, "shard %u is not in the configuration that is up", index);
        return NULL;
    }
    if (!become_lcore(err, err_len))
        return NULL;
    config.index = index;
    if (c->pcap != NULL) {
        (void)snprintf(pcap, sizeof(pcap), index > 0 ? "%s-%u" : "%s", c->pcap, index);
        config.pcap = pcap;
    }
    fill_set(c, index);
    io = sl_port_set_io(&up.sets[index]);
    if ((s = sl_shard_create(&config, &io, err, err_len)) == NULL)
        return NULL;
    if (!add_ports_and_routes(c, s, index, err, err_len)) {
        sl_shard_destroy(s);
        return NULL;
    }
    up.shards[index] = s;
    return s;
}

const char *sl_config_address(const struct sl_config *c, unsigned index)
{
    (void)c;
    if (!up.is_up || index >= up.n_shards || up.addresses[index][0] == '\0')
        return NULL;
    return up.addresses[index];
}

/* Rings first: freeing what stands in them puts it back into pools of both sides. */
uint64_t sl_mbufs_leaked(void)
{
    uint64_t leaked = 0;
    unsigned i, round;

    for (round = 0; round < 2; round++) {
        leaked = 0;
        for (i = 0; i < SL_SHARD_PORTS; i++) {
            if (up.ports[i] != NULL)
                leaked += sl_port_mbufs_out(up.ports[i]);
        }
    }
    for (i = 0; i < up.n_shards; i++) {
        if (up.shards[i] != NULL)
            leaked += sl_shard_mbufs_out(up.shards[i]);
    }
    return leaked;
}

/* ---- lcores --------------------------------------------------------------------------------- */

struct launch {
    int (*fn)(void *ctx, unsigned index);
    void *ctx;
    unsigned index, lcore;
};

static int launched(void *arg)
{
    const struct launch *l = arg;

    return l->fn(l->ctx, l->index);
}

static bool any_runs(const struct launch *l, unsigned n)
{
    unsigned i;

    for (i = 0; i < n; i++) {
        if (rte_eal_get_lcore_state(l[i].lcore) != WAIT)
            return true;
    }
    return false;
}

static void await_all(const struct launch *l, unsigned n, void (*tick)(void *ctx), void *ctx)
{
    const struct timespec look = {.tv_nsec = LOOK_MS * 1000000};
    unsigned passed_ms = 0;

    while (any_runs(l, n)) {
        (void)nanosleep(&look, NULL);
        passed_ms += LOOK_MS;
        if (passed_ms >= TICK_MS && tick != NULL) {
            passed_ms = 0;
            tick(ctx);
        }
    }
}

int sl_run_on_lcores(unsigned n, int (*fn)(void *ctx, unsigned index), void (*tick)(void *ctx),
                     void *ctx, char *err, size_t err_len)
{
    struct launch launches[SL_CONFIG_SHARDS_MAX];
    unsigned i, lcore = RTE_MAX_LCORE, started = 0;
    int rc = 0;

    if (n > SL_CONFIG_SHARDS_MAX || n + 1 > rte_lcore_count()) {
        (void)snprintf(err, err_len,
                       "%u lcores besides the main one are needed, %u are there; leave --lcores "
                       "and -l out of eal.arg",
                       n, rte_lcore_count() - 1);
        return -ENOSPC;
    }
    for (i = 0; i < n && rc == 0; i++) {
        lcore = rte_get_next_lcore(i == 0 ? (unsigned)-1 : lcore, 1, 0);
        launches[i] = (struct launch){fn, ctx, i, lcore};
        rc = rte_eal_remote_launch(launched, &launches[i], lcore);
        started += rc == 0;
    }
    await_all(launches, started, tick, ctx);
    for (i = 0; i < started; i++) {
        const int result = rte_eal_wait_lcore(launches[i].lcore);

        rc = rc != 0 ? rc : result;
    }
    return rc;
}

/* ---- versions ------------------------------------------------------------------------------- */

struct sl_versions sl_versions(void)
{
    const struct sl_ipsec_mb_facts mb = sl_ipsec_mb_facts();
    const char *dpdk = rte_version();

    if (strncmp(dpdk, "DPDK ", 5) == 0)
        dpdk += 5;
    return (struct sl_versions){
        .sealane = SL_VERSION,
        .dpdk = dpdk,
        .ipsec_mb = mb.version,
        .libcrypto = OpenSSL_version(OPENSSL_VERSION_STRING),
        .isa = mb.isa,
        .ipsec_mb_built = mb.built,
        .self_test_ok = mb.self_test_ok,
    };
}
