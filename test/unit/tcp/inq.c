/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/inq.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/invariant.h"
#include "mbufs/mbufs.h"

enum { MBUFS = 511 };

static struct rte_mempool *pool;

static void setup(void)
{
    test_eal();
    pool = test_pool("inq", MBUFS);
}

static void nothing_leaked(void)
{
    test_pool_whole(pool);
}

TestSuite(inq, .init = setup, .fini = nothing_leaked);

static struct rte_mbuf *text(const char *s)
{
    return test_mbuf(pool, s, strlen(s), 0, 0);
}

static bool reads(struct sl_inq *q, uint32_t room, bool peek, const char *expected)
{
    uint8_t *out = malloc(room);
    const uint32_t n = sl_inq_read(q, out, room, peek);
    const bool same = n == strlen(expected) && memcmp(out, expected, n) == 0;

    free(out);
    return same;
}

Test(inq, is_read_in_order_across_mbufs)
{
    struct sl_inq q = {0};

    cr_assert(sl_inq_push(&q, text("abc")));
    cr_assert(sl_inq_push(&q, text("defgh")));
    cr_assert(sl_inq_push(&q, text("i")));
    cr_expect_eq(q.bytes, 9);
    cr_expect(reads(&q, 2, false, "ab"));
    cr_expect_eq(q.bytes, 7);
    cr_expect(reads(&q, 3, false, "cde"));
    cr_expect(reads(&q, 100, false, "fghi"));
    cr_expect_eq(q.bytes, 0);
    cr_expect(reads(&q, 100, false, ""));
    cr_expect_null(q.ring, "an empty queue holds no memory");
}

Test(inq, peek_leaves_everything)
{
    struct sl_inq q = {0};

    cr_assert(sl_inq_push(&q, text("abc")));
    cr_assert(sl_inq_push(&q, text("def")));
    cr_expect(reads(&q, 1, false, "a"));
    cr_expect(reads(&q, 4, true, "bcde"));
    cr_expect(reads(&q, 2, true, "bc"));
    cr_expect_eq(q.bytes, 5);
    cr_expect(reads(&q, 9, false, "bcdef"));
}

Test(inq, takes_chains_apart)
{
    struct sl_inq q = {0};
    struct rte_mbuf *m = text(""), *first;

    rte_pktmbuf_chain(m, text("ab"));
    rte_pktmbuf_chain(m, text(""));
    rte_pktmbuf_chain(m, text("cd"));
    cr_assert(sl_inq_push(&q, m));
    cr_expect_eq(q.n, 2, "empty segments are gone");
    first = sl_inq_take(&q);
    cr_assert_not_null(first);
    cr_expect_eq(first->nb_segs, 1);
    cr_expect_null(first->next);
    cr_expect_eq(first->pkt_len, 2);
    rte_pktmbuf_free(first);
    cr_expect(reads(&q, 9, false, "cd"));
    cr_expect_null(sl_inq_take(&q));
}

Test(inq, what_was_the_head_of_a_chain_stands_alone)
{
    struct sl_inq q = {0};
    struct rte_mbuf *m = text("ab");

    rte_pktmbuf_chain(m, text("cd"));
    cr_assert(sl_inq_push(&q, m));
    cr_expect_eq(sl_inq_take(&q), m);
    cr_expect_eq(m->nb_segs, 1);
    cr_expect_eq(m->pkt_len, 2);
    cr_expect_null(m->next);
    rte_pktmbuf_free(m);
    sl_inq_fini(&q);
}

Test(inq, an_empty_mbuf_leaves_it_empty)
{
    struct sl_inq q = {0};

    cr_assert(sl_inq_push(&q, text("")));
    cr_expect_eq(q.n, 0);
    cr_expect_eq(q.bytes, 0);
    cr_expect_null(q.ring);
    cr_expect_null(sl_inq_take(&q));
}

Test(inq, an_mbuf_that_others_hold_is_not_changed)
{
    struct sl_inq q = {0};
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool), *taken;

    memcpy(rte_pktmbuf_append(m, 6), "abcdef", 6);
    rte_mbuf_refcnt_update(m, 1);
    cr_assert(sl_inq_push(&q, m));
    cr_expect(reads(&q, 2, false, "ab"));
    cr_expect_eq(m->data_len, 6);
    cr_expect_eq(m->data_off, RTE_PKTMBUF_HEADROOM);
    taken = sl_inq_take(&q);
    cr_assert_not_null(taken);
    cr_expect_neq(taken, m);
    cr_expect_eq(taken->pkt_len, 4);
    cr_expect_eq(memcmp(rte_pktmbuf_mtod(taken, char *), "cdef", 4), 0);
    cr_expect_eq(m->data_len, 6);
    cr_expect_eq(rte_mbuf_refcnt_read(m), 1, "the queue's reference is gone");
    rte_pktmbuf_free(taken);
    rte_pktmbuf_free(m);
}

