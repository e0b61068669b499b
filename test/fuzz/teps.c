/* SPDX-License-Identifier: BSD-3-Clause */
#include "teps.h"

#include "tcpcrypt/tcpcrypt.h"

enum { FIXED_BYTES = 3 };

static size_t offer_none(const struct sl_tep_config *config, enum sl_tep_role role, uint8_t *data,
                         size_t room, bool *v)
{
    (void)config, (void)role, (void)data, (void)room;
    *v = false;
    return 0;
}

static bool accept_none(const struct sl_tep_config *config, enum sl_tep_role peer, bool v,
                        const uint8_t *data, size_t len)
{
    (void)config, (void)peer, (void)data, (void)len;
    return !v;
}

static size_t offer_fixed(const struct sl_tep_config *config, enum sl_tep_role role, uint8_t *data,
                          size_t room, bool *v)
{
    (void)config;
    *v = room >= FIXED_BYTES;
    if (*v)
        memset(data, role == SL_TEP_ROLE_A ? 'a' : 'b', FIXED_BYTES);
    return *v ? FIXED_BYTES : 0;
}

/* Of A any, of B what a B would say: both ends have to judge alike. */
static bool accept_fixed(const struct sl_tep_config *config, enum sl_tep_role peer, bool v,
                         const uint8_t *data, size_t len)
{
    (void)config;
    return v && len == FIXED_BYTES && (peer == SL_TEP_ROLE_A || data[FIXED_BYTES - 1] == 'b');
}

static size_t offer_much(const struct sl_tep_config *config, enum sl_tep_role role, uint8_t *data,
                         size_t room, bool *v)
{
    const size_t len = room < 16 ? room : 16;

    (void)config, (void)role;
    *v = len > 0;
    memset(data, 0xff, len);
    return len;
}

static bool accept_much(const struct sl_tep_config *config, enum sl_tep_role peer, bool v,
                        const uint8_t *data, size_t len)
{
    uint8_t sum = 0;

    (void)config, (void)peer;
    for (size_t i = 0; i < len; i++) /* touches all of it */
        sum |= data[i];
    return v && sum != 0;
}

static const struct sl_tep_ops none = {.id = 0x21, .offer = offer_none, .accept = accept_none};
static const struct sl_tep_ops fixed = {.id = 0x22, .offer = offer_fixed, .accept = accept_fixed};
static const struct sl_tep_ops much = {.id = 0x7f, .offer = offer_much, .accept = accept_much};

void fuzz_policy(struct sl_eno_policy *policy, struct sl_cursor *c)
{
    static const struct sl_tep_config config = {.aead_a = {SL_AEAD_AES_128_GCM},
                                                .aead_b = {SL_AEAD_AES_128_GCM},
                                                .n_aead_a = 1,
                                                .n_aead_b = 1};
    static const struct sl_tep_ops *const teps[] = {&none, &fixed, &sl_tcpcrypt_x25519, &much};
    const uint8_t bits = fuzz_u8(c), which = fuzz_u8(c), first = fuzz_u8(c);

    *policy = (struct sl_eno_policy){.enabled = bits % 8 != 0,
                                     .self_b = (bits & 0x10) != 0,
                                     .self_a = (bits & 0x20) != 0,
                                     .mandatory_aa = (bits & 0xc0) == 0xc0,
                                     .config = &config};
    for (unsigned i = 0; i < 4; i++)
        if ((which >> i & 1) != 0 || which == 0)
            policy->teps[policy->n_teps++] = teps[(i + first) % 4];
}
