/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <criterion/criterion.h>

#include "crypt_peer.h"
#include "tcpcrypt/tcpcrypt.h"

/* Authenticate, then acknowledge (reading A14), told as what arrives and what is acknowledged. */

#define OPS (&sl_tcpcrypt_x25519)

Test(crypt_in, a_frame_is_acknowledged_once_it_is_authentic)
{
    struct peer *p = peer_connected(OPS);
    const uint64_t at = peer_writes(p, 1000, 1000);

    cr_assert_eq(peer_segment(p, at, 1020, -1), SL_DROP_NONE);
    cr_assert_eq(p->tcb->rcv_nxt, PEER_ISN + 1 + (uint32_t)at, "not before the tag was looked at");
    peer_iterate(p);
    cr_assert_eq(p->tcb->rcv_nxt, PEER_ISN + 1 + (uint32_t)at + 1020);
    app_reads(p, 1000);
    cr_assert_eq(p->counters.n[SL_COUNT_FRAMES_UNPROTECTED], 0);
    peer_over(p);
}

Test(crypt_in, frames_span_segments_and_segments_hold_frames) /* trap 16 */
{
    struct peer *p = peer_connected(OPS);
    const uint64_t at = peer_writes(p, 5000, 700);
    uint64_t end = peer_stream_len(p), cut = at;
    const uint32_t sizes[] = {1, 2, 1000, 719, 1, 1460, 3};

    for (unsigned i = 0; cut < end; i = (i + 1) % 7) {
        const uint32_t len = end - cut < sizes[i] ? (uint32_t)(end - cut) : sizes[i];

        cr_assert_eq(peer_segment(p, cut, len, -1), SL_DROP_NONE);
        cut += len;
        peer_iterate(p);
    }
    app_reads(p, 5000);
    peer_over(p);
}

Test(crypt_in, the_largest_frame_in_segments_out_of_order) /* A15, R69 */
{
    struct peer *p = peer_connected(OPS);
    const uint64_t at = peer_writes(p, 65518, 65518);
    const uint64_t end = peer_stream_len(p);

    cr_assert_eq(end - at, 65538);
    p->tcb->rcv_adv = p->tcb->rcv_nxt + 70000; /* no window scale here: as if it were announced */
    for (uint64_t to = end; to > at;) {
        const uint64_t from = to - at > 1400 ? to - 1400 : at;

        cr_assert_eq(peer_segment(p, from, (uint32_t)(to - from), -1), SL_DROP_NONE);
        to = from;
    }
    peer_iterate(p);
    app_reads(p, 65518);
    cr_assert_eq(p->counters.n[SL_COUNT_FRAMES_UNPROTECTED], 0, "it was all there at once");
    peer_over(p);
}

Test(crypt_in, a_forged_segment_counts_as_lost) /* R75 */
{
    struct peer *p = peer_connected(OPS);
    const uint64_t at = peer_writes(p, 500, 500);

    cr_assert_eq(peer_segment(p, at, 520, 100), SL_DROP_NONE);
    peer_iterate(p);
    cr_assert_eq(p->counters.drops[SL_DROP_CRYPT_TAG], 1);
    cr_assert_eq(acked(p), at, "a duplicate ACK at once");
    app_reads_nothing(p);
    cr_assert_eq(peer_segment(p, at, 520, -1), SL_DROP_NONE);
    peer_iterate(p);
    app_reads(p, 500);
    peer_wait(p, 20000);
    cr_assert_eq(ended_in(p), SL_TCP_OK, "progress was made: nothing is left of the failure");
    peer_over(p);
}

Test(crypt_in, of_two_copies_the_first_may_be_right) /* A14 a */
{
    struct peer *p = peer_connected(OPS);
    const uint64_t at = peer_writes(p, 500, 500);

    cr_assert_eq(peer_segment(p, at, 520, -1), SL_DROP_NONE);
    cr_assert_eq(peer_segment(p, at, 520, 40), SL_DROP_NONE);
    peer_iterate(p);
    cr_assert_eq(p->counters.n[SL_COUNT_FRAMES_SECOND_COPY], 0);
    cr_assert_eq(p->counters.drops[SL_DROP_CRYPT_TAG], 0);
    app_reads(p, 500);
    peer_over(p);
}