Test(inq, take_hands_over_what_is_ours_alone)
{
    struct sl_inq q = {0};
    struct rte_mbuf *m = text("abcdef");

    cr_assert(sl_inq_push(&q, m));
    cr_expect(reads(&q, 2, false, "ab"));
    cr_expect_eq(sl_inq_take(&q), m);
    cr_expect_eq(m->data_len, 4);
    cr_expect_eq(m->pkt_len, 4);
    cr_expect_eq(*rte_pktmbuf_mtod(m, char *), 'c');
    rte_pktmbuf_free(m);
    cr_expect_eq(q.bytes, 0);
}

Test(inq, take_waits_where_a_copy_finds_no_mbuf)
{
    struct sl_inq q = {0};
    struct rte_mbuf *m = text("abc"), *all[MBUFS - 1], *taken;

    rte_mbuf_refcnt_update(m, 1);
    cr_assert(sl_inq_push(&q, m));
    cr_expect(reads(&q, 1, false, "a"));
    cr_assert_eq(rte_pktmbuf_alloc_bulk(pool, all, MBUFS - 1), 0);
    cr_expect_null(sl_inq_take(&q));
    cr_expect_eq(q.bytes, 2);
    rte_pktmbuf_free_bulk(all, MBUFS - 1);
    taken = sl_inq_take(&q);
    cr_assert_not_null(taken);
    cr_expect_eq(taken->data_len, 2);
    rte_pktmbuf_free(taken);
    rte_pktmbuf_free(m);
}

#ifdef SL_CHECKED
Test(inq, without_memory_the_chain_is_freed)
{
    struct sl_inq q = {0};
    struct rte_mbuf *m = text("ab");

    rte_pktmbuf_chain(m, text("cd"));
    sl_fault_arm("inq_ring", 1);
    cr_expect_not(sl_inq_push(&q, m));
    cr_expect_eq(q.bytes, 0);
    cr_expect_eq(q.n, 0);
    sl_fault_arm("inq_ring", 0);
    cr_assert(sl_inq_push(&q, text("ef")));
    sl_inq_fini(&q);
}
#endif

Test(inq, delivers_the_stream_whatever_the_pattern)
{
    struct sl_inq q = {0};
    uint32_t in = 0, out = 0; /* positions; the byte there is its number modulo 251 */
    uint8_t bytes[4000];

    srand(3);
    for (unsigned i = 0; i < 100000; i++) {
        const uint32_t n = (uint32_t)rand() % (rand() % 3 == 0 ? 4000 : 50);
        struct rte_mbuf *m, *taken;
        uint32_t got;

        switch (rand() % 4) {
        case 0:
            m = text("");
            for (uint32_t left = q.n < 100 ? n % 200 : 0; left > 0;) {
                const uint32_t part = 1 + (uint32_t)rand() % left;

                for (uint32_t k = 0; k < part; k++)
                    bytes[k] = (uint8_t)((in + k) % 251);
                rte_pktmbuf_chain(m, test_mbuf(pool, bytes, part, 0, 0));
                in += part;
                left -= part;
            }
            cr_assert(sl_inq_push(&q, m));
            break;
        case 1:
        case 2:
            got = sl_inq_read(&q, bytes, n, i % 2 == 0);
            cr_assert_eq(got, RTE_MIN(n, in - out));
            for (uint32_t k = 0; k < got; k++)
                cr_assert_eq(bytes[k], (out + k) % 251);
            out += i % 2 == 0 ? 0 : got;
            break;
        default:
            taken = rand() % 4 == 0 ? sl_inq_take(&q) : NULL;
            for (uint32_t k = 0; taken != NULL && k < taken->data_len; k++)
                cr_assert_eq(rte_pktmbuf_mtod(taken, uint8_t *)[k], (out + k) % 251);
            out += taken != NULL ? taken->data_len : 0;
            rte_pktmbuf_free(taken);
        }
        cr_assert_eq(q.bytes, in - out);
        cr_assert((q.n == 0) == (q.bytes == 0));
    }
    sl_inq_fini(&q);
    cr_expect_null(q.ring);
}
