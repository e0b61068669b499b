/* SPDX-License-Identifier: BSD-3-Clause */
#include "shard/ports.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_ring.h>

#include "base/invariant.h"
#include "base/siphash.h"
#include "shard/iface.h"
#include "shard/pools.h"

enum {
    RING_PAIRS_MAX = 64,
    RING_FRAMES = 1024,
    NAME_BYTES = 64,
    DEVICE_BYTES = 256,
    REASON_BYTES = 256,
    DESCRIPTORS = 1024,
    RX_MBUFS = 8191,
    FRAME_EXTRA_BYTES = RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN + 2 * RTE_VLAN_HLEN,
    DATA_MIN_BYTES = 2048,
};

enum kind { RING, TAP, AF_PACKET_IFACE, OTHER };

/* Two rings are a wire; `ends` says which of its ends are open. */
struct ring_pair {
    char name[NAME_BYTES]; /* "": free */
    struct rte_ring *rings[2];
    bool ends[2];
};

static struct ring_pair ring_pairs[RING_PAIRS_MAX];

struct sl_port {
    char name[NAME_BYTES];
    enum kind kind;
    uint16_t device; /* DPDK's number */
    bool is_there;   /* the device exists */
    uint16_t mtu_bytes, queues;
    uint8_t mac[6];
    bool tx_cksum_ip4, tx_cksum_tcp;
    struct rte_mempool *own_pool; /* NULL: the caller gave pools */
    uint32_t held_at_start;       /* mbufs of it that the device holds as descriptors */
    struct ring_pair *pair;
    int end;
};

struct opening {
    const struct sl_port_config *c;
    struct sl_port *p;
    struct rte_eth_dev_info info;
    const char **key;
    char *err;
    size_t err_len;
};

