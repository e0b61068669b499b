/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <rte_common.h>

#include "sealane/crypt.h"
#include "socket/option.h"

/*
 * TCP_ENO_* and TCP_CRYPT_*: draft-ietf-tcpinc-api-06 2.1 and 3.1. Section 6 there: a failure is
 * an error, never an empty value; so bytes that do not fit are not cut (P5).
 */

enum { GOPT_B = 1, GOPT_KNOWN = 3, GOPT_MAX = 31, TEP_MASK = 0x7f };

/* What an R option needs: ENOTCONN while negotiating, EINVAL when ENO is disabled. */
static int get_facts(const struct sl_socket *sock, struct sl_tcb_facts *f)
{
    if (sock->tcb == NULL)
        return -ENOTCONN;
    sl_tcb_facts(sock->tcb, f);
    if (f->negotiating)
        return -ENOTCONN;
    return f->encrypted ? 0 : -EINVAL;
}

/* EISCONN once a SYN may have been sent; a listener's children have not sent theirs. */
static int check_before_syn(const struct sl_socket *sock)
{
    return sock->tcb != NULL ? -EISCONN : 0;
}

/* ---- what a socket wants ----------------------------------------------------------------------
 */

static int get_enabled(const struct sl_socket *sock, int *v)
{
    *v = sock->wish.enabled < 0 ? -1 : (uint8_t)sock->wish.enabled;
    return 0;
}

static int set_enabled(struct sl_socket *sock, int v)
{
    const int rc = check_before_syn(sock);

    if (rc < 0)
        return rc;
    if (v < -1 || v > 1)
        return -EINVAL;
    sock->wish.enabled = (int8_t)v;
    return sl_socket_apply(sock);
}

static int get_teps(const struct sl_socket *sock, void *out, size_t *len)
{
    const struct sl_eno_policy *ours = &sock->all->shard->policy;
    const struct sl_eno_wish *w = &sock->wish;
    const size_t n = w->has_teps ? w->n_teps : ours->n_teps;
    uint8_t *ids = out;
    size_t i;

    if (*len < n)
        return -EINVAL;
    for (i = 0; i < n; i++)
        ids[i] = w->has_teps ? w->teps[i] : ours->teps[i]->id;
    *len = n;
    return 0;
}

/* P2: below 0x20, or no TEP of ours: EINVAL; the high bit is ignored. Twice is once too often. */
static int set_teps(struct sl_socket *sock, const void *in, size_t len)
{
    const uint8_t *ids = in;
    struct sl_eno_wish w = sock->wish;
    const int rc = check_before_syn(sock);
    size_t i;

    if (rc < 0)
        return rc;
    if (len > RTE_DIM(w.teps))
        return -EINVAL;
    w.has_teps = true;
    w.n_teps = 0;
    for (i = 0; i < len; i++) {
        const uint8_t id = ids[i] & TEP_MASK;

        if (sl_policies_tep(&sock->all->policies, id) == NULL ||
            memchr(w.teps, id, w.n_teps) != NULL)
            return -EINVAL;
        w.teps[w.n_teps++] = id;
    }
    sock->wish = w;
    return sl_socket_apply(sock);
}

/* Bit 0 is the role: forced to 1 once the socket listens, and what it is once that is settled. */
static int get_self_gopt(const struct sl_socket *sock, int *v)
{
    struct sl_tcb_facts f;

    *v = sock->wish.self_gopt;
    if (sock->listener != NULL)
        *v |= GOPT_B;
    if (sock->tcb != NULL && get_facts(sock, &f) == 0)
        *v = f.self_global;
    return 0;
}

/* Bits that RFC 8547 4.2 reserves are sent as zero, so nobody may ask for others. */
static int set_self_gopt(struct sl_socket *sock, int v)
{
    const int rc = check_before_syn(sock);

    if (rc < 0)
        return rc;
    if ((v & ~GOPT_KNOWN) != 0)
        return -EINVAL;
    sock->wish.self_gopt = (uint8_t)v;
    return sl_socket_apply(sock);
}

static int get_aa_mandatory(const struct sl_socket *sock, int *v)
{
    *v = sock->wish.mandatory_aa;
    return 0;
}

static int set_aa_mandatory(struct sl_socket *sock, int v)
{
    const int rc = check_before_syn(sock);

    if (rc < 0)
        return rc;
    if (v != 0 && v != 1)
        return -EINVAL;
    sock->wish.mandatory_aa = v != 0;
    return sl_socket_apply(sock);
}

static int get_tep_mandatory(const struct sl_socket *sock, int *v)
{
    const struct sl_shard *s = sock->all->shard;

    *v = sock->wish.mandatory < 0 ? s->config.crypt_mode == SL_CRYPT_REQUIRE : sock->wish.mandatory;
    return 0;
}

