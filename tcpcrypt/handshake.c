/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcpcrypt/handshake.h"

#include <stdlib.h>

#include <openssl/crypto.h>

#include "base/invariant.h"
#include "tcpcrypt/init.h"
#include "tcpcrypt/ranges.h"

enum {
    CIPHERS_MAX = 3,
    TRANSCRIPT_MAX_BYTES = 80, /* two TCP options */
    OWN_MAX_BYTES = 9 + 2 * CIPHERS_MAX + SL_INIT_NONCE_BYTES + SL_KEX_PUB_MAX_BYTES,
};

struct message {
    uint32_t len;
    uint8_t at[];
};

struct sl_handshake {
    struct sl_tep_work work;
    const struct sl_kex *kex;
    const struct sl_tep_config *config;
    struct sl_arena *arena;
    enum sl_handshake_phase phase;
    enum sl_tep_role role;
    bool work_due, worked_well, owes_init;
    uint8_t tep_byte;
    enum sl_aead aead; /* chosen, from SL_HANDSHAKE_AGREE on */
    sl_secret secret;  /* of our key pair */

    /* Where work finds and leaves secrets: it must not ask the arena, which is the shard's. */
    uint8_t *secret_at, *masters_at, *seal_at, *open_at;

    struct message *peer;     /* its whole Init, as transmitted, tail and all (R50) */
    struct sl_init peer_init; /* points into it */

    uint8_t transcript_len, own_len;
    uint8_t transcript[TRANSCRIPT_MAX_BYTES];
    uint8_t nonce[SL_INIT_NONCE_BYTES];
    uint8_t pub[SL_KEX_PUB_MAX_BYTES];
    uint8_t own[OWN_MAX_BYTES];
    uint8_t session_id[SL_SESSION_ID_BYTES];
};

static bool write_own_init(struct sl_handshake *h)
{
    const bool a = h->role == SL_TEP_ROLE_A;
    uint16_t ciphers[CIPHERS_MAX] = {(uint16_t)h->aead};
    uint8_t i, n = a ? h->config->n_aead_a : 1;

    for (i = 0; a && i < n; i++)
        ciphers[i] = (uint16_t)h->config->aead_a[i];
    h->own_len = (uint8_t)sl_init_write(a ? SL_INIT_1 : SL_INIT_2, ciphers, n, h->nonce, h->pub,
                                        h->kex->pub_bytes, h->own, sizeof(h->own));
    return h->own_len > 0;
}

static bool make_key_pair(struct sl_handshake *h)
{
    return h->kex->keygen(h->secret_at, h->pub) && write_own_init(h);
}

/* RFC 8548 3.3 to 3.5, for generation 0. */
static bool run_schedule(struct sl_handshake *h, const uint8_t *es)
{
    const bool a = h->role == SL_TEP_ROLE_A;
    const struct sl_schedule_part own = {h->own, h->own_len}, peer = {h->peer->at, h->peer->len};
    const struct sl_schedule_part parts[] = {
        {h->transcript, h->transcript_len}, a ? own : peer, a ? peer : own, {es, h->kex->es_bytes}};
    uint8_t ss[SL_K_LEN];
    uint8_t *mk = h->masters_at, *next_ss = h->masters_at + SL_K_LEN;
    struct sl_schedule s = sl_schedule_begin();

    sl_schedule_prk(&s, a ? h->nonce : h->peer_init.nonce, parts, 4, ss);
    sl_schedule_session_id(&s, ss, NULL, 0, h->tep_byte, h->session_id);
    sl_schedule_mk_0(&s, ss, NULL, 0, mk);
    sl_schedule_next_ss(&s, ss, next_ss);
    OPENSSL_cleanse(ss, sizeof(ss)); /* R95 */
    sl_schedule_traffic_key(&s, mk, SL_K_AB, h->aead, a ? h->seal_at : h->open_at);
    sl_schedule_traffic_key(&s, mk, SL_K_BA, h->aead, a ? h->open_at : h->seal_at);
    return sl_schedule_end(&s);
}

