/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcpcrypt/eno/negotiate.h"

#include "base/invariant.h"

enum { HEADER_BYTES = 2 };       /* kind and length */
enum { COUNTED_MAX_BYTES = 32 }; /* RFC 8547 4.4: data of a suboption that is not the last */
enum { V = 0x80 };

const char *sl_eno_fallback_name(enum sl_eno_fallback f)
{
#define TEXT(name, text) [SL_ENO_FALLBACK_##name] = (text),
    static const char *const names[] = {SL_ENO_FALLBACK_LIST(TEXT)};
#undef TEXT

    return names[f];
}

/* Plain TCP from here on. Once encrypting there is no way back (R26). */
static void disable(struct sl_eno *e, enum sl_eno_fallback why)
{
    if (e->state == SL_ENO_DISABLED || e->state == SL_ENO_ENCRYPTING)
        return;
    e->state = SL_ENO_DISABLED;
    e->fallback = (uint8_t)why;
}

void sl_eno_init(struct sl_eno *e, const struct sl_eno_policy *policy, bool passive)
{
    SL_INVARIANT(policy->n_teps <= SL_ENO_TEPS_MAX);
    *e = (struct sl_eno){.policy = policy, .passive = passive, .state = SL_ENO_NEGOTIATING};
    if (!policy->enabled)
        disable(e, SL_ENO_FALLBACK_DISABLED);
}

/* R26: ACK segments with ENO went both ways; a SYN-ACK is one. */
static void encrypt_if_due(struct sl_eno *e)
{
    if (e->state == SL_ENO_AGREED && e->ack_sent && e->ack_received)
        e->state = SL_ENO_ENCRYPTING;
}

static bool read_form(const uint8_t *form, size_t len, struct sl_eno_option *o)
{
    return len >= HEADER_BYTES &&
           sl_eno_option_read(sl_cursor_of(form + HEADER_BYTES, len - HEADER_BYTES), o);
}

/* The suboption of `tep`; NULL when there is none, or more than one: no TEP defines that (A6). */
static const struct sl_eno_suboption *only(const struct sl_eno_option *o, uint8_t tep)
{
    const struct sl_eno_suboption *found = NULL;

    for (uint8_t i = 0; i < o->n; i++) {
        if (o->sub[i].tep != tep)
            continue;
        if (found != NULL)
            return NULL;
        found = &o->sub[i];
    }
    return found;
}

/* Can TEP `t` of ours be negotiated with what host `sender` says about it (R21)? */
static bool accepts(const struct sl_eno *e, uint8_t t, enum sl_tep_role sender,
                    const struct sl_eno_option *o)
{
    const struct sl_tep_ops *ops = e->policy->teps[t];
    const struct sl_eno_suboption *s = only(o, ops->id);

    return s != NULL && ops->accept(e->policy->config, sender, s->v, s->data, s->len);
}

/* Index of our TEP `id`; n_teps when we have none. */
static uint8_t find(const struct sl_eno_policy *p, uint8_t id)
{
    uint8_t t = 0;

    while (t < p->n_teps && p->teps[t]->id != id)
        t++;
    return t;
}

/* R20: the last identifier in B's option that is valid, whoever we are. */
static bool settle(struct sl_eno *e, const struct sl_eno_option *a, const struct sl_eno_option *b)
{
    for (uint8_t i = b->n; i-- > 0;) {
        const struct sl_eno_suboption *s = &b->sub[i];
        const uint8_t t = find(e->policy, s->tep);

        if (t == e->policy->n_teps || only(b, s->tep) == NULL)
            continue;
        if (!accepts(e, t, SL_TEP_ROLE_A, a))
            continue;
        /* As B we wrote it ourselves, for this connection. */
        if (e->role == SL_TEP_ROLE_A && !accepts(e, t, SL_TEP_ROLE_B, b))
            continue;
        e->tep = t;
        e->tep_byte = (uint8_t)(s->tep | (s->v ? V : 0));
        return true;
    }
    return false;
}

/* RFC 8547 4.6, third cause: global suboptions that do not go together (R16, R18). */
static enum sl_eno_fallback compare(const struct sl_eno *e)
{
    if (((e->own_global ^ e->peer_global) & SL_ENO_GLOBAL_B) == 0)
        return SL_ENO_FALLBACK_SAME_ROLE;
    if (e->policy->mandatory_aa && (e->peer_global & SL_ENO_GLOBAL_A) == 0)
        return SL_ENO_FALLBACK_APP_AWARE;
    return SL_ENO_FALLBACK_NONE;
}

