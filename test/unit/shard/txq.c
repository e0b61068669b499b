/* SPDX-License-Identifier: BSD-3-Clause */
#include "shard/txq.h"

#include <criterion/criterion.h>

#include "mbufs/mbufs.h"

/* A port that takes `room` frames and notes their order by a byte of each. */
struct fake_port {
    unsigned room, n, largest_burst;
    uint16_t seen[8192];
};

static uint16_t tx(void *ctx, uint16_t port, struct rte_mbuf **pkts, uint16_t n)
{
    struct fake_port *p = ctx;
    const uint16_t taken = n < p->room ? n : (uint16_t)p->room;

    cr_assert_eq(port, 3);
    p->largest_burst = n > p->largest_burst ? n : p->largest_burst;
    for (uint16_t i = 0; i < taken; i++) {
        p->seen[p->n++] = *rte_pktmbuf_mtod(pkts[i], const uint16_t *);
        rte_pktmbuf_free(pkts[i]);
    }
    p->room -= taken;
    return taken;
}

static struct rte_mempool *pool;
static struct sl_counters counters;
static struct fake_port port;
static struct sl_shard_io io = {.ctx = &port, .tx = tx};

static void set_up(struct sl_txq *q)
{
    test_eal();
    pool = test_pool("txq", 8191);
    cr_assert(sl_txq_init(q));
}

static bool add(struct sl_txq *q, uint16_t mark)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

    cr_assert_not_null(m);
    *(uint16_t *)rte_pktmbuf_append(m, sizeof(mark)) = mark;
    return sl_txq_add(q, m);
}

static void in_order(void)
{
    for (unsigned i = 0; i < port.n; i++)
        cr_assert_eq(port.seen[i], i, "frame %u is number %u", i, port.seen[i]);
}

Test(txq, what_a_port_does_not_take_is_offered_again_in_order)
{
    struct sl_txq q;
    uint16_t added = 0;

    set_up(&q);
    for (int round = 0; round < 40; round++) { /* several times around the ring */
        for (int i = 0; i < 170; i++)
            cr_assert(add(&q, added++));
        port.room = 165;
        cr_assert_eq(sl_txq_flush(&q, &io, 3, &counters, 1000), 165);
    }
    port.room = 100000;
    sl_txq_flush(&q, &io, 3, &counters, 1000);
    cr_expect_eq(port.n, added);
    cr_expect_leq(port.largest_burst, SL_SHARD_BURST);
    cr_expect_eq(counters.n[SL_COUNT_PKTS_OUT], added);
    cr_expect_eq(counters.drops[SL_DROP_PORT_TX_FULL], 0);
    in_order();
    sl_txq_fini(&q);
    cr_expect_eq(rte_mempool_in_use_count(pool), 0);
}

Test(txq, is_bounded)
{
    struct sl_txq q;

    set_up(&q);
    for (unsigned i = 0; i < SL_TXQ_FRAMES; i++)
        cr_assert(add(&q, (uint16_t)i));
    cr_expect_not(add(&q, 0));
    cr_expect_eq(rte_mempool_in_use_count(pool), SL_TXQ_FRAMES);
    sl_txq_fini(&q);
    cr_expect_eq(rte_mempool_in_use_count(pool), 0);
}

Test(txq, a_port_that_takes_nothing_for_long_loses_what_waits)
{
    struct sl_txq q;

    set_up(&q);
    for (uint16_t i = 0; i < 10; i++)
        add(&q, i);
    sl_txq_flush(&q, &io, 3, &counters, 0);
    sl_txq_flush(&q, &io, 3, &counters, 99000000);
    cr_expect_eq(q.n, 10);
    port.room = 1; /* it moves: the clock starts anew */
    sl_txq_flush(&q, &io, 3, &counters, 100000000);
    sl_txq_flush(&q, &io, 3, &counters, 150000000);
    sl_txq_flush(&q, &io, 3, &counters, 249000000);
    cr_expect_eq(q.n, 9);
    sl_txq_flush(&q, &io, 3, &counters, 251000000);
    cr_expect_eq(q.n, 0);
    cr_expect_eq(counters.drops[SL_DROP_PORT_TX_FULL], 9);
    cr_expect_eq(rte_mempool_in_use_count(pool), 0);
    sl_txq_fini(&q);
}
