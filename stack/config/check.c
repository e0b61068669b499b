/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <rte_byteorder.h>

#include "config/addresses.h"
#include "config/keys.h"
#include "net/addr.h"
#include "net/net.h"
#include "shard/iface.h"
#include "tcpcrypt/aead/engine.h"

/*
 * Looks at what no single key shows. Each check names the line that has to be mended.
 */
struct check {
    const struct sl_config *c;
    char *err;
    size_t err_len;
};

static bool fail(const struct check *k, const struct sl_config_mark *mark, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool fail(const struct check *k, const struct sl_config_mark *mark, const char *format, ...)
{
    static const struct sl_config_mark whole_file = {.source = 1};
    char where[SL_CONFIG_WHERE_BYTES], what[SL_ERR_BYTES - SL_CONFIG_WHERE_BYTES];
    va_list args;

    if (mark == NULL && k->c->n_sources > 0)
        mark = &whole_file;
    va_start(args, format);
    (void)vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    (void)snprintf(k->err, k->err_len, "%s%s",
                   mark != NULL ? sl_config_where(k->c, mark, where) : "", what);
    return false;
}

static const struct sl_config_mark *mark_of(const struct sl_config *c, const char *section,
                                            const char *name)
{
    return &c->marks[sl_key_find(section, name) - sl_keys];
}

/* Of two keys the one that is set: the other one is as it always is. */
static const struct sl_config_mark *mark_of_either(const struct sl_config *c, const char *section,
                                                   const char *name, const char *other)
{
    const struct sl_config_mark *mark = mark_of(c, section, name);

    return mark->source > 0 ? mark : mark_of(c, section, other);
}

static const struct sl_config_mark *port_mark(const struct sl_config_port *p, const char *name)
{
    return &p->marks[sl_key_find("port", name) - sl_keys];
}

/* ---- ports ---------------------------------------------------------------------------------- */

static bool has_other_end(const struct sl_config *c, unsigned port)
{
    unsigned i, n = 0;

    for (i = 0; i < c->n_ports; i++)
        n += strcmp(c->ports[i].device, c->ports[port].device) == 0;
    return n == 2;
}

static bool is_ring(const char *device)
{
    return strncmp(device, "ring:", 5) == 0;
}

/* Of a device with arguments the name counts: DPDK has one of each. */
static bool is_same_device(const char *a, const char *b)
{
    const size_t len = strcspn(a, ",");

    return len == strcspn(b, ",") && strncmp(a, b, len) == 0;
}

/* Two ports on one device would take frames from each other. */
static bool check_device(const struct check *k, unsigned i)
{
    const struct sl_config_port *p = &k->c->ports[i];
    unsigned j;

    for (j = 0; j < i && !is_ring(p->device); j++) {
        if (is_same_device(k->c->ports[j].device, p->device)) {
            return fail(k, port_mark(p, "device"),
                        "port %s.device: port %s has %s already; name another device", p->name,
                        k->c->ports[j].name, p->device);
        }
    }
    return true;
}

/* Whether the interface is there, is asked when the port is to be opened. */
static bool check_name(const struct check *k, const struct sl_config_port *p)
{
    static const char *const prefixes[] = {"tap:", "af_packet:"};
    char why[SL_ERR_BYTES / 2];
    size_t i;

    for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        const size_t len = strlen(prefixes[i]);

        if (strncmp(p->device, prefixes[i], len) == 0 &&
            !sl_iface_is_name(p->device + len, why, sizeof(why)))
            return fail(k, port_mark(p, "device"), "port %s.device: %s: %s", p->name, p->device,
                        why);
    }
    return true;
}

static bool check_port(const struct check *k, unsigned i)
{
    const struct sl_config_port *p = &k->c->ports[i];

    if (p->device[0] == '\0') {
        return fail(k, &p->first, "[port %s] has no device; write device = tap:sealane0, say",
                    p->name);
    }
    if (is_ring(p->device) && !has_other_end(k->c, i)) {
        return fail(k, port_mark(p, "device"),
                    "port %s.device: %s needs two ports, one for each end", p->name, p->device);
    }
    return check_name(k, p) && check_device(k, i);
}

static bool check_shards(const struct check *k)
{
    const unsigned n = sl_config_shards(k->c);
    unsigned shard, i, last = 0;

    for (i = 0; i < k->c->n_ports; i++)
        last = k->c->ports[i].shard == n - 1 ? i : last;
    for (shard = 0; shard < n; shard++) {
        for (i = 0; i < k->c->n_ports && k->c->ports[i].shard != shard; i++)
            continue;
        if (i == k->c->n_ports) {
            return fail(k, port_mark(&k->c->ports[last], "shard"),
                        "port %s.shard: shard %u has no port, but shard %u has; number them from "
                        "0 on",
                        k->c->ports[last].name, shard, n - 1);
        }
    }
    return true;
}

/* Of two lines that contradict each other the later one is named. */
static bool is_before(const struct sl_config_mark *a, const struct sl_config_mark *b)
{
    return a->source != b->source ? a->source < b->source : a->line < b->line;
}

static bool is_same_address(const char *a, const char *b)
{
    struct sl_addr left, right;
    unsigned len;

    return sl_addr_parse_prefix(a, &left, &len) && sl_addr_parse_prefix(b, &right, &len) &&
           sl_addr_eq(&left, &right);
}

/* One shard cannot have an address twice; two may, on networks apart. */
static bool check_address(const struct check *k, const struct sl_config_port *p, unsigned at)
{
    const struct sl_config_mark *mark = &p->addresses.marks[at];
    unsigned i, j;

    for (i = 0; i < k->c->n_ports; i++) {
        const struct sl_config_port *q = &k->c->ports[i];

        for (j = 0; j < q->addresses.n; j++) {
            if (q->shard == p->shard && (q != p || j != at) &&
                !is_before(mark, &q->addresses.marks[j]) &&
                is_same_address(q->addresses.text[j], p->addresses.text[at])) {
                return fail(k, mark, "port %s.address: %s is there twice, on port %s too; take one",
                            p->name, p->addresses.text[at], q->name);
            }
        }
    }
    return true;
}

