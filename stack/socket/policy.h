/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "shard/shard.h"

/*
 * What a socket wants of ENO, and the policies made of it.
 *
 * A connection may outlive its socket and uses its policy until the handshake is over, so policies
 * are kept until the shard goes; equal wishes share one, and there is a bound. Thread: the shard's.
 */
struct sl_eno_wish {
    int8_t enabled;   /* -1: the configuration's */
    int8_t mandatory; /* encryption: -1: the configuration's */
    uint8_t self_gopt;
    bool mandatory_aa;
    bool has_teps;
    uint8_t n_teps;
    uint8_t teps[SL_ENO_TEPS_MAX]; /* identifiers in the order given; if has_teps */
};

enum { SL_POLICIES_MAX = 256 };

struct sl_policies {
    struct sl_link list;
    unsigned n;
    const struct sl_shard *shard;
};

extern const struct sl_eno_wish sl_eno_wish_default;

void sl_policies_init(struct sl_policies *p, const struct sl_shard *shard);
void sl_policies_fini(struct sl_policies *p);

/* The policy for a wish; NULL: bound or memory. */
const struct sl_eno_policy *sl_policies_get(struct sl_policies *p, const struct sl_eno_wish *wish);

/* The identifier's operations, if the shard has that TEP; NULL. The high bit is ignored (P2). */
const struct sl_tep_ops *sl_policies_tep(const struct sl_policies *p, uint8_t id);