/* P3: at any time. A plain connection ends at once, one that negotiates will if it comes to that.
 */
static int set_tep_mandatory(struct sl_socket *sock, int v)
{
    if (v != 0 && v != 1)
        return -EINVAL;
    sock->wish.mandatory = (int8_t)v;
    return sl_socket_apply(sock);
}

/* ---- what was negotiated ----------------------------------------------------------------------
 */

static int get_negtep(const struct sl_socket *sock, int *v)
{
    struct sl_tcb_facts f;
    const int rc = get_facts(sock, &f);

    if (rc == 0)
        *v = f.tep_byte;
    return rc;
}

static int get_peer_gopt(const struct sl_socket *sock, int *v)
{
    struct sl_tcb_facts f;
    const int rc = get_facts(sock, &f);

    if (rc == 0)
        *v = f.peer_global & GOPT_MAX;
    return rc;
}

static int get_role(const struct sl_socket *sock, int *v)
{
    struct sl_tcb_facts f;
    const int rc = get_facts(sock, &f);

    if (rc == 0)
        *v = f.role == SL_TEP_ROLE_B;
    return rc;
}

static int get_conf(const struct sl_socket *sock, int *v)
{
    struct sl_tcb_facts f;
    int rc = get_facts(sock, &f);

    if (rc == 0 && f.aead == SL_AEAD_NONE) /* the key agreement is not through */
        rc = -ENOTCONN;
    if (rc == 0)
        *v = (int)f.aead;
    return rc;
}

/* The session ID, behind the bytes of `prefix` (at most one). */
static int write_session_id(const struct sl_socket *sock, const uint8_t *prefix, size_t prefix_len,
                            void *out, size_t *len)
{
    struct sl_tcb_facts f;
    const int rc = get_facts(sock, &f);

    if (rc < 0)
        return rc;
    if (f.session_id_len == 0)
        return -ENOTCONN;
    if (*len < prefix_len + f.session_id_len)
        return -EINVAL;
    memcpy(out, prefix, prefix_len);
    memcpy((uint8_t *)out + prefix_len, f.session_id, f.session_id_len);
    *len = prefix_len + f.session_id_len;
    return 0;
}

static int get_sessid(const struct sl_socket *sock, void *out, size_t *len)
{
    return write_session_id(sock, (const uint8_t[]){0}, 0, out, len);
}

static int write_name(const struct sl_socket *sock, bool of_peer, void *out, size_t *len)
{
    uint8_t role;
    int v = 0;
    const int rc = get_role(sock, &v);

    role = (uint8_t)((v != 0) ^ of_peer);
    return rc < 0 ? rc : write_session_id(sock, &role, sizeof(role), out, len);
}

static int get_self_name(const struct sl_socket *sock, void *out, size_t *len)
{
    return write_name(sock, false, out, len);
}

static int get_peer_name(const struct sl_socket *sock, void *out, size_t *len)
{
    return write_name(sock, true, out, len);
}

const struct sl_option sl_options_crypt[] = {
    {IPPROTO_TCP, TCP_ENO_ENABLED, .get_int = get_enabled, .set_int = set_enabled},
    {IPPROTO_TCP, TCP_ENO_SESSID, .get_bytes = get_sessid},
    {IPPROTO_TCP, TCP_ENO_NEGTEP, .get_int = get_negtep},
    {IPPROTO_TCP, TCP_ENO_TEPS, .get_bytes = get_teps, .set_bytes = set_teps},
    {IPPROTO_TCP, TCP_ENO_SELF_GOPT, .get_int = get_self_gopt, .set_int = set_self_gopt},
    {IPPROTO_TCP, TCP_ENO_PEER_GOPT, .get_int = get_peer_gopt},
    {IPPROTO_TCP, TCP_ENO_AA_MANDATORY, .get_int = get_aa_mandatory, .set_int = set_aa_mandatory},
    {IPPROTO_TCP, TCP_ENO_TEP_MANDATORY, .get_int = get_tep_mandatory,
     .set_int = set_tep_mandatory},
    {IPPROTO_TCP, TCP_ENO_ROLE, .get_int = get_role},
    {IPPROTO_TCP, TCP_ENO_SELF_NAME, .get_bytes = get_self_name},
    {IPPROTO_TCP, TCP_ENO_PEER_NAME, .get_bytes = get_peer_name},
    {IPPROTO_TCP, TCP_CRYPT_CONF, .get_int = get_conf},
};

const size_t sl_options_crypt_n = RTE_DIM(sl_options_crypt);