Test(crypt_in, a_forged_first_copy_gives_way) /* A14 a */
{
    struct peer *p = peer_connected(OPS);
    const uint64_t at = peer_writes(p, 500, 500);

    cr_assert_eq(peer_segment(p, at + 10, 50, 5), SL_DROP_NONE);
    cr_assert_eq(peer_segment(p, at, 520, -1), SL_DROP_NONE);
    peer_iterate(p);
    cr_assert_eq(p->counters.n[SL_COUNT_FRAMES_SECOND_COPY], 1);
    app_reads(p, 500);
    peer_over(p);
}

Test(crypt_in, a_third_copy_is_not_kept) /* A14 a */
{
    struct peer *p = peer_connected(OPS);
    const uint64_t at = peer_writes(p, 500, 500);

    cr_assert_eq(peer_segment(p, at, 520, 40), SL_DROP_NONE);
    cr_assert_eq(peer_segment(p, at, 520, 41), SL_DROP_NONE);
    cr_assert_eq(peer_segment(p, at, 520, 42), SL_DROP_CRYPT_COPY);
    peer_iterate(p);
    cr_assert_eq(p->counters.drops[SL_DROP_CRYPT_TAG], 1);
    cr_assert_eq(peer_segment(p, at, 520, -1), SL_DROP_NONE);
    peer_iterate(p);
    app_reads(p, 500);
    peer_over(p);
}

/* What is forged comes first, and the genuine frame again and again: it gets through. */
static void outlasts(struct peer *p, uint64_t at)
{
    for (int i = 0; i < 8 && p->tcb->rcv_nxt != PEER_ISN + 1 + (uint32_t)at + 1020; i++) {
        (void)peer_segment(p, at, 1020, -1);
        peer_wait(p, 300);
    }
    cr_assert_eq(ended_in(p), SL_TCP_OK);
    app_reads(p, 1000);
    peer_over(p);
}

Test(crypt_in, a_forged_header_and_a_forged_byte_behind_it) /* A14 a */
{
    const uint8_t header[20] = {0x00, 0x9c, 0x40, 1, 2, 3};
    struct peer *p = peer_connected(OPS);
    const uint64_t at = peer_writes(p, 1000, 1000);

    (void)peer_forges(p, at, header, sizeof(header));
    (void)peer_forges(p, at + 3, (const uint8_t *)"x", 1);
    outlasts(p, at);
}

Test(crypt_in, a_forged_byte_and_a_forged_header_around_it) /* A14 a */
{
    const uint8_t header[20] = {0x00, 0x9c, 0x40, 1, 2, 3};
    struct peer *p = peer_connected(OPS);
    const uint64_t at = peer_writes(p, 1000, 1000);

    (void)peer_forges(p, at + 3, (const uint8_t *)"x", 1);
    (void)peer_forges(p, at, header, sizeof(header));
    outlasts(p, at);
}

Test(crypt_in, two_forged_segments_with_small_frames_in_front) /* A14 a */
{
    uint8_t forged[1020] = {0x00, 0x00, 0x20};
    struct peer *p = peer_connected(OPS);
    const uint64_t at = peer_writes(p, 1000, 1000);

    (void)peer_forges(p, at, forged, sizeof(forged));
    for (unsigned i = 2; i < sizeof(forged); i++)
        forged[i] = (uint8_t)(i == 2 ? 0x21 : i);
    (void)peer_forges(p, at, forged, sizeof(forged));
    outlasts(p, at);
}

Test(crypt_in, three_forged_pieces_in_the_middle) /* A14 a */
{
    uint8_t forged[10] = {0};
    struct peer *p = peer_connected(OPS);
    const uint64_t at = peer_writes(p, 1000, 1000);

    for (uint8_t i = 0; i < 3; i++) {
        forged[5] = i;
        (void)peer_forges(p, at + 100, forged, sizeof(forged));
    }
    outlasts(p, at);
}

Test(crypt_in, forged_headers_of_neighbours) /* A14 a: the choices come to an end */
{
    struct peer *p = peer_connected(OPS);
    const uint64_t at = peer_writes(p, 40, 40);
    uint8_t forged[60];

    (void)peer_writes(p, 40, 40);
    memcpy(forged, p->seam.b.sent + at, sizeof(forged));
    forged[0] ^= 0x40;
    (void)peer_forges(p, at, forged, sizeof(forged));
    forged[0] ^= 0x40;
    forged[1] ^= 0x40;
    (void)peer_forges(p, at, forged, sizeof(forged));
    memcpy(forged, p->seam.b.sent + at + 60, sizeof(forged));
    forged[1] ^= 0x10;
    (void)peer_forges(p, at + 60, forged, sizeof(forged));
    (void)peer_segment(p, at + 60, 60, -1);
    for (int i = 0; i < 8; i++) {
        (void)peer_segment(p, at, 120, -1);
        peer_wait(p, 300);
    }
    cr_assert_eq(ended_in(p), SL_TCP_OK);
    app_reads(p, 80);
    peer_over(p);
}

