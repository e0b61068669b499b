/* SPDX-License-Identifier: BSD-3-Clause */
#include "teps.h"

/*
 * ENO's negotiation against a peer that says anything, in either role. Whatever comes: what was
 * decided stays, what was sent is not changed, and encryption is on only with a TEP that both
 * named, in opposite roles, after ACK segments with ENO went both ways (RFC 8547 4.5, 4.6).
 */

enum { CONTENT_MAX = 60 };

struct world {
    struct sl_eno e;
    struct sl_eno_policy policy;
    bool passive;
    uint8_t own[SL_ENO_OPTION_MAX_BYTES];
    size_t own_len; /* of the SYN form that went out */
    uint8_t peer[SL_ENO_OPTION_MAX_BYTES];
    size_t peer_len; /* of the one that counts */
    bool syn_came, ack_eno_sent, ack_eno_came;
};

static unsigned times(const struct sl_eno_option *o, uint8_t tep, const struct sl_eno_suboption **s)
{
    unsigned n = 0;

    for (unsigned i = 0; i < o->n; i++) {
        if (o->sub[i].tep != tep)
            continue;
        *s = &o->sub[i];
        n++;
    }
    return n;
}

/* R21: once in both options, and with data that the TEP takes. */
static bool valid(const struct world *w, const struct sl_tep_ops *tep,
                  const struct sl_eno_option *a, const struct sl_eno_option *b)
{
    const struct sl_eno_suboption *of_a, *of_b;

    return times(a, tep->id, &of_a) == 1 && times(b, tep->id, &of_b) == 1 &&
           tep->accept(w->policy.config, SL_TEP_ROLE_A, of_a->v, of_a->data, of_a->len) &&
           tep->accept(w->policy.config, SL_TEP_ROLE_B, of_b->v, of_b->data, of_b->len);
}

/* R20: the last one of B's option that is valid. */
static const struct sl_tep_ops *expected(const struct world *w, const struct sl_eno_option *a,
                                         const struct sl_eno_option *b)
{
    for (unsigned i = b->n; i-- > 0;) {
        for (unsigned t = 0; t < w->policy.n_teps; t++)
            if (w->policy.teps[t]->id == b->sub[i].tep && valid(w, w->policy.teps[t], a, b))
                return w->policy.teps[t];
    }
    return NULL;
}

static void check_transcript(const struct world *w, bool is_a)
{
    uint8_t t[2 * SL_ENO_OPTION_MAX_BYTES];
    const size_t first = is_a ? w->own_len : w->peer_len;
    struct sl_tep_begin b = {0};

    FUZZ_CHECK(sl_eno_transcript(&w->e, t) == w->own_len + w->peer_len);
    FUZZ_CHECK(memcmp(is_a ? t : t + first, w->own, w->own_len) == 0);
    FUZZ_CHECK(memcmp(is_a ? t + first : t, w->peer, w->peer_len) == 0);
    sl_eno_begin(&w->e, t, &b);
    FUZZ_CHECK(b.role == (is_a ? SL_TEP_ROLE_A : SL_TEP_ROLE_B));
    FUZZ_CHECK((b.tep_byte & 0x7f) == sl_eno_tep(&w->e)->id);
    FUZZ_CHECK(b.suboption_a_len == 0 ||
               (b.suboption_a > t && b.suboption_a + b.suboption_a_len <= t + first));
    FUZZ_CHECK(b.suboption_b_len == 0 ||
               (b.suboption_b > t + first &&
                b.suboption_b + b.suboption_b_len <= t + w->own_len + w->peer_len));
}

static void check_agreed(const struct world *w, const struct sl_tep_ops *tep)
{
    struct sl_eno_option own, peer;
    bool is_a;

    FUZZ_CHECK(w->policy.enabled && w->own_len >= 2 && w->syn_came);
    FUZZ_CHECK(sl_eno_option_read(sl_cursor_of(w->own + 2, w->own_len - 2), &own));
    FUZZ_CHECK(sl_eno_option_read(sl_cursor_of(w->peer + 2, w->peer_len - 2), &peer));
    is_a = (own.global & SL_ENO_GLOBAL_B) == 0;
    FUZZ_CHECK(is_a == ((peer.global & SL_ENO_GLOBAL_B) != 0));                  /* R16 */
    FUZZ_CHECK(is_a == (!w->passive && !w->policy.self_b));                      /* R14, R15 */
    FUZZ_CHECK(!w->policy.mandatory_aa || (peer.global & SL_ENO_GLOBAL_A) != 0); /* R18 */
    FUZZ_CHECK(!w->passive || own.n == 1);                                       /* R19 */
    FUZZ_CHECK(tep == expected(w, is_a ? &own : &peer, is_a ? &peer : &own));
    check_transcript(w, is_a);
}

