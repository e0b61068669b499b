/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/sndq.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/invariant.h"
#include "mbufs/mbufs.h"

enum { MBUFS = 1023 };

static struct rte_mempool *pool, *clones;

static void setup(void)
{
    test_eal();
    pool = test_pool("sndq", MBUFS);
    clones = rte_pktmbuf_pool_create("sndq-clones", MBUFS, 0, 0, 0, SOCKET_ID_ANY);
    cr_assert_not_null(clones);
}

static void nothing_leaked(void)
{
    test_pool_whole(pool);
    test_pool_whole(clones);
}

TestSuite(sndq, .init = setup, .fini = nothing_leaked);

static struct rte_mbuf *text(const char *s)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

    memcpy(rte_pktmbuf_append(m, (uint16_t)strlen(s)), s, strlen(s));
    return m;
}

static struct sl_sndq queue(uint32_t max_segs)
{
    struct sl_sndq q;

    sl_sndq_init(&q, max_segs);
    return q;
}

static struct sl_snd_seg *push(struct sl_sndq *q, const char *s)
{
    struct sl_snd_seg *seg = sl_sndq_push(q, text(s));

    cr_assert_not_null(seg);
    return seg;
}

/* Cut, seal and send the next segment as it is. */
static void send_next(struct sl_sndq *q, sl_seq seq)
{
    struct sl_snd_seg *seg = sl_sndq_at(q, q->n_cut);

    sl_sndq_cut(q, seq, seg->len, seg->data_len);
    seg->state = SL_SND_SEALED;
    sl_sndq_sent(q);
}

static bool holds(const struct sl_sndq *q, uint32_t i, const char *s)
{
    const struct rte_mbuf *m = sl_sndq_at(q, i)->m;

    return sl_sndq_at(q, i)->len == strlen(s) && m->data_len == strlen(s) &&
           m->pkt_len == strlen(s) && memcmp(rte_pktmbuf_mtod(m, char *), s, strlen(s)) == 0;
}

Test(sndq, a_pushed_segment_is_fresh)
{
    struct sl_sndq q = queue(64);
    struct sl_snd_seg *seg = push(&q, "abc");

    cr_expect_eq(seg->state, SL_SND_WRITTEN);
    cr_expect_eq(seg->len, 3);
    cr_expect_eq(seg->data_len, 3);
    cr_expect(!seg->psh && !seg->fin && !seg->lost && !seg->sacked && !seg->own);
    cr_expect_eq(seg->sent_ns, 0);
    cr_expect_eq(q.data_bytes, 3);
    cr_expect_eq(q.unsent_bytes, 3);
    seg = sl_sndq_push(&q, NULL);
    cr_expect_eq(seg->len, 0, "a FIN alone");
    cr_expect_eq(q.n, 2);
    sl_sndq_fini(&q);
    cr_expect_null(q.ring);
    cr_expect_eq(q.n, 0);
}

Test(sndq, runs_through_the_states)
{
    struct sl_sndq q = queue(64);

    push(&q, "abc");
    push(&q, "de");
    sl_sndq_cut(&q, 1000, 23, 3); /* a frame: 20 bytes around the data */
    cr_expect_eq(q.n_cut, 1);
    cr_expect_eq(q.unsent_bytes, 2);
    cr_expect_eq(q.data_bytes, 5);
    cr_expect_eq(sl_sndq_at(&q, 0)->state, SL_SND_CUT);
    sl_sndq_at(&q, 0)->state = SL_SND_SEALED;
    cr_expect_eq(q.n_sent, 0);
    sl_sndq_sent(&q);
    cr_expect_eq(q.n_sent, 1);
    cr_expect_eq(sl_sndq_acked(&q, 1022), 0, "in part: it stays whole");
    cr_expect_eq(q.n, 1 + 1);
    cr_expect_eq(sl_sndq_acked(&q, 1023), 3);
    cr_expect_eq(q.n, 1);
    cr_expect_eq(q.n_cut + q.n_sent, 0);
    cr_expect_eq(q.data_bytes, 2);
    sl_sndq_fini(&q);
}

