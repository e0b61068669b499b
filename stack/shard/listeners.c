/* SPDX-License-Identifier: BSD-3-Clause */
#include "shard/listeners.h"

#include <errno.h>
#include <stdlib.h>

#include "base/invariant.h"

struct entry {
    struct sl_link link;
    struct sl_addr local;
    uint16_t port;
    struct sl_tcp_listener *listener;
};

/* Ports are in network order: both bytes shall count, whichever comes first. */
static unsigned bucket_of(uint16_t port)
{
    return (port ^ (unsigned)port >> 8) % SL_LISTENERS_BUCKETS;
}

void sl_listeners_init(struct sl_listeners *t)
{
    int i;

    for (i = 0; i < SL_LISTENERS_BUCKETS; i++)
        sl_list_init(&t->buckets[i]);
}

void sl_listeners_fini(struct sl_listeners *t)
{
    struct sl_link *link, *next;
    int i;

    for (i = 0; i < SL_LISTENERS_BUCKETS; i++) {
        for (link = t->buckets[i].next; link != &t->buckets[i]; link = next) {
            next = link->next;
            free(SL_CONTAINER(link, struct entry, link));
        }
    }
}

static const struct entry *find(const struct sl_listeners *t, const struct sl_addr *local,
                                uint16_t port)
{
    const struct sl_link *head = &t->buckets[bucket_of(port)], *link;

    for (link = head->next; link != head; link = link->next) {
        const struct entry *e = SL_CONTAINER(link, const struct entry, link);

        if (e->port == port && sl_addr_eq(&e->local, local))
            return e;
    }
    return NULL;
}

int sl_listeners_add(struct sl_listeners *t, const struct sl_addr *local, uint16_t port,
                     struct sl_tcp_listener *l)
{
    struct entry *e;

    if (find(t, local, port) != NULL)
        return -EADDRINUSE;
    if (SL_FAULT(listeners_add) || (e = malloc(sizeof(*e))) == NULL)
        return -ENOMEM;
    *e = (struct entry){.local = *local, .port = port, .listener = l};
    sl_list_add_tail(&t->buckets[bucket_of(port)], &e->link);
    return 0;
}

void sl_listeners_remove(struct sl_listeners *t, const struct sl_tcp_listener *l, uint16_t port)
{
    struct sl_link *head = &t->buckets[bucket_of(port)], *link;

    for (link = head->next; link != head; link = link->next) {
        struct entry *e = SL_CONTAINER(link, struct entry, link);

        if (e->listener == l) {
            sl_list_remove(link);
            free(e);
            return;
        }
    }
}

struct sl_tcp_listener *sl_listeners_find(const struct sl_listeners *t, const struct sl_addr *local,
                                          uint16_t port)
{
    const struct sl_addr any = sl_addr_of_ip4(0);
    const struct entry *e = find(t, local, port);

    if (e == NULL && sl_addr_is_ip4(local))
        e = find(t, &any, port);
    return e == NULL ? NULL : e->listener;
}
