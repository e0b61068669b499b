/* SPDX-License-Identifier: BSD-3-Clause */
#include "socket/binding.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include <criterion/criterion.h>

#include "mbufs/mbufs.h"
#include "tcp/tcb.h"

/* Readings D25, T6056-1, T6056-2. */

static struct sl_flows flows;
static struct sl_random_seeded random_a, random_b;

static void set_up(struct sl_bindings *t, uint64_t seed, uint16_t first, uint16_t last)
{
    test_eal();
    if (flows.hash == NULL)
        cr_assert(sl_flows_init(&flows, 4096, sl_random_seed(&random_a, 1)));
    sl_bindings_init(t, &flows, sl_random_seed(&random_a, seed), sl_random_seed(&random_b, seed),
                     first, last);
}

static struct sl_addr ip(uint32_t host_order)
{
    return sl_addr_of_ip4(htobe32(host_order));
}

static uint16_t choose(struct sl_bindings *t, uint32_t remote)
{
    const struct sl_addr local = ip(0x0a000001), to = ip(remote);

    return be16toh(sl_bindings_choose(t, &local, &to, htobe16(80)));
}

/* A connection from that port, as the table looks at it. */
static void occupy(uint16_t port, uint32_t remote)
{
    static struct sl_tcb tcbs[1024];
    static unsigned n;
    struct sl_tcb *tcb = &tcbs[n++];

    cr_assert_leq(n, 1024);
    tcb->local = ip(0x0a000001);
    tcb->remote = ip(remote);
    tcb->local_port = htobe16(port);
    tcb->remote_port = htobe16(80);
    cr_assert(sl_flows_add(&flows, tcb));
}

Test(binding, ports_are_within_their_range_and_each_once)
{
    struct sl_bindings t;
    static bool seen[65536];

    set_up(&t, 1, 20000, 20999);
    for (int i = 0; i < 1000; i++) {
        const uint16_t port = choose(&t, 0x0a000002);

        cr_assert(port >= 20000 && port <= 20999, "%u", port);
        cr_assert_not(seen[port], "%u twice", port);
        seen[port] = true;
        occupy(port, 0x0a000002);
    }
    cr_expect_eq(choose(&t, 0x0a000002), 0, "all are taken");
    cr_expect_neq(choose(&t, 0x0a000003), 0, "but not for another destination");
}

/* T6056-1: neither the first port nor the step to the next is known to who sees others. */
Test(binding, ports_cannot_be_foretold)
{
    unsigned same_first = 0, step_one = 0;

    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct sl_bindings t;
        uint16_t first, other, next;

        set_up(&t, seed, 16384, 65535);
        first = choose(&t, 0x0a000002);
        other = choose(&t, 0x0a000003);
        next = choose(&t, 0x0a000002);
        same_first += first == other;
        step_one += (uint16_t)(next - first) == 1;
    }
    cr_expect_lt(same_first, 3);
    cr_expect_lt(step_one, 60); /* 1 of 8 steps is 1 */
}

Test(binding, bound_ports_are_not_chosen)
{
    struct sl_bindings t;
    struct sl_binding b[10];
    const struct sl_addr any = ip(0);

    set_up(&t, 1, 20000, 20009);
    for (int i = 0; i < 9; i++) {
        sl_binding_init(&b[i]);
        cr_assert_eq(sl_bindings_add(&t, &b[i], &any, htobe16((uint16_t)(20000 + i))), 0);
    }
    for (int i = 0; i < 20; i++)
        cr_expect_eq(choose(&t, 0x0a000002), 20009);
    sl_binding_init(&b[9]);
    cr_expect_eq(sl_bindings_add(&t, &b[9], &any, 0), 0);
    cr_expect_eq(be16toh(b[9].port), 20009);
    cr_expect_eq(choose(&t, 0x0a000002), 0);
    sl_bindings_remove(&b[4]);
    cr_expect_eq(choose(&t, 0x0a000002), 20004);
}

Test(binding, connections_keep_their_port_unless_it_is_to_be_used_again)
{
    const struct sl_addr any = ip(0);
    struct sl_bindings t;
    struct sl_binding b;

    set_up(&t, 1, 16384, 65535);
    occupy(80, 0x0a000002);
    sl_binding_init(&b);
    cr_expect_eq(sl_bindings_add(&t, &b, &any, htobe16(80)), -EADDRINUSE);
    b.reuse = true;
    cr_expect_eq(sl_bindings_add(&t, &b, &any, htobe16(80)), 0);
    sl_bindings_remove(&b);
    sl_bindings_remove(&b); /* twice is harmless */
}
