/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/rcvq.h"

#include "fuzz.h"
#include "mbufs/mbufs.h"

/*
 * The receive queue against a map of bytes: what is held, the first copy and perhaps a second of
 * each byte. After each operation the queue is read out as such a map, and compared with the one
 * before: only what the operation may change has changed.
 */

enum { SPACE = 512, OPS_MAX = 64, MBUFS = 1023, SHARED_MAX = OPS_MAX };

struct map {
    bool held[SPACE], twice[SPACE];
    uint8_t first[SPACE], second[SPACE];
};

struct world {
    struct sl_rcvq q;
    sl_seq base;
    struct rte_mbuf *shared[SHARED_MAX]; /* others hold them too: never written to */
    uint8_t *shared_bytes[SHARED_MAX];
    unsigned n_shared;
    struct map was, is;
};

static struct rte_mempool *pool, *small;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    test_eal();
    pool = test_pool("rcvq", MBUFS);
    small = test_pool("rcvq-small", MBUFS);
    return 0;
}

/* ---- reading the queue out ----------------------------------------------------------------- */

static void read_range(struct map *m, uint32_t at, const struct sl_rcv_range *r)
{
    const uint8_t *first = rte_pktmbuf_mtod_offset(r->m, const uint8_t *, r->off);
    const uint8_t *second =
        r->copy != NULL ? rte_pktmbuf_mtod_offset(r->copy, const uint8_t *, r->copy_off) : NULL;

    FUZZ_CHECK(r->len > 0 && at < SPACE && r->len <= SPACE - at);
    FUZZ_CHECK(r->m->next == NULL && r->off + r->len <= r->m->data_len);
    FUZZ_CHECK(r->copy == NULL || r->copy_off + r->len <= r->copy->data_len);
    for (uint32_t i = 0; i < r->len; i++) {
        m->held[at + i] = true;
        m->first[at + i] = first[i];
        m->twice[at + i] = second != NULL;
        m->second[at + i] = second != NULL ? second[i] : 0;
    }
}

static void read_out(struct world *w)
{
    uint32_t bytes = 0, copies = 0, end = 0;

    w->was = w->is;
    w->is = (struct map){0};
    FUZZ_CHECK(w->q.n <= w->q.max_ranges && w->q.first + w->q.n <= w->q.room);
    FUZZ_CHECK(w->q.n > 0 || w->q.ranges == NULL);
    for (uint32_t i = 0; i < w->q.n; i++) {
        const struct sl_rcv_range *r = sl_rcvq_at(&w->q, i);
        const uint32_t at = r->seq - w->base;

        FUZZ_CHECK(i == 0 || at >= end); /* sorted, disjoint */
        read_range(&w->is, at, r);
        end = at + r->len;
        bytes += r->len;
        copies += r->copy != NULL;
    }
    FUZZ_CHECK(bytes == w->q.bytes && copies == w->q.copies);
}

static bool same_byte(const struct world *w, uint32_t i)
{
    return w->was.held[i] == w->is.held[i] && w->was.first[i] == w->is.first[i] &&
           w->was.twice[i] == w->is.twice[i] && w->was.second[i] == w->is.second[i];
}

static uint32_t run_at(const struct map *m, uint32_t at)
{
    uint32_t n = 0;

    while (at + n < SPACE && m->held[at + n])
        n++;
    return n;
}

/* ---- insert -------------------------------------------------------------------------------- */

static struct rte_mbuf *direct(const uint8_t *bytes, uint32_t len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

    FUZZ_CHECK(m != NULL);
    if (len > 0)
        memcpy(rte_pktmbuf_append(m, (uint16_t)len), bytes, len);
    return m;
}

static struct rte_mbuf *packet(struct world *w, uint8_t kind, const uint8_t *bytes, uint32_t len)
{
    const uint32_t part = len / 3;
    struct rte_mbuf *m;

    switch (kind % 4) {
    case 0: /* cannot grow */
        return test_mbuf(pool, bytes, len, 0, 0);
    case 1:
        return direct(bytes, len);
    case 2:
        m = direct(bytes, len);
        rte_mbuf_refcnt_update(m, 1);
        w->shared_bytes[w->n_shared] = fuzz_exact(bytes, len);
        w->shared[w->n_shared++] = m;
        return m;
    default:
        m = direct(bytes, part);
        FUZZ_CHECK(rte_pktmbuf_chain(m, test_mbuf(pool, bytes + part, len - part, 0, 0)) == 0);
        return m;
    }
}

