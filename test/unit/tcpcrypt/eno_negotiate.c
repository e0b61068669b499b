/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include <criterion/criterion.h>

#include "tcpcrypt/eno/negotiate.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/*
 * TEPs that do nothing but be negotiated. 0x21, 0x23 and 0x24 judge like tcpcrypt without a
 * session cache; 0x22 also proposes to resume; 0x26 has data both ways.
 */
static size_t offer_bare(const struct sl_tep_config *c, enum sl_tep_role role, uint8_t *data,
                         size_t room, bool *v)
{
    (void)c, (void)role, (void)data, (void)room;
    *v = false;
    return 0;
}

static size_t offer_resumption(const struct sl_tep_config *c, enum sl_tep_role role, uint8_t *data,
                               size_t room, bool *v)
{
    (void)c;
    *v = role == SL_TEP_ROLE_A && room >= 17;
    if (*v)
        memset(data, 0xee, 17);
    return *v ? 17 : 0;
}

static size_t offer_two_bytes(const struct sl_tep_config *c, enum sl_tep_role role, uint8_t *data,
                              size_t room, bool *v)
{
    (void)c;
    *v = room >= 2;
    data[0] = 0xda;
    data[1] = role == SL_TEP_ROLE_A ? 0x0a : 0x0b;
    return 2;
}

/* R91: too short is as if without; A4: nonces up to 8 bytes; A5: nothing of ours to match. */
static bool accept_as_tcpcrypt(const struct sl_tep_config *c, enum sl_tep_role peer, bool v,
                               const uint8_t *data, size_t len)
{
    (void)c, (void)data;
    return !v || (peer == SL_TEP_ROLE_A && len <= 17);
}

static bool accept_two_bytes(const struct sl_tep_config *c, enum sl_tep_role peer, bool v,
                             const uint8_t *data, size_t len)
{
    (void)c;
    return v && len == 2 && data[1] == (peer == SL_TEP_ROLE_A ? 0x0a : 0x0b);
}

static const struct sl_tep_ops p256 = {
    .id = 0x21, .offer = offer_bare, .accept = accept_as_tcpcrypt};
static const struct sl_tep_ops resumer = {
    .id = 0x22, .offer = offer_resumption, .accept = accept_as_tcpcrypt};
static const struct sl_tep_ops x25519 = {
    .id = 0x23, .offer = offer_bare, .accept = accept_as_tcpcrypt};
static const struct sl_tep_ops x448 = {
    .id = 0x24, .offer = offer_bare, .accept = accept_as_tcpcrypt};
static const struct sl_tep_ops two_bytes = {
    .id = 0x26, .offer = offer_two_bytes, .accept = accept_two_bytes};

static size_t unhex(const char *hex, uint8_t *out)
{
    size_t n = 0;
    unsigned byte;

    for (; sscanf(hex + 2 * n, "%2x", &byte) == 1; n++)
        out[n] = (uint8_t)byte;
    return n;
}

static void hex(const uint8_t *bytes, size_t len, char *out)
{
    *out = '\0';
    for (size_t i = 0; i < len; i++)
        sprintf(out + 2 * i, "%02x", bytes[i]);
}

/* One end. The policy is set before listens() or opens(). */
struct host {
    struct sl_eno_policy policy;
    struct sl_eno e;
    size_t room;
};

/* What of a segment concerns ENO. */
struct seg {
    bool syn, ack;
    uint8_t n; /* ENO options */
    uint8_t len;
    uint8_t option[SL_ENO_OPTION_MAX_BYTES];
};

/* With X25519 alone, if nothing else is said. */
static struct host host(struct sl_eno_policy policy)
{
    policy.enabled = true;
    if (policy.n_teps == 0) {
        policy.n_teps = 1;
        policy.teps[0] = &x25519;
    }
    return (struct host){.policy = policy, .room = SL_ENO_OPTION_MAX_BYTES};
}

#define HOST(...) host((struct sl_eno_policy){__VA_ARGS__})
#define TEPS(...)                                                                         \
    .teps = {__VA_ARGS__}, .n_teps = sizeof((const struct sl_tep_ops *[]){__VA_ARGS__}) / \
                                     sizeof(const struct sl_tep_ops *)

static void opens(struct host *h)
{
    sl_eno_init(&h->e, &h->policy, false);
}

static void listens(struct host *h)
{
    sl_eno_init(&h->e, &h->policy, true);
}

static struct seg sends_syn(struct host *h, bool ack)
{
    struct seg s = {.syn = true, .ack = ack};
    const uint8_t *option = NULL;

    s.len = (uint8_t)sl_eno_own(&h->e, &option, h->room);
    s.n = s.len > 0;
    if (s.len > 0)
        memcpy(s.option, option, s.len);
    return s;
}

/* A segment without SYN: the handshake's third, data, or an ACK. */
static struct seg sends(struct host *h)
{
    struct seg s = {.ack = true, .n = sl_eno_wants_option(&h->e), .option = {SL_ENO_KIND, 2}};

    s.len = s.n > 0 ? 2 : 0;
    sl_eno_segment_sent(&h->e);
    return s;
}

/* Content lies in a heap block of its very size. */
static void arrives(struct host *h, struct seg s)
{
    const size_t len = s.n > 0 ? s.len - 2u : 0;
    uint8_t *heap = malloc(len);
    const struct sl_eno_seen seen = {s.n, s.ack, sl_cursor_of(heap, len)};

    if (len > 0)
        memcpy(heap, s.option + 2, len);
    if (s.syn)
        sl_eno_syn_received(&h->e, &seen);
    else
        sl_eno_segment_received(&h->e, &seen);
    free(heap);
}

static struct seg syn_form(bool ack, const char *option)
{
    struct seg s = {.syn = true, .ack = ack};