/* Both SYN forms are there: what do they come to? Judged by the bytes on the wire alone. */
static void agree(struct sl_eno *e)
{
    struct sl_eno_option own, peer;

    if (!read_form(e->own, e->own_len, &own) || !read_form(e->peer, e->peer_len, &peer)) {
        disable(e, SL_ENO_FALLBACK_DISABLED); /* our SYN went out without ENO */
        return;
    }
    e->own_global = own.global;
    e->role = own.global & SL_ENO_GLOBAL_B ? SL_TEP_ROLE_B : SL_TEP_ROLE_A;

    const enum sl_eno_fallback why = compare(e);
    const bool is_a = e->role == SL_TEP_ROLE_A;

    if (why != SL_ENO_FALLBACK_NONE)
        disable(e, why);
    else if (settle(e, is_a ? &own : &peer, is_a ? &peer : &own))
        e->state = SL_ENO_AGREED;
    else
        disable(e, SL_ENO_FALLBACK_NO_COMMON_TEP);
}

/* Passive opener, which is B: the one TEP to answer with, our dearest (R19, R28). */
static bool pick(struct sl_eno *e, const struct sl_eno_option *a)
{
    for (uint8_t t = e->policy->n_teps; t-- > 0;) {
        if (accepts(e, t, SL_TEP_ROLE_A, a)) {
            e->tep = t;
            return true;
        }
    }
    return false;
}

static void build(struct sl_eno *e)
{
    const struct sl_eno_policy *p = e->policy;
    const bool b = e->passive || p->self_b; /* R14, R15 */
    const uint8_t first = e->passive ? e->tep : 0;
    const uint8_t end = (uint8_t)(e->passive ? e->tep + 1 : p->n_teps);
    uint8_t data[SL_ENO_TEPS_MAX][SL_ENO_SUBOPTIONS_MAX];
    struct sl_eno_option o = {0};

    o.global = (uint8_t)((b ? SL_ENO_GLOBAL_B : 0) | (p->self_a ? SL_ENO_GLOBAL_A : 0));
    o.has_global = o.global != 0; /* R7: a byte saved, of very few (trap 5) */
    for (uint8_t t = first; t < end; t++) {
        const size_t room = t + 1 == end ? sizeof(data[t]) : COUNTED_MAX_BYTES;
        bool v = false;
        const size_t len =
            p->teps[t]->offer(p->config, b ? SL_TEP_ROLE_B : SL_TEP_ROLE_A, data[t], room, &v);

        SL_INVARIANT(len <= room);
        o.sub[o.n++] = (struct sl_eno_suboption){p->teps[t]->id, v, (uint8_t)len, data[t]};
    }
    e->own_global = o.global;
    e->own_len = (uint8_t)sl_eno_option_write(&o, e->own, sizeof(e->own));
    e->own_frozen = true;
}

size_t sl_eno_own(struct sl_eno *e, const uint8_t **option, size_t room)
{
    if (e->state == SL_ENO_DISABLED || (e->passive && !e->peer_seen))
        return 0;
    if (!e->own_frozen)
        build(e);
    if (e->own_len == 0 || e->own_len > room) {
        disable(e, SL_ENO_FALLBACK_DISABLED);
        return 0;
    }
    if (e->passive && e->state == SL_ENO_NEGOTIATING) {
        agree(e);
        if (e->state == SL_ENO_DISABLED)
            return 0;
    }
    if (e->answering) /* it is a SYN-ACK */
        e->ack_sent = true;
    encrypt_if_due(e);
    *option = e->own;
    return e->own_len;
}

void sl_eno_give_up(struct sl_eno *e)
{
    if (!e->passive && !e->peer_seen)
        disable(e, SL_ENO_FALLBACK_DISABLED);
}