/* What one byte may have become that was inserted as `byte`. */
static void check_inserted(const struct world *w, uint32_t i, uint8_t byte, bool copies, bool all)
{
    if (!w->was.held[i]) {
        FUZZ_CHECK(w->is.held[i] || !all);
        FUZZ_CHECK(!w->is.held[i] || (w->is.first[i] == byte && !w->is.twice[i]));
        return;
    }
    if (!all && (!w->is.held[i] || (w->is.first[i] == byte && !w->is.twice[i])))
        return;                                    /* made way, and came anew perhaps */
    FUZZ_CHECK(w->is.first[i] == w->was.first[i]); /* D43 */
    if (w->was.twice[i]) {
        FUZZ_CHECK(w->is.twice[i] && w->is.second[i] == w->was.second[i]); /* once (A14) */
        return;
    }
    FUZZ_CHECK(!w->is.twice[i] || (copies && w->is.second[i] == byte));
    FUZZ_CHECK(!all || !copies || byte == w->was.first[i] || w->is.twice[i]);
}

static void check_insert(const struct world *w, uint32_t at, const uint8_t *bytes, uint32_t len,
                         bool copies, enum sl_drop drop)
{
    const bool all = drop != SL_DROP_TCP_RCV_RANGES && drop != SL_DROP_TCP_NO_MEMORY;
    bool changed = false;

    for (uint32_t i = 0; i < SPACE; i++) {
        changed |= !same_byte(w, i);
        if (i >= at && i < at + len)
            check_inserted(w, i, bytes[i - at], copies, all);
        else /* only what lies behind may make way */
            FUZZ_CHECK(same_byte(w, i) || (!all && i >= at + len && !w->is.held[i]));
        FUZZ_CHECK(!all || !w->was.held[i] || w->is.held[i]);
    }
    FUZZ_CHECK(drop != SL_DROP_NONE || changed);
    FUZZ_CHECK(drop != SL_DROP_TCP_DUPLICATE || !changed);
    FUZZ_CHECK(drop != SL_DROP_CRYPT_COPY || copies);
    FUZZ_CHECK(!all || drop == SL_DROP_NONE || drop == SL_DROP_TCP_DUPLICATE ||
               drop == SL_DROP_CRYPT_COPY);
}

static void insert(struct world *w, uint8_t op, struct sl_cursor *c)
{
    const uint32_t at = fuzz_u16(c) % SPACE;
    const uint8_t long_ = fuzz_u8(c), kind = fuzz_u8(c), from = fuzz_u8(c);
    const uint32_t wanted = (op & 0x40) != 0 ? long_ : long_ % 16;
    const uint32_t len = wanted < SPACE - at ? wanted : SPACE - at;
    const bool copies = (op & 0x80) != 0;
    uint8_t bytes[SPACE];
    enum sl_drop drop;

    /* The true byte, or from some place on one of three others. */
    for (uint32_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)((at + i) * 7 + 1) ^ (i >= from % 64 ? kind >> 6 : 0);
    drop = sl_rcvq_insert(&w->q, w->base + at, packet(w, kind, bytes, len), copies,
                          (kind & 0x20) != 0 ? small : NULL);
    read_out(w);
    check_insert(w, at, bytes, len, copies, drop);
}

/* ---- the others ---------------------------------------------------------------------------- */

static void consume(struct world *w, uint32_t at)
{
    sl_rcvq_consume(&w->q, w->base + at);
    read_out(w);
    for (uint32_t i = 0; i < SPACE; i++)
        FUZZ_CHECK(i < at ? !w->is.held[i] : same_byte(w, i));
}

static void drop(struct world *w, uint32_t at, uint32_t wanted)
{
    const uint32_t len = wanted < SPACE - at ? wanted : SPACE - at;
    const bool full = w->q.n == w->q.max_ranges;
    uint32_t held = 0;

    for (uint32_t i = at; i < at + len; i++)
        held += w->is.held[i];
    FUZZ_CHECK(sl_rcvq_drop(&w->q, w->base + at, len) == held);
    read_out(w);
    for (uint32_t i = 0; i < SPACE; i++) {
        if (i >= at && i < at + len)
            FUZZ_CHECK(!w->is.held[i]);
        else
            FUZZ_CHECK(same_byte(w, i) || (full && held == len && i >= at + len && !w->is.held[i]));
    }
}