    s.len = (uint8_t)unhex(option, s.option);
    s.n = s.len > 0;
    cr_assert(s.len == 0 || s.option[1] == s.len, "%s", option);
    return s;
}

static struct seg without_eno(struct seg s)
{
    s.n = s.len = 0;
    return s;
}

static void carries(struct seg s, const char *option)
{
    char said[2 * SL_ENO_OPTION_MAX_BYTES + 1];

    hex(s.option, s.len, said);
    cr_expect_str_eq(said, option, "carries '%s', not '%s'", said, option);
}

static void in_state(const struct host *h, enum sl_eno_state state)
{
    cr_expect_eq(h->e.state, state, "state %d, fallback '%s'", h->e.state,
                 sl_eno_fallback_name((enum sl_eno_fallback)h->e.fallback));
    cr_expect_eq(sl_eno_tep(&h->e) != NULL, state == SL_ENO_AGREED || state == SL_ENO_ENCRYPTING);
}

static void fell_back(struct host *h, enum sl_eno_fallback why)
{
    const uint8_t *option;
    uint8_t transcript[2 * SL_ENO_OPTION_MAX_BYTES];

    in_state(h, SL_ENO_DISABLED);
    cr_expect_eq(h->e.fallback, why, "%s",
                 sl_eno_fallback_name((enum sl_eno_fallback)h->e.fallback));
    cr_expect_eq(sl_eno_own(&h->e, &option, 40), 0, "no further ENO option (R23)");
    cr_expect_not(sl_eno_wants_option(&h->e));
    cr_expect_eq(sl_eno_transcript(&h->e, transcript), 0);
}

/* Hand over what goes into the keys; checks R37 and R44. */
static void agreed_on(const struct host *h, enum sl_tep_role role, uint8_t tep_byte,
                      const char *transcript)
{
    uint8_t bytes[2 * SL_ENO_OPTION_MAX_BYTES];
    char said[2 * sizeof(bytes) + 1] = "";
    struct sl_tep_begin b = {0};

    if (sl_eno_tep(&h->e) == NULL) {
        cr_expect_fail("no TEP agreed");
        return;
    }
    sl_eno_begin(&h->e, bytes, &b);
    hex(b.transcript, b.transcript_len, said);
    cr_expect_eq(b.role, role);
    cr_expect_eq(b.tep_byte, tep_byte, "%02x", b.tep_byte);
    cr_expect_eq(sl_eno_tep(&h->e)->id, tep_byte & 0x7f);
    cr_expect_str_eq(said, transcript, "%s", said);
}

/* Both SYNs and the third segment. */
static void shake(struct host *a, struct host *b)
{
    opens(a);
    listens(b);
    arrives(b, sends_syn(a, false));
    arrives(a, sends_syn(b, true));
    arrives(b, sends(a));
}

Test(eno, three_way_handshake) /* RFC 8547 6, figure 10 */
{
    struct host a = HOST(), b = HOST();
    struct seg s;

    opens(&a);
    listens(&b);
    s = sends_syn(&a, false);
    carries(s, "450323"); /* implicit global (R7), b = 0 (R15), a = 0 (R17) */
    in_state(&a, SL_ENO_NEGOTIATING);
    arrives(&b, s);
    s = sends_syn(&b, true);
    carries(s, "45040123"); /* explicit global, b = 1 (R14) */
    in_state(&b, SL_ENO_AGREED);
    arrives(&a, s);
    in_state(&a, SL_ENO_AGREED); /* an ACK segment received, none sent (R26) */
    s = sends(&a);
    carries(s, "4502"); /* no content (R4) */
    in_state(&a, SL_ENO_ENCRYPTING);
    arrives(&b, s);
    in_state(&b, SL_ENO_ENCRYPTING);
    carries(sends(&b), ""); /* a segment without SYN came in (R22) */
    agreed_on(&a, SL_TEP_ROLE_A, 0x23, "45032345040123");
    agreed_on(&b, SL_TEP_ROLE_B, 0x23, "45032345040123");
}

Test(eno, option_stands_in_data_too_until_a_non_syn_segment_arrives) /* R22, trap 1 */
{
    struct host a = HOST(), b = HOST();

    opens(&a);
    listens(&b);
    arrives(&b, sends_syn(&a, false));
    arrives(&a, sends_syn(&b, true));
    carries(sends(&a), "4502"); /* the bare ACK, lost */
    for (int i = 0; i < 3; i++)
        carries(sends(&a), "4502"); /* Init1 and its copies, lost but for the last */
    arrives(&b, sends(&a));
    in_state(&b, SL_ENO_ENCRYPTING);
    arrives(&a, sends(&b));
    in_state(&a, SL_ENO_ENCRYPTING);
    carries(sends(&a), "");
}

Test(eno, passive_opener_sends_it_until_the_third_segment_arrives) /* R22 */
{
    struct host a = HOST(), b = HOST();

    opens(&a);
    listens(&b);
    arrives(&b, sends_syn(&a, false));
    carries(sends(&b), ""); /* has not answered yet: nothing agreed */
    sends_syn(&b, true);
    carries(sends(&b), "4502"); /* a challenge ACK */
    in_state(&b, SL_ENO_AGREED);
}

Test(eno, ack_goes_out_with_the_option_though_data_overtook_it) /* R22, R26 */
{
    struct host a = HOST(), b = HOST();

    opens(&a);
    listens(&b);
    arrives(&b, sends_syn(&a, false));
    arrives(&a, sends_syn(&b, true));
    arrives(&a, without_eno(sends(&b))); /* first ACK segment was the SYN-ACK */
    arrives(&a, syn_form(true, ""));     /* nor does one like it count now (R23) */
    in_state(&a, SL_ENO_AGREED);
    carries(sends(&a), "4502");
    in_state(&a, SL_ENO_ENCRYPTING);
    carries(sends(&a), "");
}

