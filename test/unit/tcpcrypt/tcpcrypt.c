/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcpcrypt/tcpcrypt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/invariant.h"
#include "base/wheel.h"
#include "seam.h"

static const struct sl_tep_config config = {
    .aead_a = {SL_AEAD_AES_128_GCM},
    .aead_b = {SL_AEAD_AES_128_GCM},
    .n_aead_a = 1,
    .n_aead_b = 1,
    .kex_timeout_ns = UINT64_C(10000000000),
};

static const struct sl_tep_ops *const tep = &sl_tcpcrypt_x25519;

enum { ROOM = 1 << 16, INIT1_BYTES = 75, INIT2_BYTES = 74 };

static struct sl_random_seeded random_a, random_b;
static struct seam s;

static void begin_seeded(const struct sl_tep_config *c)
{
    srand(1);
    seam_begin(&s, tep, c, sl_random_seed(&random_a, 1), sl_random_seed(&random_b, 2), NULL);
}

/* Both ends with keys. */
static void connected(void)
{
    begin_seeded(&config);
    seam_handshake(&s);
    cr_assert(tep->facts(s.a.t).ready && tep->facts(s.b.t).ready);
}

static void event(struct seam_end *e, enum sl_tep_event what)
{
    cr_expect_eq(tep->event(e->t, what, 0), SL_TEP_OK);
}

/* An empty frame if the TEP has one to send. */
static bool sends_empty(struct seam_end *e)
{
    return seam_next(e, (struct sl_tep_pending){0}, NULL, ROOM) == SL_TEP_NEXT_FRAME;
}

static bool is_rekey(const struct seam_end *e)
{
    return e->last_cut.head[0] == 1;
}

Test(tcpcrypt, both_ends_come_to_one_session_id) /* R44 */
{
    uint8_t a[SL_TEP_SESSION_ID_MAX_BYTES], b[SL_TEP_SESSION_ID_MAX_BYTES];

    begin_seeded(&config);
    cr_expect_eq(tep->session_id(s.a.t, a), 0, "none yet (R42)");
    seam_handshake(&s);
    cr_assert_eq(tep->session_id(s.a.t, a), 33);
    cr_assert_eq(tep->session_id(s.b.t, b), 33);
    cr_expect_arr_eq(a, b, 33);
    cr_expect_eq(a[0], 0x23);
    cr_expect_eq(tep->facts(s.a.t).aead, SL_AEAD_AES_128_GCM);
    cr_expect_not(tep->facts(s.a.t).resumed);
    cr_expect_eq(s.a.own_sent, 1);
    cr_expect_eq(s.b.own_sent, 1);
    seam_end(&s);
}

Test(tcpcrypt, messages_are_pushed_and_b_may_send_right_behind_its_own) /* R48, R55 */
{
    begin_seeded(&config);
    cr_expect_eq(seam_next(&s.a, (struct sl_tep_pending){0}, NULL, ROOM), SL_TEP_NEXT_NOTHING,
                 "not before its key pair is made");
    seam_work(&s.a);
    cr_expect_eq(seam_next(&s.a, (struct sl_tep_pending){0}, NULL, INIT1_BYTES - 1),
                 SL_TEP_NEXT_NOTHING);
    cr_expect_eq(seam_next(&s.a, (struct sl_tep_pending){0}, NULL, INIT1_BYTES), SL_TEP_NEXT_OWN);
    cr_expect(s.a.last_cut.push);
    cr_expect_eq(s.a.last_cut.len, INIT1_BYTES);
    cr_expect_eq(seam_next(&s.a, (struct sl_tep_pending){.data_len = 1}, NULL, ROOM),
                 SL_TEP_NEXT_NOTHING, "no data without keys (R26)");

    cr_expect_eq(seam_read_all(&s.b, &s.a), SL_TEP_READ_WAIT);
    seam_work(&s.b);
    cr_expect_eq(seam_next(&s.b, (struct sl_tep_pending){0}, NULL, ROOM), SL_TEP_NEXT_OWN);
    cr_expect(s.b.last_cut.push);
    seam_send(&s.b, "early", 5, false, ROOM);
    cr_expect_eq(seam_read_all(&s.a, &s.b), SL_TEP_READ_WAIT);
    seam_work(&s.a);
    seam_read_all(&s.a, &s.b);
    cr_expect_arr_eq(s.a.got, "early", 5);
    seam_end(&s);
}

Test(tcpcrypt, data_both_ways_and_a_clean_end) /* R76, R77 */
{
    static uint8_t sent[200000];

    connected();
    for (size_t i = 0; i < sizeof(sent); i++)
        sent[i] = (uint8_t)(i * 7 + i / 256);
    seam_send(&s.a, sent, sizeof(sent), true, 1448);
    cr_expect_eq(s.a.frames_sent, (sizeof(sent) + 1427) / 1428);
    cr_expect(s.a.last_cut.end_of_stream);
    seam_read_all(&s.b, &s.a);
    cr_expect_eq(s.b.got_len, sizeof(sent));
    cr_expect_eq(memcmp(s.b.got, sent, sizeof(sent)), 0);
    cr_expect(s.b.ended);

    seam_send(&s.b, sent, 70000, false, SL_TEP_HEAD_MAX_BYTES + (1 << 17));
    cr_expect_eq(s.b.frames_sent, 2, "65518 bytes and the rest (R69)");
    seam_send(&s.b, NULL, 0, true, ROOM);
    seam_read_all(&s.a, &s.b);
    cr_expect_eq(s.a.got_len, 70000);
    cr_expect(s.a.ended);
    cr_expect_eq(s.a.error, SL_TEP_OK);
    cr_expect_eq(s.b.error, SL_TEP_OK);
    seam_end(&s);
}

Test(tcpcrypt, nothing_follows_the_frame_with_FINp) /* R76 */
{
    connected();
    seam_send(&s.a, "bye", 3, true, ROOM);
    cr_expect_eq(s.a.frames_sent, 1);
    cr_expect_eq(seam_next(&s.a, (struct sl_tep_pending){.end_of_stream = true}, NULL, ROOM),
                 SL_TEP_NEXT_NOTHING);
    cr_expect_eq(seam_next(&s.a, (struct sl_tep_pending){.data_len = 1}, (uint8_t *)"x", ROOM),
                 SL_TEP_NEXT_NOTHING);
    event(&s.a, SL_TEP_EVENT_REKEY);
    cr_expect_not(sends_empty(&s.a));
    seam_end(&s);
}

