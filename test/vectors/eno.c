/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "cases.h"
#include "tcp/options.h"
#include "tcpcrypt/eno/negotiate.h"
#include "tcpcrypt/tcpcrypt.h"

enum { HEADER_BYTES = 2 }; /* kind and length of an option */

static struct sl_cursor content_of(const struct bytes *option)
{
    return sl_cursor_of(option->at + HEADER_BYTES, option->len - HEADER_BYTES);
}

static bool same_subopts(const json_t *c, const struct sl_eno_option *o)
{
    const json_t *list = json_object_get(c, "subopts"), *sub;
    size_t i;

    if (json_array_size(list) != o->n)
        return wrong("number of suboptions");
    json_array_foreach(list, i, sub) if (get_number(sub, "tep") != o->sub[i].tep ||
                                         (get_number(sub, "v") != 0) != o->sub[i].v ||
                                         !same(sub, "data", o->sub[i].data,
                                               o->sub[i].len)) return wrong("suboption");
    return true;
}

enum outcome check_eno_parse(const json_t *c)
{
    static struct bytes option;
    struct sl_eno_option o;
    bool ok;

    if (!get_bytes(c, "option", &option) || option.len < HEADER_BYTES)
        return FAILED;
    ok = sl_eno_option_read(content_of(&option), &o);
    if (ok != get_bool(c, "ok"))
        return FAILED;
    if (!ok)
        return PASSED;
    return get_number(c, "global_byte") == o.global &&
                   get_bool(c, "explicit_global") == o.has_global &&
                   get_bool(c, "a") == ((o.global & SL_ENO_GLOBAL_A) != 0) &&
                   get_bool(c, "b") == ((o.global & SL_ENO_GLOBAL_B) != 0) &&
                   get_bool(c, "vacuous") == (o.n == 0) && same_subopts(c, &o)
               ? PASSED
               : FAILED;
}

enum outcome check_option_block(const json_t *c)
{
    static struct bytes block;
    struct sl_tcp_options o;
    const bool syn = get_bool(c, "syn");

    if (!get_bytes(c, "block", &block))
        return FAILED;
    if (sl_tcp_options_read(sl_cursor_of(block.at, block.len), syn, &o) != SL_DROP_NONE)
        o.n_eno = 0; /* the segment is dropped (D1) */
    if (!syn)
        return get_bool(c, "present") == (o.n_eno > 0) ? PASSED : FAILED;
    if (!has(c, "eno"))
        return o.n_eno != 1 ? PASSED : FAILED; /* R3: several count as none */
    return o.n_eno == 1 &&
                   same(c, "eno", o.eno.at - HEADER_BYTES, sl_cursor_left(&o.eno) + HEADER_BYTES)
               ? PASSED
               : FAILED;
}

/*
 * The negotiation between tables of which TEP 0x23's is the real one; what the others may
 * negotiate is the same for all TEPs of tcpcrypt, and nobody begins them here.
 */
static const struct sl_tep_ops *named(uint8_t id)
{
    static struct sl_tep_ops others[0x80];

    if (id == sl_tcpcrypt_x25519.id)
        return &sl_tcpcrypt_x25519;
    others[id & 0x7f] = sl_tcpcrypt_x25519;
    others[id & 0x7f].id = id;
    return &others[id & 0x7f];
}

static struct sl_eno_policy policy_of(const json_t *supported, bool mandatory_aa)
{
    static const struct sl_tep_config config;
    struct sl_eno_policy p = {.enabled = true, .mandatory_aa = mandatory_aa, .config = &config};
    const json_t *id;
    size_t i;

    json_array_foreach(supported, i, id) if (p.n_teps < SL_ENO_TEPS_MAX) p.teps[p.n_teps++] =
        named((uint8_t)json_integer_value(id));
    return p;
}

/* One host that has sent `own` and received `peer`. */
static struct sl_eno meet(const struct sl_eno_policy *p, const struct bytes *own,
                          const struct bytes *peer)
{
    const struct sl_eno_seen seen = {.n = 1, .content = content_of(peer)};
    struct sl_eno e;

    sl_eno_init(&e, p, false);
    memcpy(e.own, own->at, own->len);
    e.own_len = (uint8_t)own->len;
    e.own_frozen = true;
    sl_eno_syn_received(&e, &seen);
    return e;
}

