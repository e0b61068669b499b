/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/neighbour.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_jhash.h>

#include "net/arp.h"
#include "net/ether.h"
#include "net/state.h"

static const uint64_t ask_ns = 1000000000;    /* T1122-4: between two questions */
static const uint64_t refuse_ns = 1000000000; /* after a failure */
static const uint64_t lock_ns = 1000000000;   /* reading D32 */
static const uint64_t grace_ns = 5000000000;  /* for TCP to confirm (RFC 4861 7.3.2: DELAY) */

enum {
    ASK_TIMES = 3,
    STALE_FACTOR = 2, /* stale entries that nobody uses live so often neighbour_reachable_ns */
    TIMERS_A_CALL = 64,
    GENERATION = 1 << 16,
    SLOTS_MAX = GENERATION,
    HASH_MIN = 8, /* rte_hash makes no smaller ones */
};

struct key {
    uint8_t address[16];
    uint32_t port;
};

static struct key key_of(uint16_t port, const struct sl_addr *a)
{
    struct key key = {.port = port};

    memcpy(key.address, a->bytes, sizeof(key.address));
    return key;
}

static struct rte_hash *create_hash(const struct sl_net *net, uint32_t n)
{
    char name[RTE_HASH_NAMESIZE];
    const struct rte_hash_parameters parameters = {
        .name = name,
        .entries = n,
        .key_len = sizeof(struct key),
        .hash_func = rte_jhash,
        .hash_func_init_val = (uint32_t)sl_random_u64(net->host.random),
        .socket_id = SOCKET_ID_ANY,
        .extra_flag = RTE_HASH_EXTRA_FLAGS_EXT_TABLE, /* else it may be full before it is full */
    };

    (void)snprintf(name, sizeof(name), "net-%p", (const void *)net);
    return rte_hash_create(&parameters);
}

bool sl_neighbours_init(struct sl_net *net, uint64_t now_ns)
{
    struct sl_neighbours *t = &net->neighbours;
    const uint64_t most = (uint64_t)net->config.neighbours_max + net->config.routes_max;
    const uint32_t n = (uint32_t)RTE_MAX(most, (uint64_t)HASH_MIN);
    const size_t bytes = n * sizeof(*t->slots);
    uint32_t i;

    sl_list_init(&t->idle);
    t->next_ns = SL_NEVER;
    if (most > SLOTS_MAX || (t->slots = aligned_alloc(RTE_CACHE_LINE_SIZE, bytes)) == NULL)
        return false;
    memset(t->slots, 0, bytes);
    t->n_slots = n;
    for (i = 0; i < n; i++) {
        t->slots[i].handle = i;
        sl_timer_init(&t->slots[i].timer);
        sl_list_init(&t->slots[i].idle);
    }
    t->waiting = calloc((size_t)n * net->config.neighbour_queue_pkts, sizeof(struct rte_mbuf *));
    return t->waiting != NULL && (t->hash = create_hash(net, n)) != NULL &&
           (t->wheel = sl_wheel_create(now_ns)) != NULL;
}

/* The ring of packets that wait for `n`. */
static struct rte_mbuf **ring_of(const struct sl_net *net, const struct sl_neighbour *n)
{
    const size_t slot = (size_t)(n - net->neighbours.slots);

    return &net->neighbours.waiting[slot * net->config.neighbour_queue_pkts];
}

static struct rte_mbuf *take_waiting(const struct sl_net *net, struct sl_neighbour *n)
{
    struct rte_mbuf *m = ring_of(net, n)[n->first];

    n->first = (n->first + 1) % net->config.neighbour_queue_pkts;
    n->queued--;
    return m;
}

void sl_neighbours_fini(struct sl_net *net)
{
    struct sl_neighbours *t = &net->neighbours;
    uint32_t i;

    for (i = 0; i < t->n_slots; i++) {
        while (t->slots[i].queued > 0)
            rte_pktmbuf_free(take_waiting(net, &t->slots[i]));
        if (t->wheel != NULL)
            sl_wheel_disarm(t->wheel, &t->slots[i].timer);
    }
    sl_wheel_destroy(t->wheel);
    rte_hash_free(t->hash);
    free(t->waiting);
    free(t->slots);
}