Test(sndq, bytes_of_a_teps_own_are_no_data)
{
    struct sl_sndq q = queue(64);

    push(&q, "data");
    cr_assert_not_null(sl_sndq_insert(&q, 0, text("init")));
    sl_sndq_at(&q, 0)->own = true;
    sl_sndq_cut(&q, 1, 4, 0);
    cr_expect_eq(q.data_bytes, 4);
    cr_expect_eq(q.unsent_bytes, 4);
    sl_sndq_at(&q, 0)->state = SL_SND_SEALED;
    sl_sndq_sent(&q);
    cr_expect_eq(sl_sndq_acked(&q, 5), 0);
    cr_expect_eq(q.data_bytes, 4);
    sl_sndq_fini(&q);
}

Test(sndq, insert_moves_only_what_is_written)
{
    struct sl_sndq q = queue(64);

    push(&q, "sent");
    push(&q, "one");
    push(&q, "two");
    send_next(&q, 7);
    cr_assert_not_null(sl_sndq_insert(&q, 2, text("new")));
    cr_expect(holds(&q, 0, "sent") && holds(&q, 1, "one") && holds(&q, 2, "new") &&
              holds(&q, 3, "two"));
    cr_expect_eq(q.n_cut, 1);
    cr_expect_eq(q.head, 0, "running numbers stay");
    cr_assert_not_null(sl_sndq_insert(&q, 4, text("last")));
    cr_expect(holds(&q, 4, "last"));
    cr_expect_eq(q.data_bytes, 4 + 3 + 3 + 3 + 4);
    sl_sndq_fini(&q);
}

Test(sndq, only_a_plain_written_tail_may_grow)
{
    struct sl_sndq q = queue(64);
    struct rte_mbuf *held = text("held"), *part = rte_pktmbuf_alloc(pool);

    cr_expect_null(sl_sndq_tail(&q));
    cr_expect_eq(push(&q, "abc"), sl_sndq_tail(&q));
    memcpy(rte_pktmbuf_append(sl_sndq_tail(&q)->m, 2), "de", 2);
    sl_sndq_grew(&q, 2);
    cr_expect(holds(&q, 0, "abcde"));
    cr_expect_eq(q.data_bytes, 5);
    cr_expect_eq(q.unsent_bytes, 5);
    sl_sndq_at(&q, 0)->fin = true;
    cr_expect_null(sl_sndq_tail(&q), "behind the FIN is nothing");
    sl_sndq_at(&q, 0)->fin = false;
    sl_sndq_at(&q, 0)->own = true;
    cr_expect_null(sl_sndq_tail(&q), "a TEP's own bytes");
    sl_sndq_at(&q, 0)->own = false;
    rte_mbuf_refcnt_update(sl_sndq_at(&q, 0)->m, 1);
    cr_expect_null(sl_sndq_tail(&q), "somebody else holds it");
    rte_mbuf_refcnt_update(sl_sndq_at(&q, 0)->m, -1);
    send_next(&q, 0);
    cr_expect_null(sl_sndq_tail(&q), "it was cut");
    rte_pktmbuf_attach(part, held);
    cr_assert_not_null(sl_sndq_push(&q, part));
    cr_expect_null(sl_sndq_tail(&q), "an indirect mbuf");
    cr_assert_not_null(sl_sndq_push(&q, test_mbuf(pool, "x", 1, 0, 10)));
    cr_expect_null(sl_sndq_tail(&q), "the application's own buffer");
    cr_assert_not_null(sl_sndq_push(&q, NULL));
    cr_expect_null(sl_sndq_tail(&q), "no mbuf at all");
    sl_sndq_fini(&q);
    rte_pktmbuf_free(held);
}

Test(sndq, finds_each_byte_over_the_wrap_and_the_fin) /* T9293-2 */
{
    struct sl_sndq q = queue(64);
    sl_seq seq = 0xfffffffa;

    for (int i = 0; i < 4; i++) {
        push(&q, "abcd");
        if (i == 3)
            sl_sndq_at(&q, 3)->fin = true;
        send_next(&q, seq);
        seq += 4;
    }
    push(&q, "not cut");
    cr_expect_eq(sl_sndq_find(&q, 0xfffffff9), q.n_cut, "before all");
    for (uint32_t k = 0; k < 16; k++)
        cr_expect_eq(sl_sndq_find(&q, 0xfffffffa + k), k / 4, "byte %u", k);
    cr_expect_eq(sl_sndq_find(&q, 10), 3, "the FIN's octet");
    cr_expect_eq(sl_sndq_find(&q, 11), q.n_cut, "behind all");
    cr_expect_eq(sl_sndq_acked(&q, 10), 12, "all but the FIN");
    cr_expect_eq(sl_sndq_find(&q, 10), 0);
    cr_expect_eq(sl_sndq_acked(&q, 11), 4);
    sl_sndq_fini(&q);
}

