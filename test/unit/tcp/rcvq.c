/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/rcvq.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/invariant.h"
#include "mbufs/mbufs.h"

enum { MBUFS = 2047, RANGES = 64 };

static struct rte_mempool *pool, *clones, *small; /* `small`: for packing */

static void setup(void)
{
    test_eal();
    pool = test_pool("rcvq", MBUFS);
    small = test_pool("rcvq-small", MBUFS);
    clones = rte_pktmbuf_pool_create("rcvq-clones", MBUFS, 0, 0, 0, SOCKET_ID_ANY);
    cr_assert_not_null(clones);
}

static void nothing_leaked(void)
{
    test_pool_whole(pool);
    test_pool_whole(small);
    test_pool_whole(clones);
}

TestSuite(rcvq, .init = setup, .fini = nothing_leaked);

static struct sl_rcvq queue(uint32_t max_ranges)
{
    struct sl_rcvq q;

    sl_rcvq_init(&q, max_ranges);
    return q;
}

/* Over an exact-size buffer of its own: can never be grown. */
static struct rte_mbuf *text(const char *s)
{
    return test_mbuf(pool, s, strlen(s), 0, 0);
}

/* As a port receives it: direct, with room behind. */
static struct rte_mbuf *received(const char *s)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

    memcpy(rte_pktmbuf_append(m, (uint16_t)strlen(s)), s, strlen(s));
    return m;
}

static enum sl_drop insert(struct sl_rcvq *q, sl_seq seq, const char *s, bool copies)
{
    return sl_rcvq_insert(q, seq, text(s), copies, NULL);
}

/* "3:abc 9:d/x 10:e": each range's place, bytes, and its second copy. */
static bool holds(const struct sl_rcvq *q, sl_seq base, const char *expected)
{
    char *said = NULL;
    size_t n;
    FILE *f = open_memstream(&said, &n);
    uint32_t bytes = 0, copies = 0;

    for (uint32_t i = 0; i < q->n; i++) {
        const struct sl_rcv_range *r = sl_rcvq_at(q, i);

        fprintf(f, "%s%u:%.*s", i > 0 ? " " : "", r->seq - base, (int)r->len,
                rte_pktmbuf_mtod_offset(r->m, const char *, r->off));
        if (r->copy != NULL)
            fprintf(f, "/%.*s", (int)r->len,
                    rte_pktmbuf_mtod_offset(r->copy, const char *, r->copy_off));
        bytes += r->len;
        copies += r->copy != NULL;
    }
    fclose(f);

    const bool same = strcmp(said, expected) == 0 && bytes == q->bytes && copies == q->copies;

    if (!same)
        cr_log_error("holds %s", said);
    free(said);
    return same;
}

Test(rcvq, data_in_order_is_one_range_a_segment)
{
    struct sl_rcvq q = queue(RANGES);

    cr_expect_eq(insert(&q, 0xfffffffe, "abcd", false), SL_DROP_NONE);
    cr_expect_eq(insert(&q, 2, "efg", false), SL_DROP_NONE);
    cr_expect(holds(&q, 0xfffffffe, "0:abcd 4:efg"));
    cr_expect_eq(sl_rcvq_contiguous(&q, 0xfffffffe), 7);
    cr_expect_eq(sl_rcvq_contiguous(&q, 1), 4);
    cr_expect_eq(sl_rcvq_contiguous(&q, 5), 0);
    cr_expect_eq(sl_rcvq_contiguous(&q, 0xfffffffd), 0);
    sl_rcvq_fini(&q);
}

Test(rcvq, chains_are_taken_apart)
{
    struct sl_rcvq q = queue(RANGES);
    struct rte_mbuf *m = text("");

    rte_pktmbuf_chain(m, text("ab"));
    rte_pktmbuf_chain(m, text(""));
    rte_pktmbuf_chain(m, text("c"));
    cr_expect_eq(sl_rcvq_insert(&q, 5, m, false, NULL), SL_DROP_NONE);
    cr_expect(holds(&q, 0, "5:ab 7:c"));
    cr_expect_eq(sl_rcvq_at(&q, 0)->m->nb_segs, 1);
    cr_expect_null(sl_rcvq_at(&q, 0)->m->next);
    cr_expect_eq(insert(&q, 3, "", false), SL_DROP_TCP_DUPLICATE);
    sl_rcvq_fini(&q);
    cr_expect_null(q.ranges, "an empty queue holds no memory");
}

Test(rcvq, the_first_copy_stands) /* D43 */
{
    struct sl_rcvq q = queue(RANGES);

    cr_expect_eq(insert(&q, 10, "abcd", false), SL_DROP_NONE);
    cr_expect_eq(insert(&q, 10, "ABCD", false), SL_DROP_TCP_DUPLICATE);
    cr_expect_eq(insert(&q, 11, "BC", false), SL_DROP_TCP_DUPLICATE);
    cr_expect_eq(insert(&q, 8, "XYABCDEF", false), SL_DROP_NONE);
    cr_expect(holds(&q, 0, "8:XY 10:abcd 14:EF"));
    sl_rcvq_fini(&q);
}

