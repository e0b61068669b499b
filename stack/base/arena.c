/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/arena.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <openssl/crypto.h>

#include "base/invariant.h"

static const uint32_t slots_most = UINT32_C(1) << 31;
static const uint32_t no_slot = UINT32_MAX;
enum { LOCK_STEP_BYTES = 256 << 10 }; /* a multiple of any page */

/*
 * The secret pages hold secrets alone; what is known of a slot stands in arrays beside them.
 * Neither is touched before its slot is first used, so a large arena costs what is in use.
 */
struct sl_arena {
    uint8_t *bytes;
    size_t size_bytes;
    uint64_t *serials; /* of each slot: odd while it is live, one more at each take and erasure */
    uint32_t *next;    /* of each free slot: the one freed before it */
    uint32_t slots, fresh; /* slots from `fresh` on were never used */
    uint32_t free;         /* freed last; no_slot: none */
    uint32_t used;
    unsigned index_bits; /* a handle is the serial and, in its low bits, the slot */
    size_t locked_bytes; /* from the front */
    bool is_locked;      /* whatever was used so far */
};

/* MLOCK_ONFAULT leaves pages to their first use; kernels before 4.4 know only the eager call. */
static bool lock(void *bytes, size_t size_bytes)
{
    if (mlock2(bytes, size_bytes, MLOCK_ONFAULT) == 0)
        return true;
    return (errno == ENOSYS || errno == EINVAL) && mlock(bytes, size_bytes) == 0;
}

/*
 * Lock what the first `used_bytes` need, a step at a time: an ordinary user's RLIMIT_MEMLOCK may
 * hold all that is ever used, and not all that could be. One refusal is enough.
 */
static void lock_used(struct sl_arena *a, size_t used_bytes)
{
    while (a->is_locked && a->locked_bytes < used_bytes) {
        const size_t left = a->size_bytes - a->locked_bytes;
        const size_t step = left < LOCK_STEP_BYTES ? left : LOCK_STEP_BYTES;

        a->is_locked = lock(a->bytes + a->locked_bytes, step);
        if (a->is_locked)
            a->locked_bytes += step;
    }
}

static bool map_bytes(struct sl_arena *a)
{
    void *bytes;

    a->size_bytes = (size_t)a->slots * SL_SECRET_BYTES;
    bytes = mmap(NULL, a->size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED)
        return false;
    a->bytes = bytes;
    (void)madvise(bytes, a->size_bytes, MADV_DONTDUMP);
    (void)madvise(bytes, a->size_bytes, MADV_WIPEONFORK);
    a->is_locked = true;
    lock_used(a, 1);
    return true;
}

struct sl_arena *sl_arena_create(uint32_t slots)
{
    struct sl_arena *a;

    if (slots == 0 || slots > slots_most || SL_FAULT(arena_create) ||
        (a = calloc(1, sizeof(*a))) == NULL)
        return NULL;
    a->slots = slots;
    a->free = no_slot;
    while ((UINT64_C(1) << a->index_bits) < slots)
        a->index_bits++;
    if ((a->serials = calloc(slots, sizeof(a->serials[0]))) == NULL ||
        (a->next = calloc(slots, sizeof(a->next[0]))) == NULL || !map_bytes(a)) {
        sl_arena_destroy(a);
        return NULL;
    }
    return a;
}

static uint8_t *bytes_of(const struct sl_arena *a, uint32_t slot)
{
    return a->bytes + (size_t)slot * SL_SECRET_BYTES;
}

void sl_arena_destroy(struct sl_arena *a)
{
    uint32_t slot;

    if (a == NULL)
        return;
    if (a->bytes != NULL) {
        for (slot = 0; slot < a->fresh; slot++) {
            if (a->serials[slot] & 1)
                OPENSSL_cleanse(bytes_of(a, slot), SL_SECRET_BYTES);
        }
        (void)munmap(a->bytes, a->size_bytes);
    }
    free(a->serials);
    free(a->next);
    free(a);
}

sl_secret sl_arena_take(struct sl_arena *a)
{
    uint32_t slot = a->free;

    if (SL_FAULT(arena_take) || (slot == no_slot && a->fresh == a->slots))
        return 0;
    if (slot != no_slot) {
        a->free = a->next[slot];
    } else {
        slot = a->fresh++;
        lock_used(a, (size_t)a->fresh * SL_SECRET_BYTES);
    }
    a->used++;
    return ++a->serials[slot] << a->index_bits | slot;
}

/* The slot of a live handle; no_slot for any other. A live serial is odd, so 0 is none. */
static uint32_t slot_of(const struct sl_arena *a, sl_secret s)
{
    const uint64_t slot = s & ((UINT64_C(1) << a->index_bits) - 1);
    const uint64_t serial = s >> a->index_bits;

    if (slot >= a->slots || !(serial & 1) || a->serials[slot] != serial)
        return no_slot;
    return (uint32_t)slot;
}

uint8_t *sl_arena_at(struct sl_arena *a, sl_secret s)
{
    const uint32_t slot = slot_of(a, s);

    return slot == no_slot ? NULL : bytes_of(a, slot);
}

/* A slot whose serials are used up retires, or an old handle would meet a new secret one day. */
static void give_back(struct sl_arena *a, uint32_t slot)
{
    if (a->serials[slot] == UINT64_MAX >> a->index_bits) {
        a->serials[slot] = 0;
        return;
    }
    a->serials[slot]++;
    a->next[slot] = a->free;
    a->free = slot;
}

void sl_arena_erase(struct sl_arena *a, sl_secret *s)
{
    const uint32_t slot = slot_of(a, *s);

    if (slot == no_slot)
        return;
    *s = 0;
    OPENSSL_cleanse(bytes_of(a, slot), SL_SECRET_BYTES);
    a->used--;
    give_back(a, slot);
}

uint32_t sl_arena_used(const struct sl_arena *a)
{
    return a->used;
}

bool sl_arena_is_locked(const struct sl_arena *a)
{
    return a->is_locked;
}