static bool agree(struct sl_handshake *h)
{
    uint8_t es[SL_KEX_ES_MAX_BYTES];
    const bool ok = (h->role == SL_TEP_ROLE_A || make_key_pair(h)) &&
                    h->kex->derive(h->secret_at, h->pub, h->peer_init.pub, es) &&
                    run_schedule(h, es);

    OPENSSL_cleanse(es, sizeof(es));
    OPENSSL_cleanse(h->secret_at, SL_SECRET_BYTES); /* at last use, wherever we run (R53) */
    return ok;
}

/* On any thread. */
static void run(struct sl_tep_work *w)
{
    struct sl_handshake *h = SL_CONTAINER(w, struct sl_handshake, work);

    h->worked_well = h->phase == SL_HANDSHAKE_KEYGEN ? make_key_pair(h) : agree(h);
}

static bool draw(struct sl_handshake *h, struct sl_random *secrets)
{
    return sl_random_fill(secrets, h->nonce, sizeof(h->nonce)) &&
           sl_random_fill(secrets, h->secret_at, h->kex->secret_bytes);
}

struct sl_handshake *sl_handshake_create(const struct sl_tep_begin *b, const struct sl_kex *kex)
{
    const bool a = b->role == SL_TEP_ROLE_A;
    struct sl_handshake *h;

    if (b->transcript_len > TRANSCRIPT_MAX_BYTES || (a && b->config->n_aead_a == 0) ||
        b->config->n_aead_a > CIPHERS_MAX || b->config->n_aead_b > CIPHERS_MAX)
        return NULL;
    if (SL_FAULT(handshake) || (h = calloc(1, sizeof(*h))) == NULL)
        return NULL;
    h->work.run = run;
    h->kex = kex;
    h->config = b->config;
    h->arena = b->arena;
    h->role = b->role;
    h->tep_byte = b->tep_byte;
    h->transcript_len = (uint8_t)b->transcript_len;
    memcpy(h->transcript, b->transcript, b->transcript_len);
    h->secret = sl_arena_take(h->arena);
    h->secret_at = sl_arena_at(h->arena, h->secret);
    if (h->secret_at == NULL || !draw(h, b->secrets)) {
        sl_handshake_destroy(h);
        return NULL;
    }
    h->phase = a ? SL_HANDSHAKE_KEYGEN : SL_HANDSHAKE_INIT;
    h->work_due = a;
    return h;
}

void sl_handshake_destroy(struct sl_handshake *h)
{
    if (h == NULL)
        return;
    sl_arena_erase(h->arena, &h->secret);
    free(h->peer);
    free(h);
}

enum sl_handshake_phase sl_handshake_phase(const struct sl_handshake *h)
{
    return h->phase;
}

/* B: by our preference among what A offers. A: what B chose, if we had offered it (R51). */
static enum sl_aead choose(const struct sl_handshake *h, const struct sl_init *peer)
{
    const bool a = h->role == SL_TEP_ROLE_A;
    const enum sl_aead *ours = a ? h->config->aead_a : h->config->aead_b;
    uint8_t i;

    for (i = a ? h->config->n_aead_a : h->config->n_aead_b; i > 0; i--)
        if (sl_aead_key_bytes(ours[i - 1]) > 0 && sl_init_names(peer, (uint16_t)ours[i - 1]))
            return ours[i - 1];
    return SL_AEAD_NONE;
}

static enum sl_tep_read fail(struct sl_tep_frame *f, enum sl_tep_error error)
{
    f->error = error;
    return SL_TEP_READ_ERROR;
}

static void accept_init(struct sl_handshake *h, const struct sl_generations *g,
                        struct message *whole, const struct sl_init *peer)
{
    h->peer = whole;
    h->peer_init = *peer;
    h->aead = g->aead;
    h->masters_at = sl_arena_at(h->arena, g->masters);
    h->seal_at = sl_arena_at(h->arena, g->seal);
    h->open_at = sl_arena_at(h->arena, g->open);
    h->phase = SL_HANDSHAKE_AGREE;
    h->work_due = true;
}

