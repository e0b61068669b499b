/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <criterion/criterion.h>

#include "crypt_peer.h"
#include "tcpcrypt/tcpcrypt.h"

/* What nothing vouches for yet, and how long it is held back (reading A14 b, c). */

#define OPS (&sl_tcpcrypt_x25519)

Test(crypt_hold, a_header_with_a_huge_length_is_disputed_by_the_genuine_bytes) /* A14 b */
{
    static const uint8_t forged[] = {0, 0xff, 0xff};
    struct peer *p = peer_connected(OPS);
    const uint64_t at = peer_writes(p, 500, 500);

    cr_assert_eq(peer_forges(p, at, forged, sizeof(forged)), SL_DROP_NONE);
    peer_iterate(p);
    cr_assert_eq(peer_segment(p, at, 520, -1), SL_DROP_NONE);
    peer_iterate(p);
    app_reads(p, 500);
    cr_assert_eq(p->counters.n[SL_COUNT_FRAMES_UNPROTECTED], 0);
    peer_over(p);
}

Test(crypt_hold, an_incomplete_frame_is_acknowledged_after_a_while) /* A14 b */
{
    struct peer *p = peer_connected(OPS);
    const uint64_t at = peer_writes(p, 3000, 3000);

    cr_assert_eq(peer_segment(p, at, 1400, -1), SL_DROP_NONE);
    peer_wait(p, 39);
    cr_assert_eq(p->n_saw, 0, "held back, and no duplicate ACK either");
    peer_wait(p, 42); /* then an ACK, itself delayed or not */
    cr_assert_eq(acked(p), at + 1400);
    cr_assert_eq(p->counters.n[SL_COUNT_FRAMES_UNPROTECTED], 1);
    cr_assert_eq(peer_segment(p, at + 1400, 1620, -1), SL_DROP_NONE);
    peer_iterate(p);
    app_reads(p, 3000);
    cr_assert_eq(p->counters.n[SL_COUNT_FRAMES_UNPROTECTED], 1);
    peer_over(p);
}

Test(crypt_hold, or_when_four_segments_of_it_are_pending) /* A14 b */
{
    struct peer *p = peer_connected(OPS);
    const uint64_t at = peer_writes(p, 20000, 20000);

    for (uint32_t i = 0; i < 3; i++)
        cr_assert_eq(peer_segment(p, at + (uint64_t)i * 1460, 1460, -1), SL_DROP_NONE);
    peer_iterate(p);
    cr_assert_eq(p->n_saw, 0);
    cr_assert_eq(peer_segment(p, at + 3 * 1460, 1460, -1), SL_DROP_NONE);
    peer_iterate(p);
    cr_assert_eq(p->tcb->rcv_nxt, PEER_ISN + 1 + (uint32_t)at + 4 * 1460);
    peer_over(p);
}

Test(crypt_hold, what_was_acknowledged_unverified_and_fails_ends_it) /* A14 b */
{
    struct peer *p = peer_connected(OPS);
    const uint64_t at = peer_writes(p, 3000, 3000);

    cr_assert_eq(peer_segment(p, at, 1400, 77), SL_DROP_NONE);
    peer_wait(p, 100);
    cr_assert_eq(acked(p), at + 1400);
    cr_assert_eq(peer_segment(p, at + 1400, 1620, -1), SL_DROP_NONE);
    peer_iterate(p);
    cr_assert_eq(ended_in(p), SL_TCP_AUTH_FAILED);
    cr_assert(p->saw[p->n_saw - 1].flags & SL_TCP_RST);
    peer_over(p);
}

Test(crypt_hold, a_dispute_without_end_ends) /* A14 b: a sender that waits must not starve */
{
    struct peer *p = peer_connected(OPS);
    const uint64_t at = peer_writes(p, 3000, 3000);

    cr_assert_eq(peer_segment(p, at, 1400, 77), SL_DROP_NONE);
    cr_assert_eq(peer_segment(p, at, 1400, -1), SL_DROP_NONE);
    peer_wait(p, 900);
    cr_assert_eq(p->counters.drops[SL_DROP_CRYPT_TAG], 0);
    cr_assert_eq(acked(p), at, "nobody can tell");
    peer_wait(p, 200);
    cr_assert_eq(p->counters.drops[SL_DROP_CRYPT_TAG], 1);
    cr_assert_eq(peer_segment(p, at, 1400, -1), SL_DROP_NONE);
    peer_wait(p, 100);
    cr_assert_eq(acked(p), at + 1400);
    cr_assert_eq(peer_segment(p, at + 1400, 1620, -1), SL_DROP_NONE);
    peer_iterate(p);
    app_reads(p, 3000);
    peer_over(p);
}

/* The beginning of a frame that the peer never wrote. */
static const uint8_t beginning[36] = {0, 0x05, 0x00, 0xaa};