Test(tcpcrypt, FINp_waits_for_the_last_data)
{
    const struct sl_tep_pending p = {.data_len = 100, .end_of_stream = true};
    static const uint8_t data[100];

    connected();
    cr_expect_eq(seam_next(&s.a, p, data, 20 + 99), SL_TEP_NEXT_FRAME);
    cr_expect_eq(s.a.last_cut.data_len, 99);
    cr_expect_not(s.a.last_cut.end_of_stream);
    seam_send(&s.a, data, 1, true, ROOM);
    cr_expect(s.a.frames_sent == 2 && s.a.last_cut.end_of_stream);
    seam_read_all(&s.b, &s.a);
    cr_expect(s.b.ended && s.b.got_len == 100);
    seam_end(&s);
}

Test(tcpcrypt, a_frame_needs_room_for_a_byte_of_data)
{
    const struct sl_tep_pending p = {.data_len = 5}, end = {.end_of_stream = true};

    connected();
    cr_expect_eq(seam_next(&s.a, p, (uint8_t *)"12345", 20), SL_TEP_NEXT_NOTHING);
    cr_expect_eq(seam_next(&s.a, p, (uint8_t *)"12345", 21), SL_TEP_NEXT_FRAME);
    cr_expect_eq(s.a.last_cut.data_len, 1);
    cr_expect_eq(seam_next(&s.a, end, NULL, 19), SL_TEP_NEXT_NOTHING);
    cr_expect_eq(seam_next(&s.a, end, NULL, 20), SL_TEP_NEXT_FRAME);
    seam_end(&s);
}

static const struct {
    uint32_t pending, urgent_end;
    uint64_t read_as;
} urgents[] = {
    {1, 1, 1}, /* the vector file's "urgent field 0" */
    {10, 4, 4},     {10, 10, 10},
    {10, 500, 500}, {10, 70000, 65536}, /* as far as the field reaches; later frames say the rest */
};

Test(tcpcrypt, urgent_data) /* R80, A7 */
{
    connected();
    for (size_t i = 0; i < sizeof(urgents) / sizeof(urgents[0]); i++) {
        const struct sl_tep_pending p = {
            .data_len = urgents[i].pending, .urgent = true, .urgent_end = urgents[i].urgent_end};

        cr_expect_eq(seam_next(&s.a, p, (uint8_t *)"0123456789", ROOM), SL_TEP_NEXT_FRAME);
        cr_expect_eq(s.a.last_cut.prefix_len, 3);
        seam_read_all(&s.b, &s.a);
        cr_expect(s.b.last.urgent);
        cr_expect_eq(s.b.last.urgent_end, urgents[i].read_as, "case %zu", i);
        cr_expect_eq(s.b.last.data_len, urgents[i].pending);
    }
    seam_send(&s.a, "x", 1, false, ROOM);
    seam_read_all(&s.b, &s.a);
    cr_expect_not(s.b.last.urgent);
    seam_end(&s);
}

/* R72, R75: all of a frame is covered, clear head too; and a forgery changes no state (trap 10). */
Test(tcpcrypt, a_flipped_bit_anywhere_is_found_and_the_repaired_frame_is_read)
{
    uint64_t from;

    connected();
    seam_send(&s.a, "before", 6, false, ROOM);
    seam_read_all(&s.b, &s.a);
    from = s.b.read_at;
    seam_send(&s.a, "some data", 9, false, ROOM);
    for (uint64_t at = from; at < s.a.sent_len; at++) {
        for (int bit = 0; bit < 8; bit++) {
            s.a.sent[at] ^= (uint8_t)(1 << bit);
            seam_read_all(&s.b, &s.a);
            cr_assert_eq(s.b.read_at, from, "byte %d bit %d", (int)(at - from), bit);
            s.a.sent[at] ^= (uint8_t)(1 << bit);
            s.b.error = SL_TEP_OK;
        }
    }
    seam_send(&s.a, "!", 1, false, ROOM);
    seam_read_all(&s.b, &s.a);
    cr_expect_eq(s.b.got_len, 16);
    cr_expect_arr_eq(s.b.got, "beforesome data!", 16);
    seam_end(&s);
}

Test(tcpcrypt, a_clen_that_no_frame_has_is_an_error_at_once) /* A8, trap 12 */
{
    connected();
    memcpy(s.a.sent + s.a.sent_len, (uint8_t[]){0, 0, 16}, 3);
    cr_expect_eq(seam_read(&s.b, &s.a, s.a.sent_len + 2, 1), SL_TEP_READ_MORE);
    cr_expect_eq(s.b.last_f.need, 3);
    cr_expect_eq(seam_read(&s.b, &s.a, s.a.sent_len + 3, 1), SL_TEP_READ_ERROR);
    cr_expect_eq(s.b.error, SL_TEP_AUTH_FAILED);
    seam_end(&s);
}

Test(tcpcrypt, an_incomplete_frame_says_what_is_wanted)
{
    uint64_t from;

    connected();
    from = s.a.sent_len;
    seam_send(&s.a, "0123456789", 10, false, ROOM);
    for (uint64_t limit = from; limit < s.a.sent_len; limit++) {
        cr_expect_eq(seam_read(&s.b, &s.a, limit, 4), SL_TEP_READ_MORE);
        cr_expect_eq(s.b.last_f.need, limit - from < 3 ? 3 : 30);
        cr_expect_eq(s.b.last_f.offset, from);
    }
    seam_read_all(&s.b, &s.a);
    cr_expect_eq(s.b.got_len, 10);
    seam_end(&s);
}

/* A8: authentic, and nonsense. Sealed by hand under the key that the sender would use. */
static void seal_by_hand(struct seam_end *e, const uint8_t *plain, uint32_t len)
{
    struct sl_job job = {0}, *burst[] = {&job}, *done;
    struct sl_tep_cut cut;
    const struct sl_tep_pending p = {.data_len = len - 1};
    struct sl_range text = {e->sent + e->sent_len + 3, len};

    cr_assert_eq(tep->next(e->t, &p, ROOM, e->sent_len, &cut, &job), SL_TEP_NEXT_FRAME);
    cr_assert_eq(cut.len, len + 19);
    memcpy(e->sent + e->sent_len, cut.head, 3);
    memcpy(text.at, plain, len);
    job.src = job.dst = &text;
    job.n_src = job.n_dst = 1;
    e->queue->ops->submit(e->queue, burst, 1, 0);
    e->queue->ops->poll(e->queue, &done, 1, 0);
    memcpy(text.at + len, job.tag, 16);
    tep->sealed(e->t, &cut);
    e->sent_len += cut.len;
}

