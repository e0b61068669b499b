/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/part.h"

#include <string.h>

#include <criterion/criterion.h>

#include "base/invariant.h"
#include "mbufs/mbufs.h"

static struct rte_mempool *pool;

static void setup(void)
{
    test_eal();
    pool = test_pool("part", 63);
}

static void nothing_leaked(void)
{
    test_pool_whole(pool);
}

TestSuite(part, .init = setup, .fini = nothing_leaked);

static bool is(const struct rte_mbuf *m, const char *s)
{
    return m != NULL && m->data_len == strlen(s) && m->pkt_len == strlen(s) &&
           memcmp(rte_pktmbuf_mtod(m, const char *), s, strlen(s)) == 0;
}

Test(part, the_whole_is_handed_over_even_when_shared)
{
    struct rte_mbuf *m = test_mbuf(pool, "abcd", 4, 0, 0);

    rte_mbuf_refcnt_update(m, 1);
    cr_expect_eq(sl_part_take(m, 0, 4), m);
    cr_expect_eq(rte_mbuf_refcnt_read(m), 2, "the reference came along");
    rte_pktmbuf_free(m);
    rte_pktmbuf_free(m);
}

Test(part, what_nobody_else_holds_is_trimmed)
{
    struct rte_mbuf *m = test_mbuf(pool, "abcd", 4, 3, 3);

    cr_expect_eq(sl_part_take(m, 1, 2), m);
    cr_expect(is(m, "bc"));
    rte_pktmbuf_free(m);
}

Test(part, what_others_hold_is_copied)
{
    struct rte_mbuf *m = test_mbuf(pool, "abcd", 4, 0, 0), *front, *back;

    rte_mbuf_refcnt_update(m, 2);
    front = sl_part_take(m, 0, 2);
    back = sl_part_take(m, 2, 2);
    cr_expect(is(front, "ab"));
    cr_expect(is(back, "cd"));
    cr_expect(is(m, "abcd"));
    cr_expect_eq(rte_mbuf_refcnt_read(m), 1);
    rte_pktmbuf_free(front);
    rte_pktmbuf_free(back);
    rte_pktmbuf_free(m);
}

Test(part, what_is_too_large_for_a_copy_is_pointed_at)
{
    static const uint8_t jumbo[9000] = {[8999] = 7};
    struct rte_mbuf *m = test_mbuf(pool, jumbo, sizeof(jumbo), 0, 0), *part;

    rte_mbuf_refcnt_update(m, 1);
    part = sl_part_take(m, 1, 8999);
    cr_assert_not_null(part);
    cr_expect_eq(part->data_len, 8999);
    cr_expect_eq(part->pkt_len, 8999);
    cr_expect_eq(rte_pktmbuf_mtod(part, uint8_t *)[8998], 7);
    cr_expect_eq(m->data_len, 9000);
    rte_pktmbuf_free(m);
    cr_expect_eq(rte_pktmbuf_mtod(part, uint8_t *)[8998], 7, "the buffer outlives the first mbuf");
    rte_pktmbuf_free(part);
}

Test(part, an_empty_pool_leaves_the_reference_with_the_caller)
{
    struct rte_mbuf *m = test_mbuf(pool, "abcd", 4, 0, 0), *all[62];

    rte_mbuf_refcnt_update(m, 1);
    cr_assert_eq(rte_pktmbuf_alloc_bulk(pool, all, 62), 0);
    cr_expect_null(sl_part_take(m, 1, 2));
    cr_expect_eq(rte_mbuf_refcnt_read(m), 2);
    cr_expect(is(m, "abcd"));
    rte_pktmbuf_free_bulk(all, 62);
    rte_pktmbuf_free(m);
    rte_pktmbuf_free(m);
}