static void arm(struct sl_net *net, struct sl_neighbour *n, uint64_t at_ns)
{
    sl_wheel_arm(net->neighbours.wheel, &n->timer, at_ns);
    net->neighbours.next_ns = RTE_MIN(net->neighbours.next_ns, at_ns);
}

static bool has_mac(const struct sl_neighbour *n)
{
    return n->state == SL_NEIGHBOUR_REACHABLE || n->state == SL_NEIGHBOUR_STALE ||
           n->state == SL_NEIGHBOUR_PROBE;
}

/* The one place where states change. */
static void enter(struct sl_net *net, struct sl_neighbour *n, enum sl_neighbour_state next,
                  uint64_t now_ns)
{
    const uint64_t reachable_ns = net->config.neighbour_reachable_ns;
    const bool worked = has_mac(n);

    n->state = (uint8_t)next;
    n->asked = 0;
    n->fresh_until_ns = next == SL_NEIGHBOUR_REACHABLE ? now_ns + reachable_ns : 0;
    sl_list_remove(&n->idle);
    if ((next == SL_NEIGHBOUR_STALE || next == SL_NEIGHBOUR_FAILED) && !n->is_gateway)
        sl_list_add_tail(&net->neighbours.idle, &n->idle);
    if (next == SL_NEIGHBOUR_REACHABLE)
        arm(net, n, n->fresh_until_ns);
    else if (next == SL_NEIGHBOUR_STALE)
        arm(net, n, now_ns + STALE_FACTOR * reachable_ns);
    else if (next == SL_NEIGHBOUR_FAILED)
        arm(net, n, now_ns + RTE_MAX(reachable_ns, refuse_ns));
    if (n->is_gateway && (worked != has_mac(n) || next == SL_NEIGHBOUR_FAILED))
        sl_net_void_paths(net); /* T1122-33: to another gateway, or back */
}

/* Put a question, or put it off until it may be put (T1122-4). */
static void ask(struct sl_net *net, struct sl_neighbour *n, uint64_t now_ns)
{
    if (now_ns >= n->next_ask_ns) {
        sl_arp_ask(net, n);
        n->asked++;
        n->next_ask_ns = now_ns + ask_ns;
    }
    arm(net, n, n->next_ask_ns);
}

static void remove_entry(struct sl_net *net, struct sl_neighbour *n)
{
    const struct key key = key_of(n->port, &n->addr);

    SL_INVARIANT(n->queued == 0);
    net->neighbours.n -= !n->is_gateway;
    if (n->is_gateway)
        sl_net_void_paths(net);
    rte_hash_del_key(net->neighbours.hash, &key);
    sl_wheel_disarm(net->neighbours.wheel, &n->timer);
    sl_list_remove(&n->idle);
    n->state = SL_NEIGHBOUR_FREE;
    n->fresh_until_ns = 0;
    n->handle += GENERATION;
    if (n->handle < GENERATION) /* generations begin anew: no old path may find this slot */
        sl_net_void_paths(net);
}

struct sl_neighbour *sl_neighbour_find(const struct sl_net *net, uint16_t port, uint32_t ip4)
{
    const struct sl_addr addr = sl_addr_of_ip4(rte_cpu_to_be_32(ip4));
    const struct key key = key_of(port, &addr);
    const int32_t at = rte_hash_lookup(net->neighbours.hash, &key);

    return at < 0 ? NULL : &net->neighbours.slots[at];
}

/* Make room: the longest idle entry goes, unless T1122-4 would be forgotten with it. */
static bool evict_one(struct sl_net *net, uint64_t now_ns)
{
    struct sl_neighbour *n;

    if (sl_list_empty(&net->neighbours.idle))
        return false;
    n = SL_CONTAINER(net->neighbours.idle.next, struct sl_neighbour, idle);
    if (now_ns < n->next_ask_ns)
        return false;
    remove_entry(net, n);
    return true;
}

/* Is there a place, or can one be made? Gateways have theirs: one for each route. */
static bool make_room(struct sl_net *net, enum sl_neighbour_for whom, uint64_t now_ns)
{
    return whom == SL_NEIGHBOUR_FOR_GATEWAY || net->neighbours.n < net->config.neighbours_max ||
           (whom == SL_NEIGHBOUR_FOR_PACKET && evict_one(net, now_ns));
}