/* It stays alone for so long that it is acknowledged. Returns where it stands. */
static uint64_t forgery_acknowledged(struct peer *p, uint32_t len)
{
    const uint64_t at = peer_stream_len(p);

    cr_assert_eq(peer_forges(p, at, beginning, len), SL_DROP_NONE);
    peer_wait(p, 100);
    cr_assert_eq(acked(p), at + len, "A14 b");
    return at;
}

static void arrives(struct peer *p, uint64_t at)
{
    for (; at < peer_stream_len(p); at += PEER_MSS) {
        const uint64_t left = peer_stream_len(p) - at;

        peer_segment(p, at, (uint32_t)(left < PEER_MSS ? left : PEER_MSS), -1);
        peer_iterate(p);
    }
}

/* What the peer then writes is read, and so on. */
static void gives_way(uint32_t forged, uint32_t genuine)
{
    struct peer *p = peer_connected(OPS);
    uint64_t at = forgery_acknowledged(p, forged);

    for (int round = 0; round < 4; round++) {
        peer_writes(p, genuine, 1440);
        arrives(p, at);
        app_reads(p, genuine);
        peer_wait(p, 300); /* the forgery's tail, where it has one, is acknowledged in turn */
        at = peer_stream_len(p);
        peer_forget(p);
    }
    peer_ends(p);
    arrives(p, at);
    app_reads_eof(p);
    peer_over(p);
}

Test(crypt_hold, a_forgery_that_was_acknowledged_gives_way) /* R75 */
{
    gives_way(36, 600);
}

Test(crypt_hold, also_to_less) /* R75 */
{
    gives_way(36, 3);
}

Test(crypt_hold, also_to_many_segments) /* R75 */
{
    gives_way(36, 60000);
}

Test(crypt_hold, also_if_it_is_less_than_a_head) /* R75 */
{
    gives_way(2, 3);
}

/* One forgery was acknowledged, another one is held beside it, and then comes the genuine frame. */
static uint64_t third_version(struct peer *p)
{
    static const uint8_t other[] = {0, 0x07, 0x00, 0xbb, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    const uint64_t at = forgery_acknowledged(p, 36);

    cr_assert_eq(peer_forges(p, at, other, sizeof(other)), SL_DROP_NONE);
    peer_wait(p, 300);
    peer_writes(p, 1000, 1000);
    cr_assert_eq(peer_segment(p, at, 1020, -1), SL_DROP_CRYPT_COPY);
    return at;
}

Test(crypt_hold, also_after_another_forgery)
{
    struct peer *p = peer_connected(OPS);
    const uint64_t at = third_version(p);

    peer_wait(p, 100);
    app_reads_nothing(p);
    arrives(p, at); /* and again, as nothing was acknowledged */
    app_reads(p, 1000);
    peer_over(p);
}

Test(crypt_hold, but_a_peer_that_does_not_repeat_it_is_not_waited_for) /* A14 d */
{
    struct peer *p = peer_connected(OPS);

    (void)third_version(p);
    peer_wait(p, 9900);
    cr_assert_eq(ended_in(p), SL_TCP_OK);
    peer_wait(p, 200);
    cr_assert_eq(ended_in(p), SL_TCP_AUTH_FAILED);
    peer_over(p);
}

Test(crypt_hold, a_silent_peer_takes_the_acknowledgment_back_too)
{
    struct peer *p = peer_connected(OPS);
    const uint64_t at = forgery_acknowledged(p, 36);

    for (uint64_t ms = 80; ms < 1000; ms *= 2) { /* each time it is held back for longer */
        /* RFC 9293 3.10.7.4, fifth: the answer to an ACK of what was not sent. */
        peer_acks(p);
        peer_acks(p);
        peer_iterate(p);
        cr_assert_eq(p->tcb->rcv_nxt, PEER_ISN + 1 + (uint32_t)at + 36, "two may be old ones");
        peer_acks(p);
        peer_wait(p, ms - 5);
        cr_assert_eq(p->tcb->rcv_nxt, PEER_ISN + 1 + (uint32_t)at);
        peer_wait(p, 10);
        cr_assert_eq(p->tcb->rcv_nxt, PEER_ISN + 1 + (uint32_t)at + 36);
    }
    peer_writes(p, 3, 3);
    arrives(p, at);
    app_reads(p, 3);
    peer_over(p);
}

Test(crypt_hold, what_comes_twice_takes_no_acknowledgment_back)
{
    struct peer *p = peer_connected(OPS);
    const uint64_t at = peer_writes(p, 20000, 20000);

    cr_assert_eq(peer_segment(p, at, 1400, -1), SL_DROP_NONE);
    peer_wait(p, 100);
    cr_assert_eq(acked(p), at + 1400);
    cr_assert_eq(peer_segment(p, at, 1400, -1), SL_DROP_TCP_SEQUENCE);
    peer_wait(p, 1000);
    cr_assert_eq(acked(p), at + 1400);
    cr_assert_eq(peer_segment(p, at + 700, 1400, -1), SL_DROP_NONE, "half of it is new");
    peer_iterate(p);
    cr_assert_eq(p->tcb->rcv_nxt, PEER_ISN + 1 + (uint32_t)at + 1400);
    arrives(p, at + 2100);
    app_reads(p, 20000);
    peer_over(p);
}

Test(crypt_hold, nor_does_forging_into_what_was_acknowledged_harm) /* A14 b */
{
    struct peer *p = peer_connected(OPS);
    const uint64_t at = peer_writes(p, 20000, 20000);

    cr_assert_eq(peer_segment(p, at, 1400, -1), SL_DROP_NONE);
    peer_wait(p, 100);
    cr_assert_eq(acked(p), at + 1400);
    cr_assert_eq(peer_segment(p, at + 200, 100, 7), SL_DROP_NONE, "another version of it");
    peer_wait(p, 1500);
    cr_assert_eq(p->tcb->rcv_nxt, PEER_ISN + 1 + (uint32_t)at + 1400, "it will not come again");
    for (uint64_t i = 1; i <= 4; i++) { /* a window of one segment */
        cr_assert_eq(peer_segment(p, at + 1400 * i, 1400, -1), SL_DROP_NONE);
        peer_wait(p, 700);
        cr_assert_eq(acked(p), at + 1400 * (i + 1), "its sender must not starve");
    }
    arrives(p, at + 1400 * 5);
    app_reads(p, 20000);
    peer_over(p);
}

Test(crypt_hold, the_mark_of_the_end_is_the_end_of_file) /* R77 */
{
    struct peer *p = peer_connected(OPS);
    const uint64_t at = peer_writes(p, 10, 10), end = peer_ends(p);

    cr_assert_eq(peer_segment(p, at, (uint32_t)(peer_stream_len(p) - at), -1), SL_DROP_NONE);
    peer_iterate(p);
    cr_assert_lt(at, end);
    app_reads(p, 10);
    app_reads_eof(p);
    cr_assert(p->events & SL_TCP_EV_EOF);
    cr_assert_eq(p->tcb->state, SL_TCP_ESTABLISHED, "TCP's own end is still to come");
    cr_assert_eq(peer_fin(p, peer_stream_len(p)), SL_DROP_NONE);
    peer_iterate(p);
    cr_assert_eq(p->tcb->state, SL_TCP_CLOSE_WAIT);
    cr_assert_eq(acked(p), peer_stream_len(p) + 1);
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(peer_fin(p, peer_stream_len(p)), SL_DROP_TCP_SEQUENCE, "it comes again");
        peer_wait(p, 1000);
    }
    cr_assert_eq(acked(p), peer_stream_len(p) + 1);
    peer_over(p);
}