Test(rcvq, new_bytes_fill_only_the_gaps)
{
    struct sl_rcvq q = queue(RANGES);

    insert(&q, 2, "b", false);
    insert(&q, 6, "ff", false);
    insert(&q, 4, "d", false);
    cr_expect(holds(&q, 0, "2:b 4:d 6:ff"));
    cr_expect_eq(insert(&q, 1, "ABCDEFGHI", false), SL_DROP_NONE);
    cr_expect(holds(&q, 0, "1:A 2:b 3:C 4:d 5:E 6:ff 8:HI"));
    cr_expect_eq(rte_mbuf_refcnt_read(sl_rcvq_at(&q, 0)->m), 4, "one mbuf behind four ranges");
    cr_expect_eq(sl_rcvq_contiguous(&q, 1), 9);
    sl_rcvq_fini(&q);
}

Test(rcvq, contiguous_stops_at_a_hole)
{
    struct sl_rcvq q = queue(RANGES);

    insert(&q, 0, "ab", false);
    insert(&q, 2, "cd", false);
    insert(&q, 5, "fg", false);
    insert(&q, 7, "h", false);
    cr_expect_eq(sl_rcvq_contiguous(&q, 0), 4);
    cr_expect_eq(sl_rcvq_contiguous(&q, 3), 1);
    cr_expect_eq(sl_rcvq_contiguous(&q, 4), 0);
    cr_expect_eq(sl_rcvq_contiguous(&q, 5), 3);
    cr_expect_eq(sl_rcvq_find(&q, 4), 2, "the first one behind");
    cr_expect_eq(sl_rcvq_find(&q, 3), 1);
    cr_expect_eq(sl_rcvq_find(&q, 8), q.n);
    sl_rcvq_fini(&q);
}

Test(rcvq, another_copy_is_kept_beside_the_first) /* A14 a */
{
    struct sl_rcvq q = queue(RANGES);
    struct sl_range out[8];
    uint32_t covered, n_copies;

    insert(&q, 0, "abcdefgh", true);
    cr_expect_eq(insert(&q, 2, "cXe", true), SL_DROP_NONE);
    cr_expect(holds(&q, 0, "0:ab 2:cde/cXe 5:fgh"));
    cr_expect_eq(insert(&q, 2, "cXe", true), SL_DROP_TCP_DUPLICATE, "known already");
    cr_expect_eq(insert(&q, 2, "cde", true), SL_DROP_TCP_DUPLICATE, "the first one's bytes");
    cr_expect_eq(insert(&q, 2, "cYe", true), SL_DROP_CRYPT_COPY, "a third");
    cr_expect_eq(insert(&q, 3, "Y", true), SL_DROP_CRYPT_COPY, "also in part");
    cr_expect_eq(insert(&q, 3, "X", true), SL_DROP_TCP_DUPLICATE);
    cr_expect(holds(&q, 0, "0:ab 2:cde/cXe 5:fgh"));

    cr_expect_eq(sl_rcvq_gather(&q, 1, 6, 0, out, 8, &covered, &n_copies), 3);
    cr_expect_eq(covered, 6);
    cr_expect_eq(n_copies, 1);
    cr_expect_eq(memcmp(out[1].at, "cde", 3), 0);
    cr_expect_eq(sl_rcvq_gather(&q, 1, 6, 1, out, 8, &covered, &n_copies), 3);
    cr_expect_eq(memcmp(out[1].at, "cXe", 3), 0);
    cr_expect_eq(memcmp(out[2].at, "fg", 2), 0);
    cr_expect_eq(out[2].len, 2);
    sl_rcvq_fini(&q);
}

Test(rcvq, a_choice_takes_the_kth_of_two)
{
    struct sl_rcvq q = queue(RANGES);
    struct sl_range out[8];
    uint32_t covered, n_copies;

    insert(&q, 0, "ab", true);
    insert(&q, 2, "cd", true);
    insert(&q, 4, "ef", true);
    insert(&q, 0, "AB", true);
    insert(&q, 4, "EF", true);
    cr_expect(holds(&q, 0, "0:ab/AB 2:cd 4:ef/EF"));
    cr_expect_eq(sl_rcvq_gather(&q, 0, 99, 2, out, 8, &covered, &n_copies), 3);
    cr_expect_eq(covered, 6);
    cr_expect_eq(n_copies, 2);
    cr_expect(out[0].at[0] == 'a' && out[1].at[0] == 'c' && out[2].at[0] == 'E');
    cr_expect_eq(sl_rcvq_gather(&q, 3, 2, 1, out, 8, &covered, &n_copies), 2);
    cr_expect_eq(n_copies, 1, "counted from where one reads");
    cr_expect(out[0].at[0] == 'd' && out[1].at[0] == 'E' && out[1].len == 1);
    cr_expect_eq(sl_rcvq_gather(&q, 0, 6, 0, out, 2, &covered, &n_copies), 2);
    cr_expect_eq(covered, 4, "what two ranges hold");
    cr_expect_eq(sl_rcvq_gather(&q, 9, 6, 0, out, 2, &covered, &n_copies), 0);
    cr_expect_eq(covered, 0);
    sl_rcvq_fini(&q);
}

