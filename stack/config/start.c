/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_lcore.h>
#include <rte_log.h>

#include "config/arguments.h"
#include "config/keys.h"
#include "shard/eal.h"
#include "shard/ports.h"

/*
 * Brings up what a configuration describes: EAL, ports, shards. A process has one EAL, so what is
 * up stands in one static place.
 */
enum { ADDRESS_BYTES = SL_CONFIG_TEXT_BYTES };

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

static struct sl_port_config port_config(const struct sl_config_port *p)
{
    static const uint8_t none[6];
    struct sl_port_config config = {
        .name = p->name,
        .device = p->device,
        .mtu_bytes = (uint16_t)p->mtu_bytes,
        .queues = (uint16_t)p->queues,
        .has_mac = memcmp(p->mac, none, sizeof(none)) != 0,
    };

    memcpy(config.mac, p->mac, sizeof(config.mac));
    return config;
}

static void port_failed(const struct sl_config *c, const struct sl_config_port *p, const char *key,
                        const char *why, char *err, size_t err_len)
{
    const struct sl_config_mark *mark = &p->marks[sl_key_find("port", key) - sl_keys];
    char where[SL_CONFIG_WHERE_BYTES];

    (void)snprintf(err, err_len, "%s%s", sl_config_where(c, mark, where), why);
}

/* Before EAL and any port is there: what cannot be, leaves nothing behind. */
static int check_ports(const struct sl_config *c, char *err, size_t err_len)
{
    char why[SL_ERR_BYTES - SL_CONFIG_WHERE_BYTES];
    unsigned i;

    for (i = 0; i < c->n_ports; i++) {
        const struct sl_port_config config = port_config(&c->ports[i]);

        if (!sl_port_check(&config, why, sizeof(why))) {
            port_failed(c, &c->ports[i], "device", why, err, err_len);
            return -EIO;
        }
    }
    return 0;
}

static struct sl_port *open_port(const struct sl_config *c, unsigned i, char *err, size_t err_len)
{
    const struct sl_port_config config = port_config(&c->ports[i]);
    char why[SL_ERR_BYTES - SL_CONFIG_WHERE_BYTES] = "";
    const char *key;
    struct sl_port *port = sl_port_open(&config, &key, why, sizeof(why));

    if (port == NULL)
        port_failed(c, &c->ports[i], key, why, err, err_len);
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
    if (c->log_level > SL_LOG_WARNING || sl_config_gives(c, "--log-level"))
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

/* Memory that is not there would be promised all the same, and the process killed for it. */
static int check_memory(const struct sl_config *c, char *err, size_t err_len)
{
    const uint64_t need = sl_config_memory_mib(c);
    const uint64_t there =
        (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) >> 20;

    if (need <= there || sl_config_gives(c, "-m --socket-mem --in-memory --huge-dir"))
        return 0;
    (void)snprintf(err, err_len,
                   "the bounds need %llu MiB of memory, this machine has %llu; lower "
                   "shard.buffers, tcp.connections or the number of shards",
                   (unsigned long long)need, (unsigned long long)there);
    return -ENOMEM;
}

/* "my.conf:3, my.conf:4, --set": where arguments of EAL come from. */
static const char *arg_places(const struct sl_config *c, char *out, size_t out_len)
{
    char where[SL_CONFIG_WHERE_BYTES], last[SL_CONFIG_WHERE_BYTES] = "";
    size_t len = 0;
    unsigned i;

    out[0] = '\0';
    for (i = 0; i < c->eal.n; i++) {
        (void)sl_config_where(c, &c->eal.marks[i], where);
        if (strcmp(where, last) == 0) /* of one run of --set */
            continue;
        if (len + strlen(where) + 8 > out_len) {
            (void)snprintf(out + len, out_len - len, ", ...");
            break;
        }
        len += (size_t)snprintf(out + len, out_len - len, "%s%.*s", len > 0 ? ", " : "",
                                (int)strlen(where) - 2, where);
        memcpy(last, where, sizeof(last));
    }
    return out;
}

/* EAL does not tell which argument it dislikes, but what it says of it. */
static void eal_failed(const struct sl_config *c, int rc, const char *why, char *err,
                       size_t err_len)
{
    const bool lacks_huge = (rc == -EACCES || rc == -ENOMEM) && sl_config_is_huge(c);
    char where[SL_CONFIG_WHERE_BYTES], places[SL_CONFIG_WHERE_BYTES];

    if (c->eal.n == 0) {
        (void)snprintf(err, err_len, "%s; it says more on standard error", why);
        return;
    }
    (void)snprintf(err, err_len, "%seal.arg: %s; it says more on standard error. Mend %s%s%s",
                   sl_config_where(c, &c->eal.marks[0], where), why,
                   c->eal.n > 1 ? "what is given at " : "",
                   c->eal.n > 1 ? arg_places(c, places, sizeof(places)) : c->eal.args[0],
                   lacks_huge ? ", or reserve hugepages (vm.nr_hugepages)" : "");
}

static int start(const struct sl_config *c, char *err, size_t err_len)
{
    char why[SL_ERR_BYTES - 2 * SL_CONFIG_WHERE_BYTES];
    struct sl_arguments a;
    unsigned i;
    int rc;

    if (sched_getaffinity(0, sizeof(up.cpus), &up.cpus) != 0)
        CPU_SET(0, &up.cpus);
    sl_arguments_build(&a, c, &up.cpus);
    if ((rc = sl_eal_init(a.n, a.argv, why, sizeof(why))) < 0) {
        eal_failed(c, rc, why, err, err_len);
        return rc;
    }
    up.is_up = true;
    up.has_own_prefix = !sl_config_gives(c, "--file-prefix");
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
    if ((rc = sl_config_check(c, err, err_len)) < 0 || (rc = check_ports(c, err, err_len)) < 0 ||
        (rc = check_memory(c, err, err_len)) < 0)
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
