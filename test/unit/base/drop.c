/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/drop.h"

#include <ctype.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/counters.h"

/* Names become keys of telemetry dictionaries, which take letters, digits, '_' and '/' alone. */
static bool is_name(const char *name)
{
    if (name == NULL || name[0] == '\0')
        return false;
    for (; *name != '\0'; name++) {
        if (!isupper((unsigned char)*name) && !isdigit((unsigned char)*name) && *name != '_')
            return false;
    }
    return true;
}

Test(drop, each_reason_has_a_name_of_its_own_and_a_text)
{
    cr_expect_str_eq(sl_drop_name(SL_DROP_NONE), "NONE");
    for (int i = 0; i < SL_DROP_COUNT; i++) {
        const char *text = sl_drop_text((enum sl_drop)i);

        cr_assert(is_name(sl_drop_name((enum sl_drop)i)), "reason %d", i);
        cr_assert(text != NULL && text[0] != '\0', "reason %d", i);
        for (int k = 0; k < i; k++)
            cr_assert_str_neq(sl_drop_name((enum sl_drop)i), sl_drop_name((enum sl_drop)k));
    }
}

Test(drop, a_name_belongs_to_its_enumerator)
{
    cr_expect_str_eq(sl_drop_name(SL_DROP_TCP_PAWS), "TCP_PAWS");
    cr_expect_str_eq(sl_drop_text(SL_DROP_TCP_PAWS),
                     "timestamp older than ts_recent (RFC 7323 5.3)");
    cr_expect_str_eq(sl_drop_name((enum sl_drop)(SL_DROP_COUNT - 1)), "PORT_LENGTH");
}

Test(counters, each_has_a_name_of_its_own_and_a_text)
{
    for (int i = 0; i < SL_COUNTER_COUNT; i++) {
        const char *text = sl_counter_text((enum sl_counter)i);

        cr_assert(is_name(sl_counter_name((enum sl_counter)i)), "counter %d", i);
        cr_assert(text != NULL && text[0] != '\0', "counter %d", i);
        for (int k = 0; k < i; k++)
            cr_assert_str_neq(sl_counter_name((enum sl_counter)i),
                              sl_counter_name((enum sl_counter)k));
    }
    cr_expect_str_eq(sl_counter_name(SL_COUNT_RTO_FIRED), "RTO_FIRED");
}

Test(counters, count_what_they_are_asked_to_and_nothing_else)
{
    struct sl_counters c = {0};
    uint64_t sum = 0;

    sl_count(&c, SL_COUNT_KEX_DONE);
    sl_count_add(&c, SL_COUNT_BYTES_IN, 1448);
    sl_count_drop(&c, SL_DROP_PORT_LENGTH);
    cr_expect_eq(c.n[SL_COUNT_KEX_DONE], 1);
    cr_expect_eq(c.n[SL_COUNT_BYTES_IN], 1448);
    cr_expect_eq(c.drops[SL_DROP_PORT_LENGTH], 1);
    for (int i = 0; i < SL_COUNTER_COUNT; i++)
        sum += c.n[i];
    for (int i = 0; i < SL_DROP_COUNT; i++)
        sum += c.drops[i];
    cr_expect_eq(sum, 1450);
}
