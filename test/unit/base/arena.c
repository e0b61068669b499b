/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/arena.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

static bool is_zero(const uint8_t *bytes)
{
    static const uint8_t zeroes[SL_SECRET_BYTES];

    return memcmp(bytes, zeroes, SL_SECRET_BYTES) == 0;
}

Test(arena, gives_each_secret_zeroed_bytes_of_its_own)
{
    struct sl_arena *a = sl_arena_create(100);
    sl_secret s[100];

    for (int i = 0; i < 100; i++) {
        s[i] = sl_arena_take(a);
        cr_assert_neq(s[i], 0);
        cr_assert(is_zero(sl_arena_at(a, s[i])));
        cr_expect_eq((uintptr_t)sl_arena_at(a, s[i]) % SL_SECRET_BYTES, 0, "one cache line");
        memset(sl_arena_at(a, s[i]), i + 1, SL_SECRET_BYTES);
    }
    cr_expect_eq(sl_arena_used(a), 100);
    for (int i = 0; i < 100; i++) {
        const uint8_t *at = sl_arena_at(a, s[i]);

        cr_expect(at[0] == i + 1 && memcmp(at, at + 1, SL_SECRET_BYTES - 1) == 0, "%d", i);
    }
    sl_arena_destroy(a);
}

Test(arena, is_full_when_all_slots_are_taken_and_not_after_an_erasure)
{
    struct sl_arena *a = sl_arena_create(3);
    sl_secret s[3];

    for (int i = 0; i < 3; i++)
        s[i] = sl_arena_take(a);
    cr_expect_eq(sl_arena_take(a), 0);
    cr_expect_eq(sl_arena_used(a), 3);
    sl_arena_erase(a, &s[1]);
    cr_expect_eq(s[1], 0);
    cr_expect_eq(sl_arena_used(a), 2);
    cr_expect_neq(s[1] = sl_arena_take(a), 0);
    cr_expect_eq(sl_arena_take(a), 0);
    sl_arena_destroy(a);
}

Test(arena, erases_to_zero)
{
    struct sl_arena *a = sl_arena_create(8);
    sl_secret s = sl_arena_take(a);
    uint8_t *at = sl_arena_at(a, s);

    memset(at, 0xa5, SL_SECRET_BYTES);
    sl_arena_erase(a, &s);
    cr_expect(is_zero(at), "its page is still mapped");
    sl_arena_destroy(a);
}

Test(arena, a_stale_handle_never_meets_another_secret)
{
    struct sl_arena *a = sl_arena_create(1); /* one slot, so that each take is of the same */
    sl_secret stale[1000];

    for (int i = 0; i < 1000; i++) {
        sl_secret s = stale[i] = sl_arena_take(a);

        cr_assert_not_null(sl_arena_at(a, s));
        for (int k = 0; k < i; k++) {
            sl_secret old = stale[k];

            cr_assert_null(sl_arena_at(a, old));
            sl_arena_erase(a, &old);
        }
        cr_assert_eq(sl_arena_used(a), 1, "a stale erasure hurts nobody");
        sl_arena_erase(a, &s);
    }
    sl_arena_destroy(a);
}

Test(arena, knows_no_handle_that_it_did_not_give)
{
    struct sl_arena *a = sl_arena_create(5);
    sl_secret none = 0;

    cr_expect_null(sl_arena_at(a, 0));
    sl_arena_erase(a, &none);
    for (uint64_t s = 0; s < 4096; s++)
        cr_expect_null(sl_arena_at(a, s), "nothing was taken");
    cr_expect_null(sl_arena_at(a, UINT64_MAX));
    cr_expect_eq(sl_arena_used(a), 0);
    sl_arena_destroy(a);
}

Test(arena, has_limits_to_its_size)
{
    cr_expect_null(sl_arena_create(0));
    cr_expect_null(sl_arena_create((UINT32_C(1) << 31) + 1));
    sl_arena_destroy(NULL);
}

/* What the kernel says of the mapping that holds `at`: its VmFlags. */
static void read_flags(const void *at, char *flags, size_t size)
{
    FILE *smaps = fopen("/proc/self/smaps", "r");
    char line[512];
    bool is_ours = false;

    cr_assert_not_null(smaps);
    flags[0] = '\0';
    while (fgets(line, sizeof(line), smaps) != NULL) {
        uintptr_t from, to;

        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2)
            is_ours = (uintptr_t)at >= from && (uintptr_t)at < to;
        if (is_ours && strncmp(line, "VmFlags:", 8) == 0)
            (void)snprintf(flags, size, "%s", line);
    }
    (void)fclose(smaps);
    cr_assert_neq(flags[0], '\0');
}

