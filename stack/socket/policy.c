/* SPDX-License-Identifier: BSD-3-Clause */
#include "socket/policy.h"

#include <stdlib.h>
#include <string.h>

#include "base/invariant.h"
#include "tcpcrypt/tcpcrypt.h"

enum { GOPT_B = 1, GOPT_A = 2, TEP_MASK = 0x7f };

const struct sl_eno_wish sl_eno_wish_default = {.enabled = -1, .mandatory = -1};

struct kept {
    struct sl_link link;
    struct sl_eno_policy policy;
};

void sl_policies_init(struct sl_policies *p, const struct sl_shard *shard)
{
    *p = (struct sl_policies){.shard = shard};
    sl_list_init(&p->list);
}

void sl_policies_fini(struct sl_policies *p)
{
    struct sl_link *link, *next;

    for (link = p->list.next; link != &p->list; link = next) {
        next = link->next;
        free(SL_CONTAINER(link, struct kept, link));
    }
}

/* Those of the shard first: tests give it TEPs that are not built in. */
const struct sl_tep_ops *sl_policies_tep(const struct sl_policies *p, uint8_t id)
{
    const struct sl_tep_ops *built[SL_ENO_TEPS_MAX];
    const size_t n = sl_tcpcrypt_teps(built, SL_ENO_TEPS_MAX);
    const struct sl_eno_policy *ours = &p->shard->policy;
    size_t i;

    for (i = 0; i < ours->n_teps; i++) {
        if (ours->teps[i]->id == (id & TEP_MASK))
            return ours->teps[i];
    }
    for (i = 0; i < n; i++) {
        if (built[i]->id == (id & TEP_MASK))
            return built[i];
    }
    return NULL;
}

static void fill(const struct sl_policies *p, const struct sl_eno_wish *wish,
                 struct sl_eno_policy *out)
{
    unsigned i;

    memcpy(out, &p->shard->policy, sizeof(*out));
    if (wish->enabled >= 0)
        out->enabled = wish->enabled > 0 && p->shard->has_randomness; /* R13 is no wish */
    out->self_b = (wish->self_gopt & GOPT_B) != 0;
    out->self_a = (wish->self_gopt & GOPT_A) != 0;
    out->mandatory_aa = wish->mandatory_aa;
    if (wish->has_teps) {
        memset(out->teps, 0, sizeof(out->teps));
        for (i = 0; i < wish->n_teps; i++)
            out->teps[i] = sl_policies_tep(p, wish->teps[i]);
        out->n_teps = wish->n_teps;
    }
    if (out->n_teps == 0)
        out->enabled = false;
}

static bool is_same(const struct sl_eno_policy *a, const struct sl_eno_policy *b)
{
    return a->enabled == b->enabled && a->self_b == b->self_b && a->self_a == b->self_a &&
           a->mandatory_aa == b->mandatory_aa && a->n_teps == b->n_teps &&
           memcmp(a->teps, b->teps, sizeof(a->teps)) == 0;
}

const struct sl_eno_policy *sl_policies_get(struct sl_policies *p, const struct sl_eno_wish *wish)
{
    struct sl_eno_policy wanted;
    struct sl_link *link;
    struct kept *k;

    fill(p, wish, &wanted);
    if (is_same(&wanted, &p->shard->policy))
        return &p->shard->policy;
    for (link = p->list.next; link != &p->list; link = link->next) {
        k = SL_CONTAINER(link, struct kept, link);
        if (is_same(&wanted, &k->policy))
            return &k->policy;
    }
    if (p->n == SL_POLICIES_MAX || SL_FAULT(policy) || (k = malloc(sizeof(*k))) == NULL)
        return NULL;
    k->policy = wanted;
    sl_list_add_tail(&p->list, &k->link);
    p->n++;
    return &k->policy;
}