/* The peer's SYN form, for the first time: it is the one that counts. */
static void meet(struct sl_eno *e, struct sl_cursor content, const struct sl_eno_option *o)
{
    const size_t len = sl_cursor_left(&content);

    e->peer_seen = true;
    e->peer_global = o->global;
    e->peer[0] = SL_ENO_KIND;
    e->peer[1] = (uint8_t)(len + HEADER_BYTES);
    if (len > 0)
        memcpy(e->peer + HEADER_BYTES, content.at, len);
    e->peer_len = e->peer[1];
    if (!e->passive) {
        agree(e);
        return;
    }
    e->own_global = SL_ENO_GLOBAL_B; /* R14; the rest comes with build() */

    const enum sl_eno_fallback why = compare(e);

    if (why != SL_ENO_FALLBACK_NONE)
        disable(e, why);
    else if (!pick(e, o)) /* no vacuous answer either (R12, R24) */
        disable(e, SL_ENO_FALLBACK_NO_COMMON_TEP);
}

void sl_eno_syn_received(struct sl_eno *e, const struct sl_eno_seen *seen)
{
    struct sl_eno_option o;

    /* R23 reaches up to the first ACK segment. */
    if (e->state == SL_ENO_DISABLED || e->state == SL_ENO_ENCRYPTING || e->ack_received)
        return;
    if (seen->n != 1) { /* R3; also of a SYN sent again, though we have answered (trap 3) */
        disable(e, SL_ENO_FALLBACK_NO_ENO);
        return;
    }
    if (!sl_eno_option_read(seen->content, &o)) {
        disable(e, SL_ENO_FALLBACK_MALFORMED);
        return;
    }
    if (!e->peer_seen)
        meet(e, seen->content, &o);
    if (seen->ack)
        e->ack_received = true;
    else
        e->answering = true;
    encrypt_if_due(e);
}

void sl_eno_segment_received(struct sl_eno *e, const struct sl_eno_seen *seen)
{
    e->non_syn_received = true;
    if (e->ack_received)
        return;
    if (seen->n == 0 || e->state == SL_ENO_NEGOTIATING) { /* or we have sent no SYN form (trap 2) */
        disable(e, SL_ENO_FALLBACK_NO_ACK_ENO);
        return;
    }
    e->ack_received = true;
    encrypt_if_due(e);
}

bool sl_eno_wants_option(const struct sl_eno *e)
{
    /* Data of the peer may overtake our first ACK in one burst: that one has it all the same. */
    return e->state == SL_ENO_AGREED || (e->state == SL_ENO_ENCRYPTING && !e->non_syn_received);
}

void sl_eno_segment_sent(struct sl_eno *e)
{
    if (!sl_eno_wants_option(e))
        return;
    e->ack_sent = true;
    encrypt_if_due(e);
}

const struct sl_tep_ops *sl_eno_tep(const struct sl_eno *e)
{
    if (e->state != SL_ENO_AGREED && e->state != SL_ENO_ENCRYPTING)
        return NULL;
    return e->policy->teps[e->tep];
}

size_t sl_eno_transcript(const struct sl_eno *e, uint8_t *out)
{
    const bool is_a = e->role == SL_TEP_ROLE_A;
    struct sl_writer w = sl_writer_of(out, (size_t)2 * SL_ENO_OPTION_MAX_BYTES);

    if (sl_eno_tep(e) == NULL)
        return 0;
    sl_put(&w, is_a ? e->own : e->peer, is_a ? e->own_len : e->peer_len);
    sl_put(&w, is_a ? e->peer : e->own, is_a ? e->peer_len : e->own_len);
    return (size_t)(w.at - out);
}

/* The negotiated suboption's data in a SYN form. */
static const uint8_t *data_of(const uint8_t *form, size_t len, uint8_t tep, size_t *data_len)
{
    struct sl_eno_option o;
    const struct sl_eno_suboption *s = read_form(form, len, &o) ? only(&o, tep) : NULL;

    *data_len = s != NULL ? s->len : 0;
    return s != NULL ? s->data : NULL;
}

void sl_eno_begin(const struct sl_eno *e, uint8_t *transcript, struct sl_tep_begin *b)
{
    SL_INVARIANT(sl_eno_tep(e) != NULL);

    const size_t a_len = e->role == SL_TEP_ROLE_A ? e->own_len : e->peer_len;
    const uint8_t id = e->tep_byte & (V - 1);

    b->role = (enum sl_tep_role)e->role;
    b->tep_byte = e->tep_byte;
    b->transcript_len = sl_eno_transcript(e, transcript);
    b->transcript = transcript;
    b->suboption_a = data_of(transcript, a_len, id, &b->suboption_a_len);
    b->suboption_b =
        data_of(transcript + a_len, b->transcript_len - a_len, id, &b->suboption_b_len);
}
