/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/sndq.h"

#include "fuzz.h"
#include "mbufs/mbufs.h"

/*
 * The send queue against a plain array of segments: bytes stay where they are whatever is inserted,
 * split, sent and acknowledged; counts are those of the segments; what is looked for by number is
 * found where it is.
 */

enum { MBUFS = 1023, OPS_MAX = 128, MODEL_MAX = 512, SEGS_MAX = 40 };

static struct rte_mempool *pool, *clones;

struct piece { /* of what was pushed under one number: `len` bytes from `off` */
    uint32_t id, off, len, data_len;
    sl_seq seq;
    uint8_t state;
};

struct world {
    struct sl_sndq q;
    struct piece model[MODEL_MAX];
    unsigned n;
    uint32_t ids;
    sl_seq nxt, una;
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    test_eal();
    pool = test_pool("sndq", MBUFS);
    clones = rte_pktmbuf_pool_create("sndq-clones", MBUFS, 0, 0, 0, SOCKET_ID_ANY);
    FUZZ_CHECK(clones != NULL);
    return 0;
}

static uint8_t byte_at(uint32_t id, uint32_t off)
{
    return (uint8_t)(id * 31 + off * 7 + 1);
}

static void check(const struct world *w)
{
    uint32_t data = 0, unsent = 0, cut = 0, sent = 0;

    FUZZ_CHECK(w->q.n == w->n);
    for (unsigned i = 0; i < w->n; i++) {
        const struct sl_snd_seg *seg = sl_sndq_at(&w->q, i);
        const struct piece *p = &w->model[i];
        const uint8_t *bytes = rte_pktmbuf_mtod(seg->m, const uint8_t *);

        FUZZ_CHECK(seg->len == p->len && seg->data_len == p->data_len && seg->state == p->state);
        FUZZ_CHECK(seg->m->data_len == p->len && seg->m->nb_segs == 1);
        FUZZ_CHECK(p->state == SL_SND_WRITTEN || seg->seq == p->seq);
        for (uint32_t k = 0; k < p->len; k++)
            FUZZ_CHECK(bytes[k] == byte_at(p->id, p->off + k));
        data += p->data_len;
        unsent += p->state == SL_SND_WRITTEN ? p->data_len : 0;
        cut += p->state != SL_SND_WRITTEN;
        sent += p->state == SL_SND_SENT;
    }
    FUZZ_CHECK(w->q.data_bytes == data && w->q.unsent_bytes == unsent);
    FUZZ_CHECK(w->q.n_cut == cut && w->q.n_sent == sent);
}

static void insert(struct world *w, unsigned at, uint32_t len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
    struct sl_snd_seg *seg;

    if (m == NULL)
        return;
    for (uint32_t k = 0; k < len; k++)
        *(uint8_t *)rte_pktmbuf_append(m, 1) = byte_at(w->ids, k);
    seg = at == w->n ? sl_sndq_push(&w->q, m) : sl_sndq_insert(&w->q, at, m);
    if (seg == NULL) {
        FUZZ_CHECK(w->n >= SEGS_MAX);
        rte_pktmbuf_free(m);
        return;
    }
    FUZZ_CHECK(seg == sl_sndq_at(&w->q, at));
    memmove(&w->model[at + 1], &w->model[at], (w->n - at) * sizeof(w->model[0]));
    w->model[at] = (struct piece){.id = w->ids++, .len = len, .data_len = len};
    w->n++;
}

static void grow(struct world *w, uint32_t len)
{
    struct sl_snd_seg *seg = sl_sndq_tail(&w->q);
    struct piece *p = &w->model[w->n - 1];

    FUZZ_CHECK(seg == NULL || (seg == sl_sndq_at(&w->q, w->n - 1) && seg->state == SL_SND_WRITTEN));
    if (seg == NULL || rte_pktmbuf_tailroom(seg->m) < len)
        return;
    for (uint32_t k = 0; k < len; k++)
        *(uint8_t *)rte_pktmbuf_append(seg->m, 1) = byte_at(p->id, p->off + p->len + k);
    sl_sndq_grew(&w->q, len);
    p->len += len;
    p->data_len += len;
}