Test(sndq, a_fin_alone_is_found_and_acknowledged)
{
    struct sl_sndq q = queue(64);

    sl_sndq_push(&q, NULL)->fin = true;
    send_next(&q, UINT32_MAX);
    cr_expect_eq(sl_sndq_find(&q, UINT32_MAX), 0);
    cr_expect_eq(sl_sndq_acked(&q, UINT32_MAX), 0);
    cr_expect_eq(q.n, 1);
    sl_sndq_acked(&q, 0);
    cr_expect_eq(q.n, 0);
    sl_sndq_fini(&q);
}

Test(sndq, what_was_not_sent_cannot_be_acknowledged)
{
    struct sl_sndq q = queue(64);

    push(&q, "abc");
    push(&q, "def");
    send_next(&q, 100);
    sl_sndq_cut(&q, 103, 3, 3); /* its seal is under way: the mbuf has to stay */
    cr_expect_eq(sl_sndq_acked(&q, 200), 3);
    cr_expect_eq(q.n, 1);
    cr_expect_eq(q.n_cut, 1);
    sl_sndq_fini(&q);
}

Test(sndq, splits_what_was_sent_without_a_copy)
{
    struct sl_sndq q = queue(64);
    struct sl_snd_seg *seg;
    uint32_t number;

    push(&q, "first");
    push(&q, "abcdef");
    push(&q, "sealing");
    push(&q, "written");
    seg = sl_sndq_at(&q, 1);
    seg->psh = true;
    send_next(&q, 95);
    send_next(&q, 100);
    sl_sndq_cut(&q, 106, 7, 7);
    number = q.head + 2;
    seg = sl_sndq_at(&q, 1);
    seg->lost = true;
    seg->sent_ns = 77;
    seg->n_sent = 3;
    cr_assert(sl_sndq_split(&q, 1, 2, NULL, clones));
    cr_expect(holds(&q, 0, "first") && holds(&q, 1, "ab") && holds(&q, 2, "cdef") &&
              holds(&q, 3, "sealing") && holds(&q, 4, "written"));
    cr_expect_eq(q.head + 3, number, "the seal under way finds its segment");
    cr_expect_eq(sl_sndq_at(&q, 1)->seq, 100);
    cr_expect_eq(sl_sndq_at(&q, 2)->seq, 102);
    cr_expect_not(sl_sndq_at(&q, 1)->psh);
    cr_expect(sl_sndq_at(&q, 2)->psh);
    cr_expect(sl_sndq_at(&q, 1)->lost && sl_sndq_at(&q, 2)->lost);
    cr_expect_eq(sl_sndq_at(&q, 2)->sent_ns, 77);
    cr_expect_eq(sl_sndq_at(&q, 2)->n_sent, 3);
    cr_expect_eq(q.n_sent, 3);
    cr_expect_eq(q.n_cut, 4);
    cr_expect_eq(rte_mempool_avail_count(clones), MBUFS - 1);
    cr_expect_eq(sl_sndq_acked(&q, 102), 5 + 2);
    cr_expect(holds(&q, 0, "cdef"), "the buffer outlives its first part");
    cr_expect_eq(sl_sndq_acked(&q, 106), 4);
    sl_sndq_fini(&q);
}