Test(eno, first_ack_segment_without_eno_disables) /* R23 */
{
    struct host a = HOST(), b = HOST();

    opens(&a);
    listens(&b);
    arrives(&b, sends_syn(&a, false));
    arrives(&a, sends_syn(&b, true));
    arrives(&b, without_eno(sends(&a)));
    fell_back(&b, SL_ENO_FALLBACK_NO_ACK_ENO);
    arrives(&b, sends(&a));
    fell_back(&b, SL_ENO_FALLBACK_NO_ACK_ENO); /* for good */
}

Test(eno, later_segments_without_eno_change_nothing) /* R26 */
{
    struct host a = HOST(), b = HOST();

    shake(&a, &b);
    arrives(&a, without_eno(sends(&b)));
    arrives(&b, without_eno(sends(&a)));
    arrives(&a, without_eno(sends_syn(&b, true)));
    arrives(&b, without_eno(sends_syn(&a, false)));
    arrives(&b, syn_form(false, "450388"));
    b.room = 0;
    cr_expect_eq(sends_syn(&b, true).n, 0);
    in_state(&a, SL_ENO_ENCRYPTING);
    in_state(&b, SL_ENO_ENCRYPTING);
    sl_eno_give_up(&a.e);
    in_state(&a, SL_ENO_ENCRYPTING);
}

Test(eno, several_options_in_an_ack_count_as_one_with_any_content) /* R4 */
{
    struct host a = HOST(), b = HOST();
    struct seg s = {.ack = true, .n = 3, .len = 5, .option = {69, 5, 0x88, 0x80, 0x01}};

    opens(&a);
    listens(&b);
    arrives(&b, sends_syn(&a, false));
    sends_syn(&b, true);
    arrives(&b, s);
    in_state(&b, SL_ENO_ENCRYPTING);
}

Test(eno, syn_ack_without_eno_disables) /* R23 */
{
    struct host a = HOST();

    opens(&a);
    sends_syn(&a, false);
    arrives(&a, syn_form(true, ""));
    fell_back(&a, SL_ENO_FALLBACK_NO_ENO);
    carries(sends(&a), "");
}

Test(eno, listener_answers_a_syn_without_eno_without_it) /* R12 */
{
    struct host b = HOST();

    listens(&b);
    arrives(&b, syn_form(false, ""));
    fell_back(&b, SL_ENO_FALLBACK_NO_ENO);
}

Test(eno, switched_off_says_and_hears_nothing) /* R13 */
{
    struct host a = HOST(), b = HOST();

    a.policy.enabled = b.policy.enabled = false;
    opens(&a);
    listens(&b);
    fell_back(&a, SL_ENO_FALLBACK_DISABLED);
    arrives(&a, syn_form(true, "45040123"));
    fell_back(&a, SL_ENO_FALLBACK_DISABLED);
    arrives(&b, syn_form(false, "450323"));
    fell_back(&b, SL_ENO_FALLBACK_DISABLED);
}

Test(eno, passive_opener_picks_its_own_dearest_and_sends_that_alone) /* R19, R28 */
{
    struct host a = HOST(TEPS(&x448, &x25519, &p256)), b = HOST(TEPS(&p256, &x25519, &x448));
    struct host c = HOST(TEPS(&x448, &p256, &x25519));

    opens(&a);
    carries(sends_syn(&a, false), "4505242321");
    shake(&a, &b);
    carries(sends_syn(&b, true), "45040124");
    agreed_on(&a, SL_TEP_ROLE_A, 0x24, "450524232145040124");
    agreed_on(&b, SL_TEP_ROLE_B, 0x24, "450524232145040124");
    shake(&a, &c);
    agreed_on(&a, SL_TEP_ROLE_A, 0x23, "450524232145040123");
}