/* A part of it may be a frame's overhead. */
static void cut(struct world *w, uint8_t overhead)
{
    struct piece *p = &w->model[w->q.n_cut];

    if (w->q.n_cut == w->n)
        return;
    p->data_len -= overhead < p->len ? overhead : 0;
    p->seq = w->nxt;
    p->state = SL_SND_CUT;
    sl_sndq_cut(&w->q, p->seq, p->len, p->data_len);
    w->nxt += p->len;
}

static void seal_and_send(struct world *w, bool send)
{
    const unsigned i = w->q.n_sent;

    for (unsigned k = i; k < w->q.n_cut; k++)
        w->model[k].state = sl_sndq_at(&w->q, k)->state = SL_SND_SEALED;
    if (!send || i == w->q.n_cut)
        return;
    sl_sndq_sent(&w->q);
    w->model[i].state = SL_SND_SENT;
}

static void acked(struct world *w, uint32_t bytes)
{
    const sl_seq snd_nxt =
        w->q.n_sent == 0 ? w->una : w->model[w->q.n_sent - 1].seq + w->model[w->q.n_sent - 1].len;
    uint32_t freed = 0;
    unsigned k = 0;

    w->una += bytes < snd_nxt - w->una ? bytes : snd_nxt - w->una;
    while (k < w->q.n_sent && sl_seq_leq(w->model[k].seq + w->model[k].len, w->una))
        freed += w->model[k++].data_len;
    FUZZ_CHECK(sl_sndq_acked(&w->q, w->una) == freed);
    memmove(&w->model[0], &w->model[k], (w->n - k) * sizeof(w->model[0]));
    w->n -= k;
}

static void split(struct world *w, unsigned i, uint32_t len)
{
    struct piece *p = &w->model[i];

    if (p->state == SL_SND_CUT || p->len < 2)
        return;
    len = 1 + len % (p->len - 1);
    if (!sl_sndq_split(&w->q, i, len, pool, clones)) {
        FUZZ_CHECK(w->n >= SEGS_MAX);
        return;
    }
    memmove(p + 1, p, (w->n - i) * sizeof(*p));
    w->n++;
    p[1].off += len;
    p[1].len -= len;
    p[1].seq += len;
    p[0].data_len = p->data_len == p->len ? len : 0; /* of a frame: once all of it is there */
    p[0].len = len;
    p[1].data_len -= p[0].data_len;
}

static void find(const struct world *w, sl_seq seq)
{
    unsigned i = 0;

    while (i < w->q.n_cut && !sl_seq_in(seq, w->model[i].seq, w->model[i].len))
        i++;
    FUZZ_CHECK(sl_sndq_find(&w->q, seq) == i);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct world w;
    struct sl_cursor c = sl_cursor_of(bytes, size);

    w = (struct world){0};
    w.nxt = w.una = ((sl_seq)fuzz_u8(&c) << 24) - 200; /* also where numbers wrap */
    sl_sndq_init(&w.q, SEGS_MAX);
    for (int i = 0; i < OPS_MAX && sl_cursor_left(&c) > 0; i++) {
        const uint8_t op = fuzz_u8(&c), x = fuzz_u8(&c);

        if (op % 8 < 2)
            insert(&w, op & 0x40 ? w.q.n_cut + x % (w.n - w.q.n_cut + 1) : w.n, 1U + x);
        else if (op % 8 == 2 && w.n > 0)
            grow(&w, x);
        else if (op % 8 == 3)
            cut(&w, op & 0x40 ? 20 : 0);
        else if (op % 8 == 4)
            seal_and_send(&w, x > 0x20);
        else if (op % 8 == 5)
            acked(&w, op & 0x40 ? x * 16U : x);
        else if (op % 8 == 6 && w.n > 0)
            split(&w, x % w.n, fuzz_u8(&c));
        else
            find(&w, w.una + x * 4U - 16);
        check(&w);
    }
    sl_sndq_fini(&w.q);
    test_pool_whole(pool);
    test_pool_whole(clones);
    return 0;
}