struct sl_neighbour *sl_neighbour_add(struct sl_net *net, uint16_t port, uint32_t ip4,
                                      enum sl_neighbour_for whom, uint64_t now_ns)
{
    struct sl_neighbours *t = &net->neighbours;
    const struct sl_addr addr = sl_addr_of_ip4(rte_cpu_to_be_32(ip4));
    const struct key key = key_of(port, &addr);
    struct sl_neighbour *n;
    int32_t at;

    if (SL_FAULT(net_neighbour) || !make_room(net, whom, now_ns) ||
        (at = rte_hash_add_key(t->hash, &key)) < 0)
        return NULL;
    n = &t->slots[at];
    SL_INVARIANT((uint32_t)at < t->n_slots && n->state == SL_NEIGHBOUR_FREE);
    n->port = port;
    n->addr = addr;
    n->is_gateway = whom == SL_NEIGHBOUR_FOR_GATEWAY;
    t->n += !n->is_gateway;
    n->next_ask_ns = 0;
    n->locked_until_ns = 0;
    n->head = (struct rte_ether_hdr){
        .src_addr = net->ifaces[port].port.mac,
        .ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4),
    };
    enter(net, n, SL_NEIGHBOUR_INCOMPLETE, now_ns);
    return n;
}

void sl_neighbour_make_gateway(struct sl_net *net, struct sl_neighbour *n)
{
    net->neighbours.n -= !n->is_gateway;
    n->is_gateway = true;
    sl_list_remove(&n->idle);
}

/* The answer has come: what waited goes out, in order. */
static void send_waiting(struct sl_net *net, struct sl_neighbour *n)
{
    while (n->queued > 0)
        sl_ether_send(net, n->port, &n->head, take_waiting(net, n));
}

static void lose_waiting(struct sl_net *net, struct sl_neighbour *n)
{
    while (n->queued > 0)
        sl_net_lose(net, take_waiting(net, n), SL_DROP_NEIGH_UNRESOLVED);
}

/*
 * An answer to our question proves the way there and back. What comes unasked refreshes what is
 * fresh (RFC 1122 2.3.2.1), but makes nothing fresh that was not: a new address is asked before it
 * is trusted, and strangers could fill the table with entries that never give way.
 */
static enum sl_neighbour_state after_news(const struct sl_neighbour *n, bool same, bool reply)
{
    const bool asked = n->state == SL_NEIGHBOUR_INCOMPLETE || n->state == SL_NEIGHBOUR_PROBE;

    if ((asked && reply) || (same && n->state == SL_NEIGHBOUR_REACHABLE))
        return SL_NEIGHBOUR_REACHABLE;
    return same && n->state == SL_NEIGHBOUR_PROBE ? SL_NEIGHBOUR_PROBE : SL_NEIGHBOUR_STALE;
}

/* T826-2 */
enum sl_drop sl_neighbour_learn(struct sl_net *net, struct sl_neighbour *n,
                                const struct rte_ether_addr *mac, bool reply, uint64_t now_ns)
{
    const bool same = has_mac(n) && rte_is_same_ether_addr(&n->head.dst_addr, mac);
    const enum sl_neighbour_state next = after_news(n, same, reply);

    if (!same) {
        if (has_mac(n) && now_ns < n->locked_until_ns)
            return SL_DROP_ARP_LOCKTIME;
        n->head.dst_addr = *mac;
        n->locked_until_ns = now_ns + lock_ns;
    }
    if (next != SL_NEIGHBOUR_PROBE) /* else it goes on: that we hear them proves half of the way */
        enter(net, n, next, now_ns);
    send_waiting(net, n);
    return SL_DROP_NONE;
}

/* T1122-5: the newest packets are kept. */
static enum sl_drop wait_for(struct sl_net *net, struct sl_neighbour *n, struct rte_mbuf *m)
{
    const uint32_t room = net->config.neighbour_queue_pkts;

    if (n->queued == room)
        sl_net_lose(net, take_waiting(net, n), SL_DROP_NEIGH_QUEUE_FULL);
    ring_of(net, n)[(n->first + n->queued) % room] = m;
    n->queued++;
    return SL_DROP_NONE;
}