Test(rcvq, copies_are_counted_where_they_lie)
{
    struct sl_rcvq q = queue(RANGES);

    cr_expect_eq(sl_rcvq_copies(&q, 0, 100), 0);
    insert(&q, 10, "aaaa", true);
    insert(&q, 14, "bbbb", true);
    insert(&q, 18, "cccc", true);
    insert(&q, 10, "AAAA", true);
    insert(&q, 18, "CCCC", true);
    cr_expect_eq(sl_rcvq_copies(&q, 10, 12), 2);
    cr_expect_eq(sl_rcvq_copies(&q, 10, 8), 1, "the third range is not reached");
    cr_expect_eq(sl_rcvq_copies(&q, 13, 6), 2, "a byte of a range is enough");
    cr_expect_eq(sl_rcvq_copies(&q, 14, 4), 0, "the middle one came once");
    cr_expect_eq(sl_rcvq_copies(&q, 22, 100), 0);
    sl_rcvq_fini(&q);
}

Test(rcvq, knows_what_it_holds_in_either_copy)
{
    static const struct {
        sl_seq seq;
        const char *bytes;
        sl_seq from, to;
        bool known;
    } cases[] = {
        {10, "aaaabbbb", 0, 100, true}, {10, "AAAAbbbb", 0, 100, true}, {12, "aab", 0, 100, true},
        {12, "AAb", 0, 100, true},      {10, "aaAA", 0, 100, false},    {14, "bxbb", 0, 100, false},
        {8, "xxaa", 10, 100, true},     {8, "xxaa", 9, 100, false},     {16, "bbcc", 0, 18, true},
        {16, "bbcc", 0, 19, false},     {30, "never", 40, 50, true},
    };
    struct sl_rcvq q = queue(RANGES);

    insert(&q, 10, "aaaa", true);
    insert(&q, 14, "bbbb", true);
    insert(&q, 10, "AAAA", true);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rte_mbuf *m = text(cases[i].bytes);

        cr_expect_eq(sl_rcvq_knows(&q, cases[i].seq, m, cases[i].from, cases[i].to), cases[i].known,
                     "%s at %u", cases[i].bytes, cases[i].seq);
        rte_pktmbuf_free(m);
    }
    for (int i = 0; i < 2; i++) {
        struct rte_mbuf *m = text("aaaa");

        cr_assert_eq(rte_pktmbuf_chain(m, text(i == 0 ? "bbbb" : "bbxb")), 0);
        cr_expect_eq(sl_rcvq_knows(&q, 10, m, 0, 100), i == 0, "a chain");
        rte_pktmbuf_free(m);
    }
    sl_rcvq_fini(&q);
}

Test(rcvq, a_choice_reaches_no_further_than_its_32_bits)
{
    struct sl_rcvq q = queue(RANGES);
    struct sl_range out[40];
    uint32_t covered, n_copies;

    for (uint32_t i = 0; i < 40; i++) {
        insert(&q, i, "a", true);
        insert(&q, i, "A", true);
    }
    cr_expect_eq(sl_rcvq_gather(&q, 0, 40, UINT32_MAX, out, 40, &covered, &n_copies), 40);
    cr_expect_eq(n_copies, 40);
    for (uint32_t i = 0; i < 40; i++)
        cr_expect_eq(*out[i].at, i < 32 ? 'A' : 'a', "range %u", i);
    sl_rcvq_fini(&q);
}

Test(rcvq, a_copy_counts_only_where_copies_are_wanted)
{
    struct sl_rcvq q = queue(RANGES);

    insert(&q, 0, "ab", false);
    cr_expect_eq(insert(&q, 0, "XY", false), SL_DROP_TCP_DUPLICATE);
    cr_expect_eq(q.copies, 0);
    cr_expect_eq(insert(&q, 1, "YZ", true), SL_DROP_NONE);
    cr_expect(holds(&q, 0, "0:a 1:b/Y 2:Z"));
    sl_rcvq_fini(&q);
}

Test(rcvq, a_refused_part_does_not_keep_out_the_rest)
{
    struct sl_rcvq q = queue(RANGES);

    insert(&q, 2, "c", true);
    insert(&q, 2, "X", true);
    cr_expect_eq(insert(&q, 0, "abYd", true), SL_DROP_CRYPT_COPY);
    cr_expect(holds(&q, 0, "0:ab 2:c/X 3:d"));
    sl_rcvq_fini(&q);
}

Test(rcvq, single_bytes_are_packed_together)
{
    struct sl_rcvq q = queue(RANGES);

    for (uint32_t i = 0; i < 1000; i++)
        cr_assert_eq(sl_rcvq_insert(&q, 0xffffff00 + i, received("x"), true, small), SL_DROP_NONE);
    cr_expect_eq(q.n, 1);
    cr_expect_eq(q.bytes, 1000);
    cr_expect_eq(rte_mempool_avail_count(pool), MBUFS - 1, "in the first one's mbuf");
    cr_expect_eq(rte_mempool_avail_count(small), MBUFS);
    sl_rcvq_fini(&q);
    /* Where the first one cannot grow they move to one that can. */
    for (uint32_t i = 0; i < 1000; i++)
        cr_assert_eq(sl_rcvq_insert(&q, i, text("x"), true, small), SL_DROP_NONE);
    cr_expect_eq(q.n, 1);
    cr_expect_eq(rte_mempool_avail_count(pool), MBUFS);
    cr_expect_eq(rte_mempool_avail_count(small), MBUFS - 1);
    sl_rcvq_fini(&q);
}