Test(eno, passive_opener_picks_only_what_the_peer_offers_validly) /* R19, R21, A4, A6 */
{
    static const struct {
        const char *story, *syn, *answer;
    } cases[] = {
        {"dearest not offered", "45042123", "45040123"},
        {"unknown TEPs", "4505454623", "45040123"},
        {"dearest twice (A6)", "450624232124", "45040123"},
        {"dearest twice, once with data (A6)", "450780a4002423", "45040123"},
        {"its nonce is of 9 bytes (A4)", "451623a4000102030405060708090a0b0c0d0e0f1011",
         "45040123"},
        {"its data is too short: as without (R91)", "450723a4010203", "45040124"},
        {"second global has no say (R5)", "450600240123", "45040124"},
        {"z bits have none (R6)", "45041c24", "45040124"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct host b = HOST(TEPS(&p256, &x25519, &x448));

        listens(&b);
        arrives(&b, syn_form(false, cases[i].syn));
        carries(sends_syn(&b, true), cases[i].answer);
    }
}

Test(eno, listener_falls_back_on_what_it_cannot_use) /* R24, R12: and answers without ENO */
{
    static const struct {
        const char *story, *syn;
        enum sl_eno_fallback why;
    } cases[] = {
        {"vacuous (R11)", "4502", SL_ENO_FALLBACK_NO_COMMON_TEP},
        {"vacuous with global", "450300", SL_ENO_FALLBACK_NO_COMMON_TEP},
        {"TEPs that we lack", "4504207f", SL_ENO_FALLBACK_NO_COMMON_TEP},
        {"ours, twice (A6)", "45042323", SL_ENO_FALLBACK_NO_COMMON_TEP},
        {"nonce of 9 bytes (A4)", "4515a3000102030405060708090a0b0c0d0e0f1011",
         SL_ENO_FALLBACK_NO_COMMON_TEP},
        {"b = 1 (R16)", "45040123", SL_ENO_FALLBACK_SAME_ROLE},
        {"length byte at the end (R10)", "45042388", SL_ENO_FALLBACK_MALFORMED},
        {"length byte before a bare TEP (R10)", "4506802300a3", SL_ENO_FALLBACK_MALFORMED},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct host b = HOST();

        listens(&b);
        arrives(&b, syn_form(false, cases[i].syn));
        cr_expect_eq(b.e.fallback, cases[i].why, "%s", cases[i].story);
        fell_back(&b, cases[i].why);
    }
}

Test(eno, active_opener_takes_the_last_valid_one_of_b) /* R20, R21, A5, A6 */
{
    static const struct {
        const char *story, *answer;
        uint8_t tep_byte; /* 0: fallback `why` */
        enum sl_eno_fallback why;
    } cases[] = {
        {"three", "450601212423", 0x23, 0},
        {"the last unknown", "450601212345", 0x23, 0},
        {"the last not offered by us", "450601212326", 0x23, 0},
        {"the last twice (A6)", "45070121232424", 0x23, 0},
        {"the last with data that nobody asked for (A5)", "45070121a40001", 0x21, 0},
        {"unasked data in front of it (A5)", "45070180a40021", 0x21, 0},
        {"vacuous", "450301", 0, SL_ENO_FALLBACK_NO_COMMON_TEP},
        {"only with data (A5)", "450501a300", 0, SL_ENO_FALLBACK_NO_COMMON_TEP},
        {"ill-formed (R10)", "4505012388", 0, SL_ENO_FALLBACK_MALFORMED},
        {"b = 0 (R16)", "45042321", 0, SL_ENO_FALLBACK_SAME_ROLE},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct host a = HOST(TEPS(&p256, &x25519, &x448));

        opens(&a);
        sends_syn(&a, false);
        arrives(&a, syn_form(true, cases[i].answer));
        if (cases[i].tep_byte == 0) {
            fell_back(&a, cases[i].why);
            continue;
        }
        in_state(&a, SL_ENO_AGREED);
        cr_expect_eq(a.e.tep_byte, cases[i].tep_byte, "%s: %02x", cases[i].story, a.e.tep_byte);
    }
}

/* What host 1 and host 2 make of two SYN forms: the independent vectors, group negotiate. */
static const struct {
    const char *story, *local1, *local2;
    bool mandatory2;
    enum sl_eno_fallback why1, why2;
    uint8_t tep_byte;
    const char *transcript;
} vectors[] = {
    {"plain", "450323", "45040123", false, 0, 0, 0x23, "45032345040123"},
    {"A's order does not matter", "45042123", "4505012321", false, 0, 0, 0x21,
     "450421234505012321"},
    {"RFC 8547 Figure 12", "45042123", "450601232124", false, 0, 0, 0x21, "45042123450601232124"},
    {"A vacuous", "4502", "45040123", false, SL_ENO_FALLBACK_NO_COMMON_TEP,
     SL_ENO_FALLBACK_NO_COMMON_TEP, 0, ""},
    {"echoed SYN option (middlebox)", "450323", "450323", false, SL_ENO_FALLBACK_SAME_ROLE,
     SL_ENO_FALLBACK_SAME_ROLE, 0, ""},
    {"explicit b=0", "45040023", "45040123", false, 0, 0, 0x23, "4504002345040123"},
    {"app-aware both", "45040223", "45040323", false, 0, 0, 0x23, "4504022345040323"},
    {"app-aware mandatory at 2, 1 lacks a", "450323", "45040323", true, 0,
     SL_ENO_FALLBACK_APP_AWARE, 0x23, "45032345040323"},
    {"unknown TEP of B skipped", "45042345", "4505012345", false, 0, 0, 0x23, "450423454505012345"},
    {"A offers v=1 with short data, B fresh", "4506a3010203", "45040123", false, 0, 0, 0x23,
     "4506a301020345040123"},
    {"A nonce of 9 bytes [A4]", "4515a3000102030405060708090a0b0c0d0e0f1011", "45040123", false,
     SL_ENO_FALLBACK_NO_COMMON_TEP, SL_ENO_FALLBACK_NO_COMMON_TEP, 0, ""},
};

/* Its SYN with these bytes went out already: also such as it never writes itself. */
static void has_sent(struct host *h, const char *option)
{
    opens(h);
    h->e.own_len = (uint8_t)unhex(option, h->e.own);
    h->e.own_frozen = true;
}

static void verdict(struct host *h, size_t i, enum sl_eno_fallback why, enum sl_tep_role role,
                    const char *peer)
{
    cr_expect_eq(h->e.fallback, why, "%s", vectors[i].story);
    cr_expect_eq(h->e.peer_global, strlen(peer) > 4 && peer[4] == '0' ? peer[5] - '0' : 0);
    if (why == SL_ENO_FALLBACK_NONE)
        agreed_on(h, role, vectors[i].tep_byte, vectors[i].transcript);
    else
        fell_back(h, why);
}

Test(eno, two_syn_forms_decide)
{
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct host one = HOST(TEPS(&p256, &resumer, &x25519, &x448));
        struct host two =
            HOST(TEPS(&p256, &resumer, &x25519, &x448), .mandatory_aa = vectors[i].mandatory2);

        has_sent(&one, vectors[i].local1);
        has_sent(&two, vectors[i].local2);
        arrives(&one, syn_form(true, vectors[i].local2));
        arrives(&two, syn_form(true, vectors[i].local1));
        verdict(&one, i, vectors[i].why1, SL_TEP_ROLE_A, vectors[i].local2);
        verdict(&two, i, vectors[i].why2, SL_TEP_ROLE_B, vectors[i].local1);
    }
}

