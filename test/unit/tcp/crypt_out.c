/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <criterion/criterion.h>

#include "crypt_peer.h"
#include "tcpcrypt/tcpcrypt.h"

/* What an encrypted connection sends: whole frames in whole segments, sealed once and for all. */

#define OPS (&sl_tcpcrypt_x25519)

static uint8_t text[100000];

static void app_sends(struct peer *p, uint32_t len)
{
    const struct sl_iov iov = {text, len};

    for (uint32_t i = 0; i < len; i++)
        text[i] = (uint8_t)(i * 7);
    cr_assert_eq(sl_tcp_send(p->tcp, p->tcb, &iov, 1, p->now_ns), (int64_t)len);
}

/* The peer opens all that came, and it is what was sent. */
static void peer_reads(struct peer *p, uint64_t len)
{
    cr_assert_eq(seam_read_all(&p->seam.b, &p->seam.a), SL_TEP_READ_MORE);
    cr_assert_eq(p->seam.b.got_len, len);
    cr_assert_eq(memcmp(p->seam.b.got, text, len), 0);
}

Test(crypt_out, one_frame_fills_one_segment)
{
    struct peer *p = peer_connected(OPS);

    app_sends(p, 3 * 1440);
    peer_iterate(p);
    cr_assert_eq(p->n_saw, 3);
    for (unsigned i = 0; i < 3; i++) {
        const struct peer_saw *saw = &p->saw[i];
        const uint8_t *frame = p->seam.a.sent + saw->offset;

        cr_assert_eq(saw->len, 1460, "MSS 1460 carries 1440 bytes of the application");
        cr_assert_eq(frame[0], 0);
        cr_assert_eq((uint32_t)frame[1] << 8 | frame[2], 1457); /* R70 */
    }
    peer_reads(p, 3 * 1440);
    peer_over(p);
}

Test(crypt_out, what_is_sent_again_is_the_same_to_the_byte) /* R74, R85 */
{
    struct peer *p = peer_connected(OPS);
    unsigned first;

    app_sends(p, 2000);
    peer_iterate(p);
    first = p->n_saw;
    app_sends(p, 700); /* must not be merged into what was cut */
    peer_wait(p, 3000);
    cr_assert_gt(p->n_saw, first, "nothing was sent again");
    cr_assert_not(p->changed);
    peer_over(p);
}

Test(crypt_out, frames_are_cut_only_as_the_window_lets_them_go)
{
    struct peer *p = peer_connected(OPS);

    p->wnd = 3000;
    peer_acks(p);
    app_sends(p, 20000);
    peer_iterate(p);
    cr_assert_leq(p->seam.a.sent_len - p->acks, 3000u);
    cr_assert_leq(p->tcb->sndq.n_cut, 2u, "cut ahead of the window");
    for (int i = 0; i < 40 && p->seam.b.got_len < 20000; i++) {
        peer_acks(p);
        peer_wait(p, 300);
        (void)seam_read_all(&p->seam.b, &p->seam.a);
    }
    peer_reads(p, 20000);
    peer_over(p);
}

Test(crypt_out, the_last_frame_says_so_and_carries_fin) /* R76, trap 13 */
{
    struct peer *p = peer_connected(OPS);

    app_sends(p, 100);
    cr_assert_eq(sl_tcp_shutdown(p->tcp, p->tcb, false, true, p->now_ns), 0);
    peer_iterate(p);
    cr_assert_eq(p->n_saw, 1);
    cr_assert(p->saw[0].flags & SL_TCP_FIN);
    peer_reads(p, 100);
    cr_assert(p->seam.b.ended);
    peer_over(p);
}

Test(crypt_out, an_end_without_data_is_an_empty_frame) /* R76 */
{
    struct peer *p = peer_connected(OPS);

    cr_assert_eq(sl_tcp_shutdown(p->tcp, p->tcb, false, true, p->now_ns), 0);
    peer_iterate(p);
    cr_assert_eq(p->saw[0].len, 20);
    cr_assert(p->saw[0].flags & SL_TCP_FIN);
    peer_reads(p, 0);
    cr_assert(p->seam.b.ended);
    peer_over(p);
}