Test(rcvq, a_full_mbuf_is_followed_by_the_next)
{
    struct sl_rcvq q = queue(RANGES);
    char s[257] = {0};

    memset(s, 'x', 256);
    for (uint32_t i = 0; i < 16; i++)
        cr_assert_eq(sl_rcvq_insert(&q, i * 256, text(s), true, small), SL_DROP_NONE);
    cr_expect_eq(q.n, 2);
    cr_expect_eq(sl_rcvq_contiguous(&q, 0), 4096);
    sl_rcvq_fini(&q);
}

Test(rcvq, nothing_is_packed_into_what_others_hold_or_behind_two_copies)
{
    struct sl_rcvq q = queue(RANGES);
    struct rte_mbuf *shared = received("ab"), *part = rte_pktmbuf_alloc(clones);
    struct rte_mbuf *held = received("gh");

    rte_mbuf_refcnt_update(shared, 1);
    sl_rcvq_insert(&q, 0, shared, true, NULL);
    sl_rcvq_insert(&q, 2, received("c"), true, NULL);
    cr_expect(holds(&q, 0, "0:ab 2:c"));
    cr_expect_eq(shared->data_len, 2);
    rte_pktmbuf_free(shared);
    sl_rcvq_insert(&q, 3, received("d"), true, NULL);
    cr_expect(holds(&q, 0, "0:ab 2:cd"), "behind one of ours");
    insert(&q, 2, "CD", true);
    sl_rcvq_insert(&q, 4, received("e"), true, NULL);
    cr_expect(holds(&q, 0, "0:ab 2:cd/CD 4:e"));
    rte_pktmbuf_attach(part, held);
    sl_rcvq_insert(&q, 6, part, true, NULL);
    sl_rcvq_insert(&q, 8, received("i"), true, NULL);
    cr_expect(holds(&q, 0, "0:ab 2:cd/CD 4:e 6:gh 8:i"));
    cr_expect_eq(held->data_len, 2);
    rte_pktmbuf_free(held);
    sl_rcvq_fini(&q);
}

Test(rcvq, nothing_is_packed_behind_bytes_that_were_cut_off)
{
    struct sl_rcvq q = queue(RANGES);

    sl_rcvq_insert(&q, 0, received("abcd"), true, small);
    cr_expect_eq(sl_rcvq_drop(&q, 2, 2), 2);
    sl_rcvq_insert(&q, 2, received("CD"), true, small);
    cr_expect(holds(&q, 0, "0:ab 2:CD"));
    sl_rcvq_fini(&q);
}

Test(rcvq, a_large_piece_is_never_copied)
{
    struct sl_rcvq q = queue(RANGES);
    char s[258] = {0};
    struct rte_mbuf *m;

    memset(s, 'x', 257);
    sl_rcvq_insert(&q, 0, received("ab"), true, small);
    m = text(s);
    sl_rcvq_insert(&q, 2, m, true, small);
    cr_expect_eq(q.n, 2);
    cr_expect_eq(sl_rcvq_at(&q, 1)->m, m);
    sl_rcvq_fini(&q);
}

Test(rcvq, without_an_mbuf_to_pack_into_a_piece_stays_where_it_is)
{
    struct sl_rcvq q = queue(RANGES);
    struct rte_mbuf **all = calloc(MBUFS, sizeof(*all)), *m = text("a");

    cr_assert_eq(rte_pktmbuf_alloc_bulk(small, all, MBUFS), 0);
    cr_expect_eq(sl_rcvq_insert(&q, 0, m, true, small), SL_DROP_NONE);
    cr_expect_eq(sl_rcvq_at(&q, 0)->m, m);
    rte_pktmbuf_free_bulk(all, MBUFS);
    m = text("b");
    cr_expect_eq(sl_rcvq_insert(&q, 1, m, true, clones), SL_DROP_NONE, "no room in its mbufs");
    cr_expect_eq(sl_rcvq_at(&q, 1)->m, m);
    sl_rcvq_fini(&q);
    free(all);
}

Test(rcvq, ranges_are_bounded_and_the_farthest_makes_way) /* trap 24 */
{
    struct sl_rcvq q = queue(3);

    insert(&q, 2, "c", false);
    insert(&q, 4, "e", false);
    insert(&q, 6, "g", false);
    cr_expect_eq(insert(&q, 8, "i", false), SL_DROP_TCP_RCV_RANGES);
    cr_expect(holds(&q, 0, "2:c 4:e 6:g"));
    cr_expect_eq(insert(&q, 0, "ab", false), SL_DROP_TCP_RCV_RANGES, "6 was lost for it");
    cr_expect(holds(&q, 0, "0:ab 2:c 4:e"));
    cr_expect_eq(insert(&q, 3, "DEF", false), SL_DROP_TCP_RCV_RANGES);
    cr_expect(holds(&q, 0, "0:ab 2:c 3:DEF"), "what comes first is kept");
    sl_rcvq_fini(&q);
}

Test(rcvq, a_copy_beyond_the_bound_is_refused_and_loses_nothing)
{
    struct sl_rcvq q = queue(2);

    insert(&q, 0, "abcd", true);
    insert(&q, 8, "i", true);
    cr_expect_eq(insert(&q, 1, "X", true), SL_DROP_TCP_RCV_RANGES);
    cr_expect(holds(&q, 0, "0:abcd 8:i"));
    cr_expect_eq(insert(&q, 0, "XXXX", true), SL_DROP_NONE);
    cr_expect(holds(&q, 0, "0:abcd/XXXX 8:i"));
    sl_rcvq_fini(&q);
}