static bool same_host(const json_t *want, const struct sl_eno *e)
{
    const struct sl_tep_ops *tep = sl_eno_tep(e);
    uint8_t transcript[2 * SL_ENO_OPTION_MAX_BYTES];

    if (get_bool(want, "ok") != (tep != NULL))
        return wrong(sl_eno_fallback_name((enum sl_eno_fallback)e->fallback));
    if (tep == NULL)
        return true;
    return (!get_bool(want, "resumed") || wrong("resumed")) &&
           (get_number(want, "tep") == tep->id || wrong("tep")) &&
           (get_number(want, "tep_byte") == e->tep_byte || wrong("tep_byte")) &&
           (!has(want, "role") ||
            strcmp(get_text(want, "role"), e->role == SL_TEP_ROLE_A ? "A" : "B") == 0 ||
            wrong("role")) &&
           (!has(want, "transcript") ||
            same(want, "transcript", transcript, sl_eno_transcript(e, transcript))) &&
           (!has(want, "local_a") ||
            get_bool(want, "local_a") == ((e->own_global & SL_ENO_GLOBAL_A) != 0) ||
            wrong("local_a")) &&
           (!has(want, "remote_a") ||
            get_bool(want, "remote_a") == ((e->peer_global & SL_ENO_GLOBAL_A) != 0) ||
            wrong("remote_a"));
}

static bool is_option(const struct bytes *b)
{
    return b->len >= HEADER_BYTES && b->len <= SL_ENO_OPTION_MAX_BYTES;
}

/* B's option with an agreement to resume: no host of ours sends that. */
static bool agrees_to_resume(const struct bytes *option)
{
    struct sl_eno_option o;

    if (!sl_eno_option_read(content_of(option), &o) || (o.global & SL_ENO_GLOBAL_B) == 0)
        return false;
    for (size_t i = 0; i < o.n; i++)
        if (o.sub[i].v)
            return true;
    return false;
}

enum outcome check_negotiate(const json_t *c)
{
    static struct bytes one, two;
    const struct sl_eno_policy p1 =
        policy_of(json_object_get(c, "supported1"), get_bool(c, "mandatory1"));
    const struct sl_eno_policy p2 =
        policy_of(json_object_get(c, "supported2"), get_bool(c, "mandatory2"));
    struct sl_eno e1, e2;

    if (!get_bytes(c, "local1", &one) || !get_bytes(c, "local2", &two) || !is_option(&one) ||
        !is_option(&two))
        return FAILED;
    e1 = meet(&p1, &one, &two);
    e2 = meet(&p2, &two, &one);
    return same_host(json_object_get(c, "host1"), &e1) &&
                   same_host(json_object_get(c, "host2"), &e2)
               ? PASSED
               : FAILED;
}

static struct sl_eno_policy all_teps(void)
{
    static const struct sl_tep_config config;

    return (struct sl_eno_policy){.enabled = true,
                                  .config = &config,
                                  .n_teps = 4,
                                  .teps = {named(0x21), named(0x22), named(0x24), named(0x23)}};
}

/* What a passive opener answers to A's option. */
static enum outcome check_reply(const json_t *c)
{
    static struct bytes a;
    const struct sl_eno_policy p = all_teps();
    const uint8_t *own = NULL;
    struct sl_eno_seen seen = {.n = 1};
    struct sl_eno e;
    size_t len;

    if (!get_bytes(c, "eno_a", &a) || !is_option(&a))
        return FAILED;
    seen.content = content_of(&a);
    sl_eno_init(&e, &p, true);
    sl_eno_syn_received(&e, &seen);
    len = sl_eno_own(&e, &own, SL_ENO_OPTION_MAX_BYTES);
    return same(c, "reply", own, len) ? PASSED : FAILED;
}

enum outcome check_resume_negotiate(const json_t *c)
{
    static struct bytes a, b;
    const struct sl_eno_policy p = all_teps();
    struct sl_eno at_a, at_b;

    if (has(c, "reply"))
        return get_bool(c, "resumes") ? SKIPPED : check_reply(c);
    if (!get_bytes(c, "eno_a", &a) || !get_bytes(c, "eno_b", &b) || !is_option(&a) ||
        !is_option(&b))
        return FAILED;
    if (agrees_to_resume(&b))
        return SKIPPED;
    at_a = meet(&p, &a, &b);
    at_b = meet(&p, &b, &a);
    return same_host(json_object_get(c, "A"), &at_a) && same_host(json_object_get(c, "B"), &at_b)
               ? PASSED
               : FAILED;
}