static const struct {
    const char *story;
    uint8_t plain[4];
    uint32_t len;
    enum sl_tep_error error;
} plains[] = {
    {"URGp without its field", {2, 'x'}, 2, SL_TEP_AUTH_FAILED},
    {"URGp with half of it", {2, 0, 0}, 2, SL_TEP_AUTH_FAILED},
    {"URGp and FINp with field and no data", {3, 0, 0}, 3, SL_TEP_OK},
    {"reserved bits", {0xfc, 'x'}, 2, SL_TEP_OK},
};

Test(tcpcrypt, authentic_plaintext_is_checked) /* A8, R71 */
{
    for (size_t i = 0; i < sizeof(plains) / sizeof(plains[0]); i++) {
        connected();
        seal_by_hand(&s.a, plains[i].plain, plains[i].len);
        seam_read_all(&s.b, &s.a);
        cr_expect_eq(s.b.error, plains[i].error, "%s", plains[i].story);
        cr_expect_eq(s.b.frames_got, 1);
        seam_end(&s);
    }
}

Test(tcpcrypt, a_frame_after_FINp_is_an_error) /* A8 */
{
    connected();
    seal_by_hand(&s.a, (uint8_t[]){1, 'x'}, 2); /* the sender does not know that it said so */
    seam_send(&s.a, "y", 1, false, ROOM);
    seam_read_all(&s.b, &s.a);
    cr_expect(s.b.ended);
    cr_expect_eq(s.b.error, SL_TEP_AUTH_FAILED);
    cr_expect_eq(s.b.got_len, 1);
    seam_end(&s);
}

Test(tcpcrypt, a_rekey_is_answered_at_once_by_an_empty_frame) /* R82, R83 */
{
    connected();
    event(&s.a, SL_TEP_EVENT_REKEY);
    seam_send(&s.a, "fresh", 5, false, ROOM);
    cr_expect(is_rekey(&s.a));
    seam_send(&s.a, "same", 4, false, ROOM);
    cr_expect_not(is_rekey(&s.a), "rekey = 1 on the first frame of a generation only");

    seam_read(&s.b, &s.a, s.a.sent_len - 24, 1);
    cr_expect(s.b.reply_due);
    cr_expect(sends_empty(&s.b));
    cr_expect(is_rekey(&s.b));
    cr_expect_eq(s.b.last_cut.len, 20);
    cr_expect_not(sends_empty(&s.b));
    seam_read_all(&s.b, &s.a);
    cr_expect_not(s.b.reply_due);
    cr_expect_eq(s.b.got_len, 9);

    seam_read_all(&s.a, &s.b);
    cr_expect_not(s.a.reply_due, "it is one step, not two");
    cr_expect_not(sends_empty(&s.a));
    seam_end(&s);
}

Test(tcpcrypt, a_reply_may_carry_data)
{
    connected();
    event(&s.b, SL_TEP_EVENT_REKEY);
    cr_expect(sends_empty(&s.b));
    seam_read_all(&s.a, &s.b);
    seam_send(&s.a, "with data", 9, false, ROOM);
    cr_expect(is_rekey(&s.a));
    cr_expect_eq(s.a.frames_sent, 1);
    seam_read_all(&s.b, &s.a);
    cr_expect_not(s.b.reply_due);
    cr_expect_eq(s.b.got_len, 9);
    seam_end(&s);
}

Test(tcpcrypt, two_rekeys_that_cross_need_no_reply) /* trap 10 */
{
    connected();
    event(&s.a, SL_TEP_EVENT_REKEY);
    event(&s.b, SL_TEP_EVENT_REKEY);
    cr_expect(sends_empty(&s.a));
    cr_expect(sends_empty(&s.b));
    seam_read_all(&s.a, &s.b);
    seam_read_all(&s.b, &s.a);
    cr_expect_not(s.a.reply_due || s.b.reply_due);
    cr_expect_not(sends_empty(&s.a) || sends_empty(&s.b));
    seam_send(&s.a, "x", 1, false, ROOM);
    seam_send(&s.b, "y", 1, false, ROOM);
    seam_read_all(&s.a, &s.b);
    seam_read_all(&s.b, &s.a);
    cr_expect(s.a.got[0] == 'y' && s.b.got[0] == 'x');
    seam_end(&s);
}

Test(tcpcrypt, a_peer_two_ahead_gets_two_replies) /* trap 10 */
{
    connected();
    for (int i = 0; i < 2; i++) {
        event(&s.a, SL_TEP_EVENT_REKEY);
        seam_send(&s.a, "x", 1, false, ROOM); /* with data a second one is allowed (R84) */
        cr_expect(is_rekey(&s.a));
    }
    seam_read_all(&s.b, &s.a);
    cr_expect_eq(s.b.got_len, 2);
    cr_expect(sends_empty(&s.b) && is_rekey(&s.b));
    cr_expect(sends_empty(&s.b) && is_rekey(&s.b));
    cr_expect_not(sends_empty(&s.b));
    seam_read_all(&s.a, &s.b);
    cr_expect_eq(s.a.frames_got, 2);
    cr_expect_not(sends_empty(&s.a));
    seam_end(&s);
}

Test(tcpcrypt, no_second_rekey_by_an_empty_frame_before_the_answer) /* R84, R87 */
{
    connected();
    event(&s.a, SL_TEP_EVENT_PROBE);
    cr_expect(sends_empty(&s.a) && is_rekey(&s.a));
    event(&s.a, SL_TEP_EVENT_PROBE);
    cr_expect_not(sends_empty(&s.a), "the first probe is still under way");
    event(&s.a, SL_TEP_EVENT_REKEY);
    cr_expect_not(sends_empty(&s.a), "not without data");
    seam_read_all(&s.b, &s.a);
    cr_expect(sends_empty(&s.b));
    seam_read_all(&s.a, &s.b);
    cr_expect(sends_empty(&s.a) && is_rekey(&s.a), "now it is");
    seam_end(&s);
}

Test(tcpcrypt, a_probe_under_way_is_not_followed_by_another) /* R87 */
{
    connected();
    event(&s.a, SL_TEP_EVENT_PROBE);
    cr_expect(sends_empty(&s.a));
    event(&s.a, SL_TEP_EVENT_PROBE);
    seam_read_all(&s.b, &s.a);
    cr_expect(sends_empty(&s.b));
    seam_read_all(&s.a, &s.b);
    cr_expect_not(sends_empty(&s.a), "the answer serves both");
    event(&s.a, SL_TEP_EVENT_PROBE);
    cr_expect(sends_empty(&s.a));
    seam_end(&s);
}