/* `whole` becomes ours if it is any good. */
static enum sl_tep_read take_init(struct sl_handshake *h, struct message *whole,
                                  struct sl_generations *g, struct sl_tep_frame *f)
{
    const bool a = h->role == SL_TEP_ROLE_A;
    struct sl_init peer;
    enum sl_aead aead;

    if (sl_init_read(sl_cursor_of(whole->at, whole->len), a ? SL_INIT_2 : SL_INIT_1,
                     h->kex->pub_bytes, &peer) != SL_INIT_OK ||
        (aead = choose(h, &peer)) == SL_AEAD_NONE)
        return fail(f, SL_TEP_KEX_FAILED);
    if (!sl_generations_init(g, h->arena, g->queue, a ? SL_K_AB : SL_K_BA, aead))
        return fail(f, SL_TEP_NO_MEMORY);
    accept_init(h, g, whole, &peer);
    f->len = peer.len;
    return SL_TEP_READ_OWN;
}

enum sl_tep_read sl_handshake_read(struct sl_handshake *h, const struct sl_range *bytes, uint32_t n,
                                   struct sl_generations *g, struct sl_tep_frame *f)
{
    uint8_t look[SL_INIT_LOOK_BYTES];
    struct message *whole;
    struct sl_init peer;
    enum sl_tep_read got;

    if (h->phase != SL_HANDSHAKE_INIT)
        return SL_TEP_READ_WAIT;
    if (sl_init_read(sl_cursor_of(look, sl_ranges_copy(bytes, n, look, sizeof(look))),
                     h->role == SL_TEP_ROLE_A ? SL_INIT_2 : SL_INIT_1, h->kex->pub_bytes,
                     &peer) != SL_INIT_INCOMPLETE) /* the look is too short for a whole one */
        return fail(f, SL_TEP_KEX_FAILED);
    if (sl_ranges_len(bytes, n, peer.len) < peer.len) {
        f->need = peer.len;
        return SL_TEP_READ_MORE;
    }
    /* Bounded: A16. */
    whole = SL_FAULT(handshake_init) ? NULL : malloc(sizeof(*whole) + peer.len);
    if (whole == NULL)
        return fail(f, SL_TEP_NO_MEMORY);
    whole->len = sl_ranges_copy(bytes, n, whole->at, peer.len);
    if ((got = take_init(h, whole, g, f)) != SL_TEP_READ_OWN)
        free(whole);
    return got;
}

struct sl_tep_work *sl_handshake_work(struct sl_handshake *h)
{
    if (!h->work_due)
        return NULL;
    h->work_due = false;
    return &h->work;
}

enum sl_tep_error sl_handshake_worked(struct sl_handshake *h, struct sl_tep_work *w)
{
    SL_INVARIANT(w == &h->work);
    (void)w;
    if (h->phase == SL_HANDSHAKE_AGREE || !h->worked_well)
        sl_arena_erase(h->arena, &h->secret);
    if (!h->worked_well || h->phase == SL_HANDSHAKE_FAILED) {
        h->phase = SL_HANDSHAKE_FAILED;
        return SL_TEP_KEX_FAILED;
    }
    h->owes_init = h->owes_init || h->phase == SL_HANDSHAKE_KEYGEN || h->role == SL_TEP_ROLE_B;
    h->phase = h->phase == SL_HANDSHAKE_KEYGEN ? SL_HANDSHAKE_INIT : SL_HANDSHAKE_DONE;
    return SL_TEP_OK;
}

bool sl_handshake_owes_init(const struct sl_handshake *h)
{
    return h->owes_init;
}

uint32_t sl_handshake_init(struct sl_handshake *h, uint32_t room, const uint8_t **init)
{
    if (!h->owes_init || room < h->own_len)
        return 0;
    h->owes_init = false;
    *init = h->own;
    return h->own_len;
}

const uint8_t *sl_handshake_session_id(const struct sl_handshake *h)
{
    return h->session_id;
}