static void take(struct world *w, uint32_t at)
{
    struct rte_mbuf *m = sl_rcvq_take(&w->q, w->base + at);
    const uint8_t *bytes;

    read_out(w);
    if (m == NULL) {
        for (uint32_t i = 0; i < SPACE; i++)
            FUZZ_CHECK(same_byte(w, i));
        FUZZ_CHECK(!w->is.held[at] || (at > 0 && (w->is.held[at - 1] || w->q.n > 1)));
        return;
    }
    FUZZ_CHECK(m->next == NULL && m->data_len > 0 && m->data_len <= run_at(&w->was, at));
    bytes = rte_pktmbuf_mtod(m, const uint8_t *);
    for (uint32_t i = 0; i < SPACE; i++) {
        if (i >= at && i < at + m->data_len)
            FUZZ_CHECK(!w->is.held[i] && w->was.first[i] == bytes[i - at]);
        else
            FUZZ_CHECK(same_byte(w, i));
    }
    rte_pktmbuf_free(m);
}

static void gather(const struct world *w, uint32_t at, uint32_t len, uint32_t choice, uint32_t max)
{
    const uint32_t run = run_at(&w->is, at);
    struct sl_range out[64];
    uint32_t covered, copies, place = at;
    const uint32_t n =
        sl_rcvq_gather(&w->q, w->base + at, len, choice, out, max, &covered, &copies);

    FUZZ_CHECK(sl_rcvq_contiguous(&w->q, w->base + at) == run);
    FUZZ_CHECK(n <= max && covered <= len && copies <= n);
    FUZZ_CHECK(covered == (run < len ? run : len) || (n == max && covered < run));
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < out[i].len; k++, place++) {
            const bool other = out[i].at[k] != w->is.first[place];

            FUZZ_CHECK(!other || (choice != 0 && w->is.twice[place]));
            FUZZ_CHECK(!other || out[i].at[k] == w->is.second[place]);
            FUZZ_CHECK(choice != UINT32_MAX || copies > 32 || !w->is.twice[place] ||
                       out[i].at[k] == w->is.second[place]);
        }
    }
    FUZZ_CHECK(place == at + covered);
}

static void step(struct world *w, struct sl_cursor *c)
{
    const uint8_t op = fuzz_u8(c);

    if (op % 8 < 4) {
        insert(w, op, c);
        return;
    }

    const uint32_t at = fuzz_u16(c) % SPACE, len = fuzz_u8(c);

    if (op % 8 == 4)
        consume(w, op & 0x40 ? at : at % 32);
    else if (op % 8 == 5)
        drop(w, at, len);
    else if (op % 8 == 6)
        take(w, w->q.n > 0 && (op & 0x40) != 0 ? sl_rcvq_at(&w->q, 0)->seq - w->base : at);
    else
        gather(w, at, 1U + len, op & 0x40 ? UINT32_MAX : fuzz_u16(c), 1 + op % 64);
}

static void finish(struct world *w)
{
    sl_rcvq_fini(&w->q);
    FUZZ_CHECK(w->q.n == 0 && w->q.ranges == NULL && w->q.bytes == 0 && w->q.copies == 0);
    for (unsigned i = 0; i < w->n_shared; i++) {
        struct rte_mbuf *m = w->shared[i];

        FUZZ_CHECK(rte_mbuf_refcnt_read(m) == 1);
        FUZZ_CHECK(m->data_len == 0 ||
                   memcmp(rte_pktmbuf_mtod(m, const void *), w->shared_bytes[i], m->data_len) == 0);
        rte_pktmbuf_free(m);
        free(w->shared_bytes[i]);
    }
    test_pool_whole(pool);
    test_pool_whole(small);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct world w;
    struct sl_cursor c = sl_cursor_of(bytes, size);
    const uint8_t bound = fuzz_u8(&c);

    w = (struct world){0};
    w.base = ((sl_seq)fuzz_u8(&c) << 24) - 256; /* also where numbers wrap */
    sl_rcvq_init(&w.q, 1U + bound % 64);
    for (int i = 0; i < OPS_MAX && sl_cursor_left(&c) > 0; i++)
        step(&w, &c);
    finish(&w);
    return 0;
}