Test(tcpcrypt, after_our_FINp_a_rekey_gets_no_reply) /* A11, trap 13 */
{
    uint32_t before;

    connected();
    seam_send(&s.b, NULL, 0, true, ROOM);
    before = sl_arena_used(s.b.arena);
    for (int i = 0; i < 3; i++) {
        event(&s.a, SL_TEP_EVENT_REKEY);
        seam_send(&s.a, "z", 1, false, ROOM);
    }
    seam_read_all(&s.b, &s.a);
    cr_expect_eq(s.b.got_len, 3, "and yet all is read");
    cr_expect_eq(sl_arena_used(s.b.arena), before, "no master key is kept for replies");
    cr_expect_not(s.b.reply_due);
    cr_expect_not(sends_empty(&s.b));
    seam_end(&s);
}

Test(tcpcrypt, a_FINp_may_be_the_reply)
{
    connected();
    event(&s.a, SL_TEP_EVENT_REKEY);
    cr_expect(sends_empty(&s.a));
    seam_read_all(&s.b, &s.a);
    seam_send(&s.b, NULL, 0, true, ROOM);
    cr_expect_eq(s.b.frames_sent, 1);
    cr_expect(is_rekey(&s.b) && s.b.last_cut.end_of_stream);
    seam_read_all(&s.a, &s.b);
    cr_expect(s.a.ended);
    cr_expect_not(s.a.reply_due);
    seam_end(&s);
}

Test(tcpcrypt, a_forged_rekey_bit_changes_nothing) /* trap 10 */
{
    uint64_t from;

    connected();
    from = s.a.sent_len;
    seam_send(&s.a, "genuine", 7, false, ROOM);
    s.a.sent[from] ^= 1;
    seam_read_all(&s.b, &s.a);
    seam_read_all(&s.b, &s.a);
    cr_expect_eq(s.b.tag_failures, 2);
    s.a.sent[from] ^= 1;
    seam_read_all(&s.b, &s.a);
    cr_expect_eq(s.b.got_len, 7);
    cr_expect_not(s.b.reply_due);
    event(&s.a, SL_TEP_EVENT_REKEY); /* and a true one still works */
    seam_send(&s.a, "!", 1, false, ROOM);
    seam_read_all(&s.b, &s.a);
    cr_expect_eq(s.b.got_len, 8);
    seam_end(&s);
}

/* What read() says of three frames of which the middle one re-keys. */
Test(tcpcrypt, reading_ahead_stops_before_and_behind_a_rekey)
{
    struct sl_tep_frame f;
    struct sl_job job;
    uint64_t at[4];

    connected();
    for (int i = 0; i < 3; i++) {
        at[i] = s.a.sent_len;
        if (i == 1)
            event(&s.a, SL_TEP_EVENT_REKEY);
        seam_send(&s.a, "x", 1, false, ROOM);
    }
    at[3] = s.a.sent_len;
#define READ(i, ahead)                                                                          \
    tep->read(s.b.t, &(struct sl_range){s.a.sent + at[i], (uint32_t)(at[3] - at[i])}, 1, at[i], \
              (ahead), &f, &job)
    cr_expect_eq(READ(0, 0), SL_TEP_READ_FRAME);
    cr_expect_eq(READ(1, 1), SL_TEP_READ_WAIT, "not while one in front is not opened");
    seam_read(&s.b, &s.a, at[1], 1);
    cr_expect_eq(READ(1, 0), SL_TEP_READ_FRAME);
    cr_expect_eq(READ(2, 1), SL_TEP_READ_WAIT, "its key is not known yet");
    cr_expect_eq(READ(1, 0), SL_TEP_READ_FRAME, "the same again");
    cr_expect_eq(READ(2, 1), SL_TEP_READ_WAIT);
    seam_read(&s.b, &s.a, at[2], 1);
    cr_expect_eq(READ(2, 0), SL_TEP_READ_FRAME);
    seam_read_all(&s.b, &s.a);
    cr_expect_eq(s.b.got_len, 3);
    seam_end(&s);
}

Test(tcpcrypt, a_key_lives_as_long_as_frames_under_it_are_in_flight) /* R86 */
{
    enum { N = 12 };
    struct sl_tep_cut cuts[N];
    struct sl_job jobs[N];
    const struct sl_tep_pending p = {.data_len = 1};
    uint32_t before;

    connected();
    before = sl_arena_used(s.a.arena);
    for (unsigned i = 0; i < N; i++) { /* two frames under each key */
        if (i % 2 == 0)
            event(&s.a, SL_TEP_EVENT_REKEY);
        cr_assert_eq(tep->next(s.a.t, &p, ROOM, s.a.sent_len + 21 * i, &cuts[i], &jobs[i]),
                     SL_TEP_NEXT_FRAME);
        cr_expect_eq(i > 0 && jobs[i].key == jobs[i - 1].key, i % 2 == 1);
    }
    cr_expect_eq(sl_arena_used(s.a.arena), before + 1 + N / 2 - 1);
    for (unsigned i = 0; i < N; i++) {
        cr_expect_not_null(sl_arena_at(s.a.arena, jobs[i].key));
        tep->sealed(s.a.t, &cuts[i]);
        cr_expect_eq(sl_arena_at(s.a.arena, jobs[i].key) == NULL, i % 2 == 1 && i < N - 1,
                     "erased with the last, but for the one that is in use");
    }
    cr_expect_eq(sl_arena_used(s.a.arena), before + 1, "one master key more, until the answer");
    seam_end(&s);
}

/* In whatever order jobs of several keys come back. */
Test(tcpcrypt, old_keys_go_in_any_order)
{
    enum { N = 7 };
    static const unsigned order[N] = {3, 0, 6, 1, 5, 4, 2};
    struct sl_tep_cut cuts[N];
    struct sl_job jobs[N];
    const struct sl_tep_pending p = {.data_len = 1};

    connected();
    for (unsigned i = 0; i < N; i++) {
        event(&s.a, SL_TEP_EVENT_REKEY);
        tep->next(s.a.t, &p, ROOM, s.a.sent_len + 21 * i, &cuts[i], &jobs[i]);
    }
    for (unsigned i = 0; i < N; i++) {
        tep->sealed(s.a.t, &cuts[order[i]]);
        for (unsigned k = 0; k <= i; k++)
            cr_expect_eq(sl_arena_at(s.a.arena, jobs[order[k]].key) == NULL, order[k] != N - 1);
        for (unsigned k = i + 1; k < N; k++)
            cr_expect_not_null(sl_arena_at(s.a.arena, jobs[order[k]].key));
    }
    seam_end(&s);
}

