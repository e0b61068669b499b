/* SPDX-License-Identifier: BSD-3-Clause */
#include "fuzz.h"
#include "seam.h"
#include "tcpcrypt/tcpcrypt.h"
#include "toy_tep.h"

/*
 * read() of a TEP, where a handshake message or a frame is expected: what it says of some bytes is
 * the same in whatever ranges they lie; it asks for more than there is; and what it said of a
 * beginning it says of all that begins so.
 */

enum { ROLES = 2, TEPS = 2, MESSAGE_MAX = 4096, RANGES_MAX = 64, PLACES_MAX = 48 };

struct said {
    enum sl_tep_read read;
    struct sl_tep_frame f;
    struct sl_job job;
};

static const struct sl_tep_ops *const teps[TEPS] = {&sl_tcpcrypt_x25519, &toy_tep};
static struct seam ready[TEPS];                    /* both ends have keys */
static uint8_t messages[TEPS][ROLES][MESSAGE_MAX]; /* what each role says first */
static size_t message_len[TEPS][ROLES];

static const struct sl_tep_config config = {.aead_a = {SL_AEAD_AES_128_GCM},
                                            .aead_b = {SL_AEAD_AES_128_GCM},
                                            .n_aead_a = 1,
                                            .n_aead_b = 1,
                                            .kex_timeout_ns = UINT64_C(10000000000)};

/* The same secrets each time, so that what one pair said fits the next. */
static void begin(struct seam *s, const struct sl_tep_ops *ops)
{
    static struct sl_random_seeded a, b;

    seam_begin(s, ops, &config, sl_random_seed(&a, 1), sl_random_seed(&b, 2), "openssl");
}

/* A says its first message; B, having read it, says its own. */
static void say(struct seam_end *e, const struct seam_end *other)
{
    seam_work(e);
    (void)seam_read_all(e, other);
    seam_work(e);
    (void)seam_next(e, (struct sl_tep_pending){0}, NULL, UINT16_MAX);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    for (unsigned i = 0; i < TEPS; i++) {
        struct seam *s = &ready[i];

        begin(s, teps[i]);
        say(&s->a, &s->b);
        say(&s->b, &s->a);
        message_len[i][SL_TEP_ROLE_A] = s->a.sent_len;
        message_len[i][SL_TEP_ROLE_B] = s->b.sent_len;
        FUZZ_CHECK(s->a.sent_len > 0 && s->a.sent_len < MESSAGE_MAX);
        FUZZ_CHECK(s->b.sent_len > 0 && s->b.sent_len < MESSAGE_MAX);
        memcpy(messages[i][SL_TEP_ROLE_A], s->a.sent, s->a.sent_len);
        memcpy(messages[i][SL_TEP_ROLE_B], s->b.sent, s->b.sent_len);
        seam_handshake(s);
        FUZZ_CHECK(s->a.ops->facts(s->a.t).ready && s->b.ops->facts(s->b.t).ready);
    }
    return 0;
}

/* Show the first `len` bytes, cut up as `cuts` says; empty: in one range. */
static struct said show(struct seam_end *e, const uint8_t *bytes, uint32_t len, uint32_t ahead,
                        struct sl_cursor cuts)
{
    struct sl_range ranges[RANGES_MAX];
    struct said s = {0};
    uint32_t n = 0, at = 0;

    while (at < len) {
        const uint32_t left = len - at, wanted = fuzz_u8(&cuts) % 16;

        ranges[n].len = wanted == 0 || n + 1 == RANGES_MAX || wanted > left ? left : wanted;
        ranges[n].at = fuzz_exact(bytes + at, ranges[n].len);
        at += ranges[n++].len;
    }
    s.read = e->ops->read(e->t, ranges, n, e->read_at, ahead, &s.f, &s.job);
    for (uint32_t i = 0; i < n; i++)
        free(ranges[i].at);
    FUZZ_CHECK(s.read != SL_TEP_READ_MORE || s.f.need > len);
    FUZZ_CHECK(s.read != SL_TEP_READ_ERROR || s.f.error != SL_TEP_OK);
    if (s.read == SL_TEP_READ_OWN)
        FUZZ_CHECK(s.f.len > 0 && s.f.len <= len);
    if (s.read == SL_TEP_READ_FRAME) {
        FUZZ_CHECK(s.f.len <= len && s.f.len <= e->ops->limits.frame_max_bytes);
        FUZZ_CHECK(s.f.head_len + s.f.cipher_len + s.f.tag_len == s.f.len);
        FUZZ_CHECK(s.f.offset == e->read_at);
    }
    return s;
}

