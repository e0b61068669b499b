/* SPDX-License-Identifier: BSD-3-Clause */
#include "shard/listeners.h"

#include <errno.h>

#include <criterion/criterion.h>

static struct sl_tcp_listener *fake(uintptr_t n)
{
    return (struct sl_tcp_listener *)(n * 64);
}

static struct sl_addr ip(uint32_t host_order)
{
    return sl_addr_of_ip4(htobe32(host_order));
}

Test(listeners, exact_address_goes_before_any)
{
    const struct sl_addr any = ip(0), one = ip(0x0a000001), two = ip(0x0a000002);
    struct sl_listeners t;

    sl_listeners_init(&t);
    cr_assert_eq(sl_listeners_add(&t, &any, htobe16(80), fake(1)), 0);
    cr_assert_eq(sl_listeners_add(&t, &one, htobe16(80), fake(2)), 0);
    cr_expect_eq(sl_listeners_find(&t, &one, htobe16(80)), fake(2));
    cr_expect_eq(sl_listeners_find(&t, &two, htobe16(80)), fake(1));
    cr_expect_null(sl_listeners_find(&t, &two, htobe16(81)));
    sl_listeners_remove(&t, fake(2), htobe16(80));
    cr_expect_eq(sl_listeners_find(&t, &one, htobe16(80)), fake(1));
    sl_listeners_fini(&t);
}

Test(listeners, one_for_each_address_and_port)
{
    const struct sl_addr one = ip(0x0a000001);
    struct sl_listeners t;

    sl_listeners_init(&t);
    cr_assert_eq(sl_listeners_add(&t, &one, htobe16(80), fake(1)), 0);
    cr_expect_eq(sl_listeners_add(&t, &one, htobe16(80), fake(2)), -EADDRINUSE);
    cr_expect_eq(sl_listeners_find(&t, &one, htobe16(80)), fake(1));
    sl_listeners_fini(&t);
}

Test(listeners, ports_that_share_a_bucket_are_told_apart)
{
    const struct sl_addr any = ip(0);
    struct sl_listeners t;

    sl_listeners_init(&t);
    for (unsigned p = 1; p <= 2000; p++)
        cr_assert_eq(sl_listeners_add(&t, &any, htobe16((uint16_t)p), fake(p)), 0);
    for (unsigned p = 1; p <= 2000; p++)
        cr_expect_eq(sl_listeners_find(&t, &any, htobe16((uint16_t)p)), fake(p), "port %u", p);
    sl_listeners_fini(&t);
}