Test(rcvq, consume_forgets_up_to_the_middle_of_a_range)
{
    struct sl_rcvq q = queue(RANGES);

    insert(&q, 0xffffffff, "abc", true);
    insert(&q, 2, "def", true);
    insert(&q, 2, "DEF", true);
    insert(&q, 9, "j", true);
    sl_rcvq_consume(&q, 3);
    cr_expect(holds(&q, 0, "3:ef/EF 9:j"));
    sl_rcvq_consume(&q, 1);
    cr_expect(holds(&q, 0, "3:ef/EF 9:j"), "nothing below");
    sl_rcvq_consume(&q, 7);
    cr_expect(holds(&q, 0, "9:j"));
    sl_rcvq_consume(&q, 10);
    cr_expect(holds(&q, 0, ""));
    cr_expect_null(q.ranges);
}

Test(rcvq, the_front_is_taken_without_moving_the_rest)
{
    struct sl_rcvq q = queue(1 << 20);
    uint32_t most = 0;

    /* 100 segments held at any time, 10,000 over all. */
    for (uint32_t i = 0; i < 10000; i++) {
        cr_assert_eq(sl_rcvq_insert(&q, i * 4, text("abcd"), true, NULL), SL_DROP_NONE);
        if (i >= 100)
            sl_rcvq_consume(&q, (i - 99) * 4);
        most = q.room > most ? q.room : most;
    }
    cr_expect_eq(q.n, 100);
    cr_expect_leq(most, 256, "%u places for 101 ranges", most);
    sl_rcvq_fini(&q);
}

Test(rcvq, drop_forgets_both_copies_and_cuts_at_the_edges) /* R75 */
{
    struct sl_rcvq q = queue(RANGES);

    insert(&q, 0, "abc", true);
    insert(&q, 3, "def", true);
    insert(&q, 0, "ABCDEF", true);
    insert(&q, 8, "ij", true);
    cr_expect_eq(sl_rcvq_drop(&q, 2, 7), 5);
    cr_expect(holds(&q, 0, "0:ab/AB 9:j"));
    cr_expect_eq(sl_rcvq_drop(&q, 2, 7), 0);
    cr_expect_eq(sl_rcvq_drop(&q, 0, 0), 0);
    cr_expect(holds(&q, 0, "0:ab/AB 9:j"));
    cr_expect_eq(sl_rcvq_drop(&q, 0, 10), 3);
    cr_expect_null(q.ranges);
}

Test(rcvq, drop_leaves_a_range_in_two)
{
    struct sl_rcvq q = queue(2);

    insert(&q, 0, "abcdef", true);
    insert(&q, 0, "ABCDEF", true);
    cr_expect_eq(sl_rcvq_drop(&q, 2, 1), 1);
    cr_expect(holds(&q, 0, "0:ab/AB 3:def/DEF"));
    cr_expect_eq(sl_rcvq_drop(&q, 4, 1), 1);
    cr_expect(holds(&q, 0, "0:ab/AB 3:d/D"), "at the bound the rest goes too");
    sl_rcvq_fini(&q);
}

Test(rcvq, take_trims_in_place_what_is_ours_alone)
{
    struct sl_rcvq q = queue(RANGES);
    struct rte_mbuf *m = text("abcdef"), *taken;

    sl_rcvq_insert(&q, 10, m, false, NULL);
    cr_expect_null(sl_rcvq_take(&q, 9));
    cr_expect_null(sl_rcvq_take(&q, 11));
    sl_rcvq_consume(&q, 12);
    taken = sl_rcvq_take(&q, 12);
    cr_expect_eq(taken, m);
    cr_expect_eq(m->pkt_len, 4);
    cr_expect_eq(m->data_len, 4);
    cr_expect_eq(memcmp(rte_pktmbuf_mtod(m, char *), "cdef", 4), 0);
    rte_pktmbuf_free(taken);
    cr_expect_null(sl_rcvq_take(&q, 16));
    cr_expect_null(q.ranges);
    cr_expect_eq(q.bytes, 0);
}

Test(rcvq, take_copies_what_backs_another_range)
{
    struct sl_rcvq q = queue(RANGES);
    struct rte_mbuf *m = received("abcde"), *first, *last;

    insert(&q, 2, "X", false);
    sl_rcvq_insert(&q, 0, m, false, NULL);
    cr_expect(holds(&q, 0, "0:ab 2:X 3:de"));
    first = sl_rcvq_take(&q, 0);
    cr_assert_not_null(first);
    cr_expect_neq(first, m);
    cr_expect_eq(first->data_len, 2);
    cr_expect_eq(memcmp(rte_pktmbuf_mtod(first, char *), "ab", 2), 0);
    cr_expect_eq(m->data_len, 5, "the shared one is as it was");
    rte_pktmbuf_free(first);
    rte_pktmbuf_free(sl_rcvq_take(&q, 2));
    last = sl_rcvq_take(&q, 3);
    cr_expect_eq(last, m, "its last user gets it");
    cr_expect_eq(memcmp(rte_pktmbuf_mtod(last, char *), "de", 2), 0);
    rte_pktmbuf_free(last);
}