static void check(const struct world *w, enum sl_eno_state before)
{
    const enum sl_eno_state state = (enum sl_eno_state)w->e.state;
    const struct sl_tep_ops *tep = sl_eno_tep(&w->e);

    FUZZ_CHECK(before != SL_ENO_DISABLED || state == SL_ENO_DISABLED);
    FUZZ_CHECK(before != SL_ENO_ENCRYPTING || state == SL_ENO_ENCRYPTING); /* R26 */
    FUZZ_CHECK(before != SL_ENO_AGREED || state != SL_ENO_NEGOTIATING);
    FUZZ_CHECK((state == SL_ENO_DISABLED) == (w->e.fallback != SL_ENO_FALLBACK_NONE));
    FUZZ_CHECK((state == SL_ENO_AGREED || state == SL_ENO_ENCRYPTING) == (tep != NULL));
    if (tep != NULL)
        check_agreed(w, tep);
    else
        FUZZ_CHECK(!sl_eno_wants_option(&w->e));
    if (state == SL_ENO_ENCRYPTING)
        FUZZ_CHECK(w->ack_eno_sent && w->ack_eno_came);
    if (state == SL_ENO_AGREED)
        FUZZ_CHECK(!(w->ack_eno_sent && w->ack_eno_came));
}

/* ---- what we do ---------------------------------------------------------------------------- */

static void send_syn(struct world *w, size_t room)
{
    const uint8_t *option;
    const bool answers = w->e.answering;
    const size_t len = sl_eno_own(&w->e, &option, room);

    if (len == 0)
        return;
    FUZZ_CHECK(len <= room && w->e.state != SL_ENO_DISABLED);
    FUZZ_CHECK(option[0] == SL_ENO_KIND && option[1] == len);
    FUZZ_CHECK(w->own_len == 0 ||
               (w->own_len == len && memcmp(w->own, option, len) == 0)); /* R25 */
    memcpy(w->own, option, len);
    w->own_len = len;
    w->ack_eno_sent |= answers;
}

static void send_ack(struct world *w)
{
    w->ack_eno_sent |= sl_eno_wants_option(&w->e);
    sl_eno_segment_sent(&w->e);
}

/* ---- what the peer does -------------------------------------------------------------------- */

/* An option that ours may go with: a global suboption and some TEPs that exist. */
static size_t likely(struct sl_cursor *c, uint8_t *content)
{
    static const uint8_t words[] = {0x00, 0x01, 0x02, 0x03, 0x21, 0x23, 0x7f, 0xa2,
                                    0x82, 0xff, 0xa1, 0xa3, 0x22, 'b',  0x80, 0x30};
    const size_t n = fuzz_u8(c) % 12;
    uint8_t *at = content;

    for (size_t i = 0; i < n; i++) {
        const uint8_t word = words[fuzz_u8(c) % 16];

        *at++ = word;
        if (word == 0xa2) {
            memset(at, 'b', 3);
            at += 3;
        }
    }
    return (size_t)(at - content);
}

static void hear(struct world *w, bool syn, uint8_t how, struct sl_cursor *c)
{
    uint8_t content[CONTENT_MAX];
    struct sl_cursor raw = fuzz_take(c, how & 4 ? fuzz_u8(c) % 39 : 0);
    const size_t len = how & 4 ? sl_cursor_left(&raw) : likely(c, content);
    uint8_t *exact = fuzz_exact(how & 4 ? raw.at : content, len < 38 ? len : 38);
    const struct sl_eno_seen seen = {.n = how & 8 ? how >> 4 & 3 : 1,
                                     .ack = !syn || (how & 2) != 0,
                                     .content = sl_cursor_of(exact, len < 38 ? len : 38)};

    if (syn && seen.n == 1 && !w->syn_came && w->e.state != SL_ENO_DISABLED) {
        w->syn_came = true;
        w->peer[0] = SL_ENO_KIND;
        w->peer_len = 2 + (len < 38 ? len : 38);
        w->peer[1] = (uint8_t)w->peer_len;
        memcpy(w->peer + 2, exact, w->peer_len - 2);
    }
    w->ack_eno_came |= seen.ack && seen.n > 0;
    if (syn)
        sl_eno_syn_received(&w->e, &seen);
    else
        sl_eno_segment_received(&w->e, &seen);
    free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct sl_cursor c = sl_cursor_of(bytes, size);
    struct world w = {0};

    fuzz_policy(&w.policy, &c);
    w.passive = fuzz_u8(&c) % 2 != 0;
    sl_eno_init(&w.e, &w.policy, w.passive);
    if (!w.passive)
        send_syn(&w, SL_ENO_OPTION_MAX_BYTES);
    for (int i = 0; i < 32 && sl_cursor_left(&c) > 0; i++) {
        const enum sl_eno_state before = (enum sl_eno_state)w.e.state;
        const uint8_t op = fuzz_u8(&c);

        switch (op % 8) {
        case 0:
            send_syn(&w, op & 0x80 ? op >> 3 : SL_ENO_OPTION_MAX_BYTES);
            break;
        case 1:
            send_ack(&w);
            break;
        case 2:
            sl_eno_give_up(&w.e);
            break;
        case 3:
        case 4:
            hear(&w, false, fuzz_u8(&c), &c);
            break;
        default:
            hear(&w, true, fuzz_u8(&c), &c);
        }
        check(&w, before);
    }
    return 0;
}