/* Vectors, group option_blocks: what TCP's option reader makes of them, and what follows. */
Test(eno, two_options_in_a_syn_count_as_none) /* R3 */
{
    struct host a = HOST(), b = HOST();
    struct seg twice = syn_form(false, "45040123");

    twice.n = 2;
    listens(&b);
    arrives(&b, twice);
    fell_back(&b, SL_ENO_FALLBACK_NO_ENO);
    twice.ack = true;
    opens(&a);
    sends_syn(&a, false);
    arrives(&a, twice);
    fell_back(&a, SL_ENO_FALLBACK_NO_ENO);
}

Test(eno, echo_of_a_middlebox_is_no_peer) /* trap 4 */
{
    struct host a = HOST();
    struct seg s;

    opens(&a);
    s = sends_syn(&a, false);
    s.ack = true;
    arrives(&a, s);
    fell_back(&a, SL_ENO_FALLBACK_SAME_ROLE);
}

Test(eno, b_set_by_an_active_opener_meets_a_listener_in_vain) /* R16 */
{
    struct host a = HOST(.self_b = true), b = HOST();
    struct seg s;

    opens(&a);
    listens(&b);
    s = sends_syn(&a, false);
    carries(s, "45040123"); /* R15 */
    arrives(&b, s);
    fell_back(&b, SL_ENO_FALLBACK_SAME_ROLE);
    arrives(&a, syn_form(true, "45040123"));
    fell_back(&a, SL_ENO_FALLBACK_SAME_ROLE);
}

Test(eno, application_aware_bit_is_set_and_seen) /* R17 */
{
    struct host a = HOST(.self_a = true), b = HOST(.self_a = true), c = HOST();

    shake(&a, &b);
    agreed_on(&b, SL_TEP_ROLE_B, 0x23, "4504022345040323");
    cr_expect_eq(a.e.peer_global, 3);
    cr_expect_eq(b.e.peer_global, 2);
    shake(&c, &b);
    in_state(&b, SL_ENO_ENCRYPTING);
    cr_expect_eq(b.e.peer_global, 0);
}

Test(eno, mandatory_application_awareness) /* R18 */
{
    struct host a = HOST(.self_a = true, .mandatory_aa = true);
    struct host b = HOST(.self_a = true, .mandatory_aa = true);
    struct host c = HOST();

    shake(&a, &b);
    in_state(&a, SL_ENO_ENCRYPTING);
    in_state(&b, SL_ENO_ENCRYPTING);
    shake(&c, &b);
    fell_back(&b, SL_ENO_FALLBACK_APP_AWARE);
    fell_back(&c, SL_ENO_FALLBACK_NO_ENO);
    shake(&a, &c);
    fell_back(&a, SL_ENO_FALLBACK_APP_AWARE);
    fell_back(&c, SL_ENO_FALLBACK_NO_ACK_ENO);
}

Test(eno, syn_form_never_changes) /* R25 */
{
    struct host a = HOST(TEPS(&p256, &x25519)), b = HOST(TEPS(&p256, &x25519));

    opens(&a);
    listens(&b);
    carries(sends_syn(&a, false), "45042123");
    a.policy.n_teps = 1;
    a.policy.self_a = true;
    carries(sends_syn(&a, false), "45042123");
    arrives(&b, sends_syn(&a, false));
    carries(sends_syn(&b, true), "45040123");
    b.policy.n_teps = 1;
    arrives(&b, syn_form(false, "450321")); /* another one behind it has no say */
    carries(sends_syn(&b, true), "45040123");
    agreed_on(&b, SL_TEP_ROLE_B, 0x23, "4504212345040123");
}

Test(eno, active_opener_gives_up) /* R25, first exception */
{
    struct host a = HOST(), b = HOST();
    struct seg first;

    opens(&a);
    listens(&b);
    first = sends_syn(&a, false);
    sl_eno_give_up(&a.e);
    fell_back(&a, SL_ENO_FALLBACK_DISABLED);
    carries(sends_syn(&a, false), "");
    arrives(&b, first); /* it was only late */
    arrives(&a, sends_syn(&b, true));
    arrives(&b, sends(&a));
    fell_back(&a, SL_ENO_FALLBACK_DISABLED);
    fell_back(&b, SL_ENO_FALLBACK_NO_ACK_ENO);
}

Test(eno, giving_up_is_for_a_syn_that_nobody_answered) /* R25 */
{
    struct host a = HOST(), b = HOST();

    opens(&a);
    listens(&b);
    arrives(&b, sends_syn(&a, false));
    sl_eno_give_up(&b.e);
    carries(sends_syn(&b, true), "45040123");
    arrives(&a, syn_form(false, "45040123"));
    sl_eno_give_up(&a.e);
    in_state(&a, SL_ENO_AGREED);
}

Test(eno, syn_again_without_eno_disables_who_has_answered_with_it) /* R23 over R25, trap 3 */
{
    struct host a = HOST(), b = HOST();

    opens(&a);
    listens(&b);
    arrives(&b, sends_syn(&a, false));
    carries(sends_syn(&b, true), "45040123");
    arrives(&b, sends_syn(&a, false));
    in_state(&b, SL_ENO_AGREED); /* again with it: nothing happens */
    sl_eno_give_up(&a.e);
    arrives(&b, sends_syn(&a, false));
    fell_back(&b, SL_ENO_FALLBACK_NO_ENO);
    carries(sends_syn(&b, true), "");
    arrives(&b, (struct seg){.ack = true, .n = 1, .len = 2});
    fell_back(&b, SL_ENO_FALLBACK_NO_ENO);
}

Test(eno, ill_formed_syn_again_disables) /* R23 */
{
    struct host a = HOST(), b = HOST();

    opens(&a);
    listens(&b);
    arrives(&b, sends_syn(&a, false));
    sends_syn(&b, true);
    arrives(&b, syn_form(false, "45042388"));
    fell_back(&b, SL_ENO_FALLBACK_MALFORMED);
}

