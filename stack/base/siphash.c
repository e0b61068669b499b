/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/siphash.h"

#include <endian.h>
#include <string.h>

struct state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void round_once(struct state *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 = rotate(s->v2, 32);
}

static inline void absorb(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    round_once(s);
    round_once(s);
    s->v0 ^= word;
}

/* The last word: what is left of the input, and its whole length in the top byte. */
static inline uint64_t last_word(const uint8_t *at, size_t len)
{
    uint64_t word = (uint64_t)len << 56;
    size_t i;

    for (i = 0; i < len % 8; i++)
        word |= (uint64_t)at[i] << (8 * i);
    return word;
}

uint64_t sl_siphash(const struct sl_siphash_key *key, const void *bytes, size_t len)
{
    struct state s = {
        .v0 = key->k0 ^ UINT64_C(0x736f6d6570736575),
        .v1 = key->k1 ^ UINT64_C(0x646f72616e646f6d),
        .v2 = key->k0 ^ UINT64_C(0x6c7967656e657261),
        .v3 = key->k1 ^ UINT64_C(0x7465646279746573),
    };
    const uint8_t *at = bytes;
    size_t words;

    for (words = len / 8; words > 0; words--, at += 8) {
        uint64_t word;

        memcpy(&word, at, sizeof(word));
        absorb(&s, le64toh(word));
    }
    absorb(&s, last_word(at, len));

    s.v2 ^= 0xff;
    round_once(&s);
    round_once(&s);
    round_once(&s);
    round_once(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