Test(arena, stays_out_of_core_dumps_and_of_swap)
{
    struct sl_arena *a = sl_arena_create(64);
    char flags[512];

    read_flags(sl_arena_at(a, sl_arena_take(a)), flags, sizeof(flags));
    cr_expect_not_null(strstr(flags, " dd"), "MADV_DONTDUMP: %s", flags);
    cr_expect_not_null(strstr(flags, " wf"), "MADV_WIPEONFORK: %s", flags);
    cr_expect_eq(strstr(flags, " lo") != NULL, sl_arena_is_locked(a), "%s", flags);
    cr_expect(sl_arena_is_locked(a), "one page is within any sensible limit");
    sl_arena_destroy(a);
}

Test(arena, works_unlocked_where_the_limit_forbids_locking)
{
    struct sl_arena *a;
    sl_secret s;

    /* Root is above the limit. */
    cr_assert_eq(setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){0, 0}), 0);
    cr_assert(geteuid() != 0 || setresuid(65534, 65534, 65534) == 0);
    a = sl_arena_create(64);
    cr_assert_not_null(a);
    cr_expect_not(sl_arena_is_locked(a));
    cr_expect_neq(s = sl_arena_take(a), 0);
    cr_expect(is_zero(sl_arena_at(a, s)));
    sl_arena_destroy(a);
}

Test(arena, locks_what_is_used_and_no_more)
{
    enum { SLOTS = 1 << 20, LIMIT_BYTES = 1 << 20 };
    struct sl_arena *a;
    uint32_t used = 0;

    cr_assert_eq(setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){LIMIT_BYTES, LIMIT_BYTES}), 0);
    cr_assert(geteuid() != 0 || setresuid(65534, 65534, 65534) == 0);
    a = sl_arena_create(SLOTS);
    cr_assert_not_null(a);
    cr_expect(sl_arena_is_locked(a), "64 MiB are not locked before they are used");
    while (used < SLOTS && sl_arena_is_locked(a)) {
        cr_assert_neq(sl_arena_take(a), 0);
        used++;
    }
    cr_expect_gt(used, LIMIT_BYTES / SL_SECRET_BYTES / 2);
    cr_expect_leq(used, LIMIT_BYTES / SL_SECRET_BYTES + 1, "%u slots", used);
    cr_expect_neq(sl_arena_take(a), 0, "the limit does not end the service");
    cr_expect_not(sl_arena_is_locked(a));
    sl_arena_destroy(a);
}

Test(arena, a_child_sees_zeroes)
{
    struct sl_arena *a = sl_arena_create(64);
    const sl_secret s = sl_arena_take(a);
    int status;
    pid_t child;

    memset(sl_arena_at(a, s), 0x5a, SL_SECRET_BYTES);
    child = fork();
    if (child == 0)
        _exit(is_zero(sl_arena_at(a, s)) ? 0 : 1);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    cr_expect_eq(sl_arena_at(a, s)[0], 0x5a, "the parent keeps its secret");
    sl_arena_destroy(a);
}

Test(arena, touches_no_page_before_its_use)
{
    enum { SLOTS = 1 << 20, HUGE_PAGE_BYTES = 2 << 20 };
    const size_t size = (size_t)SLOTS * SL_SECRET_BYTES, page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *resident = malloc(size / page);
    struct sl_arena *a = sl_arena_create(SLOTS);
    uint8_t *first;
    size_t touched = 0;

    cr_assert_not_null(a);
    first = sl_arena_at(a, sl_arena_take(a));
    memset(first, 1, SL_SECRET_BYTES);
    cr_assert_eq((uintptr_t)first % page, 0, "the first slot begins the pages");
    cr_assert_eq(mincore(first, size, resident), 0);
    for (size_t i = 0; i < size / page; i++)
        touched += resident[i] & 1;
    cr_expect_geq(touched, 1);
    cr_expect_leq(touched * page, HUGE_PAGE_BYTES, "%zu pages", touched);
    free(resident);
    sl_arena_destroy(a);
}