Test(sndq, splits_what_is_written_into_two_buffers)
{
    struct sl_sndq q = queue(64);

    push(&q, "abcdef");
    push(&q, "next");
    sl_sndq_at(&q, 0)->psh = sl_sndq_at(&q, 0)->fin = true;
    cr_assert(sl_sndq_split(&q, 0, 5, pool, NULL));
    cr_expect(holds(&q, 0, "abcde") && holds(&q, 1, "f") && holds(&q, 2, "next"));
    cr_expect(RTE_MBUF_DIRECT(sl_sndq_at(&q, 1)->m));
    cr_expect_eq(rte_mbuf_refcnt_read(sl_sndq_at(&q, 0)->m), 1, "both may be sealed in place");
    cr_expect(sl_sndq_at(&q, 1)->psh && sl_sndq_at(&q, 1)->fin);
    cr_expect(!sl_sndq_at(&q, 0)->psh && !sl_sndq_at(&q, 0)->fin);
    cr_expect_eq(q.n, 3);
    cr_expect_eq(q.n_cut, 0);
    cr_expect_eq(q.data_bytes, 10);
    cr_expect_eq(q.unsent_bytes, 10);
    sl_sndq_fini(&q);
}

Test(sndq, a_frames_data_is_free_once_all_of_it_is_acknowledged)
{
    struct sl_sndq q = queue(64);

    push(&q, "HHHdataTTTT");
    sl_sndq_cut(&q, 0, 11, 4);
    sl_sndq_at(&q, 0)->state = SL_SND_SEALED;
    sl_sndq_sent(&q);
    cr_assert(sl_sndq_split(&q, 0, 8, pool, clones));
    cr_expect_eq(sl_sndq_acked(&q, 8), 0);
    cr_expect_eq(q.data_bytes, 4);
    cr_expect_eq(sl_sndq_acked(&q, 11), 4);
    cr_expect_eq(q.data_bytes, 0);
    sl_sndq_fini(&q);
}

Test(sndq, a_split_without_an_mbuf_changes_nothing)
{
    struct sl_sndq q = queue(64);
    struct rte_mbuf **all = calloc(MBUFS, sizeof(*all));

    push(&q, "sent");
    push(&q, "written");
    send_next(&q, 0);
    cr_assert_eq(rte_pktmbuf_alloc_bulk(clones, all, MBUFS), 0);
    cr_expect_not(sl_sndq_split(&q, 0, 2, pool, clones));
    cr_expect_not(sl_sndq_split(&q, 1, 2, clones, pool), "mbufs too small for a copy");
    rte_pktmbuf_free_bulk(all, MBUFS);
    cr_expect_not(sl_sndq_split(&q, 1, 2, clones, pool), "mbufs too small for a copy");
    cr_expect(holds(&q, 0, "sent") && holds(&q, 1, "written"));
    cr_expect_eq(q.n, 2);
    cr_expect_eq(q.n_sent, 1);
    sl_sndq_fini(&q);
    free(all);
}

Test(sndq, is_bounded_by_a_power_of_two)
{
    static const struct {
        uint32_t asked, held;
    } bounds[] = {{0, 8}, {1, 8}, {8, 8}, {9, 16}, {100, 128}};

    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        struct sl_sndq q = queue(bounds[i].asked);

        for (uint32_t k = 0; k < bounds[i].held; k++)
            cr_assert_not_null(sl_sndq_push(&q, NULL));
        cr_expect_null(sl_sndq_push(&q, NULL));
        cr_expect_null(sl_sndq_insert(&q, 0, NULL));
        cr_expect_eq(q.n, bounds[i].held);
        sl_sndq_fini(&q);
    }
}

Test(sndq, an_idle_queue_holds_no_ring)
{
    struct sl_sndq q = queue(64);

    sl_sndq_trim(&q);
    push(&q, "abc");
    sl_sndq_trim(&q);
    cr_expect(holds(&q, 0, "abc"), "one that is not empty keeps it");
    send_next(&q, 1);
    sl_sndq_acked(&q, 4);
    sl_sndq_trim(&q);
    cr_expect_null(q.ring);
    push(&q, "def");
    cr_expect(holds(&q, 0, "def"));
    sl_sndq_fini(&q);
}

#ifdef SL_CHECKED
Test(sndq, without_memory_the_mbuf_stays_the_callers)
{
    struct sl_sndq q = queue(64);
    struct rte_mbuf *m = text("abc");

    sl_fault_arm("sndq_ring", 1);
    cr_expect_null(sl_sndq_push(&q, m));
    cr_expect_eq(q.data_bytes, 0);
    sl_fault_arm("sndq_ring", 0);
    cr_expect_not_null(sl_sndq_push(&q, m));
    sl_sndq_fini(&q);
}
#endif

/* The stream's byte at position p is p modulo 251; sequence numbers begin near the wrap. */
enum { SEQ_0 = 0xfffff000 };