enum sl_drop sl_neighbour_send(struct sl_net *net, struct sl_neighbour *n, struct rte_mbuf *m,
                               uint64_t now_ns)
{
    if (n->state == SL_NEIGHBOUR_FAILED && now_ns < n->next_ask_ns)
        return sl_net_lose(net, m, SL_DROP_NEIGH_UNRESOLVED);
    if (!has_mac(n)) {
        sl_neighbour_ask(net, n, now_ns);
        return wait_for(net, n, m);
    }
    if (n->state != SL_NEIGHBOUR_PROBE) { /* STALE, or REACHABLE whose timer is late */
        enter(net, n, SL_NEIGHBOUR_PROBE, now_ns);
        arm(net, n, now_ns + grace_ns);
    }
    sl_ether_send(net, n->port, &n->head, m);
    return SL_DROP_NONE;
}

void sl_neighbour_ask(struct sl_net *net, struct sl_neighbour *n, uint64_t now_ns)
{
    if (n->state == SL_NEIGHBOUR_FAILED && now_ns >= n->next_ask_ns)
        enter(net, n, SL_NEIGHBOUR_INCOMPLETE, now_ns);
    if (n->state == SL_NEIGHBOUR_INCOMPLETE && n->asked == 0)
        ask(net, n, now_ns);
}

void sl_neighbour_confirm(struct sl_net *net, struct sl_neighbour *n, uint64_t now_ns)
{
    if (n->state == SL_NEIGHBOUR_REACHABLE) /* its timer looks when it fires */
        n->fresh_until_ns = now_ns + net->config.neighbour_reachable_ns;
    else if (has_mac(n))
        enter(net, n, SL_NEIGHBOUR_REACHABLE, now_ns);
}

void sl_neighbour_suspect(struct sl_net *net, struct sl_neighbour *n, uint64_t now_ns)
{
    if (!has_mac(n) || (n->state == SL_NEIGHBOUR_PROBE && n->asked > 0))
        return;
    enter(net, n, SL_NEIGHBOUR_PROBE, now_ns);
    ask(net, n, now_ns);
}

static void fail(struct sl_net *net, struct sl_neighbour *n, uint64_t now_ns)
{
    lose_waiting(net, n);
    n->next_ask_ns = now_ns + refuse_ns;
    enter(net, n, SL_NEIGHBOUR_FAILED, now_ns);
}

/* The timer of one entry. */
static void fire(struct sl_net *net, struct sl_neighbour *n, uint64_t now_ns)
{
    switch ((enum sl_neighbour_state)n->state) {
    case SL_NEIGHBOUR_INCOMPLETE:
        if (n->asked < ASK_TIMES)
            ask(net, n, now_ns);
        else
            fail(net, n, now_ns);
        break;
    case SL_NEIGHBOUR_PROBE:
        if (n->asked < ASK_TIMES)
            ask(net, n, now_ns);
        else
            remove_entry(net, n); /* T1122-3 */
        break;
    case SL_NEIGHBOUR_REACHABLE:
        if (now_ns < n->fresh_until_ns)
            arm(net, n, n->fresh_until_ns);
        else
            enter(net, n, SL_NEIGHBOUR_STALE, now_ns);
        break;
    case SL_NEIGHBOUR_STALE:
    case SL_NEIGHBOUR_FAILED:
        remove_entry(net, n);
        break;
    case SL_NEIGHBOUR_FREE:
        SL_INVARIANT(false);
        break;
    }
}

struct firing {
    struct sl_net *net;
    uint64_t now_ns;
};

static void fire_timer(void *ctx, struct sl_timer *timer)
{
    const struct firing *f = ctx;

    fire(f->net, SL_CONTAINER(timer, struct sl_neighbour, timer), f->now_ns);
}

void sl_neighbours_timeout(struct sl_net *net, uint64_t now_ns)
{
    struct sl_neighbours *t = &net->neighbours;
    struct firing firing = {net, now_ns};

    if (now_ns < t->next_ns)
        return;
    sl_wheel_advance(t->wheel, now_ns, TIMERS_A_CALL, fire_timer, &firing);
    t->next_ns = sl_wheel_next_ns(t->wheel);
}