Test(eno, crossing_syns_with_one_b_encrypt) /* RFC 8547 6, figure 13 */
{
    struct host x = HOST(TEPS(&p256, &x25519));
    struct host y = HOST(TEPS(&x25519, &p256), .self_b = true);
    struct seg from_x, from_y;

    opens(&x);
    opens(&y);
    from_x = sends_syn(&x, false);
    from_y = sends_syn(&y, false);
    carries(from_x, "45042123");
    carries(from_y, "4505012321");
    arrives(&x, from_y);
    arrives(&y, from_x);
    in_state(&x, SL_ENO_AGREED);
    from_x = sends_syn(&x, true);
    from_y = sends_syn(&y, true);
    carries(from_x, "45042123"); /* not altered (R25) */
    carries(from_y, "4505012321");
    in_state(&x, SL_ENO_AGREED); /* no ACK segment has come (R26) */
    arrives(&x, from_y);
    arrives(&y, from_x);
    in_state(&x, SL_ENO_ENCRYPTING);
    in_state(&y, SL_ENO_ENCRYPTING);
    agreed_on(&x, SL_TEP_ROLE_A, 0x21, "450421234505012321"); /* B's order counts (R20) */
    agreed_on(&y, SL_TEP_ROLE_B, 0x21, "450421234505012321");
    carries(sends(&x), "4502"); /* no segment without SYN has come (R22) */
    arrives(&x, sends(&y));
    carries(sends(&x), "");
}

Test(eno, crossing_syn_sent_again_is_no_ack_segment) /* R26 */
{
    struct host x = HOST(), y = HOST(.self_b = true);

    opens(&x);
    opens(&y);
    sends_syn(&x, false);
    arrives(&x, sends_syn(&y, false));
    sends_syn(&x, true);
    arrives(&x, sends_syn(&y, false));
    in_state(&x, SL_ENO_AGREED);
    arrives(&x, without_eno(sends_syn(&y, true)));
    fell_back(&x, SL_ENO_FALLBACK_NO_ENO);
}

Test(eno, lost_syn_ack_of_a_crossing_is_made_good_by_the_next_segment) /* R22, R26 */
{
    struct host x = HOST(), y = HOST(.self_b = true);

    opens(&x);
    opens(&y);
    sends_syn(&x, false);
    arrives(&x, sends_syn(&y, false));
    arrives(&y, sends_syn(&x, true)); /* in SYN-SENT: our bare SYN was lost */
    sends_syn(&y, true);
    arrives(&x, sends(&y));
    in_state(&x, SL_ENO_ENCRYPTING);
    in_state(&y, SL_ENO_ENCRYPTING);
}

Test(eno, crossing_syns_of_one_role_fall_back) /* R16; R25, second exception */
{
    for (int b = 0; b < 2; b++) {
        struct host x = HOST(.self_b = b), y = HOST(.self_b = b);
        struct seg from_x;

        opens(&x);
        opens(&y);
        from_x = sends_syn(&x, false);
        arrives(&x, sends_syn(&y, false));
        arrives(&y, from_x);
        fell_back(&x, SL_ENO_FALLBACK_SAME_ROLE);
        fell_back(&y, SL_ENO_FALLBACK_SAME_ROLE);
        carries(sends_syn(&x, true), "");
    }
}

Test(eno, no_room_in_the_header_means_none) /* trap 5 */
{
    struct host a = HOST(), b = HOST();
    struct host c = HOST(TEPS(&resumer)), d = HOST(TEPS(&resumer, &resumer, &resumer));

    a.room = 2;
    opens(&a);
    carries(sends_syn(&a, false), "");
    fell_back(&a, SL_ENO_FALLBACK_DISABLED);
    b.room = 3;
    listens(&b);
    arrives(&b, syn_form(false, "450323"));
    carries(sends_syn(&b, true), "");
    fell_back(&b, SL_ENO_FALLBACK_DISABLED);
    c.room = 20; /* all that is left beside MSS, scale, SACK, timestamps, and one NOP */
    opens(&c);
    cr_expect_eq(sends_syn(&c, false).len, 20);
    opens(&d); /* more than any header holds */
    carries(sends_syn(&d, false), "");
    fell_back(&d, SL_ENO_FALLBACK_DISABLED);
}

Test(eno, syn_that_went_out_without_eno_cannot_be_answered_with_it)
{
    struct host a = HOST();

    opens(&a); /* sl_eno_own was not asked */
    arrives(&a, syn_form(true, "45040123"));
    fell_back(&a, SL_ENO_FALLBACK_DISABLED);
}

Test(eno, listener_that_never_answered_with_eno_stays_plain) /* trap 2: SYN cookie */
{
    struct host b = HOST();

    listens(&b);
    arrives(&b, syn_form(false, "450323"));
    arrives(&b, (struct seg){.ack = true, .n = 1, .len = 2});
    fell_back(&b, SL_ENO_FALLBACK_NO_ACK_ENO);
}

Test(eno, listener_says_nothing_before_it_heard)
{
    struct host a = HOST(), b = HOST();

    listens(&b);
    sl_eno_give_up(&b.e); /* R25: not for a passive opener */
    carries(sends_syn(&b, true), "");
    in_state(&b, SL_ENO_NEGOTIATING);
    opens(&a);
    arrives(&b, sends_syn(&a, false));
    carries(sends_syn(&b, true), "45040123");
}

