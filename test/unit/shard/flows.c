/* SPDX-License-Identifier: BSD-3-Clause */
#include "shard/flows.h"

#include <stdlib.h>

#include <criterion/criterion.h>

#include "mbufs/mbufs.h"
#include "tcp/tcb.h"

/* The table looks at addresses and ports of a TCB only, so bare ones do. */
static struct sl_tcb *tcb_of(uint32_t remote, uint16_t local_port, uint16_t remote_port)
{
    struct sl_tcb *tcb = calloc(1, sizeof(*tcb));

    cr_assert_not_null(tcb);
    tcb->local = sl_addr_of_ip4(htobe32(0x0a000001));
    tcb->remote = sl_addr_of_ip4(htobe32(remote));
    tcb->local_port = htobe16(local_port);
    tcb->remote_port = htobe16(remote_port);
    return tcb;
}

static struct sl_seg seg_of(const struct sl_tcb *tcb)
{
    return (struct sl_seg){
        .local = tcb->local,
        .remote = tcb->remote,
        .local_port = tcb->local_port,
        .remote_port = tcb->remote_port,
    };
}

static struct sl_tcb *find(const struct sl_flows *f, const struct sl_tcb *tcb)
{
    return sl_flows_find(f, &tcb->local, tcb->local_port, &tcb->remote, tcb->remote_port);
}

static void set_up(struct sl_flows *f, uint32_t max)
{
    struct sl_random_seeded random;

    test_eal();
    cr_assert(sl_flows_init(f, max, sl_random_seed(&random, 1)));
}

Test(flows, found_by_all_four_parts_of_the_tuple)
{
    struct sl_flows f;
    struct sl_tcb *a = tcb_of(0x0a000002, 80, 1000);
    struct sl_tcb *others[] = {tcb_of(0x0a000003, 80, 1000), tcb_of(0x0a000002, 81, 1000),
                               tcb_of(0x0a000002, 80, 1001), tcb_of(0x0a000002, 1000, 80)};

    set_up(&f, 64);
    cr_assert(sl_flows_add(&f, a));
    cr_expect_eq(find(&f, a), a);
    for (int i = 0; i < 4; i++) {
        cr_expect_null(find(&f, others[i]));
        free(others[i]);
    }
    sl_flows_remove(&f, a);
    cr_expect_null(find(&f, a));
    cr_expect_eq(f.n, 0);
    sl_flows_fini(&f);
    free(a);
}

Test(flows, a_tuple_is_there_once)
{
    struct sl_flows f;
    struct sl_tcb *a = tcb_of(0x0a000002, 80, 1000), *b = tcb_of(0x0a000002, 80, 1000);

    set_up(&f, 64);
    cr_assert(sl_flows_add(&f, a));
    cr_expect_not(sl_flows_add(&f, b));
    cr_expect_eq(find(&f, b), a);
    cr_expect_eq(f.n, 1);
    sl_flows_fini(&f);
    free(a);
    free(b);
}

Test(flows, not_ip4_is_refused)
{
    struct sl_flows f;
    struct sl_tcb *a = tcb_of(0x0a000002, 80, 1000);

    set_up(&f, 64);
    a->remote.bytes[0] = 0x20;
    cr_expect_not(sl_flows_add(&f, a));
    cr_expect_null(find(&f, a));
    sl_flows_fini(&f);
    free(a);
}

Test(flows, a_burst_is_looked_up_at_once)
{
    struct sl_flows f;
    struct sl_tcb *tcbs[SL_FLOWS_BURST], *found[SL_FLOWS_BURST];
    struct sl_seg segs[SL_FLOWS_BURST];

    set_up(&f, 256);
    for (unsigned i = 0; i < SL_FLOWS_BURST; i++) {
        tcbs[i] = tcb_of(0x0a000100 + i, 80, 1000);
        segs[i] = seg_of(tcbs[i]);
        if (i % 3 != 0)
            cr_assert(sl_flows_add(&f, tcbs[i]));
    }
    sl_flows_find_burst(&f, segs, SL_FLOWS_BURST, found);
    for (unsigned i = 0; i < SL_FLOWS_BURST; i++)
        cr_expect_eq(found[i], i % 3 != 0 ? tcbs[i] : NULL, "segment %u", i);
    sl_flows_find_burst(&f, segs + 1, 1, found);
    cr_expect_eq(found[0], tcbs[1]);
    sl_flows_fini(&f);
    for (unsigned i = 0; i < SL_FLOWS_BURST; i++)
        free(tcbs[i]);
}

Test(flows, finds_rows_of_segments)
{
    struct sl_tcb *a = tcb_of(0x0a000101, 80, 1000), *b = tcb_of(0x0a000101, 80, 1001);
    struct sl_tcb *unknown = tcb_of(0x0a000101, 81, 1000);
    struct sl_tcb *const row[] = {a, a, b, unknown, unknown, a, b, b};
    struct sl_seg segs[RTE_DIM(row)];
    struct sl_tcb *found[RTE_DIM(row)];
    struct sl_flows f;

    set_up(&f, 100);
    cr_assert(sl_flows_add(&f, a));
    cr_assert(sl_flows_add(&f, b));
    for (unsigned i = 0; i < RTE_DIM(row); i++)
        segs[i] = seg_of(row[i]);
    segs[7].remote.bytes[0] = 0xfe; /* no IPv4, whatever its last bytes say */
    sl_flows_find_burst(&f, segs, RTE_DIM(row), found);
    for (unsigned i = 0; i < RTE_DIM(row); i++)
        cr_expect_eq(found[i], row[i] == unknown || i == 7 ? NULL : row[i], "segment %u", i);
    sl_flows_fini(&f);
    free(a);
    free(b);
    free(unknown);
}

Test(flows, takes_as_many_as_promised_and_walks_through_all)
{
    enum { N = 5000 };
    static struct sl_tcb *tcbs[N];
    struct sl_flows f;
    uint32_t at = 0, n = 0;

    set_up(&f, N);
    for (unsigned i = 0; i < N; i++) {
        tcbs[i] = tcb_of(0x0b000000 + i, 443, (uint16_t)(i % 60000 + 1));
        cr_assert(sl_flows_add(&f, tcbs[i]), "flow %u", i);
    }
    cr_expect_eq(f.per_port[htobe16(443)], N);
    while (sl_flows_next(&f, &at) != NULL)
        n++;
    cr_expect_eq(n, N);
    for (unsigned i = 0; i < N; i++) {
        cr_expect_eq(find(&f, tcbs[i]), tcbs[i], "flow %u", i);
        sl_flows_remove(&f, tcbs[i]);
        free(tcbs[i]);
    }
    cr_expect_eq(f.n, 0);
    cr_expect_eq(f.per_port[htobe16(443)], 0);
    sl_flows_fini(&f);
}

Test(flows, what_changes_the_table_changes_its_epoch)
{
    struct sl_flows f;
    struct sl_tcb *a = tcb_of(0x0a000002, 80, 1000);
    uint32_t epoch;

    set_up(&f, 64);
    epoch = f.epoch;
    sl_flows_add(&f, a);
    cr_expect_neq(f.epoch, epoch);
    epoch = f.epoch;
    cr_expect_not(sl_flows_add(&f, a));
    cr_expect_eq(f.epoch, epoch);
    sl_flows_remove(&f, a);
    cr_expect_neq(f.epoch, epoch);
    epoch = f.epoch;
    sl_flows_remove(&f, a);
    cr_expect_eq(f.epoch, epoch);
    sl_flows_fini(&f);
    free(a);
}