Test(rcvq, take_of_a_shared_indirect_mbuf_points_at_the_same_buffer)
{
    struct sl_rcvq q = queue(RANGES);
    struct rte_mbuf *held = received("abcde"), *part = rte_pktmbuf_alloc(clones), *taken;

    rte_pktmbuf_attach(part, held);
    insert(&q, 2, "X", false);
    sl_rcvq_insert(&q, 0, part, false, NULL);
    taken = sl_rcvq_take(&q, 0);
    cr_assert_not_null(taken, "its pool has no room for a copy");
    cr_expect_eq(taken->data_len, 2);
    cr_expect_eq(taken->pkt_len, 2);
    cr_expect_eq(rte_pktmbuf_mtod(taken, char *), rte_pktmbuf_mtod(held, char *));
    rte_pktmbuf_free(taken);
    rte_pktmbuf_free(held);
    sl_rcvq_fini(&q);
}

Test(rcvq, take_waits_where_a_copy_finds_no_mbuf)
{
    struct sl_rcvq q = queue(RANGES);
    struct rte_mbuf **all = calloc(MBUFS, sizeof(*all)), *taken;
    unsigned n;

    insert(&q, 2, "X", false);
    insert(&q, 0, "abcde", false);
    n = rte_mempool_avail_count(pool);
    cr_assert_eq(rte_pktmbuf_alloc_bulk(pool, all, n), 0);
    cr_expect_null(sl_rcvq_take(&q, 0));
    cr_expect(holds(&q, 0, "0:ab 2:X 3:de"));
    rte_pktmbuf_free_bulk(all, n);
    taken = sl_rcvq_take(&q, 0);
    cr_expect_not_null(taken);
    rte_pktmbuf_free(taken);
    sl_rcvq_fini(&q);
    free(all);
}

Test(rcvq, take_lets_go_of_the_second_copy)
{
    struct sl_rcvq q = queue(RANGES);

    insert(&q, 0, "ab", true);
    insert(&q, 0, "AB", true);
    rte_pktmbuf_free(sl_rcvq_take(&q, 0));
    cr_expect_eq(q.copies, 0);
    cr_expect_eq(q.n, 0);
}

#ifdef SL_CHECKED
Test(rcvq, without_memory_the_segment_is_refused)
{
    struct sl_rcvq q = queue(RANGES);

    sl_fault_arm("rcvq_ranges", 1);
    cr_expect_eq(insert(&q, 0, "ab", true), SL_DROP_TCP_NO_MEMORY);
    sl_fault_arm("rcvq_ranges", 0);
    cr_expect_eq(q.n, 0);
    cr_expect_eq(insert(&q, 0, "ab", true), SL_DROP_NONE);
    sl_rcvq_fini(&q);
}
#endif

/*
 * A model: what each byte of the stream should be. The queue's own ranges, checked for being
 * sorted and true to the bytes, say where a second copy may begin and end.
 */
enum { SPAN = 1 << 16, AHEAD = 9000, NONE = -1 };

struct model {
    struct sl_rcvq q;
    sl_seq base;
    uint32_t front; /* everything below was consumed */
    bool keep_copies;
    int16_t first[SPAN], second[SPAN];
};

static uint8_t genuine(uint32_t at)
{
    return (uint8_t)(at * 31 ^ at >> 8);
}

static void same(int16_t is, int16_t should_be, uint32_t at)
{
    if (is != should_be)
        cr_assert_fail("byte %u is %d, not %d", at, is, should_be);
}

static void check(const struct model *m)
{
    const struct sl_rcvq *q = &m->q;
    uint32_t at = m->front, bytes = 0, copies = 0;

    cr_assert_leq(q->n, q->max_ranges);
    for (uint32_t i = 0; i < q->n; i++) {
        const struct sl_rcv_range *r = sl_rcvq_at(q, i);
        const uint8_t *first = rte_pktmbuf_mtod_offset(r->m, uint8_t *, r->off), *second = NULL;
        const uint32_t from = r->seq - m->base;

        cr_assert(from >= at && r->len > 0 && from + r->len <= SPAN, "sorted and disjoint");
        cr_assert_leq(r->off + r->len, r->m->data_len);
        cr_assert(r->copy == NULL || r->copy_off + r->len <= r->copy->data_len);
        if (r->copy != NULL)
            second = rte_pktmbuf_mtod_offset(r->copy, uint8_t *, r->copy_off);
        for (; at < from; at++)
            same(NONE, m->first[at], at);
        for (uint32_t k = 0; k < r->len; k++, at++) {
            same(first[k], m->first[at], at);
            same(second == NULL ? NONE : second[k], m->second[at], at);
        }
        bytes += r->len;
        copies += second != NULL;
    }
    for (; at < m->front + AHEAD + 4000 && at < SPAN; at++)
        same(NONE, m->first[at], at);
    cr_assert_eq(q->bytes, bytes);
    cr_assert_eq(q->copies, copies);
    cr_assert((q->ranges == NULL) == (q->n == 0));
}

/* References: each mbuf is counted as often as ranges name it. */
static void check_references(const struct sl_rcvq *q)
{
    for (uint32_t i = 0; i < q->n; i++) {
        const struct rte_mbuf *m = sl_rcvq_at(q, i)->m;
        unsigned n = 0;

        for (uint32_t k = 0; k < q->n; k++)
            n += (sl_rcvq_at(q, k)->m == m) + (sl_rcvq_at(q, k)->copy == m);
        cr_assert_eq(rte_mbuf_refcnt_read(m), n);
    }
}

static struct rte_mbuf *one_mbuf(const uint8_t *bytes, uint32_t n)
{
    struct rte_mbuf *m, *part;