Test(eno, tep_that_b_itself_says_twice_is_not_valid) /* R21, A6 */
{
    struct host x = HOST(), y = HOST(TEPS(&x25519, &x25519), .self_b = true);

    opens(&x);
    opens(&y);
    carries(sends_syn(&y, false), "4505012323");
    arrives(&y, sends_syn(&x, false));
    fell_back(&y, SL_ENO_FALLBACK_NO_COMMON_TEP);
    arrives(&x, syn_form(false, "4505012323"));
    fell_back(&x, SL_ENO_FALLBACK_NO_COMMON_TEP);
}

Test(eno, suboption_data_of_both_ends_reaches_the_tep)
{
    struct host a = HOST(TEPS(&two_bytes, &resumer)), b = HOST(TEPS(&two_bytes));
    uint8_t transcript[2 * SL_ENO_OPTION_MAX_BYTES];
    struct sl_tep_begin begin = {0};

    opens(&a);
    carries(sends_syn(&a, false), "451881a6da0aa2eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");
    shake(&a, &b);
    agreed_on(&a, SL_TEP_ROLE_A, 0xa6,
              "451881a6da0aa2eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee450601a6da0b");
    agreed_on(&b, SL_TEP_ROLE_B, 0xa6,
              "451881a6da0aa2eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee450601a6da0b");
    sl_eno_begin(&b.e, transcript, &begin);
    cr_assert_eq(begin.suboption_a_len, 2);
    cr_assert_eq(begin.suboption_b_len, 2);
    cr_expect_eq(begin.suboption_a, transcript + 4);
    cr_expect_eq(begin.suboption_b, transcript + 28);
}

Test(eno, proposed_resumption_answered_by_a_fresh_start) /* R90, R91 */
{
    struct host a = HOST(TEPS(&resumer)), b = HOST(TEPS(&resumer));
    uint8_t transcript[2 * SL_ENO_OPTION_MAX_BYTES];
    struct sl_tep_begin begin = {0};

    shake(&a, &b);
    in_state(&b, SL_ENO_ENCRYPTING);
    sl_eno_begin(&a.e, transcript, &begin);
    cr_expect_eq(begin.tep_byte, 0x22); /* as B sent it (R44) */
    cr_expect_eq(begin.suboption_a_len, 17);
    cr_expect_eq(begin.suboption_b_len, 0);
}

Test(eno, fallbacks_have_names)
{
    cr_expect_str_eq(sl_eno_fallback_name(SL_ENO_FALLBACK_NONE), "");
    cr_expect_str_eq(sl_eno_fallback_name(SL_ENO_FALLBACK_SAME_ROLE), "same_role");
    cr_expect_str_eq(sl_eno_fallback_name(SL_ENO_FALLBACK_NO_ACK_ENO), "no_ack_eno");
}

static uint64_t next(uint64_t *seed) /* xorshift64 */
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Any bytes at any time. What must hold: nothing is read out of bounds, no decision is undone. */
Test(eno, no_bytes_of_a_stranger_upset_it)
{
    static const uint8_t likely[] = {0x00, 0x01, 0x21, 0x23, 0x24, 0x80, 0x81, 0xa3, 0xa4, 0xa6};
    uint64_t seed = 4;
    unsigned states[4] = {0};

    for (int i = 0; i < 50000; i++) {
        struct host h = HOST(TEPS(&p256, &two_bytes, &x25519, &x448), .self_b = next(&seed) % 2);

        sl_eno_init(&h.e, &h.policy, next(&seed) % 2);
        for (int step = 0; step < 6; step++) {
            struct seg s = {.syn = next(&seed) % 3 != 0, .ack = next(&seed) % 2};
            const uint8_t before = h.e.state;

            s.n = next(&seed) % 8 ? 1 : (uint8_t)(next(&seed) % 3);
            s.len = (uint8_t)(2 + next(&seed) % 6);
            for (uint8_t j = 2; j < s.len; j++)
                s.option[j] =
                    next(&seed) % 8 ? likely[next(&seed) % COUNT(likely)] : (uint8_t)next(&seed);
            sends_syn(&h, false);
            arrives(&h, s);
            if (next(&seed) % 2)
                sends(&h);
            cr_assert(h.e.state >= before || h.e.state == SL_ENO_DISABLED, "round %d", i);
            cr_assert(before != SL_ENO_DISABLED || h.e.state == SL_ENO_DISABLED, "round %d", i);
            cr_assert(before != SL_ENO_ENCRYPTING || h.e.state == before, "round %d", i);
        }
        states[h.e.state]++;
    }
    cr_expect(states[SL_ENO_DISABLED] > 100 && states[SL_ENO_ENCRYPTING] > 100);
}

/*
 * Two ends over a network that loses, repeats and reorders. Opening only as far as ENO sees it:
 * SYN-SENT or LISTEN, SYN-RECEIVED, ESTABLISHED.
 */
enum tcp { LISTEN, SYN_SENT, SYN_RECEIVED, ESTABLISHED };

enum { FLYING_MAX = 8 };

struct end {
    struct host h;
    enum tcp tcp;
    struct seg flying[FLYING_MAX]; /* to this end */
    unsigned n;
};

static void fly(struct end *to, struct seg s)
{
    if (to->n < FLYING_MAX)
        to->flying[to->n++] = s;
}

static void transmit(struct end *from, struct end *to)
{
    if (from->tcp == SYN_SENT || from->tcp == SYN_RECEIVED)
        fly(to, sends_syn(&from->h, from->tcp == SYN_RECEIVED));
    if (from->tcp == ESTABLISHED)
        fly(to, sends(&from->h));
}

static void receive(struct end *at, struct end *from, struct seg s)
{
    const enum tcp was = at->tcp;

    if ((was == LISTEN && (!s.syn || s.ack)) || (was == SYN_SENT && !s.syn))
        return; /* not acceptable there */
    arrives(&at->h, s);
    if (s.syn && !s.ack && was != ESTABLISHED)
        at->tcp = SYN_RECEIVED;
    else
        at->tcp = ESTABLISHED;
    if (s.syn) /* a SYN-ACK, or the third segment, or a challenge ACK */
        transmit(at, from);
}