Test(tcpcrypt, is_erased_with_frames_in_flight)
{
    const struct sl_tep_pending p = {.data_len = 1};
    struct sl_tep_cut cut;
    struct sl_job job;

    connected();
    for (unsigned i = 0; i < 5; i++) {
        event(&s.a, SL_TEP_EVENT_REKEY);
        tep->next(s.a.t, &p, ROOM, s.a.sent_len + 21 * i, &cut, &job);
    }
    seam_end(&s); /* which looks for secrets left */
}

Test(tcpcrypt, sealing_keys_go_after_the_last_frame)
{
    uint32_t before;

    connected();
    before = sl_arena_used(s.a.arena);
    seam_send(&s.a, NULL, 0, true, ROOM);
    cr_expect_eq(sl_arena_used(s.a.arena), before - 1);
    seam_end(&s);
}

Test(tcpcrypt, many_rekeys_leak_nothing)
{
    uint32_t a, b;

    connected();
    a = sl_arena_used(s.a.arena);
    b = sl_arena_used(s.b.arena);
    for (int i = 0; i < 200; i++) {
        struct seam_end *e = rand() % 2 ? &s.a : &s.b;

        event(e, SL_TEP_EVENT_REKEY);
        seam_send(e, "k", 1, false, ROOM);
        seam_read_all(&s.b, &s.a);
        seam_read_all(&s.a, &s.b);
        while (sends_empty(&s.a) || sends_empty(&s.b))
            ;
    }
    seam_read_all(&s.b, &s.a);
    seam_read_all(&s.a, &s.b);
    cr_expect_eq(s.a.got_len + s.b.got_len, 200);
    cr_expect_eq(sl_arena_used(s.a.arena), a);
    cr_expect_eq(sl_arena_used(s.b.arena), b);
    seam_end(&s);
}

/* R74 and the usage limit of the AEAD: 2^36 bytes under one key. */
Test(tcpcrypt, a_key_is_replaced_long_before_its_limit)
{
    const struct sl_tep_pending p = {.data_len = 1};
    const uint64_t limit = UINT64_C(1) << 36;
    struct sl_tep_cut cut;
    struct sl_job job;

    connected();
    tep->next(s.a.t, &p, ROOM, INIT1_BYTES + limit - 1, &cut, &job);
    cr_expect_eq(cut.head[0], 0);
    tep->sealed(s.a.t, &cut);
    tep->next(s.a.t, &p, ROOM, INIT1_BYTES + limit, &cut, &job);
    cr_expect_eq(cut.head[0], 1);
    tep->sealed(s.a.t, &cut);
    tep->next(s.a.t, &p, ROOM, INIT1_BYTES + limit + 21, &cut, &job);
    cr_expect_eq(cut.head[0], 0);
    tep->sealed(s.a.t, &cut);
    tep->next(s.a.t, &p, ROOM, INIT1_BYTES + 2 * limit, &cut, &job);
    cr_expect_eq(cut.head[0], 1, "whether or not the peer has answered");
    tep->sealed(s.a.t, &cut);
    seam_end(&s);
}

/* Show B `len` bytes as A's stream. */
static enum sl_tep_read b_reads(const uint8_t *bytes, uint32_t len)
{
    memcpy(s.a.sent, bytes, len);
    s.b.error = SL_TEP_OK;
    return seam_read(&s.b, &s.a, len, 1);
}

Test(tcpcrypt, a_message_that_is_none_fails_at_the_first_byte_that_shows_it) /* A8 */
{
    static uint8_t init[5000];

    begin_seeded(&config);
    seam_work(&s.a);
    seam_next(&s.a, (struct sl_tep_pending){0}, NULL, ROOM);
    memcpy(init, s.a.sent, INIT1_BYTES);
    for (uint32_t i = 0; i < 4; i++) {
        init[i] ^= 0x80;
        cr_expect_eq(b_reads(init, i), SL_TEP_READ_MORE);
        cr_expect_eq(b_reads(init, i + 1), SL_TEP_READ_ERROR);
        cr_expect_eq(s.b.error, SL_TEP_KEX_FAILED);
        init[i] ^= 0x80;
    }
    init[6] = 0x20; /* message_len 8192 */
    cr_expect_eq(b_reads(init, 7), SL_TEP_READ_MORE);
    cr_expect_eq(b_reads(init, 8), SL_TEP_READ_ERROR);
    init[6] = 0;
    init[10] ^= 0xff; /* another cipher */
    cr_expect_eq(b_reads(init, INIT1_BYTES - 1), SL_TEP_READ_MORE);
    cr_expect_eq(b_reads(init, INIT1_BYTES), SL_TEP_READ_ERROR);
    cr_expect_eq(s.b.error, SL_TEP_KEX_FAILED);
    init[10] ^= 0xff;
    cr_expect_eq(b_reads(init, INIT1_BYTES), SL_TEP_READ_WAIT, "none of this did any harm");
    seam_end(&s);
}

Test(tcpcrypt, bytes_behind_the_key_are_hashed_and_ignored) /* R50, trap 6 */
{
    uint8_t a[64], b[64];

    begin_seeded(&config);
    seam_work(&s.a);
    seam_next(&s.a, (struct sl_tep_pending){0}, NULL, ROOM);
    s.a.sent[7] += 3; /* as if another implementation had sent it with a tail */
    memcpy(s.a.sent + INIT1_BYTES, "xyz", 3);
    s.a.sent_len += 3;
    seam_handshake(&s);
    cr_expect_eq(tep->session_id(s.b.t, b), 33, "B does not mind");
    cr_expect_eq(tep->session_id(s.a.t, a), 33);
    cr_expect(memcmp(a, b, 33) != 0, "but A hashed another message");
    seam_end(&s);
}

Test(tcpcrypt, a_dribbled_message_is_read)
{
    begin_seeded(&config);
    seam_work(&s.a);
    seam_next(&s.a, (struct sl_tep_pending){0}, NULL, ROOM);
    for (uint32_t len = 0; len < INIT1_BYTES; len++) {
        cr_expect_eq(seam_read(&s.b, &s.a, len, 1), SL_TEP_READ_MORE);
        cr_expect_eq(s.b.last_f.need, len < 8 ? 8 : INIT1_BYTES);
    }
    seam_handshake(&s);
    cr_expect(tep->facts(s.a.t).ready);
    seam_end(&s);
}

