/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/isn.h"

#include <arpa/inet.h>

#include <criterion/criterion.h>

static const struct sl_isn_keys keys = {.isn = {1, 2}, .ts = {3, 4}};

static struct sl_addr ip4(const char *text)
{
    struct in_addr in;

    inet_pton(AF_INET, text, &in);
    return sl_addr_of_ip4(in.s_addr);
}

static sl_seq isn(const char *local, uint16_t local_port, const char *remote, uint16_t remote_port,
                  uint64_t now_ns)
{
    const struct sl_addr l = ip4(local), r = ip4(remote);

    return sl_isn(&keys, &l, htons(local_port), &r, htons(remote_port), now_ns);
}

Test(isn, grows_by_one_every_64_ns) /* MUST-8, D2 */
{
    const sl_seq start = isn("10.0.0.1", 1234, "10.0.0.2", 80, 0);

    cr_expect_eq(isn("10.0.0.1", 1234, "10.0.0.2", 80, 63), start);
    cr_expect_eq(isn("10.0.0.1", 1234, "10.0.0.2", 80, 64), start + 1);
    cr_expect_eq(isn("10.0.0.1", 1234, "10.0.0.2", 80, UINT64_C(1000000000)), start + 15625000);
    /* once around in 2^32 ticks of 64 ns: 274 s */
    cr_expect_eq(isn("10.0.0.1", 1234, "10.0.0.2", 80, UINT64_C(274877906944)), start);
}

Test(isn, is_another_for_each_part_of_the_tuple) /* SHLD-1, T6528-1 */
{
    const sl_seq all[] = {
        isn("10.0.0.1", 1234, "10.0.0.2", 80, 0), isn("10.0.0.3", 1234, "10.0.0.2", 80, 0),
        isn("10.0.0.1", 1235, "10.0.0.2", 80, 0), isn("10.0.0.1", 1234, "10.0.0.3", 80, 0),
        isn("10.0.0.1", 1234, "10.0.0.2", 81, 0), isn("10.0.0.2", 80, "10.0.0.1", 1234, 0),
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        for (size_t k = 0; k < i; k++)
            cr_expect_neq(all[i], all[k], "%zu and %zu", i, k);
}

Test(isn, differs_between_link_local_zones)
{
    struct sl_addr a = {.bytes = {0xfe, 0x80, [15] = 1}, .scope = 1};
    struct sl_addr b = {.bytes = {0xfe, 0x80, [15] = 2}, .scope = 1};
    const sl_seq in_one = sl_isn(&keys, &a, 1, &b, 2, 0);

    b.scope = 2;
    cr_expect_neq(sl_isn(&keys, &a, 1, &b, 2, 0), in_one);
    a.scope = 2;
    b.scope = 1;
    cr_expect_neq(sl_isn(&keys, &a, 1, &b, 2, 0), in_one);
}

Test(isn, needs_the_key) /* trap 22 */
{
    const struct sl_isn_keys other = {.isn = {1, 3}, .ts = {3, 5}};
    const struct sl_addr l = ip4("10.0.0.1"), r = ip4("10.0.0.2");

    cr_expect_neq(sl_isn(&keys, &l, 1, &r, 2, 0), sl_isn(&other, &l, 1, &r, 2, 0));
    cr_expect_neq(sl_isn_ts_offset(&keys, &l, 1, &r, 2), sl_isn_ts_offset(&other, &l, 1, &r, 2));
}

Test(isn, timestamp_offset_is_of_its_own_key_and_constant) /* T7323-35, D13 */
{
    const struct sl_isn_keys same = {.isn = {3, 4}, .ts = {3, 4}};
    const struct sl_addr l = ip4("10.0.0.1"), r = ip4("10.0.0.2");
    const uint32_t offset = sl_isn_ts_offset(&keys, &l, 1, &r, 2);

    cr_expect_eq(sl_isn_ts_offset(&keys, &l, 1, &r, 2), offset);
    cr_expect_neq(sl_isn(&keys, &l, 1, &r, 2, 0), offset);
    cr_expect_eq(sl_isn(&same, &l, 1, &r, 2, 0), offset); /* F, at M = 0 */
    cr_expect_neq(sl_isn_ts_offset(&keys, &l, 1, &r, 3), offset);
}
