/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/random.h"

#include <endian.h>
#include <limits.h>
#include <string.h>

#include <openssl/rand.h>

#include "base/invariant.h"

/* A source that fails draws zeroes: what is rejected for ever must not loop for ever. */
enum { REJECTIONS_MAX = 64 };

uint64_t sl_random_u64(struct sl_random *r)
{
    uint64_t v;

    if (!sl_random_fill(r, &v, sizeof(v)))
        return 0;
    return le64toh(v);
}

/*
 * Multiply and keep the high half; draws whose low half is below 2^64 mod `bound` are rejected, so
 * that each result has equally many draws. Fewer than half are, so 64 in a row never happens.
 */
uint64_t sl_random_below(struct sl_random *r, uint64_t bound)
{
    unsigned __int128 wide = (unsigned __int128)sl_random_u64(r) * bound;

    if ((uint64_t)wide < bound) { /* only then may it be below the remainder: saves a division */
        const uint64_t surplus = (0 - bound) % bound;
        int i;

        for (i = 0; (uint64_t)wide < surplus && i < REJECTIONS_MAX; i++)
            wide = (unsigned __int128)sl_random_u64(r) * bound;
    }
    return (uint64_t)(wide >> 64);
}

static bool fill_system(struct sl_random *r, void *out, size_t n)
{
    uint8_t *at = out;

    (void)r;
    if (SL_FAULT(random_fill) || RAND_status() != 1)
        goto fail;
    while (n > (size_t)(at - (uint8_t *)out)) {
        const size_t left = n - (size_t)(at - (uint8_t *)out);
        const int part = left < INT_MAX ? (int)left : INT_MAX;

        if (RAND_priv_bytes(at, part) != 1)
            goto fail;
        at += part;
    }
    return true;
fail:
    if (n > 0)
        memset(out, 0, n);
    return false;
}

struct sl_random *sl_random_system(void)
{
    static struct sl_random system = {fill_system};

    return &system;
}

static uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

/* xoshiro256** 1.0 (Blackman and Vigna). */
static uint64_t next_word(uint64_t s[4])
{
    const uint64_t result = rotate(s[1] * 5, 7) * 9;
    const uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

/* Whole words, little-endian; what is left of the last one is lost. */
static bool fill_seeded(struct sl_random *r, void *out, size_t n)
{
    struct sl_random_seeded *seeded = (struct sl_random_seeded *)r;
    uint8_t *at = out;

    if (SL_FAULT(random_fill)) {
        memset(out, 0, n);
        return false;
    }
    while (n > 0) {
        const uint64_t word = htole64(next_word(seeded->state));
        const size_t part = n < sizeof(word) ? n : sizeof(word);

        memcpy(at, &word, part);
        at += part;
        n -= part;
    }
    return true;
}

/* SplitMix64, as its authors advise for seeding: no seed leads to the state of zeroes. */
struct sl_random *sl_random_seed(struct sl_random_seeded *r, uint64_t seed)
{
    int i;

    r->base.fill = fill_seeded;
    for (i = 0; i < 4; i++) {
        uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        r->state[i] = z ^ z >> 31;
    }
    return &r->base;
}