Test(crypt_out, a_close_before_the_keys_waits_for_them) /* trap 13 */
{
    struct peer *p = peer_opened(OPS);

    app_sends(p, 50);
    cr_assert_eq(sl_tcp_shutdown(p->tcp, p->tcb, false, true, p->now_ns), 0);
    peer_iterate(p);
    for (unsigned i = 0; i < p->n_saw; i++)
        cr_assert_not(p->saw[i].flags & SL_TCP_FIN);
    peer_acks(p);
    seam_work(&p->seam.b);
    (void)seam_read_all(&p->seam.b, &p->seam.a);
    seam_work(&p->seam.b);
    cr_assert_eq(seam_next(&p->seam.b, (struct sl_tep_pending){0}, NULL, 1460), SL_TEP_NEXT_OWN);
    (void)peer_segment(p, 0, (uint32_t)peer_stream_len(p), -1);
    peer_wait(p, 10);
    peer_reads(p, 50);
    cr_assert(p->seam.b.ended);
    peer_over(p);
}

Test(crypt_out, init_carries_psh_and_the_option_until_the_peer_speaks) /* R48, R22, trap 1 */
{
    struct peer *p = peer_opened(OPS);
    const struct peer_saw *init = NULL;

    peer_wait(p, 2500);
    for (unsigned i = 0; i < p->n_saw; i++) {
        if ((p->saw[i].flags & SL_TCP_SYN) != 0)
            continue;
        cr_assert(p->saw[i].eno, "segment %u", i);
        if (p->saw[i].len > 0)
            init = &p->saw[i];
    }
    cr_assert_not_null(init);
    cr_assert(init->flags & SL_TCP_PSH);
    peer_acks(p);
    peer_forget(p);
    (void)peer_segment(p, 0, 0, -1);
    peer_over(p);
}

Test(crypt_out, a_rekey_of_the_peer_is_answered) /* R83 */
{
    struct peer *p = peer_connected(OPS);
    uint64_t at = peer_stream_len(p);

    cr_assert_eq(OPS->event(p->seam.b.t, SL_TEP_EVENT_REKEY, p->now_ns), SL_TEP_OK);
    (void)peer_writes(p, 10, 10);
    (void)peer_segment(p, at, (uint32_t)(peer_stream_len(p) - at), -1);
    peer_iterate(p);
    app_reads(p, 10);
    cr_assert_eq(p->saw[p->n_saw - 1].len, 20, "an empty frame");
    cr_assert_eq(p->seam.a.sent[p->saw[p->n_saw - 1].offset], 1, "with rekey = 1 (R82)");
    peer_acks(p);
    app_sends(p, 30);
    peer_iterate(p);
    peer_reads(p, 30);
    peer_over(p);
}

Test(crypt_out, a_window_below_the_smallest_frame_is_used_too) /* MUST-38, RFC 9293 3.8.6.2.1 (4) */
{
    struct peer *p = peer_connected(OPS);

    p->wnd = 7;
    peer_acks(p);
    app_sends(p, 50);
    for (int i = 0; i < 40 && p->seam.b.got_len < 50; i++) {
        peer_wait(p, 1000);
        peer_acks(p);
        (void)seam_read_all(&p->seam.b, &p->seam.a);
    }
    peer_reads(p, 50);
    peer_over(p);
}

Test(crypt_out, a_reply_into_a_full_window_goes_alone) /* R83 */
{
    struct peer *p = peer_connected(OPS);
    const uint64_t at = peer_stream_len(p);
    uint32_t segs;

    p->wnd = 3000;
    peer_acks(p);
    app_sends(p, 20000);
    peer_iterate(p);
    segs = p->tcb->sndq.n;
    cr_assert_eq(OPS->event(p->seam.b.t, SL_TEP_EVENT_REKEY, p->now_ns), SL_TEP_OK);
    (void)peer_writes(p, 3, 3);
    (void)peer_segment(p, at, (uint32_t)(peer_stream_len(p) - at), -1);
    peer_iterate(p);
    app_reads(p, 3);
    cr_assert_leq(p->tcb->sndq.n, segs + 1, "written segments were cut to pieces");
    for (int i = 0; i < 40 && p->seam.b.got_len < 20000; i++) {
        peer_acks(p);
        peer_wait(p, 300);
        (void)seam_read_all(&p->seam.b, &p->seam.a);
    }
    peer_reads(p, 20000);
    peer_over(p);
}