Test(tcpcrypt, a_chooses_nothing_that_it_did_not_offer) /* R51 */
{
    begin_seeded(&config);
    seam_work(&s.a);
    seam_next(&s.a, (struct sl_tep_pending){0}, NULL, ROOM);
    seam_read_all(&s.b, &s.a);
    seam_work(&s.b);
    seam_next(&s.b, (struct sl_tep_pending){0}, NULL, ROOM);
    s.b.sent[9] = SL_AEAD_AES_256_GCM;
    cr_expect_eq(seam_read_all(&s.a, &s.b), SL_TEP_READ_ERROR);
    cr_expect_eq(s.a.error, SL_TEP_KEX_FAILED);
    seam_end(&s);
}

Test(tcpcrypt, a_public_key_of_small_order_fails_the_exchange) /* R52, R57 */
{
    begin_seeded(&config);
    seam_work(&s.a);
    seam_next(&s.a, (struct sl_tep_pending){0}, NULL, ROOM);
    memset(s.a.sent + INIT1_BYTES - 32, 0, 32);
    seam_read_all(&s.b, &s.a);
    seam_work(&s.b);
    cr_expect_eq(s.b.error, SL_TEP_KEX_FAILED);
    cr_expect_not(tep->facts(s.b.t).ready);
    cr_expect_eq(seam_next(&s.b, (struct sl_tep_pending){0}, NULL, ROOM), SL_TEP_NEXT_NOTHING);
    cr_expect_eq(seam_read_all(&s.b, &s.a), SL_TEP_READ_ERROR);
    cr_expect_eq(tep->session_id(s.b.t, (uint8_t[64]){0}), 0);
    seam_end(&s);
}

Test(tcpcrypt, b_chooses_by_its_own_preference) /* R54 */
{
    const struct sl_tep_config a = {.aead_a = {SL_AEAD_AES_128_GCM, SL_AEAD_CHACHA20_POLY1305},
                                    .n_aead_a = 2};
    const struct sl_tep_config b = {
        .aead_b = {SL_AEAD_AES_128_GCM, SL_AEAD_CHACHA20_POLY1305, SL_AEAD_AES_256_GCM},
        .n_aead_b = 3};

    seam_begin_with(&s, tep, &a, &b, sl_random_seed(&random_a, 1), sl_random_seed(&random_b, 2),
                    (uint8_t *)"t", (uint8_t *)"t", 1, NULL);
    seam_handshake(&s);
    cr_expect_eq(tep->facts(s.a.t).aead, SL_AEAD_CHACHA20_POLY1305);
    cr_expect_eq(tep->facts(s.b.t).aead, SL_AEAD_CHACHA20_POLY1305);
    seam_send(&s.a, "hello", 5, true, ROOM);
    seam_read_all(&s.b, &s.a);
    cr_expect(s.b.ended && s.b.got_len == 5);
    seam_end(&s);
}

Test(tcpcrypt, a_changed_transcript_makes_other_keys) /* R37 */
{
    seam_begin_with(&s, tep, &config, &config, sl_random_seed(&random_a, 1),
                    sl_random_seed(&random_b, 2), (uint8_t *)"as sent", (uint8_t *)"as seen", 7,
                    NULL);
    seam_handshake(&s);
    seam_send(&s.a, "x", 1, false, ROOM);
    seam_read_all(&s.b, &s.a);
    cr_expect_eq(s.b.tag_failures, 1);
    cr_expect_eq(s.b.got_len, 0);
    seam_end(&s);
}

Test(tcpcrypt, private_keys_go_as_soon_as_the_secret_is_agreed) /* R39, R53 */
{
    begin_seeded(&config);
    seam_work(&s.a);
    cr_expect_eq(sl_arena_used(s.a.arena), 1);
    seam_next(&s.a, (struct sl_tep_pending){0}, NULL, ROOM);
    seam_read_all(&s.b, &s.a);
    cr_expect_eq(sl_arena_used(s.b.arena), 4);
    seam_work(&s.b);
    cr_expect_eq(sl_arena_used(s.b.arena), 3, "before Init2 is even sent");
    seam_handshake(&s);
    cr_expect_eq(sl_arena_used(s.a.arena), 3, "master key, and a key for each direction");
    cr_expect_eq(sl_arena_used(s.b.arena), 3);
    seam_end(&s);
}

Test(tcpcrypt, a_peer_that_never_speaks_runs_into_the_deadline) /* A16 */
{
    begin_seeded(&config);
    cr_expect_eq(tep->deadline(s.a.t), config.kex_timeout_ns);
    cr_expect_eq(tep->event(s.a.t, SL_TEP_EVENT_TIMER, config.kex_timeout_ns - 1), SL_TEP_OK);
    cr_expect_eq(tep->event(s.a.t, SL_TEP_EVENT_TIMER, config.kex_timeout_ns), SL_TEP_KEX_FAILED);
    cr_expect_eq(tep->deadline(s.a.t), SL_NEVER);
    cr_expect_null(tep->work(s.a.t));
    seam_end(&s);
}

Test(tcpcrypt, no_deadline_once_keys_are_there)
{
    connected();
    cr_expect_eq(tep->deadline(s.a.t), SL_NEVER);
    cr_expect_eq(tep->event(s.a.t, SL_TEP_EVENT_TIMER, SL_NEVER - 1), SL_TEP_OK);
    seam_end(&s);
}

static bool no_entropy(struct sl_random *r, void *out, size_t n)
{
    (void)r;
    memset(out, 0, n);
    return false;
}