/* One segment out of order, perhaps left there to come again. */
static void pass(struct end *at, struct end *from, uint64_t *seed, bool lossy)
{
    const unsigned i = at->n > 0 ? (unsigned)(next(seed) % at->n) : 0;
    const struct seg s = at->flying[i];

    if (at->n == 0)
        return;
    if (!lossy || next(seed) % 4 != 0)
        at->flying[i] = at->flying[--at->n];
    if (!lossy || next(seed) % 3 != 0)
        receive(at, from, s);
}

static void never_apart(const struct end *x, const struct end *y, uint64_t seed)
{
    const uint8_t a = x->h.e.state, b = y->h.e.state;

    cr_assert_not((a == SL_ENO_ENCRYPTING && b == SL_ENO_DISABLED) ||
                      (b == SL_ENO_ENCRYPTING && a == SL_ENO_DISABLED),
                  "seed %llu", (unsigned long long)seed);
}

static void run(struct end *x, struct end *y, uint64_t seed, bool gives_up)
{
    uint64_t random = seed * 0x9e3779b97f4a7c15 | 1;

    transmit(x, y);
    transmit(y, x); /* nothing from a listener */
    for (int i = 0; i < 40; i++) {
        const bool which = next(&random) % 2;
        struct end *a = which ? x : y, *b = which ? y : x;

        if (next(&random) % 3 == 0)
            transmit(a, b);
        if (gives_up && next(&random) % 16 == 0)
            sl_eno_give_up(&x->h.e);
        pass(a, b, &random, true);
        never_apart(x, y, seed);
    }
    for (int i = 0; i < 6; i++) { /* what was lost is sent again */
        transmit(x, y);
        transmit(y, x);
        while (x->n + y->n > 0) {
            pass(x, y, &random, false);
            pass(y, x, &random, false);
            never_apart(x, y, seed);
        }
    }
}

static void same_end(const struct end *x, const struct end *y, uint64_t seed)
{
    uint8_t tx[2 * SL_ENO_OPTION_MAX_BYTES], ty[2 * SL_ENO_OPTION_MAX_BYTES];
    const size_t len = sl_eno_transcript(&x->h.e, tx);

    cr_assert_eq(x->h.e.state, y->h.e.state, "seed %llu", (unsigned long long)seed);
    cr_assert(x->h.e.state == SL_ENO_DISABLED || x->h.e.state == SL_ENO_ENCRYPTING, "seed %llu",
              (unsigned long long)seed);
    cr_assert_eq(sl_eno_transcript(&y->h.e, ty), len);
    if (x->h.e.state == SL_ENO_DISABLED)
        return;
    cr_assert_eq(memcmp(tx, ty, len), 0, "seed %llu", (unsigned long long)seed);
    cr_assert_eq(sl_eno_tep(&x->h.e), sl_eno_tep(&y->h.e));
    cr_assert_eq(x->h.e.tep_byte, y->h.e.tep_byte);
    cr_assert_neq(x->h.e.role, y->h.e.role);
    cr_assert_not(sl_eno_wants_option(&x->h.e) || sl_eno_wants_option(&y->h.e));
}

static void begins(struct end *e, bool passive)
{
    e->tcp = passive ? LISTEN : SYN_SENT;
    sl_eno_init(&e->h.e, &e->h.policy, passive);
}

Test(eno, loss_repetition_and_reordering_never_cost_the_encryption)
{
    for (uint64_t seed = 1; seed <= 20000; seed++) {
        const bool crossing = seed % 2;
        struct end x = {.h = HOST(TEPS(&p256, &x25519))};
        struct end y = {.h = HOST(TEPS(&x448, &x25519, &p256), .self_b = true)};

        begins(&x, false);
        begins(&y, !crossing);
        run(&x, &y, seed, false);
        same_end(&x, &y, seed);
        cr_assert_eq(x.h.e.state, SL_ENO_ENCRYPTING, "seed %llu", (unsigned long long)seed);
        cr_assert_eq(sl_eno_tep(&x.h.e), &p256);
    }
}

static void any_policy(struct end *e, uint64_t *seed)
{
    static const struct sl_tep_ops *const all[] = {&p256, &resumer, &x25519, &x448, &two_bytes};
    struct sl_eno_policy *p = &e->h.policy;
    const unsigned first = (unsigned)(next(seed) % COUNT(all));

    *e = (struct end){.h = HOST(.self_b = next(seed) % 2, .self_a = next(seed) % 2)};
    p->enabled = next(seed) % 16 != 0;
    p->mandatory_aa = next(seed) % 4 == 0;
    p->n_teps = 0;
    for (unsigned i = 0; i < COUNT(all); i++)
        if (next(seed) % 2)
            p->teps[p->n_teps++] = all[(first + i * 2) % COUNT(all)];
}

Test(eno, both_ends_come_to_the_same)
{
    unsigned encrypting = 0, plain = 0;

    for (uint64_t seed = 1; seed <= 20000; seed++) {
        uint64_t random = seed * 0xd1342543de82ef95 | 1;
        struct end x, y;

        any_policy(&x, &random);
        any_policy(&y, &random);
        begins(&x, false);
        begins(&y, next(&random) % 2);
        run(&x, &y, seed, next(&random) % 4 == 0);
        same_end(&x, &y, seed);
        *(x.h.e.state == SL_ENO_ENCRYPTING ? &encrypting : &plain) += 1;
    }
    cr_expect(encrypting > 1000 && plain > 1000, "%u encrypt, %u do not", encrypting, plain);
}