static bool check_ports(const struct check *k)
{
    unsigned i, j;

    if (k->c->n_ports == 0)
        return fail(k, NULL, "there is no port; write [port NAME] and device = tap:sealane0, say");
    for (i = 0; i < k->c->n_ports; i++) {
        const struct sl_config_port *p = &k->c->ports[i];

        if (!check_port(k, i))
            return false;
        for (j = 0; j < p->addresses.n; j++) {
            if (!check_address(k, p, j))
                return false;
        }
    }
    return check_shards(k);
}

/* ---- routes --------------------------------------------------------------------------------- */

static uint32_t ip4_of(const struct sl_addr *a)
{
    return rte_be_to_cpu_32(sl_addr_ip4(a));
}

static bool is_on_network(const char *address, uint32_t host)
{
    struct sl_addr a;
    unsigned len;

    if (!sl_addr_parse_prefix(address, &a, &len))
        return false;
    return len == 0 || (ip4_of(&a) ^ host) >> (32 - len) == 0;
}

bool sl_config_port_reaches(const struct sl_config_port *p, const char *via)
{
    struct sl_addr gateway;
    unsigned i;

    if (!sl_addr_parse(via, &gateway))
        return false;
    for (i = 0; i < p->addresses.n; i++) {
        if (is_on_network(p->addresses.text[i], ip4_of(&gateway)))
            return true;
    }
    return false;
}

/* What keeps a gateway on this port's networks from being one; NULL: nothing. */
static const char *gateway_wrong(const struct sl_config_port *p, const char *via)
{
    struct sl_addr gateway, a;
    const char *wrong;
    unsigned i, len;

    for (i = 0; i < p->addresses.n; i++) {
        if (!sl_addr_parse(via, &gateway) ||
            !sl_addr_parse_prefix(p->addresses.text[i], &a, &len) ||
            !is_on_network(p->addresses.text[i], ip4_of(&gateway)))
            continue;
        if (sl_addr_eq(&gateway, &a))
            return "is our own address";
        if ((wrong = sl_address_wrong_in(&gateway, len)) != NULL)
            return wrong;
    }
    return NULL;
}

static bool check_route(const struct check *k, const struct sl_config_route *r)
{
    bool reached = false;
    unsigned i;

    for (i = 0; i < k->c->n_ports; i++) {
        const char *wrong = gateway_wrong(&k->c->ports[i], r->via);

        if (wrong != NULL) {
            return fail(k, &r->mark, "route.%s: %s %s; give the gateway's", r->prefix, r->via,
                        wrong);
        }
        reached = reached || sl_config_port_reaches(&k->c->ports[i], r->via);
    }
    return reached ||
           fail(k, &r->mark,
                "route.%s: %s is on no network of a port's address; give a gateway on one",
                r->prefix, r->via);
}

static bool check_routes(const struct check *k)
{
    unsigned i;

    for (i = 0; i < k->c->n_routes; i++) {
        if (!check_route(k, &k->c->routes[i]))
            return false;
    }
    return true;
}

/* ---- values --------------------------------------------------------------------------------- */

static bool check_tcp(const struct check *k)
{
    const struct sl_shard_config *s = &k->c->shard;

    if (s->rto_min_ns > s->rto_max_ns) {
        return fail(k, mark_of_either(k->c, "tcp", "rto-min", "rto-max"),
                    "tcp.rto-min is above tcp.rto-max; lower the one or raise the other");
    }
    if (s->port_first > s->port_last) {
        return fail(k, mark_of_either(k->c, "tcp", "port-first", "port-last"),
                    "tcp.port-first, %u, is above tcp.port-last, %u; lower the one or raise the "
                    "other",
                    s->port_first, s->port_last);
    }
    return true;
}

static bool check_crypt(const struct check *k)
{
    const struct sl_shard_config *s = &k->c->shard;
    const struct sl_aead_engine_ops *engine = sl_aead_engine_find(s->engine);
    unsigned i;

    for (i = 0; i < s->n_aeads; i++) {
        if (engine->supports((enum sl_aead)s->aeads[i]))
            return true;
    }
    return fail(k, mark_of_either(k->c, "crypt", "engine", "aead"),
                "crypt.engine: %s has none of crypt.aead; add another AEAD", engine->name);
}

/* ---- whole ---------------------------------------------------------------------------------- */

unsigned sl_config_shards(const struct sl_config *c)
{
    unsigned i, n = 1;

    for (i = 0; i < c->n_ports; i++) {
        if (c->ports[i].shard >= n)
            n = c->ports[i].shard + 1;
    }
    return n;
}

int sl_config_check(const struct sl_config *c, char *err, size_t err_len)
{
    const struct check k = {c, err, err_len};

    return check_ports(&k) && check_routes(&k) && check_tcp(&k) && check_crypt(&k) ? 0 : -EINVAL;
}

int sl_config_check_one_shard(const struct sl_config *c, char *err, size_t err_len)
{
    const struct check k = {c, err, err_len};
    unsigned i;

    for (i = 0; i < c->n_ports; i++) {
        const struct sl_config_port *p = &c->ports[i];

        if (p->shard == 0)
            continue;
        (void)fail(&k, port_mark(p, "shard"),
                   "port %s.shard: is %u, but this program is one shard; give every port shard = "
                   "0, as drivers-config/tap.conf does",
                   p->name, p->shard);
        return -EINVAL;
    }
    return 0;
}
