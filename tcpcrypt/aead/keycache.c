/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcpcrypt/aead/keycache.h"

#include <stdlib.h>
#include <sys/mman.h>

#include <openssl/crypto.h>

enum { ALIGNMENT = 64 };

/* What tells entries apart; the entries themselves lie in pages of their own, in the same order. */
struct node {
    struct sl_link lru;   /* in `used`, the least recent first, or in `spare` */
    struct sl_link chain; /* in a bucket while used */
    sl_secret key;
    enum sl_aead aead;
};

struct sl_key_cache {
    struct sl_link used, spare;
    struct node *nodes;
    struct sl_link *buckets;
    uint8_t *entries;
    size_t stride, entries_bytes;
    uint32_t n_used, n_buckets; /* the latter a power of two */
    void (*drop)(void *entry);
};

static struct sl_link *bucket_of(struct sl_key_cache *c, sl_secret key)
{
    const uint64_t mixed = key * UINT64_C(0x9e3779b97f4a7c15);

    return &c->buckets[(uint32_t)(mixed >> 32) & (c->n_buckets - 1)];
}

static void *entry_of(struct sl_key_cache *c, const struct node *n)
{
    return c->entries + (size_t)(n - c->nodes) * c->stride;
}

static void retire(struct sl_key_cache *c, struct node *n)
{
    void *entry = entry_of(c, n);

    if (c->drop != NULL)
        c->drop(entry);
    OPENSSL_cleanse(entry, c->stride);
    sl_list_remove(&n->chain);
    sl_list_remove(&n->lru);
    sl_list_add_tail(&c->spare, &n->lru);
    n->key = 0;
    c->n_used--;
}

static uint8_t *map_entries(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED)
        return NULL;
    /* Best effort, like the arena's: an old kernel or a low limit is no reason not to run. */
    (void)madvise(at, bytes, MADV_DONTDUMP);
    (void)madvise(at, bytes, MADV_WIPEONFORK);
    if (mlock2(at, bytes, MLOCK_ONFAULT) != 0)
        (void)mlock(at, bytes);
    return at;
}

static void init_lists(struct sl_key_cache *c, uint32_t keys)
{
    uint32_t i;

    for (i = 0; i < c->n_buckets; i++)
        sl_list_init(&c->buckets[i]);
    for (i = 0; i < keys; i++) {
        sl_list_init(&c->nodes[i].chain);
        sl_list_add_tail(&c->spare, &c->nodes[i].lru);
    }
}

struct sl_key_cache *sl_key_cache_create(uint32_t keys, size_t bytes, void (*drop)(void *entry))
{
    struct sl_key_cache *c;

    if (keys == 0 || keys > UINT32_MAX / 2 || (c = calloc(1, sizeof(*c))) == NULL)
        return NULL;
    sl_list_init(&c->used);
    sl_list_init(&c->spare);
    c->drop = drop;
    c->stride = (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    c->entries_bytes = keys * c->stride;
    for (c->n_buckets = 1; c->n_buckets < keys; c->n_buckets *= 2)
        ;
    if ((c->nodes = calloc(keys, sizeof(*c->nodes))) == NULL ||
        (c->buckets = calloc(c->n_buckets, sizeof(*c->buckets))) == NULL ||
        (c->entries = map_entries(c->entries_bytes)) == NULL) {
        sl_key_cache_destroy(c);
        return NULL;
    }
    init_lists(c, keys);
    return c;
}

void sl_key_cache_destroy(struct sl_key_cache *c)
{
    if (c == NULL)
        return;
    while (!sl_list_empty(&c->used))
        retire(c, SL_CONTAINER(c->used.next, struct node, lru));
    if (c->entries != NULL)
        (void)munmap(c->entries, c->entries_bytes);
    free(c->buckets);
    free(c->nodes);
    free(c);
}

void *sl_key_cache_find(struct sl_key_cache *c, sl_secret key, enum sl_aead aead)
{
    const struct sl_link *head = bucket_of(c, key);
    struct sl_link *link;

    for (link = head->next; link != head; link = link->next) {
        struct node *n = SL_CONTAINER(link, struct node, chain);

        if (n->key != key || n->aead != aead)
            continue;
        if (c->used.prev != &n->lru) {
            sl_list_remove(&n->lru);
            sl_list_add_tail(&c->used, &n->lru);
        }
        return entry_of(c, n);
    }
    return NULL;
}

void *sl_key_cache_add(struct sl_key_cache *c, sl_secret key, enum sl_aead aead)
{
    struct node *n;

    if (sl_list_empty(&c->spare))
        retire(c, SL_CONTAINER(c->used.next, struct node, lru));
    n = SL_CONTAINER(sl_list_take(&c->spare), struct node, lru);
    n->key = key;
    n->aead = aead;
    sl_list_add_tail(&c->used, &n->lru);
    sl_list_add_tail(bucket_of(c, key), &n->chain);
    c->n_used++;
    return entry_of(c, n);
}

void sl_key_cache_forget(struct sl_key_cache *c, sl_secret key)
{
    const struct sl_link *head = bucket_of(c, key);
    struct sl_link *link, *next;

    for (link = head->next; link != head; link = next) {
        struct node *n = SL_CONTAINER(link, struct node, chain);

        next = link->next;
        if (n->key == key)
            retire(c, n);
    }
}

uint32_t sl_key_cache_used(const struct sl_key_cache *c)
{
    return c->n_used;
}
