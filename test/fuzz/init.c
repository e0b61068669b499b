/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcpcrypt/init.h"

#include "fuzz.h"

/*
 * Init1 and Init2 (RFC 8548 4.1): whatever comes, in whatever pieces, the verdict is that of the
 * whole; none is taken back when more arrives; what the reader asks for is more than it was shown.
 */

struct verdict {
    enum sl_init_read read;
    struct sl_init m;
};

/* The first `there` bytes, in a buffer of their own. */
static struct verdict look(const uint8_t *bytes, size_t there, enum sl_init_kind kind, size_t pub)
{
    uint8_t *exact = fuzz_exact(bytes, there);
    struct verdict v;

    v.read = sl_init_read(sl_cursor_of(exact, there), kind, pub, &v.m);
    if (v.read == SL_INIT_INCOMPLETE)
        FUZZ_CHECK(v.m.len > there);
    if (v.read == SL_INIT_OK) {
        FUZZ_CHECK(v.m.len <= there && v.m.len <= SL_INIT_MAX_BYTES);
        FUZZ_CHECK(v.m.ciphers >= exact && v.m.nonce == v.m.ciphers + 2 * v.m.n_ciphers);
        FUZZ_CHECK(v.m.pub == v.m.nonce + SL_INIT_NONCE_BYTES && v.m.ignored == v.m.pub + pub);
        FUZZ_CHECK(v.m.ignored + v.m.ignored_len == exact + v.m.len);
    }
    free(exact);
    return v;
}

/* Written again, the message is the same, but for what stands behind the key. */
static void check_rewritten(const uint8_t *bytes, const struct sl_init *m, enum sl_init_kind kind,
                            size_t pub)
{
    uint16_t ciphers[UINT8_MAX];
    uint8_t out[SL_INIT_MAX_BYTES];
    const size_t head = m->len - m->ignored_len;
    const uint8_t *at = bytes + 8 + (kind == SL_INIT_1);
    size_t len;

    for (unsigned i = 0; i < m->n_ciphers; i++)
        ciphers[i] = (uint16_t)(at[2 * i] << 8 | at[2 * i + 1]);
    at += 2 * m->n_ciphers;
    len = sl_init_write(kind, ciphers, m->n_ciphers, at, at + SL_INIT_NONCE_BYTES, pub, out,
                        sizeof(out));
    FUZZ_CHECK(len == head && memcmp(out, bytes, 4) == 0);
    FUZZ_CHECK(memcmp(out + 8, bytes + 8, len - 8) == 0);
    FUZZ_CHECK(sl_init_write(kind, ciphers, m->n_ciphers, at, at, pub, out, len - 1) == 0);
}

/* Every prefix: what was decided once stays, and nothing is decided late. */
static void check_prefixes(const uint8_t *bytes, size_t len, enum sl_init_kind kind, size_t pub,
                           const struct verdict *whole)
{
    const size_t end = len < 400 ? len : 400;
    bool over = false;

    for (size_t there = 0; there <= end; there++) {
        const struct verdict v = look(bytes, there, kind, pub);

        FUZZ_CHECK(v.read == SL_INIT_INCOMPLETE ? !over : v.read == whole->read);
        over = v.read != SL_INIT_INCOMPLETE;
        if (v.read == SL_INIT_OK)
            FUZZ_CHECK(there >= whole->m.len && v.m.len == whole->m.len &&
                       v.m.n_ciphers == whole->m.n_ciphers);
        /* A8: by the ninth byte it is known how long the message is. */
        if (there >= SL_INIT_LOOK_BYTES && v.read == SL_INIT_INCOMPLETE)
            FUZZ_CHECK(v.m.len == whole->m.len);
    }
}

/* A reader that waits for what it was told to wait for. */
static void check_asked(const uint8_t *bytes, size_t len, enum sl_init_kind kind, size_t pub,
                        const struct verdict *whole)
{
    struct verdict v;
    size_t there = 0;

    while ((v = look(bytes, there, kind, pub)).read == SL_INIT_INCOMPLETE && v.m.len <= len)
        there = v.m.len;
    FUZZ_CHECK(v.read == whole->read || (v.read == SL_INIT_INCOMPLETE && v.m.len > len));
}

/* RFC 8548 4.1: the magic number and a length that may be; `near`: almost the shortest that may. */
static void make_likely(uint8_t *bytes, enum sl_init_kind kind, size_t pub, bool near)
{
    static const uint8_t magics[2][4] = {{0x15, 0x10, 0x1a, 0x0e}, {0x09, 0x71, 0x05, 0xe0}};
    const size_t n = kind == SL_INIT_1 ? bytes[8] % 4 : 1;
    const size_t least = 8U + (kind == SL_INIT_1) + 2 * n + SL_INIT_NONCE_BYTES + pub;

    memcpy(bytes, magics[kind], 4);
    bytes[4] = bytes[5] = 0;
    if (!near)
        return;
    if (kind == SL_INIT_1)
        bytes[8] = (uint8_t)n;
    bytes[6] = 0;
    bytes[7] = (uint8_t)(least + bytes[7] % 4 - 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct sl_cursor c = sl_cursor_of(bytes, size);
    const uint8_t how = fuzz_u8(&c);
    const enum sl_init_kind kind = how & 1 ? SL_INIT_2 : SL_INIT_1;
    const size_t pub = how & 2 ? 65 : 32;
    const size_t len = sl_cursor_left(&c);
    uint8_t *message = fuzz_exact(c.at, len);
    struct verdict whole;

    if (how & 4 && len > 8)
        make_likely(message, kind, pub, how & 8);
    whole = look(message, len, kind, pub);
    check_prefixes(message, len, kind, pub, &whole);
    check_asked(message, len, kind, pub, &whole);
    if (whole.read == SL_INIT_OK)
        check_rewritten(message, &whole.m, kind, pub);
    free(message);
    return 0;
}