static bool refuse(const struct opening *o, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(const struct opening *o, const char *format, ...)
{
    char what[REASON_BYTES];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    (void)snprintf(o->err, o->err_len, "port %s (%s): %s", o->c->name, o->c->device, what);
    return false;
}

static bool fail(const struct opening *o, const char *what, int rc)
{
    return refuse(o, "%s%s%s", what, rc != 0 ? ": " : "", rc != 0 ? rte_strerror(abs(rc)) : "");
}

/* ---- devices -------------------------------------------------------------------------------- */

static const char tap_prefix[] = "tap:", af_packet_prefix[] = "af_packet:";

/* What stands behind a prefix; NULL: another one. */
static const char *behind(const char *device, const char *prefix)
{
    const size_t len = strlen(prefix);

    return strncmp(device, prefix, len) == 0 ? device + len : NULL;
}

static bool check_device(const struct opening *o)
{
    const char *tap = behind(o->c->device, tap_prefix);
    const char *iface = behind(o->c->device, af_packet_prefix);
    char why[REASON_BYTES];

    if ((tap != NULL && !sl_iface_is_free(tap, why, sizeof(why))) ||
        (iface != NULL && !sl_iface_is_there(iface, why, sizeof(why))))
        return refuse(o, "%s", why);
    return true;
}

bool sl_port_check(const struct sl_port_config *c, char *err, size_t err_len)
{
    const struct opening o = {.c = c, .err = err, .err_len = err_len};

    return check_device(&o);
}

static struct ring_pair *find_pair(const char *name)
{
    struct ring_pair *unused = NULL;
    int i;

    for (i = 0; i < RING_PAIRS_MAX; i++) {
        if (strcmp(ring_pairs[i].name, name) == 0)
            return &ring_pairs[i];
        if (unused == NULL && ring_pairs[i].name[0] == '\0')
            unused = &ring_pairs[i];
    }
    return unused;
}

static struct rte_ring *create_ring(const struct ring_pair *pair, int way)
{
    char name[RTE_RING_NAMESIZE];

    (void)snprintf(name, sizeof(name), "sl_wire%u_%d", (unsigned)(pair - ring_pairs), way);
    return rte_ring_create(name, RING_FRAMES, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
}

static void empty_ring(struct rte_ring *r)
{
    void *m;

    while (r != NULL && rte_ring_sc_dequeue(r, &m) == 0)
        rte_pktmbuf_free(m);
}

static void release_pair(struct ring_pair *pair)
{
    int i;

    if (pair->ends[0] || pair->ends[1])
        return;
    for (i = 0; i < 2; i++) {
        empty_ring(pair->rings[i]);
        rte_ring_free(pair->rings[i]);
    }
    *pair = (struct ring_pair){0};
}

static bool attach_pair(struct opening *o, const char *name)
{
    struct ring_pair *pair = strlen(name) < NAME_BYTES && name[0] ? find_pair(name) : NULL;

    if (pair == NULL)
        return refuse(o, "no ring of this name; it has 1 to %d characters", NAME_BYTES - 1);
    if (pair->name[0] == '\0') {
        (void)snprintf(pair->name, sizeof(pair->name), "%s", name);
        pair->rings[0] = create_ring(pair, 0);
        pair->rings[1] = create_ring(pair, 1);
        if (pair->rings[0] == NULL || pair->rings[1] == NULL) {
            release_pair(pair);
            return fail(o, "no memory for rings", 0);
        }
    }
    if (pair->ends[0] && pair->ends[1])
        return fail(o, "both ends of the ring are in use", 0);
    o->p->pair = pair;
    o->p->end = pair->ends[0] ? 1 : 0;
    pair->ends[o->p->end] = true;
    return true;
}

/* What one end sends the other receives. */
static bool open_ring(struct opening *o, const char *name)
{
    struct sl_port *p = o->p;
    char vdev[NAME_BYTES];
    int rc;

    p->kind = RING;
    if (p->queues != 1)
        return fail(o, "a ring has one queue", 0);
    if (!attach_pair(o, name))
        return false;
    (void)snprintf(vdev, sizeof(vdev), "sl%u_%d", (unsigned)(p->pair - ring_pairs), p->end);
    rc = rte_eth_from_rings(vdev, &p->pair->rings[p->end], 1, &p->pair->rings[1 - p->end], 1, 0);
    if (rc < 0)
        return fail(o, "DPDK makes no port of rings", rte_errno);
    p->device = (uint16_t)rc;
    p->is_there = true;
    return true;
}

/* DPDK says -1 for much, which is not EPERM. */
static bool fail_probe(const struct opening *o, int rc)
{
    return refuse(o, "DPDK does not open it%s%s; mend what it complains of on standard error",
                  rc != -1 ? ": " : "", rc != -1 ? rte_strerror(-rc) : "");
}

/* `device`: name and arguments as DPDK takes them. 0, or what DPDK says. */
static int probe(struct opening *o, const char *device)
{
    char name[DEVICE_BYTES];
    int rc;

    (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(device, ","), device);
    if (rte_eth_dev_get_port_by_name(name, &o->p->device) != 0 &&
        ((rc = rte_dev_probe(device)) < 0 ||
         (rc = rte_eth_dev_get_port_by_name(name, &o->p->device)) < 0))
        return rc;
    o->p->is_there = true;
    return 0;
}

/* A virtual device on a kernel interface. Names of devices must differ in the whole process. */
static int probe_kernel(struct opening *o, const char *driver, const char *iface)
{
    static unsigned serial = 900; /* far from the numbers of those given by string */
    char device[DEVICE_BYTES];

    (void)snprintf(device, sizeof(device), "%s%u,iface=%s", driver, serial++, iface);
    return probe(o, device);
}

static bool open_tap(struct opening *o, const char *iface)
{
    char why[REASON_BYTES];
    const int fd = sl_iface_make_tap(iface, why, sizeof(why));
    int rc;

    o->p->kind = TAP;
    if (fd < 0)
        return refuse(o, "%s", why);
    rc = probe_kernel(o, "net_tap", iface);
    (void)close(fd);
    return rc == 0 || fail_probe(o, rc);
}

static bool open_af_packet(struct opening *o, const char *iface)
{
    char why[REASON_BYTES];
    int rc;

    o->p->kind = AF_PACKET_IFACE;
    if (!sl_iface_may_capture(why, sizeof(why)))
        return refuse(o, "%s", why);
    rc = probe_kernel(o, "net_af_packet", iface);
    return rc == 0 || fail_probe(o, rc);
}

static bool open_other(struct opening *o)
{
    int rc;

    o->p->kind = OTHER;
    if (strlen(o->c->device) >= DEVICE_BYTES)
        return fail(o, "device string too long", 0);
    rc = probe(o, o->c->device);
    if (rc == -EFAULT) { /* no bus takes the name */
        return refuse(o,
                      "no such device; give ring:NAME, tap:IFACE, af_packet:IFACE, one of DPDK's "
                      "like net_memif0,role=client, or a PCI address like 0000:01:00.0");
    }
    return rc == 0 || fail_probe(o, rc);
}

static bool open_device(struct opening *o)
{
    const char *name;

    if ((name = behind(o->c->device, "ring:")) != NULL)
        return open_ring(o, name);
    if ((name = behind(o->c->device, tap_prefix)) != NULL)
        return open_tap(o, name);
    if ((name = behind(o->c->device, af_packet_prefix)) != NULL)
        return open_af_packet(o, name);
    return open_other(o);
}

/* ---- configuration -------------------------------------------------------------------------- */

/*
 * Locally administered, and the same at each start: of the device's name and of the network
 * namespace it is in, so that both ends of a veth or a ring differ.
 */
static void invent_mac(struct sl_port *p, const char *device)
{
    const struct sl_siphash_key fixed = {1, 2};
    char text[DEVICE_BYTES + 64];
    struct stat ns = {0};
    uint64_t hash;

    (void)stat("/proc/self/ns/net", &ns);
    (void)snprintf(text, sizeof(text), "%s %llu %d", device, (unsigned long long)ns.st_ino, p->end);
    hash = sl_siphash(&fixed, text, strlen(text));
    p->mac[0] = 0x02;
    p->mac[1] = 'S';
    p->mac[2] = 'L';
    memcpy(p->mac + 3, &hash, 3);
}

static bool choose_mac(struct opening *o)
{
    struct rte_ether_addr mac;
    int rc;

    if (o->c->has_mac) {
        memcpy(o->p->mac, o->c->mac, sizeof(o->p->mac));
        return true;
    }
    /* net_tap gives itself and the kernel's end one and the same MAC. */
    if (o->p->kind == RING || o->p->kind == TAP) {
        invent_mac(o->p, o->c->device);
        return true;
    }
    if ((rc = rte_eth_macaddr_get(o->p->device, &mac)) < 0)
        return fail(o, "it has no MAC address", rc);
    if (!rte_is_valid_assigned_ether_addr(&mac))
        return refuse(o, "it has no MAC address; give mac = 02:00:00:00:00:01, say");
    memcpy(o->p->mac, mac.addr_bytes, sizeof(o->p->mac));
    return true;
}

/* Offloads that the stack uses and the device has. Kernel-bound ones would compute in software. */
static uint64_t tx_offloads(struct opening *o)
{
    uint64_t want = RTE_ETH_TX_OFFLOAD_MULTI_SEGS;

    if (o->p->kind == OTHER)
        want |= RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
    want &= o->info.tx_offload_capa;
    o->p->tx_cksum_ip4 = (want & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) != 0;
    o->p->tx_cksum_tcp = (want & RTE_ETH_TX_OFFLOAD_TCP_CKSUM) != 0;
    return want;
}

/* A segment is a header mbuf and its data behind. net_null says nothing, since it looks at neither.
 */
static bool sends_chains(const struct opening *o)
{
    return (o->info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) != 0 || o->p->kind == RING ||
           strcmp(o->info.driver_name, "net_null") == 0;
}

/*
 * As ethdev reckons it: what the longest frame leaves, and the driver allows. The default is what
 * each has to take; net_af_packet calls it too long if one asks for it.
 */
static unsigned mtu_most(const struct rte_eth_dev_info *info)
{
    const bool is_told = info->max_mtu != UINT16_MAX;
    const uint32_t head = is_told && info->max_rx_pktlen > info->max_mtu
                              ? info->max_rx_pktlen - info->max_mtu
                              : RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;
    const uint32_t most = RTE_MIN(info->max_rx_pktlen - head, (uint32_t)info->max_mtu);

    return RTE_MAX(most, (uint32_t)SL_PORT_MTU_BYTES);
}

static bool set_mtu(struct opening *o)
{
    const struct sl_port *p = o->p;
    int rc;

    if (p->mtu_bytes == SL_PORT_MTU_BYTES ||
        (rc = rte_eth_dev_set_mtu(p->device, p->mtu_bytes)) >= 0)
        return true;
    *o->key = "mtu";
    return refuse(o, "it does not take an MTU of %u: %s; give %u to %u", p->mtu_bytes,
                  rte_strerror(-rc), RTE_MAX(o->info.min_mtu, SL_PORT_MTU_MIN_BYTES),
                  mtu_most(&o->info));
}

static bool configure(struct opening *o)
{
    struct rte_eth_conf conf = {0};
    struct sl_port *p = o->p;
    int rc;

    if ((rc = rte_eth_dev_info_get(p->device, &o->info)) < 0)
        return fail(o, "it says nothing of itself", rc);
    if (p->queues > o->info.max_rx_queues || p->queues > o->info.max_tx_queues)
        return fail(o, "it has not so many queues", 0);
    if (!sends_chains(o))
        return fail(o, "its driver does not send chained buffers, which segments are; take another",
                    0);
    conf.txmode.offloads = tx_offloads(o);
    if (p->kind == OTHER)
        conf.rxmode.offloads = o->info.rx_offload_capa &
                               (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM);
    if (p->queues > 1) {
        conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
        conf.rx_adv_conf.rss_conf.rss_hf =
            o->info.flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP);
    }
    if ((rc = rte_eth_dev_configure(p->device, p->queues, p->queues, &conf)) < 0)
        return fail(o, "it does not take the configuration", rc);
    return p->kind == RING || set_mtu(o);
}

static uint16_t data_room(const struct sl_port *p)
{
    const unsigned frame = (unsigned)p->mtu_bytes + FRAME_EXTRA_BYTES;

    return (uint16_t)(RTE_PKTMBUF_HEADROOM + (frame > DATA_MIN_BYTES ? frame : DATA_MIN_BYTES));
}

/* A ring's frames lie in the sender's mbufs; ethdev wants to see a pool all the same. */
static bool create_pool(struct opening *o)
{
    const uint32_t n = o->p->kind == RING ? 63 : RX_MBUFS;

    if (o->c->rx_pools != NULL)
        return true;
    o->p->own_pool = sl_pools_create("port", o->p->device, n, data_room(o->p));
    return o->p->own_pool != NULL || fail(o, "no memory for packet buffers", 0);
}

static bool set_up_queues(struct opening *o)
{
    const unsigned node = (unsigned)rte_eth_dev_socket_id(o->p->device);
    uint16_t rx = DESCRIPTORS, tx = DESCRIPTORS, i;
    struct sl_port *p = o->p;
    int rc;

    if ((rc = rte_eth_dev_adjust_nb_rx_tx_desc(p->device, &rx, &tx)) < 0)
        return fail(o, "it does not take the size of queues", rc);
    for (i = 0; i < p->queues; i++) {
        struct rte_mempool *pool = o->c->rx_pools ? o->c->rx_pools[i] : p->own_pool;
        struct rte_eth_rxconf rx_conf = o->info.default_rxconf;
        struct rte_eth_txconf tx_conf = o->info.default_txconf;

        /* Held data has references besides the port's: never MBUF_FAST_FREE. */
        tx_conf.offloads = 0;
        rx_conf.offloads = 0;
        if ((rc = rte_eth_rx_queue_setup(p->device, i, rx, node, &rx_conf, pool)) < 0)
            return fail(o, "receive queue", rc);
        if ((rc = rte_eth_tx_queue_setup(p->device, i, tx, node, &tx_conf)) < 0)
            return fail(o, "transmit queue", rc);
    }
    return true;
}

static bool start(struct opening *o)
{
    struct sl_port *p = o->p;
    int rc;

    if ((rc = rte_eth_dev_start(p->device)) < 0)
        return fail(o, "it does not start", rc);
    /* With a MAC of our own the device must not look at it. */
    if ((p->kind == TAP || o->c->has_mac) && (rc = rte_eth_promiscuous_enable(p->device)) < 0 &&
        rc != -ENOTSUP && p->kind != RING)
        return fail(o, "it does not become promiscuous", rc);
    if (p->own_pool != NULL)
        p->held_at_start = rte_mempool_in_use_count(p->own_pool);
    return true;
}

struct sl_port *sl_port_open(const struct sl_port_config *c, const char **key, char *err,
                             size_t err_len)
{
    struct sl_port *p = SL_FAULT(port_open) ? NULL : calloc(1, sizeof(*p));
    struct opening o = {.c = c, .p = p, .key = key, .err = err, .err_len = err_len};

    *key = "device";

    if (p == NULL) {
        (void)fail(&o, "no memory", 0);
        return NULL;
    }
    (void)snprintf(p->name, sizeof(p->name), "%s", c->name);
    p->mtu_bytes = c->mtu_bytes > 0 ? c->mtu_bytes : SL_PORT_MTU_BYTES;
    p->queues = c->queues > 0 ? c->queues : 1;
    if (p->queues > SL_PORT_QUEUES_MAX)
        (void)fail(&o, "too many queues", 0);
    else if (check_device(&o) && open_device(&o) && configure(&o) && choose_mac(&o) &&
             create_pool(&o) && set_up_queues(&o) && start(&o))
        return p;
    sl_port_close(p);
    return NULL;
}

void sl_port_close(struct sl_port *p)
{
    struct rte_eth_dev_info info = {0};

    if (p == NULL)
        return;
    if (p->is_there) {
        (void)rte_eth_dev_info_get(p->device, &info);
        (void)rte_eth_dev_stop(p->device);
        (void)rte_eth_dev_close(p->device);
        if (info.device != NULL)
            (void)rte_dev_remove(info.device);
    }
    if (p->pair != NULL) {
        p->pair->ends[p->end] = false;
        release_pair(p->pair);
    }
    sl_pools_release(p->own_pool);
    free(p);
}

struct sl_shard_port sl_port_facts(const struct sl_port *p, uint16_t number)
{
    struct sl_shard_port facts = {
        .port = number,
        .mtu_bytes = p->mtu_bytes,
        .rx_cksum_good = p->kind == RING,
        .tx_cksum_none = p->kind == RING,
        .tx_cksum_ip4 = p->tx_cksum_ip4,
        .tx_cksum_tcp = p->tx_cksum_tcp,
    };

    memcpy(facts.mac, p->mac, sizeof(facts.mac));
    return facts;
}

uint64_t sl_port_mbufs_out(struct sl_port *p)
{
    uint32_t in_use;

    if (p->pair != NULL) {
        empty_ring(p->pair->rings[0]);
        empty_ring(p->pair->rings[1]);
    }
    if (p->own_pool == NULL)
        return 0;
    in_use = rte_mempool_in_use_count(p->own_pool);
    return in_use > p->held_at_start ? in_use - p->held_at_start : 0;
}

/* ---- a shard's input and output ---------------------------------------------------------------
 */

void sl_port_set_add(struct sl_port_set *set, uint16_t number, const struct sl_port *p,
                     uint16_t queue)
{
    set->at[number].device = p->device;
    set->at[number].queue = queue;
}

static uint64_t now_ns(void *ctx)
{
    struct timespec t;

    (void)ctx;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint16_t rx(void *ctx, uint16_t port, struct rte_mbuf **pkts, uint16_t n)
{
    const struct sl_port_set *set = ctx;

    return rte_eth_rx_burst(set->at[port].device, set->at[port].queue, pkts, n);
}

static uint16_t tx(void *ctx, uint16_t port, struct rte_mbuf **pkts, uint16_t n)
{
    const struct sl_port_set *set = ctx;

    return rte_eth_tx_burst(set->at[port].device, set->at[port].queue, pkts, n);
}

static void idle(void *ctx, uint64_t until_ns)
{
    (void)ctx;
    (void)until_ns;
    (void)sched_yield();
}

struct sl_shard_io sl_port_set_io(struct sl_port_set *set)
{
    return (struct sl_shard_io){
        .ctx = set,
        .now_ns = now_ns,
        .rx = rx,
        .tx = tx,
        .idle = set->yields ? idle : NULL,
    };
}