static bool same(const struct said *a, const struct said *b)
{
    return a->read == b->read &&
           (a->read == SL_TEP_READ_MORE    ? a->f.need == b->f.need
            : a->read == SL_TEP_READ_ERROR ? a->f.error == b->f.error
            : a->read == SL_TEP_READ_FRAME
                ? a->f.len == b->f.len && a->f.note == b->f.note &&
                      a->job.aad_len == b->job.aad_len &&
                      memcmp(a->job.aad, b->job.aad, a->job.aad_len) == 0 &&
                      memcmp(a->job.nonce, b->job.nonce, sizeof(a->job.nonce)) == 0
                : a->f.len == b->f.len);
}

/* Frames: read() changes nothing, so that one state serves all. */
static void frames(struct seam_end *e, const uint8_t *bytes, uint32_t len, uint32_t ahead,
                   struct sl_cursor cuts)
{
    const struct said whole = show(e, bytes, len, ahead, (struct sl_cursor){0}),
                      cut = show(e, bytes, len, ahead, cuts);

    FUZZ_CHECK(same(&whole, &cut));
    for (uint32_t there = 0; there < len && there < PLACES_MAX; there++) {
        const struct said s = show(e, bytes, there, ahead, cuts);

        FUZZ_CHECK(s.read == SL_TEP_READ_MORE || same(&s, &whole));
        FUZZ_CHECK(s.read != SL_TEP_READ_MORE || whole.read != SL_TEP_READ_MORE ||
                   s.f.need <= whole.f.need);
    }
}

/* A handshake message: two fresh pairs, of which one gets it at once and one bit by bit. */
static void handshake(unsigned i, enum sl_tep_role role, const uint8_t *bytes, uint32_t len,
                      struct sl_cursor cuts)
{
    struct seam at_once, bit_by_bit;
    struct seam_end *one, *other;
    struct said whole, s;
    uint32_t there = 0, shown;

    begin(&at_once, teps[i]);
    begin(&bit_by_bit, teps[i]);
    one = role == SL_TEP_ROLE_A ? &at_once.a : &at_once.b;
    other = role == SL_TEP_ROLE_A ? &bit_by_bit.a : &bit_by_bit.b;
    if (role == SL_TEP_ROLE_A) {
        say(one, &at_once.b);
        say(other, &bit_by_bit.b);
    }
    whole = show(one, bytes, len, 0, (struct sl_cursor){0});
    do {
        shown = there;
        s = show(other, bytes, shown, 0, cuts);
        there += 1U + fuzz_u8(&cuts) % 8;
        there = there < len ? there : len;
    } while (s.read == SL_TEP_READ_MORE && shown < len);
    FUZZ_CHECK(same(&whole, &s));
    seam_work(one);
    seam_work(other);
    FUZZ_CHECK(one->error == other->error);
    seam_end(&at_once);
    seam_end(&bit_by_bit);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct sl_cursor c = sl_cursor_of(bytes, size);
    const uint8_t how = fuzz_u8(&c), place = fuzz_u8(&c), change = fuzz_u8(&c);
    const struct sl_cursor cuts = fuzz_take(&c, fuzz_u8(&c) % 32);
    const unsigned i = how & 1;
    const enum sl_tep_role role = (how & 2) != 0 ? SL_TEP_ROLE_A : SL_TEP_ROLE_B;
    const size_t rest = sl_cursor_left(&c) < MESSAGE_MAX ? sl_cursor_left(&c) : MESSAGE_MAX;
    const unsigned from = role == SL_TEP_ROLE_A ? SL_TEP_ROLE_B : SL_TEP_ROLE_A;
    uint8_t message[2 * MESSAGE_MAX];
    size_t len = 0;

    srand(1);
    if ((how & 8) == 0) {
        frames((how & 2) != 0 ? &ready[i].a : &ready[i].b, c.at, (uint32_t)rest, how >> 6, cuts);
        return 0;
    }
    if ((how & 4) != 0) { /* the true message, but for a byte */
        len = message_len[i][from];
        memcpy(message, messages[i][from], len);
        message[place % len] ^= change;
    }
    if (rest > 0)
        memcpy(message + len, c.at, rest);
    handshake(i, role, message, (uint32_t)(len + rest), cuts);
    return 0;
}
