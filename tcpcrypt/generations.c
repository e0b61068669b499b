/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcpcrypt/generations.h"

#include <assert.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/invariant.h"

enum {
    SS_AT = SL_K_LEN, /* within the slot of master keys */
    KEY_BYTES = 32 + SL_AEAD_NONCE_BYTES,
};

/* The last bytes of a sealing key's slot. Jobs read the first ones only. */
struct use {
    sl_secret next;      /* in the list of old keys */
    uint32_t in_flight;  /* frames cut and not yet sealed */
    uint32_t generation; /* modulo 2^32 */
};

static_assert(KEY_BYTES + sizeof(struct use) <= SL_SECRET_BYTES, "both fit into a slot");

static enum sl_schedule_side other(enum sl_schedule_side side)
{
    return side == SL_K_AB ? SL_K_BA : SL_K_AB;
}

static uint8_t *at(const struct sl_generations *g, sl_secret s)
{
    return sl_arena_at(g->arena, s);
}

static struct use *use_of(const struct sl_generations *g, sl_secret key)
{
    return (struct use *)(void *)(at(g, key) + SL_SECRET_BYTES - sizeof(struct use));
}

static void erase_key(struct sl_generations *g, sl_secret *key)
{
    if (*key != 0 && g->queue != NULL)
        g->queue->ops->forget(g->queue, *key);
    sl_arena_erase(g->arena, key);
}

static void set_slots(struct sl_generations *g)
{
    g->masters = sl_arena_take(g->arena);
    g->open = sl_arena_take(g->arena);
    g->seal = sl_arena_take(g->arena);
}

static bool slots_are_set(const struct sl_generations *g)
{
    return g->masters != 0 && g->open != 0 && g->seal != 0;
}

bool sl_generations_init(struct sl_generations *g, struct sl_arena *arena,
                         struct sl_job_queue *queue, enum sl_schedule_side side, enum sl_aead aead)
{
    *g = (struct sl_generations){
        .arena = arena, .queue = queue, .side = (uint8_t)side, .aead = (uint16_t)aead};
    set_slots(g);
    if (slots_are_set(g))
        return true;
    sl_generations_erase(g);
    return false;
}

/* Take the first off the list of old keys. */
static sl_secret take_old(struct sl_generations *g, sl_secret *list)
{
    const sl_secret first = *list;

    *list = use_of(g, first)->next;
    return first;
}

void sl_generations_erase(struct sl_generations *g)
{
    if (g->arena == NULL)
        return;
    while (g->old != 0) {
        sl_secret key = take_old(g, &g->old);

        erase_key(g, &key);
    }
    erase_key(g, &g->open);
    erase_key(g, &g->open_next);
    erase_key(g, &g->seal);
    sl_arena_erase(g->arena, &g->masters);
    sl_arena_erase(g->arena, &g->mk_local);
}

/* mk[j + 1] of `mk` into `next`, and the traffic key of it into `key`. */
static bool derive_next(const struct sl_generations *g, const uint8_t *mk,
                        enum sl_schedule_side side, uint8_t *next, uint8_t *key)
{
    struct sl_schedule s = sl_schedule_begin();

    sl_schedule_next_mk(&s, mk, next);
    sl_schedule_traffic_key(&s, next, side, g->aead, key);
    return sl_schedule_end(&s);
}

sl_secret sl_generations_candidate(struct sl_generations *g)
{
    uint8_t next[SL_K_LEN];

    if (g->open_next != 0 || (g->open_next = sl_arena_take(g->arena)) == 0)
        return g->open_next;
    if (!derive_next(g, at(g, g->masters), other(g->side), next, at(g, g->open_next)))
        sl_arena_erase(g->arena, &g->open_next);
    OPENSSL_cleanse(next, sizeof(next));
    return g->open_next;
}

/* mk[remote + 1] over mk[remote], which our own direction keeps if it still stands there. */
static bool step_mk_remote(struct sl_generations *g)
{
    const bool keep = g->local == g->remote && !g->sealed_last;
    struct sl_schedule s;

    if (keep && (g->mk_local = sl_arena_take(g->arena)) == 0)
        return false;
    if (keep)
        memcpy(at(g, g->mk_local), at(g, g->masters), SL_K_LEN);
    s = sl_schedule_begin();
    sl_schedule_next_mk(&s, at(g, g->masters), at(g, g->masters));
    return sl_schedule_end(&s);
}

bool sl_generations_remote_step(struct sl_generations *g)
{
    if (g->open_next == 0 || !step_mk_remote(g))
        return false;
    g->remote++;
    if (g->local == g->remote)
        sl_arena_erase(g->arena, &g->mk_local);
    erase_key(g, &g->open);
    g->open = g->open_next;
    g->open_next = 0;
    return true;
}

/* A slot for the next sealing key: where the arena is full, an idle key makes room for it. */
static sl_secret take_for_sealing(struct sl_generations *g, bool in_use)
{
    const sl_secret fresh = sl_arena_take(g->arena);

    if (fresh != 0 || in_use)
        return fresh;
    erase_key(g, &g->seal);
    return sl_arena_take(g->arena);
}

