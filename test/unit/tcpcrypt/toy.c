/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "seam.h"
#include "toy_tep.h"

/* The interface of a TEP, driven with one that is not at all like tcpcrypt. */
enum { ROOM = 1 << 16 };

static const struct sl_tep_config config = {.kex_timeout_ns = 1000};
static struct sl_random_seeded random_a, random_b;
static struct seam s;

static void connected(void)
{
    srand(2);
    seam_begin(&s, &toy_tep, &config, sl_random_seed(&random_a, 1), sl_random_seed(&random_b, 2),
               NULL);
    seam_handshake(&s);
    seam_read_all(&s.b, &s.a);
    cr_assert(toy_tep.facts(s.a.t).ready && toy_tep.facts(s.b.t).ready);
}

static void read_both(void)
{
    seam_read_all(&s.a, &s.b);
    seam_read_all(&s.b, &s.a);
}

Test(toy_tep, three_messages_both_ways)
{
    uint8_t a[SL_TEP_SESSION_ID_MAX_BYTES], b[SL_TEP_SESSION_ID_MAX_BYTES];

    connected();
    cr_expect_eq(s.a.own_sent, 2);
    cr_expect_eq(s.b.own_sent, 1);
    cr_expect_eq(s.b.read_at, TOY_HELLO_BYTES + TOY_FINISHED_BYTES);
    cr_assert_eq(toy_tep.session_id(s.a.t, a), toy_tep.session_id(s.b.t, b));
    cr_expect_arr_eq(a, b, 33);
    seam_end(&s);
}

Test(toy_tep, records_are_counted_and_read_ahead)
{
    static uint8_t data[100000];

    connected();
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 11 + i / 1000);
    seam_send(&s.a, data, sizeof(data), true, 3000);
    cr_expect_eq(s.a.last_cut.suffix[0], 'e');
    seam_read_all(&s.b, &s.a);
    cr_expect_eq(s.b.got_len, sizeof(data));
    cr_expect_eq(memcmp(s.b.got, data, sizeof(data)), 0);
    cr_expect(s.b.ended);
    cr_expect_eq(seam_next(&s.a, (struct sl_tep_pending){.data_len = 1}, data, ROOM),
                 SL_TEP_NEXT_NOTHING);
    seam_end(&s);
}

Test(toy_tep, keys_change_by_records_of_its_own)
{
    connected();
    for (int i = 0; i < 20; i++) {
        struct seam_end *e = i % 3 == 0 ? &s.b : &s.a;

        seam_send(e, "before", 6, false, ROOM);
        toy_tep.event(e->t, SL_TEP_EVENT_REKEY, 0);
        seam_send(e, "behind", 6, false, ROOM);
        read_both();
        seam_send(&s.a, NULL, 0, false, ROOM); /* replies */
        seam_send(&s.b, NULL, 0, false, ROOM);
    }
    read_both();
    cr_expect_eq(s.a.got_len + s.b.got_len, 20 * 12);
    cr_expect_eq(s.a.frames_got + s.b.frames_got, 20 * 4, "two of data, two of keys");
    cr_expect_eq(s.a.tag_failures + s.b.tag_failures, 0);
    cr_expect_eq(sl_arena_used(s.a.arena), 2);
    seam_end(&s);
}

Test(toy_tep, a_flipped_bit_is_found_and_the_repaired_record_is_read)
{
    uint64_t from;

    connected();
    from = s.b.read_at;
    seam_send(&s.a, "data", 4, false, ROOM);
    for (uint64_t at = from; at < s.a.sent_len; at++) {
        s.a.sent[at] ^= 0x0f; /* also from one kind of record to the other */
        seam_read_all(&s.b, &s.a);
        cr_assert_eq(s.b.read_at, from);
        s.a.sent[at] ^= 0x0f;
        s.b.error = SL_TEP_OK;
    }
    seam_read_all(&s.b, &s.a);
    cr_expect_arr_eq(s.b.got, "data", 4);
    seam_end(&s);
}

Test(toy_tep, deadline)
{
    srand(2);
    seam_begin(&s, &toy_tep, &config, sl_random_seed(&random_a, 1), sl_random_seed(&random_b, 2),
               NULL);
    cr_expect_eq(toy_tep.deadline(s.a.t), 1000);
    cr_expect_eq(toy_tep.event(s.a.t, SL_TEP_EVENT_TIMER, 1000), SL_TEP_KEX_FAILED);
    seam_end(&s);
}
