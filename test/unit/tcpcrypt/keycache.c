/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcpcrypt/aead/keycache.h"

#include <string.h>

#include <criterion/criterion.h>

enum { BYTES = 1008 };

static unsigned dropped;

static void count_drop(void *entry)
{
    dropped += *(uint8_t *)entry != 0;
}

static uint8_t *add(struct sl_key_cache *c, sl_secret key)
{
    uint8_t *entry = sl_key_cache_add(c, key, SL_AEAD_AES_128_GCM);

    memset(entry, (int)key, BYTES);
    return entry;
}

static uint8_t *find(struct sl_key_cache *c, sl_secret key)
{
    return sl_key_cache_find(c, key, SL_AEAD_AES_128_GCM);
}

Test(key_cache, entries_are_aligned_and_zero_at_first)
{
    struct sl_key_cache *c = sl_key_cache_create(5, BYTES, NULL);
    static const uint8_t zero[BYTES];

    for (sl_secret key = 1; key <= 12; key++) {
        uint8_t *entry = sl_key_cache_add(c, key, SL_AEAD_AES_128_GCM);

        cr_assert_eq((uintptr_t)entry % 64, 0);
        cr_expect_arr_eq(entry, zero, BYTES, "also where another key's stood");
        memset(entry, 0xaa, BYTES);
    }
    sl_key_cache_destroy(c);
}

Test(key_cache, the_least_recently_used_gives_way)
{
    struct sl_key_cache *c = sl_key_cache_create(3, BYTES, count_drop);

    add(c, 1);
    add(c, 2);
    add(c, 3);
    cr_expect_not_null(find(c, 1)); /* so 2 is the oldest */
    add(c, 4);
    cr_expect_eq(dropped, 1);
    cr_expect_null(find(c, 2));
    cr_expect_eq(*find(c, 1), 1);
    cr_expect_eq(*find(c, 3), 3);
    cr_expect_eq(*find(c, 4), 4);
    cr_expect_eq(sl_key_cache_used(c), 3);
    sl_key_cache_destroy(c);
    cr_expect_eq(dropped, 4, "destroying drops the rest");
}

Test(key_cache, one_handle_with_two_aeads_is_two_entries_and_forgotten_at_once)
{
    struct sl_key_cache *c = sl_key_cache_create(4, BYTES, count_drop);
    uint8_t *a = add(c, 7);

    cr_expect_null(sl_key_cache_find(c, 7, SL_AEAD_AES_256_GCM));
    memset(sl_key_cache_add(c, 7, SL_AEAD_AES_256_GCM), 9, BYTES);
    add(c, 8);
    sl_key_cache_forget(c, 7);
    sl_key_cache_forget(c, 7);
    sl_key_cache_forget(c, 99);
    cr_expect_eq(dropped, 2);
    cr_expect_eq(*a, 0, "wiped");
    cr_expect_eq(sl_key_cache_used(c), 1);
    cr_expect_not_null(find(c, 8));
    sl_key_cache_destroy(c);
}

Test(key_cache, holds_what_it_is_asked_to_hold)
{
    enum { KEYS = 300 };
    struct sl_key_cache *c = sl_key_cache_create(KEYS, BYTES, NULL);

    for (sl_secret key = 1; key <= KEYS; key++)
        add(c, key << 32 | key);
    for (sl_secret key = 1; key <= KEYS; key++)
        cr_assert_not_null(find(c, key << 32 | key));
    add(c, 12345);
    cr_expect_null(find(c, UINT64_C(1) << 32 | 1));
    cr_expect_not_null(find(c, UINT64_C(2) << 32 | 2));
    sl_key_cache_destroy(c);
}

Test(key_cache, refuses_no_room_at_all)
{
    cr_expect_null(sl_key_cache_create(0, BYTES, NULL));
    sl_key_cache_destroy(NULL);
}