static bool replace_sealing_key(struct sl_generations *g, const uint8_t *key)
{
    const bool in_use = g->seal != 0 && use_of(g, g->seal)->in_flight > 0;
    const sl_secret fresh = take_for_sealing(g, in_use);

    if (fresh == 0)
        return false;
    if (in_use) {
        use_of(g, g->seal)->next = g->old;
        g->old = g->seal;
    } else {
        erase_key(g, &g->seal);
    }
    g->seal = fresh;
    g->local++;
    memcpy(at(g, fresh), key, KEY_BYTES);
    use_of(g, fresh)->generation = (uint32_t)g->local;
    return true;
}

/* Where mk[local + 1] is to stand. */
static bool ready_mk_local(struct sl_generations *g)
{
    if (g->mk_local != 0)
        return true;
    if ((g->mk_local = sl_arena_take(g->arena)) == 0)
        return false;
    memcpy(at(g, g->mk_local), at(g, g->masters), SL_K_LEN);
    return true;
}

bool sl_generations_local_step(struct sl_generations *g)
{
    uint8_t next[SL_K_LEN], key[KEY_BYTES] = {0};
    const bool ok = ready_mk_local(g) && derive_next(g, at(g, g->mk_local), g->side, next, key) &&
                    replace_sealing_key(g, key);

    if (ok)
        memcpy(at(g, g->mk_local), next, SL_K_LEN);
    if (g->local == g->remote)
        sl_arena_erase(g->arena, &g->mk_local);
    OPENSSL_cleanse(next, sizeof(next));
    OPENSSL_cleanse(key, sizeof(key));
    return ok;
}

uint32_t sl_generations_cut(struct sl_generations *g)
{
    struct use *use = use_of(g, g->seal);

    use->in_flight++;
    return use->generation;
}

static void end_if_idle(struct sl_generations *g)
{
    if (!g->sealed_last || g->seal == 0 || use_of(g, g->seal)->in_flight > 0)
        return;
    erase_key(g, &g->seal);
    sl_arena_erase(g->arena, &g->mk_local);
}

/* The link that leads to the old key of a generation; its end if there is none. */
static sl_secret *find_old(struct sl_generations *g, uint32_t generation)
{
    sl_secret *link = &g->old;

    while (*link != 0 && use_of(g, *link)->generation != generation)
        link = &use_of(g, *link)->next;
    return link;
}

void sl_generations_sealed(struct sl_generations *g, uint32_t note)
{
    sl_secret *link = find_old(g, note);
    const bool is_old = *link != 0;
    struct use *use = use_of(g, is_old ? *link : g->seal);

    SL_INVARIANT(use->generation == note && use->in_flight > 0);
    use->in_flight--;
    if (is_old && use->in_flight == 0) {
        sl_secret key = take_old(g, link);

        erase_key(g, &key);
    }
    end_if_idle(g);
}

void sl_generations_seal_ends(struct sl_generations *g)
{
    g->sealed_last = true;
    end_if_idle(g);
}

bool sl_generations_freeze(const struct sl_generations *g, uint8_t *mk_remote, uint8_t *mk_local,
                           uint8_t *ss)
{
    if (g->old != 0 || (g->seal != 0 && use_of(g, g->seal)->in_flight > 0))
        return false;
    memcpy(mk_remote, at(g, g->masters), SL_K_LEN);
    memcpy(mk_local, at(g, g->mk_local != 0 ? g->mk_local : g->masters), SL_K_LEN);
    memcpy(ss, at(g, g->masters) + SS_AT, SL_K_LEN);
    return true;
}

/* Fill the slots; after our last frame there is nothing left to seal with. */
static bool refill(struct sl_generations *g, const uint8_t *mk_remote, const uint8_t *mk_local,
                   const uint8_t *ss)
{
    struct sl_schedule s = sl_schedule_begin();

    memcpy(at(g, g->masters), mk_remote, SL_K_LEN);
    memcpy(at(g, g->masters) + SS_AT, ss, SL_K_LEN);
    sl_schedule_traffic_key(&s, mk_remote, other(g->side), g->aead, at(g, g->open));
    sl_schedule_traffic_key(&s, mk_local, g->side, g->aead, at(g, g->seal));
    use_of(g, g->seal)->generation = (uint32_t)g->local;
    if (g->mk_local != 0)
        memcpy(at(g, g->mk_local), mk_local, SL_K_LEN);
    end_if_idle(g);
    return sl_schedule_end(&s);
}

bool sl_generations_thaw(struct sl_generations *g, const uint8_t *mk_remote,
                         const uint8_t *mk_local, const uint8_t *ss)
{
    set_slots(g);
    if (g->local != g->remote)
        g->mk_local = sl_arena_take(g->arena);
    if (slots_are_set(g) && (g->local == g->remote || g->mk_local != 0) &&
        refill(g, mk_remote, mk_local, ss))
        return true;
    sl_generations_erase(g);
    return false;
}