    if (n > 2000 || rand() % 3 == 0)
        return test_mbuf(pool, bytes, n, (size_t)rand() % 3, 0);
    m = rte_pktmbuf_alloc(pool);
    memcpy(rte_pktmbuf_append(m, (uint16_t)n), bytes, n);
    if (rand() % 2 == 0)
        return m;
    part = rte_pktmbuf_alloc(clones);
    rte_pktmbuf_attach(part, m);
    rte_pktmbuf_free(m);
    return part;
}

static struct rte_mbuf *chain(const uint8_t *bytes, uint32_t len)
{
    struct rte_mbuf *m = NULL;

    do {
        const uint32_t n = rand() % 3 == 0 ? (uint32_t)rand() % (len + 1) : len;
        struct rte_mbuf *next = one_mbuf(bytes, n);

        if (m == NULL)
            m = next;
        else
            rte_pktmbuf_chain(m, next);
        bytes += n;
        len -= n;
    } while (len > 0);
    return m;
}

/* What the segment [at, at + n) does to the model; sets what was kept and what was refused. */
static void model_segment(struct model *m, const struct sl_rcvq *before, uint32_t at,
                          const uint8_t *bytes, uint32_t n, bool *kept, bool *refused)
{
    for (uint32_t i = 0; m->keep_copies && i < before->n; i++) {
        const struct sl_rcv_range *r = &before->ranges[i];
        const uint32_t from = RTE_MAX(r->seq - m->base, at);
        const uint32_t to = RTE_MIN(r->seq - m->base + r->len, at + n);
        bool as_first = true, as_second = true;

        for (uint32_t k = from; k < to; k++) {
            as_first = as_first && bytes[k - at] == m->first[k];
            as_second = as_second && bytes[k - at] == m->second[k];
        }
        if (from >= to || as_first || as_second)
            continue;
        if (r->copy != NULL) {
            *refused = true;
            continue;
        }
        for (uint32_t k = from; k < to; k++)
            m->second[k] = bytes[k - at];
        *kept = true;
    }
    for (uint32_t k = 0; k < n; k++) {
        if (m->first[at + k] != NONE)
            continue;
        m->first[at + k] = bytes[k];
        *kept = true;
    }
}

static void insert_somewhere(struct model *m)
{
    const uint32_t at = m->front + (uint32_t)rand() % (rand() % 2 == 0 ? AHEAD : 1500);
    const uint32_t len = 1 + (uint32_t)rand() % (rand() % 2 == 0 ? 3000 : 30);
    struct sl_rcvq before = m->q; /* ranges as they were, for the model */
    uint8_t bytes[3000];
    struct rte_mbuf *mbuf, *seg;
    bool kept = false, refused = false;
    uint32_t done = 0;
    enum sl_drop drop;

    for (uint32_t k = 0; k < len; k++)
        bytes[k] = genuine(at + k);
    for (int forged = rand() % 3; forged > 0; forged--)
        bytes[(uint32_t)rand() % len] ^= (uint8_t)(1 << rand() % 2);
    mbuf = chain(bytes, len);
    before.ranges = calloc(m->q.n + 1, sizeof(before.ranges[0]));
    if (m->q.n > 0)
        memcpy(before.ranges, sl_rcvq_at(&m->q, 0), m->q.n * sizeof(before.ranges[0]));
    for (seg = mbuf; seg != NULL; done += seg->data_len, seg = seg->next)
        model_segment(m, &before, at + done, bytes + done, seg->data_len, &kept, &refused);
    free(before.ranges);
    drop =
        sl_rcvq_insert(&m->q, m->base + at, mbuf, m->keep_copies, rand() % 4 == 0 ? NULL : small);
    cr_assert_eq(drop, refused ? SL_DROP_CRYPT_COPY : kept ? SL_DROP_NONE : SL_DROP_TCP_DUPLICATE);
}

static uint32_t model_contiguous(const struct model *m, uint32_t at)
{
    uint32_t n = 0;

    while (at + n < SPAN && m->first[at + n] != NONE)
        n++;
    return n;
}

static void gather_somewhere(const struct model *m)
{
    const uint32_t at = m->front + (uint32_t)rand() % AHEAD, len = (uint32_t)rand() % 3000;
    const uint32_t choice = rand() % 2 == 0 ? 0 : (uint32_t)rand(), max = 1 + (uint32_t)rand() % 40;
    const uint32_t run = model_contiguous(m, at);
    struct sl_range out[40];
    uint32_t covered, n_copies, k = 0, copies = 0, i, n;

    cr_assert_eq(sl_rcvq_contiguous(&m->q, m->base + at), run);
    n = sl_rcvq_gather(&m->q, m->base + at, len, choice, out, max, &covered, &n_copies);
    cr_assert(n <= max && (n == max || covered == RTE_MIN(run, len)));
    for (i = 0; i < n; i++) {
        const bool two = m->second[at + k] != NONE;
        const bool second = two && copies < 32 && (choice >> copies & 1) != 0;

        for (uint32_t b = 0; b < out[i].len; b++, k++)
            same(out[i].at[b], second ? m->second[at + k] : m->first[at + k], at + k);
        copies += two;
    }
    cr_assert_eq(k, covered);
    cr_assert_eq(copies, n_copies);
}