Test(tcpcrypt, does_not_begin_without_what_it_needs) /* R13, R60 */
{
    struct sl_random dry = {no_entropy};
    struct sl_arena *arena = sl_arena_create(1), *full = sl_arena_create(1);
    struct sl_tep_begin b = {.config = &config,
                             .arena = arena,
                             .role = SL_TEP_ROLE_A,
                             .secrets = sl_random_seed(&random_a, 1),
                             .tep_byte = 0x23,
                             .transcript = (uint8_t *)"t",
                             .transcript_len = 1};
    struct sl_tep_begin wrong;
    const struct sl_tep_config nothing = {0};
    uint8_t long_transcript[81] = {0};
    struct sl_tep_state *t;

    sl_arena_take(full);
    wrong = b, wrong.secrets = &dry;
    cr_expect_null(tep->begin(&wrong, 0));
    wrong = b, wrong.arena = full;
    cr_expect_null(tep->begin(&wrong, 0));
    wrong = b, wrong.config = &nothing;
    cr_expect_null(tep->begin(&wrong, 0));
    wrong = b, wrong.tep_byte = 0xa3;
    cr_expect_null(tep->begin(&wrong, 0), "nothing to resume");
    wrong = b, wrong.transcript = long_transcript, wrong.transcript_len = 81;
    cr_expect_null(tep->begin(&wrong, 0));
    cr_expect_eq(sl_arena_used(arena), 0);
    t = tep->begin(&b, 0);
    cr_expect_not_null(t);
    tep->erase(t);
    tep->erase(NULL);
    cr_expect_eq(sl_arena_used(arena), 0);
    sl_arena_destroy(arena);
    sl_arena_destroy(full);
}

Test(tcpcrypt, a_full_arena_is_an_error_and_no_leak)
{
    sl_secret rest[64];
    size_t n = 0;

    begin_seeded(&config);
    seam_work(&s.a);
    seam_next(&s.a, (struct sl_tep_pending){0}, NULL, ROOM);
    while ((rest[n] = sl_arena_take(s.b.arena)) != 0)
        n++;
    cr_expect_eq(seam_read_all(&s.b, &s.a), SL_TEP_READ_ERROR);
    cr_expect_eq(s.b.error, SL_TEP_NO_MEMORY);
    while (n > 0)
        sl_arena_erase(s.b.arena, &rest[--n]);
    s.b.error = SL_TEP_OK;
    seam_handshake(&s);
    cr_expect(tep->facts(s.a.t).ready, "and it works when there is room again");
    seam_end(&s);
}

Test(tcpcrypt, a_full_arena_does_not_break_what_is_established)
{
    sl_secret rest[64];
    size_t n = 0;

    connected();
    event(&s.a, SL_TEP_EVENT_REKEY);
    while ((rest[n] = sl_arena_take(s.a.arena)) != 0)
        n++;
    seam_send(&s.a, "old key", 7, false, ROOM);
    cr_expect_not(is_rekey(&s.a), "a re-key of our own waits for room");
    sl_arena_erase(s.a.arena, &rest[--n]);
    seam_send(&s.a, "new key", 7, false, ROOM);
    cr_expect(is_rekey(&s.a));
    seam_read_all(&s.b, &s.a);
    cr_expect_eq(s.b.got_len, 14);
    while (n > 0)
        sl_arena_erase(s.a.arena, &rest[--n]);
    seam_end(&s);
}

/* An owed reply needs no room: the idle key gives its place (R83). */
Test(tcpcrypt, a_full_arena_does_not_hold_up_a_reply)
{
    sl_secret rest[64];
    size_t n = 0;

    connected();
    event(&s.a, SL_TEP_EVENT_REKEY);
    cr_expect(sends_empty(&s.a));
    seam_read_all(&s.b, &s.a);
    while ((rest[n] = sl_arena_take(s.b.arena)) != 0)
        n++;
    seam_send(&s.b, "reply", 5, false, ROOM);
    cr_expect(is_rekey(&s.b));
    seam_read_all(&s.a, &s.b);
    cr_expect_eq(s.a.got_len, 5);
    while (n > 0)
        sl_arena_erase(s.b.arena, &rest[--n]);
    seam_end(&s);
}

#ifdef SL_CHECKED
/* Each resource that may run out, the n-th time that it is asked for. */
Test(tcpcrypt, survives_whatever_runs_out)
{
    static const char *const faults[] = {"tep_state", "handshake", "arena_take", "random_fill"};
    const struct sl_tep_begin b = {.config = &config,
                                   .role = SL_TEP_ROLE_A,
                                   .tep_byte = 0x23,
                                   .secrets = sl_random_seed(&random_a, 1),
                                   .transcript = (uint8_t *)"t",
                                   .transcript_len = 1,
                                   .arena = sl_arena_create(8)};

    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        sl_fault_arm(faults[i], 1);
        cr_expect_null(tep->begin(&b, 0), "%s", faults[i]);
        sl_fault_arm(faults[i], 0);
        cr_expect_eq(sl_arena_used(b.arena), 0, "%s", faults[i]);
    }
    sl_arena_destroy(b.arena);
}

/* Half of all slots that are asked for are refused, for a while. */
Test(tcpcrypt, sealing_goes_on_after_any_failure_to_take_a_slot)
{
    for (unsigned long seed = 1; seed < 40; seed++) {
        connected();
        for (int i = 0; i < 6; i++) {
            struct seam_end *e = i % 2 ? &s.b : &s.a, *other = i % 2 ? &s.a : &s.b;

            event(e, SL_TEP_EVENT_REKEY);
            sl_fault_random(500000, seed + i);
            for (int k = 0; k < 3; k++)
                seam_next(e, (struct sl_tep_pending){.data_len = 1}, (uint8_t *)"x", ROOM);
            sl_fault_random(0, 0);
            seam_send(e, "z", 1, false, ROOM);
            seam_read_all(other, e);
            seam_send(other, NULL, 0, false, ROOM);
            seam_read_all(e, other);
            cr_assert_eq(other->got[other->got_len - 1], 'z', "seed %lu", seed);
        }
        cr_expect_eq(s.a.tag_failures + s.b.tag_failures, 0);
        cr_expect_eq(s.a.error, SL_TEP_OK);
        cr_expect_eq(s.b.error, SL_TEP_OK);
        cr_expect_eq(sl_arena_used(s.a.arena), 3, "seed %lu", seed);
        seam_end(&s);
    }
}

/* R83: no frame under the old key once a reply is owed. */
Test(tcpcrypt, data_waits_for_an_owed_rekey_that_finds_no_room)
{
    const struct sl_tep_pending p = {.data_len = 1};
    struct sl_tep_cut cut;
    struct sl_job job;

    connected();
    event(&s.a, SL_TEP_EVENT_REKEY);
    cr_expect(sends_empty(&s.a));
    tep->next(s.b.t, &p, ROOM, s.b.sent_len, &cut, &job); /* in flight, and never sent */
    seam_read_all(&s.b, &s.a);
    for (int i = 0; i < 2; i++) { /* with the old key in use, and idle */
        sl_fault_random(1000000, 1);
        cr_expect_eq(seam_next(&s.b, (struct sl_tep_pending){.data_len = 1}, (uint8_t *)"x", ROOM),
                     SL_TEP_NEXT_NOTHING);
        sl_fault_random(0, 0);
        if (i == 0)
            tep->sealed(s.b.t, &cut);
    }
    seam_send(&s.b, "x", 1, false, ROOM);
    cr_expect(is_rekey(&s.b));
    seam_read_all(&s.a, &s.b);
    cr_expect_eq(s.a.got_len, 1);
    seam_end(&s);
}
#endif