struct stream {
    struct sl_sndq q;
    uint32_t una, cut, written; /* positions */
};

static struct rte_mbuf *stream_bytes(uint32_t from, uint32_t n)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
    uint8_t *at = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)n);

    for (uint32_t k = 0; k < n; k++)
        at[k] = (uint8_t)((from + k) % 251);
    return m;
}

static void check(const struct stream *s)
{
    const struct sl_sndq *q = &s->q;
    uint32_t at = s->una, unsent = 0;

    for (uint32_t i = 0; i < q->n; i++) {
        const struct sl_snd_seg *seg = sl_sndq_at(q, i);

        cr_assert_eq(seg->len, seg->m->data_len);
        cr_assert_eq(i < q->n_sent, seg->state == SL_SND_SENT);
        cr_assert_eq(i < q->n_cut, seg->state != SL_SND_WRITTEN);
        cr_assert(i >= q->n_cut || seg->seq == SEQ_0 + at);
        for (uint32_t k = 0; k < seg->len; k++)
            cr_assert_eq(rte_pktmbuf_mtod(seg->m, uint8_t *)[k], (at + k) % 251);
        at += seg->len;
        unsent += i < q->n_cut ? 0 : seg->len;
    }
    cr_assert_eq(at, s->written);
    cr_assert_eq(q->data_bytes, s->written - s->una);
    cr_assert_eq(q->unsent_bytes, unsent);
}

static void step(struct stream *s)
{
    struct sl_sndq *q = &s->q;
    const uint32_t n = 1 + (uint32_t)rand() % 100, i = q->n > 0 ? (uint32_t)rand() % q->n : 0;
    struct sl_snd_seg *seg = q->n > 0 ? sl_sndq_at(q, i) : NULL;
    struct rte_mbuf *m;

    switch (rand() % 8) {
    case 0:
    case 1:
        m = stream_bytes(s->written, n);
        if (sl_sndq_push(q, m) != NULL)
            s->written += n;
        else
            rte_pktmbuf_free(m);
        break;
    case 2:
        if (sl_sndq_tail(q) == NULL || rte_pktmbuf_tailroom(sl_sndq_tail(q)->m) < n)
            break;
        for (uint32_t k = 0; k < n; k++, s->written++)
            *(uint8_t *)rte_pktmbuf_append(sl_sndq_tail(q)->m, 1) = (uint8_t)(s->written % 251);
        sl_sndq_grew(q, n);
        break;
    case 3:
        if (q->n_cut == q->n)
            break;
        seg = sl_sndq_at(q, q->n_cut);
        s->cut += seg->len;
        sl_sndq_cut(q, SEQ_0 + s->cut - seg->len, seg->len, seg->data_len);
        break;
    case 4:
        if (q->n_sent == q->n_cut)
            break;
        sl_sndq_at(q, q->n_sent)->state = SL_SND_SEALED;
        sl_sndq_sent(q);
        break;
    case 5:
        if (seg == NULL || i >= q->n_sent)
            break;
        /* up to the middle of a segment; what is whole below becomes free */
        s->una += sl_sndq_acked(q, seg->seq + seg->len / 2);
        break;
    default:
        if (seg == NULL || seg->state == SL_SND_CUT || seg->len < 2)
            break;
        sl_sndq_split(q, i, 1 + (uint32_t)rand() % (seg->len - 1), pool, clones);
    }
}

Test(sndq, holds_the_stream_whatever_the_pattern)
{
    struct stream s = {.q = queue(200)};

    srand(5);
    for (unsigned i = 0; i < 60000; i++) {
        step(&s);
        if (i % 8 == 0)
            check(&s);
        if (i % 8 == 0 && s.cut > s.una) {
            const uint32_t at = s.una + (uint32_t)rand() % (s.cut - s.una);
            const uint32_t found = sl_sndq_find(&s.q, SEQ_0 + at);

            cr_assert_lt(found, s.q.n_cut);
            cr_assert(
                sl_seq_in(SEQ_0 + at, sl_sndq_at(&s.q, found)->seq, sl_sndq_at(&s.q, found)->len));
        }
    }
    cr_expect_gt(s.written, 100000, "the scenario does something");
    sl_sndq_fini(&s.q);
}