static void forget(struct model *m, uint32_t from, uint32_t to)
{
    for (; from < to; from++)
        m->first[from] = m->second[from] = NONE;
}

static void drop_somewhere(struct model *m)
{
    const uint32_t at = m->front + (uint32_t)rand() % AHEAD;
    const uint32_t len = (uint32_t)rand() % (rand() % 2 == 0 ? 3000 : 10);
    uint32_t held = 0;

    for (uint32_t k = at; k < at + len; k++)
        held += m->first[k] != NONE;
    cr_assert_eq(sl_rcvq_drop(&m->q, m->base + at, len), held);
    forget(m, at, at + len);
}

static void consume_some(struct model *m)
{
    const uint32_t to = m->front + (uint32_t)rand() % 700;

    sl_rcvq_consume(&m->q, m->base + to);
    forget(m, m->front, to);
    m->front = to;
}

static void take_first(struct model *m)
{
    struct rte_mbuf *mbuf = sl_rcvq_take(&m->q, m->base + m->front);

    cr_assert_eq(mbuf != NULL, m->first[m->front] != NONE);
    if (mbuf == NULL)
        return;
    cr_assert(mbuf->nb_segs == 1 && mbuf->data_len == mbuf->pkt_len && mbuf->data_len > 0);
    for (uint32_t k = 0; k < mbuf->data_len; k++)
        same(rte_pktmbuf_mtod(mbuf, uint8_t *)[k], m->first[m->front + k], m->front + k);
    forget(m, m->front, m->front + mbuf->data_len);
    m->front += mbuf->data_len;
    rte_pktmbuf_free(mbuf);
}

static struct model *model(uint32_t max_ranges, unsigned seed)
{
    struct model *m = malloc(sizeof(*m));

    srand(seed);
    sl_rcvq_init(&m->q, max_ranges);
    m->base = 0u - (uint32_t)rand() % SPAN; /* the wrap comes somewhere in the middle */
    m->front = 0;
    m->keep_copies = seed % 2 == 0;
    forget(m, 0, SPAN);
    return m;
}

Test(rcvq, does_what_the_model_does)
{
    for (unsigned seed = 1; seed <= 150; seed++) {
        struct model *m = model(1 << 20, seed);

        for (unsigned i = 0; i < 150 && m->front < SPAN - AHEAD - 4000; i++) {
            const int what = rand() % 16;

            if (what < 8)
                insert_somewhere(m);
            else if (what < 11)
                gather_somewhere(m);
            else if (what < 13)
                drop_somewhere(m);
            else if (what < 14)
                consume_some(m);
            else
                take_first(m);
            check(m);
            if (i % 16 == 0)
                check_references(&m->q);
        }
        sl_rcvq_fini(&m->q);
        free(m);
        cr_assert_eq(rte_mempool_avail_count(pool) + rte_mempool_avail_count(small) +
                         rte_mempool_avail_count(clones),
                     3 * MBUFS, "leak with seed %u", seed);
    }
}

/* At the bound bytes may go, but only with the reason told, and never to be replaced by others. */
static void follow(struct model *m, const uint8_t *bytes, uint32_t at, uint32_t len,
                   enum sl_drop drop)
{
    int16_t *now = malloc(sizeof(now[0]) * SPAN);

    memset(now, 0xff, sizeof(now[0]) * SPAN);
    for (uint32_t i = 0; i < m->q.n; i++) {
        const struct sl_rcv_range *r = sl_rcvq_at(&m->q, i);

        for (uint32_t k = 0; k < r->len; k++)
            now[r->seq - m->base + k] = rte_pktmbuf_mtod_offset(r->m, uint8_t *, r->off)[k];
    }
    for (uint32_t k = m->front; k < m->front + AHEAD + 4000; k++) {
        const bool inserted = k >= at && k < at + len;

        const bool right =
            now[k] == NONE ? drop == SL_DROP_TCP_RCV_RANGES || (m->first[k] == NONE && !inserted)
                           : now[k] == m->first[k] ||
                                 (inserted && now[k] == bytes[k - at] &&
                                  (m->first[k] == NONE || drop == SL_DROP_TCP_RCV_RANGES));

        if (!right)
            cr_assert_fail("byte %u is %d, was %d", k, now[k], m->first[k]);
    }
    memcpy(m->first, now, sizeof(m->first));
    free(now);
}

Test(rcvq, keeps_to_its_bound_whatever_comes) /* trap 24 */
{
    for (unsigned seed = 1; seed <= 40; seed++) {
        struct model *m = model(1 + seed % 20, seed);

        for (unsigned i = 0; i < 300 && m->front < SPAN - AHEAD - 4000; i++) {
            const uint32_t at = m->front + (uint32_t)rand() % AHEAD;
            const uint32_t len = 1 + (uint32_t)rand() % (rand() % 4 == 0 ? 3000 : 20);
            uint8_t bytes[3000];
            enum sl_drop drop;

            for (uint32_t k = 0; k < len; k++)
                bytes[k] = (uint8_t)rand();
            drop = sl_rcvq_insert(&m->q, m->base + at, chain(bytes, len), m->keep_copies, small);
            cr_assert_leq(m->q.n, m->q.max_ranges);
            follow(m, bytes, at, len, drop);
            if (rand() % 4 == 0)
                consume_some(m);
            check_references(&m->q);
        }
        sl_rcvq_fini(&m->q);
        free(m);
    }
}