/* What ENO may negotiate: R21, R88, R90 to R92, A4, A5. */
static const struct {
    const char *story;
    enum sl_tep_role peer;
    bool v;
    size_t len;
    bool ok;
} suboptions[] = {
    {"bare, of A", SL_TEP_ROLE_A, false, 0, true},
    {"bare, of B", SL_TEP_ROLE_B, false, 0, true},
    {"v = 1 with too little is a fresh proposal (R91)", SL_TEP_ROLE_A, true, 1, true},
    {"8 bytes (R91)", SL_TEP_ROLE_A, true, 8, true},
    {"an identifier that we do not know (R90)", SL_TEP_ROLE_A, true, 9, true},
    {"with the longest nonce", SL_TEP_ROLE_A, true, 17, true},
    {"a nonce of 9 bytes (A4)", SL_TEP_ROLE_A, true, 18, false},
    {"an answer to what was never proposed (A5, R92)", SL_TEP_ROLE_B, true, 17, false},
    {"the same, short", SL_TEP_ROLE_B, true, 4, false},
};

Test(tcpcrypt, accepts_suboptions)
{
    const uint8_t data[32] = {0};
    uint8_t out[32];
    bool v = true;

    for (size_t i = 0; i < sizeof(suboptions) / sizeof(suboptions[0]); i++) {
        const bool ok =
            tep->accept(&config, suboptions[i].peer, suboptions[i].v, data, suboptions[i].len);

        cr_expect_eq(ok, suboptions[i].ok, "%s", suboptions[i].story);
    }
    cr_expect_eq(tep->offer(&config, SL_TEP_ROLE_A, out, sizeof(out), &v), 0);
    cr_expect_not(v);
}

static void refreeze(struct seam_end *e)
{
    const struct sl_tep_begin b = {
        .config = &config, .arena = e->arena, .queue = e->queue, .tep_byte = 0x23};
    uint8_t frozen[512];
    size_t len = tep->freeze(e->t, frozen, sizeof(frozen));

    cr_assert_gt(len, 0);
    cr_expect_eq(tep->freeze(e->t, frozen, len - 1), 0, "no room");
    tep->erase(e->t);
    cr_expect_eq(sl_arena_used(e->arena), 0);
    cr_expect_null(tep->thaw(&b, frozen, len - 1));
    frozen[0] ^= 1;
    cr_expect_null(tep->thaw(&b, frozen, len), "another version");
    frozen[0] ^= 1;
    frozen[2] ^= 1;
    cr_expect_null(tep->thaw(&b, frozen, len), "no AEAD of ours");
    frozen[2] ^= 1;
    cr_expect_eq(sl_arena_used(e->arena), 0);
    cr_assert_not_null(e->t = tep->thaw(&b, frozen, len));
}

Test(tcpcrypt, a_state_is_frozen_and_goes_on_elsewhere)
{
    uint8_t a[64], b[64];

    connected();
    event(&s.a, SL_TEP_EVENT_REKEY);
    seam_send(&s.a, "1", 1, false, ROOM);
    refreeze(&s.a); /* local one ahead of remote */
    seam_read_all(&s.b, &s.a);
    refreeze(&s.b); /* a reply owed */
    cr_expect(sends_empty(&s.b) && is_rekey(&s.b));
    refreeze(&s.b);
    seam_read_all(&s.a, &s.b);
    refreeze(&s.a);
    seam_send(&s.a, "2", 1, true, ROOM);
    refreeze(&s.a);
    cr_expect_not(sends_empty(&s.a));
    event(&s.b, SL_TEP_EVENT_REKEY);
    seam_send(&s.b, "3", 1, false, ROOM);
    seam_read_all(&s.b, &s.a);
    refreeze(&s.b);
    seam_read_all(&s.a, &s.b);
    cr_expect_not(s.a.reply_due, "its FINp was sealed before");
    cr_expect_eq(s.b.got_len, 2);
    cr_expect_eq(s.a.got_len, 1);
    cr_expect(s.b.ended);
    tep->session_id(s.a.t, a);
    tep->session_id(s.b.t, b);
    cr_expect_arr_eq(a, b, 33);
    seam_end(&s);
}

Test(tcpcrypt, is_not_frozen_at_an_awkward_moment)
{
    uint8_t frozen[512];
    struct sl_tep_cut cut, other;
    struct sl_job job;
    const struct sl_tep_pending p = {.data_len = 1};

    begin_seeded(&config);
    cr_expect_eq(tep->freeze(s.a.t, frozen, sizeof(frozen)), 0, "no keys yet");
    seam_handshake(&s);
    tep->next(s.a.t, &p, ROOM, s.a.sent_len, &cut, &job);
    cr_expect_eq(tep->freeze(s.a.t, frozen, sizeof(frozen)), 0, "a seal in flight");
    event(&s.a, SL_TEP_EVENT_REKEY);
    tep->next(s.a.t, &p, ROOM, s.a.sent_len + 21, &other, &job);
    tep->sealed(s.a.t, &other);
    cr_expect_eq(tep->freeze(s.a.t, frozen, sizeof(frozen)), 0, "one under an old key");
    tep->sealed(s.a.t, &cut);
    cr_expect_gt(tep->freeze(s.a.t, frozen, sizeof(frozen)), 0);
    seam_end(&s);
}

Test(tcpcrypt, limits_are_those_of_the_longest_frame) /* R69, A15 */
{
    cr_expect_eq(tep->limits.frame_max_bytes, 65538);
    cr_expect_eq(tep->limits.data_max_bytes, 65518);
    cr_expect_eq(tep->limits.head_bytes, 6);
    cr_expect_eq(tep->limits.tail_bytes, 16);
}

Test(tcpcrypt, table_of_teps)
{
    const struct sl_tep_ops *out[8];

    cr_expect_eq(sl_tcpcrypt_teps(out, 8), 1);
    cr_expect_eq(out[0], &sl_tcpcrypt_x25519);
    cr_expect_eq(sl_tcpcrypt_teps(out, 0), 0);
    cr_expect_eq(out[0]->id, 0x23);
}
