/* SPDX-License-Identifier: BSD-3-Clause */
#include "socket/binding.h"

#include <errno.h>
#include <string.h>

#include <rte_byteorder.h>

enum { STEP_MAX = 8 };

static struct sl_link *bucket_of(const struct sl_bindings *t, uint16_t port)
{
    const unsigned i = (port ^ (unsigned)port >> 8) % SL_BINDINGS_BUCKETS;

    return (struct sl_link *)&t->buckets[i];
}

void sl_bindings_init(struct sl_bindings *t, const struct sl_flows *flows, struct sl_random *random,
                      struct sl_random *secrets, uint16_t first, uint16_t last)
{
    int i;

    *t = (struct sl_bindings){.flows = flows, .random = random, .first = first, .last = last};
    (void)sl_random_fill(secrets, &t->offset_key, sizeof(t->offset_key));
    (void)sl_random_fill(secrets, &t->step_key, sizeof(t->step_key));
    for (i = 0; i < SL_BINDINGS_BUCKETS; i++)
        sl_list_init(&t->buckets[i]);
    for (i = 0; i < SL_BINDINGS_STEPS; i++) /* T6056-1: where others begin is not known */
        t->steps[i] = (uint32_t)sl_random_u64(random);
}

void sl_binding_init(struct sl_binding *b)
{
    *b = (struct sl_binding){.local = sl_addr_of_ip4(0)};
    sl_list_init(&b->link);
}

static bool overlap(const struct sl_addr *a, const struct sl_addr *b)
{
    return sl_addr_is_any(a) || sl_addr_is_any(b) || sl_addr_eq(a, b);
}

static bool is_taken(const struct sl_bindings *t, const struct sl_addr *local, uint16_t port,
                     bool reuse)
{
    const struct sl_link *head = bucket_of(t, port), *link;

    if (!reuse && t->flows->per_port[port] > 0)
        return true;
    for (link = head->next; link != head; link = link->next) {
        const struct sl_binding *other = SL_CONTAINER(link, const struct sl_binding, link);

        if (other->port == port && overlap(&other->local, local) &&
            !(reuse && other->reuse && !other->listens))
            return true;
    }
    return false;
}

/* 64 tries at random; then, as nearly all are taken, each in turn. */
static uint16_t find_free(const struct sl_bindings *t, const struct sl_addr *local)
{
    const uint32_t range = (uint32_t)t->last - t->first + 1;
    const uint32_t from = (uint32_t)sl_random_below(t->random, range);
    uint32_t i;

    for (i = 0; i < 64 + range; i++) {
        const uint32_t at = i < 64 ? (uint32_t)sl_random_below(t->random, range) : from + i;
        const uint16_t port = rte_cpu_to_be_16((uint16_t)(t->first + at % range));

        if (!is_taken(t, local, port, false))
            return port;
    }
    return 0;
}

int sl_bindings_add(struct sl_bindings *t, struct sl_binding *b, const struct sl_addr *local,
                    uint16_t port)
{
    if (port == 0)
        port = find_free(t, local);
    else if (is_taken(t, local, port, b->reuse))
        port = 0;
    if (port == 0)
        return -EADDRINUSE;
    b->local = *local;
    b->port = port;
    sl_list_add_tail(bucket_of(t, port), &b->link);
    return 0;
}

void sl_bindings_remove(struct sl_binding *b)
{
    sl_list_remove(&b->link);
    b->port = 0;
    b->listens = false;
}

bool sl_bindings_may_listen(const struct sl_bindings *t, const struct sl_binding *b)
{
    const struct sl_link *head = bucket_of(t, b->port), *link;

    for (link = head->next; link != head; link = link->next) {
        const struct sl_binding *other = SL_CONTAINER(link, const struct sl_binding, link);

        if (other != b && other->port == b->port && other->listens &&
            overlap(&other->local, &b->local))
            return false;
    }
    return true;
}

static bool is_bound(const struct sl_bindings *t, uint16_t port)
{
    const struct sl_link *head = bucket_of(t, port), *link;

    for (link = head->next; link != head; link = link->next) {
        if (SL_CONTAINER(link, const struct sl_binding, link)->port == port)
            return true;
    }
    return false;
}

/*
 * Double hash (RFC 6056 3.3.4): an offset that only we can compute, and a counter shared with few
 * other destinations, which moves by random steps so that it tells nothing of them either
 * (CVE-2022-1012).
 */
uint16_t sl_bindings_choose(struct sl_bindings *t, const struct sl_addr *local,
                            const struct sl_addr *remote, uint16_t remote_port)
{
    const uint32_t range = (uint32_t)t->last - t->first + 1;
    uint8_t to[sizeof(local->bytes) + sizeof(remote->bytes) + sizeof(remote_port)];
    uint32_t *step, offset, i;

    memcpy(to, local->bytes, 16);
    memcpy(to + 16, remote->bytes, 16);
    memcpy(to + 32, &remote_port, 2);
    offset = (uint32_t)sl_siphash(&t->offset_key, to, sizeof(to));
    step = &t->steps[sl_siphash(&t->step_key, to, sizeof(to)) % SL_BINDINGS_STEPS];
    *step += 1 + (uint32_t)sl_random_below(t->random, STEP_MAX);
    for (i = 0; i < range; i++) { /* D25 stops at 64, but by then the range is nearly full */
        const uint16_t port = rte_cpu_to_be_16((uint16_t)(t->first + (offset + *step + i) % range));

        if (!is_bound(t, port) &&
            sl_flows_find(t->flows, local, port, remote, remote_port) == NULL) {
            *step += i; /* the next one need not try these again */
            return port;
        }
    }
    return 0;
}