Test(crypt_hold, a_fin_without_the_mark_is_no_end) /* R78, A14 c */
{
    struct peer *p = peer_connected(OPS);
    const uint64_t at = peer_writes(p, 10, 10);

    cr_assert_eq(peer_segment(p, at, 30, -1), SL_DROP_NONE);
    cr_assert_eq(peer_fin(p, at + 30), SL_DROP_NONE);
    peer_wait(p, 9000);
    app_reads(p, 10);
    app_reads_nothing(p);
    cr_assert_eq(p->counters.drops[SL_DROP_CRYPT_FIN], 1);
    cr_assert_eq(p->tcb->rcv_nxt, PEER_ISN + 1 + (uint32_t)at + 30, "unacknowledged");
    peer_wait(p, 1100);
    cr_assert_eq(ended_in(p), SL_TCP_TRUNCATED);
    cr_assert_not(p->events & SL_TCP_EV_EOF);
    peer_over(p);
}

Test(crypt_hold, a_forged_fin_is_forgotten) /* A14 c */
{
    struct peer *p = peer_connected(OPS);
    const uint64_t at = peer_writes(p, 10, 10);

    cr_assert_eq(peer_fin(p, at), SL_DROP_NONE);
    peer_wait(p, 100);
    cr_assert_eq(peer_segment(p, at, 30, -1), SL_DROP_NONE);
    peer_wait(p, 20000);
    app_reads(p, 10);
    cr_assert_eq(ended_in(p), SL_TCP_OK);
    peer_over(p);
}

Test(crypt_hold, a_fin_further_ahead_proves_nothing) /* A14 c */
{
    struct peer *p = peer_connected(OPS);

    cr_assert_eq(peer_fin(p, peer_stream_len(p) + 5000), SL_DROP_NONE);
    peer_wait(p, 30000);
    cr_assert_eq(ended_in(p), SL_TCP_OK);
    peer_over(p);
}