Test(crypt_in, three_versions_of_one_length_and_a_second_dispute) /* A14 a */
{
    struct peer *p = peer_connected(OPS);
    const uint64_t at = peer_writes(p, 40, 40);
    uint8_t forged[378] = {0x0d, 0x3e, 0x1d, 0x47};

    (void)peer_writes(p, 300, 300);
    (void)peer_forges(p, at + 2, forged, sizeof(forged));
    memcpy(forged, p->seam.b.sent + at, 60);
    forged[2] ^= 0x80;
    (void)peer_forges(p, at, forged, 60);
    (void)peer_forges(p, at + 352, (const uint8_t *)"\xf9\xd8\x40", 3);
    for (int i = 0; i < 20; i++) {
        (void)peer_segment(p, at, 380, -1);
        peer_wait(p, 250);
    }
    cr_assert_eq(ended_in(p), SL_TCP_OK);
    app_reads(p, 340);
    peer_over(p);
}

Test(crypt_in, tries_rest_until_something_new_comes) /* A14 a: a dispute costs no endless work */
{
    const uint8_t header[20] = {0x00, 0x9c, 0x40, 1, 2, 3};
    struct peer *p = peer_connected(OPS);
    const uint64_t at = peer_writes(p, 40, 40);

    (void)peer_forges(p, at, header, sizeof(header));
    (void)peer_segment(p, at, 60, 30); /* complete, and wrong */
    for (int i = 0; i < 4; i++)
        peer_iterate(p);
    cr_assert_not(sl_tcp_has_work(p->tcp), "tried again and again");
    peer_over(p);
}

Test(crypt_in, a_corrupt_sender_ends_in_auth_failed) /* A14 d */
{
    struct peer *p = peer_connected(OPS);
    const uint64_t at = peer_writes(p, 500, 500);

    for (int i = 0; i < 11; i++) {
        cr_assert_eq(ended_in(p), SL_TCP_OK, "not by a count");
        (void)peer_segment(p, at, 520, 9);
        peer_wait(p, 900);
    }
    cr_assert_eq(ended_in(p), SL_TCP_OK);
    peer_wait(p, 200);
    cr_assert_eq(ended_in(p), SL_TCP_AUTH_FAILED);
    cr_assert_eq(sl_tcp_recv(p->tcp, p->tcb, (uint8_t[1]){0}, 1, false, p->now_ns),
                 -sl_tcp_error_errno(SL_TCP_AUTH_FAILED));
    peer_over(p);
}

Test(crypt_in, an_impossible_header_is_dropped_not_believed) /* A8 */
{
    static const uint8_t forged[40] = {0, 0, 16};
    struct peer *p = peer_connected(OPS);
    const uint64_t at = peer_writes(p, 500, 500);

    cr_assert_eq(peer_forges(p, at, forged, sizeof(forged)), SL_DROP_NONE);
    peer_iterate(p);
    cr_assert_eq(p->counters.drops[SL_DROP_CRYPT_TAG], 1);
    cr_assert_eq(ended_in(p), SL_TCP_OK);
    cr_assert_eq(peer_segment(p, at, 520, -1), SL_DROP_NONE);
    peer_iterate(p);
    app_reads(p, 500);
    peer_over(p);
}

Test(crypt_in, broken_init_ends_it_at_once) /* A8 */
{
    static const uint8_t magic[8] = {0x47, 0x45, 0x54, 0x20};
    struct peer *p = peer_opened(OPS);

    cr_assert_eq(peer_forges(p, 0, magic, sizeof(magic)), SL_DROP_NONE);
    peer_iterate(p);
    cr_assert_eq(ended_in(p), SL_TCP_KEX_FAILED);
    cr_assert_eq(p->counters.n[SL_COUNT_KEX_FAILED], 1);
    peer_over(p);
}

Test(crypt_in, a_peer_that_never_speaks_is_given_up) /* A16 */
{
    struct peer *p = peer_opened(OPS);

    peer_wait(p, 9900);
    cr_assert_eq(ended_in(p), SL_TCP_OK);
    peer_wait(p, 200);
    cr_assert_eq(ended_in(p), SL_TCP_KEX_FAILED);
    peer_over(p);
}
