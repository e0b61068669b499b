/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/inq.h"

#include "fuzz.h"
#include "mbufs/mbufs.h"

/*
 * The in-queue against a line of bytes: whatever is pushed, appended, read, looked at and taken, it
 * comes out once and in order, and mbufs that others hold too are not written to.
 */

enum { MBUFS = 1023, OPS_MAX = 128, PART_MAX = 300 };

static struct rte_mempool *pool;

struct world {
    struct sl_inq q;
    uint32_t in, out; /* of the line: byte `i` is a function of `i` */
    struct rte_mbuf *shared[OPS_MAX];
    uint32_t shared_at[OPS_MAX], n_shared;
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    test_eal();
    pool = test_pool("inq", MBUFS);
    return 0;
}

static uint8_t byte_at(uint32_t i)
{
    return (uint8_t)(i * 7 + (i >> 8) * 13 + 1);
}

static void check_bytes(const uint8_t *bytes, uint32_t from, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        FUZZ_CHECK(bytes[i] == byte_at(from + i));
}

/* The next `len` bytes of the line, in an mbuf with room behind or in an exact buffer. */
static struct rte_mbuf *next(struct world *w, uint32_t len, bool exact)
{
    uint8_t bytes[PART_MAX];
    struct rte_mbuf *m;

    for (uint32_t i = 0; i < len; i++)
        bytes[i] = byte_at(w->in + i);
    w->in += len;
    if (exact)
        return test_mbuf(pool, bytes, len, 0, 0);
    m = rte_pktmbuf_alloc(pool);
    FUZZ_CHECK(m != NULL);
    memcpy(rte_pktmbuf_append(m, (uint16_t)len), bytes, len);
    return m;
}

static void push(struct world *w, uint8_t op, struct sl_cursor *c)
{
    struct rte_mbuf *m = NULL, *part;

    for (unsigned i = 0; i <= (op >> 3 & 1) + (op >> 4 & 1U); i++) {
        const uint32_t at = w->in, len = fuzz_u16(c) % (op & 0x20 ? PART_MAX : 4);

        part = next(w, len, (op & 0x40) != 0);
        if (op >= 0xc0 && i == 0 && len > 0) {
            rte_mbuf_refcnt_update(part, 1);
            w->shared_at[w->n_shared] = at;
            w->shared[w->n_shared++] = part;
        }
        if (m == NULL)
            m = part;
        else
            FUZZ_CHECK(rte_pktmbuf_chain(m, part) == 0);
    }
    FUZZ_CHECK(sl_inq_push(&w->q, m));
}

static void append(struct world *w, uint16_t len)
{
    uint8_t *bytes = malloc(len);

    for (uint32_t i = 0; i < len; i++)
        bytes[i] = byte_at(w->in + i);
    if (sl_inq_append(&w->q, bytes, len))
        w->in += len;
    free(bytes);
}

static void read_out(struct world *w, uint32_t len, bool peek)
{
    uint8_t *out = malloc(len);
    const uint32_t left = w->in - w->out, n = sl_inq_read(&w->q, out, len, peek);

    FUZZ_CHECK(n == (len < left ? len : left));
    check_bytes(out, w->out, n);
    w->out += peek ? 0 : n;
    free(out);
}

static void take(struct world *w)
{
    struct rte_mbuf *m = sl_inq_take(&w->q);

    FUZZ_CHECK((m != NULL) == (w->in != w->out));
    if (m == NULL)
        return;
    FUZZ_CHECK(m->nb_segs == 1 && m->data_len > 0 && m->data_len <= w->in - w->out);
    check_bytes(rte_pktmbuf_mtod(m, const uint8_t *), w->out, m->data_len);
    w->out += m->data_len;
    rte_pktmbuf_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct sl_cursor c = sl_cursor_of(bytes, size);
    struct world w = {0};

    for (int i = 0; i < OPS_MAX && sl_cursor_left(&c) > 0; i++) {
        const uint8_t op = fuzz_u8(&c);

        if (op % 8 < 3)
            push(&w, op, &c);
        else if (op % 8 == 3)
            append(&w, fuzz_u8(&c));
        else if (op % 8 == 4)
            take(&w);
        else
            read_out(&w, fuzz_u16(&c) % (op & 0x40 ? 4096 : 64), op % 8 == 7);
        FUZZ_CHECK(w.q.bytes == w.in - w.out && (w.q.n > 0 || w.q.ring == NULL));
    }
    sl_inq_fini(&w.q);
    for (unsigned i = 0; i < w.n_shared; i++) {
        struct rte_mbuf *m = w.shared[i];

        FUZZ_CHECK(rte_mbuf_refcnt_read(m) == 1);
        check_bytes(rte_pktmbuf_mtod(m, const uint8_t *), w.shared_at[i], m->data_len);
        rte_pktmbuf_free(m);
    }
    test_pool_whole(pool);
    return 0;
}
