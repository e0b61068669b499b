/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/values.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <rte_ether.h>

#include "config/addresses.h"
#include "config/amounts.h"
#include "net/addr.h"
#include "net/net.h"
#include "tcpcrypt/aead/engine.h"
#include "tcpcrypt/eno/negotiate.h"
#include "tcpcrypt/tcpcrypt.h"

static bool refuse(char *why, size_t why_len, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool refuse(char *why, size_t why_len, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(why, why_len, format, args);
    va_end(args);
    return false;
}

/* ---- amounts -------------------------------------------------------------------------------- */

static void store(void *field, size_t size, uint64_t value)
{
    const uint32_t v32 = (uint32_t)value;
    const uint16_t v16 = (uint16_t)value;
    const uint8_t v8 = (uint8_t)value;

    if (size == sizeof(value)) {
        memcpy(field, &value, size);
    } else if (size == sizeof(v32)) {
        memcpy(field, &v32, size);
    } else if (size == sizeof(v16)) {
        memcpy(field, &v16, size);
    } else {
        memcpy(field, &v8, sizeof(v8));
    }
}

static bool take_amount(const struct sl_key *key, void *field, const char *text, char *why,
                        size_t why_len)
{
    const struct sl_scale *scale = sl_scale_of(key->type);
    char least[32], most[32];
    uint64_t value;

    if (!sl_amount_parse(scale, text, &value))
        return refuse(why, why_len, "'%s' is no %s; %s", text, scale->what, scale->mend);
    if (value < key->min || value > key->max) {
        return refuse(why, why_len, "%s is out of range; give %s to %s", text,
                      sl_amount_format(scale, key->min, least, sizeof(least)),
                      sl_amount_format(scale, key->max, most, sizeof(most)));
    }
    store(field, key->size, value);
    return true;
}

/* ---- words ---------------------------------------------------------------------------------- */

static const char *join(const char *const *words, char *out, size_t out_len)
{
    size_t i, len = 0;

    out[0] = '\0';
    for (i = 0; words[i] != NULL && len < out_len; i++)
        len += (size_t)snprintf(out + len, out_len - len, "%s%s", i > 0 ? ", " : "", words[i]);
    return out;
}

static bool take_choice(const struct sl_key *key, void *field, const char *text, char *why,
                        size_t why_len)
{
    char all[128];
    unsigned i;

    for (i = 0; key->choices[i] != NULL; i++) {
        if (strcmp(key->choices[i], text) == 0) {
            store(field, key->size, i);
            return true;
        }
    }
    return refuse(why, why_len, "'%s' is none of %s", text, join(key->choices, all, sizeof(all)));
}

static bool take_flag(bool *field, const char *text, char *why, size_t why_len)
{
    static const char *const words[2][4] = {{"no", "off", "false", "0"},
                                            {"yes", "on", "true", "1"}};
    size_t i;

    for (i = 0; i < 8; i++) {
        if (strcmp(words[i / 4][i % 4], text) == 0) {
            *field = i >= 4;
            return true;
        }
    }
    return refuse(why, why_len, "'%s' is neither yes nor no", text);
}

static bool copy_text(char *out, size_t room, const char *text, char *why, size_t why_len)
{
    if (strlen(text) >= room)
        return refuse(why, why_len, "longer than %zu characters", room - 1);
    memcpy(out, text, strlen(text) + 1);
    return true;
}

/* As getopt_long() takes it: shortened too. */
static bool is_help(const char *arg)
{
    const size_t len = strlen(arg);

    return strncmp(arg, "-h", 2) == 0 || (len > 3 && strncmp("--help", arg, len) == 0);
}

static bool take_arg(struct sl_config_eal *eal, const char *text, char *why, size_t why_len)
{
    if (is_help(text))
        return refuse(why, why_len, "%s would end the program; leave it out", text);
    if (eal->n == SL_CONFIG_ARGS_MAX)
        return refuse(why, why_len, "more than %d arguments", SL_CONFIG_ARGS_MAX);
    if (!copy_text(eal->args[eal->n], sizeof(eal->args[0]), text, why, why_len))
        return false;
    eal->n++;
    return true;
}

static bool take_mac(uint8_t *field, const char *text, char *why, size_t why_len)
{
    struct rte_ether_addr mac;

    if (rte_ether_unformat_addr(text, &mac) != 0) {
        return refuse(why, why_len, "'%s' is no MAC address; give one like 02:00:00:00:00:01",
                      text);
    }
    if (!rte_is_valid_assigned_ether_addr(&mac)) {
        return refuse(why, why_len,
                      "%s is no MAC address of one station; give one whose first "
                      "byte is even",
                      text);
    }
    memcpy(field, mac.addr_bytes, sizeof(mac.addr_bytes));
    return true;
}

/* ---- addresses ------------------------------------------------------------------------------ */

static bool take_address(struct sl_config_texts *t, const char *text, char *why, size_t why_len)
{
    const char *wrong;
    struct sl_addr a;
    unsigned len;

    if (!sl_addr_parse_prefix(text, &a, &len) || !sl_addr_is_ip4(&a)) {
        return refuse(why, why_len,
                      "'%s' is no IPv4 address with a length; give one like "
                      "10.77.0.2/24",
                      text);
    }
    if ((wrong = sl_address_wrong_in(&a, len)) != NULL)
        return refuse(why, why_len, "%s %s; give a host's, like 10.77.0.2/24", text, wrong);
    if (t->n == SL_CONFIG_ADDRESSES_MAX)
        return refuse(why, why_len, "more than %d addresses on a port", SL_CONFIG_ADDRESSES_MAX);
    if (!copy_text(t->text[t->n], sizeof(t->text[0]), text, why, why_len))
        return false;
    t->n++;
    return true;
}

static bool has_bits_beyond(const struct sl_addr *prefix, unsigned len)
{
    const uint64_t host = UINT64_C(0xffffffff) >> len;

    return (rte_be_to_cpu_32(sl_addr_ip4(prefix)) & host) != 0;
}

bool sl_value_take_route(struct sl_config *c, const char *prefix, const char *via, char *why,
                         size_t why_len)
{
    struct sl_config_route *r = &c->routes[c->n_routes];
    struct sl_addr to, gateway;
    const char *wrong;
    unsigned len;

    if (strcmp(prefix, "default") == 0)
        prefix = "0.0.0.0/0";
    if (!sl_addr_parse_prefix(prefix, &to, &len) || !sl_addr_is_ip4(&to))
        return refuse(why, why_len, "no IPv4 network; give one like 10.1.0.0/16, or default");
    if (has_bits_beyond(&to, len))
        return refuse(why, why_len, "has bits beyond its length of %u", len);
    if (!sl_addr_parse(via, &gateway) || !sl_addr_is_ip4(&gateway)) {
        return refuse(why, why_len, "'%s' is no IPv4 address; give the gateway's, like 10.77.0.1",
                      via);
    }
    if ((wrong = sl_address_wrong(&gateway)) != NULL)
        return refuse(why, why_len, "%s %s; give the gateway's, like 10.77.0.1", via, wrong);
    if (c->n_routes == SL_CONFIG_ROUTES_MAX)
        return refuse(why, why_len, "more than %d routes", SL_CONFIG_ROUTES_MAX);
    if (!copy_text(r->prefix, sizeof(r->prefix), prefix, why, why_len) ||
        !copy_text(r->via, sizeof(r->via), via, why, why_len))
        return false;
    c->n_routes++;
    return true;
}

/* ---- encryption ----------------------------------------------------------------------------- */

/* "0x23", "X25519", "tcpcrypt X25519". */
static bool names_tep(const struct sl_tep_ops *tep, const char *text)
{
    const char *last = strrchr(tep->name, ' ');
    char id[8];

    (void)snprintf(id, sizeof(id), "0x%02x", tep->id);
    return strcasecmp(text, id) == 0 || strcasecmp(text, tep->name) == 0 ||
           (last != NULL && strcasecmp(text, last + 1) == 0);
}

static bool add_tep(struct sl_shard_config *c, const char *text, char *why, size_t why_len)
{
    const struct sl_tep_ops *built[SL_ENO_TEPS_MAX];
    const size_t n = sl_tcpcrypt_teps(built, SL_ENO_TEPS_MAX);
    char all[128] = "";
    size_t i, len = 0;

    for (i = 0; i < n; i++) {
        if (names_tep(built[i], text)) {
            c->teps[c->n_teps++] = built[i]->id;
            return true;
        }
        if (len < sizeof(all)) {
            len += (size_t)snprintf(all + len, sizeof(all) - len, "%s0x%02x (%s)",
                                    len > 0 ? ", " : "", built[i]->id, built[i]->name);
        }
    }
    return refuse(why, why_len, "'%s' is no TEP that is built; give all, or of %s", text, all);
}

static const enum sl_aead aeads[] = {SL_AEAD_AES_128_GCM, SL_AEAD_AES_256_GCM,
                                     SL_AEAD_CHACHA20_POLY1305};

enum { AEADS_N = sizeof(aeads) / sizeof(aeads[0]) };

static bool add_aead(struct sl_shard_config *c, const char *text, char *why, size_t why_len)
{
    char all[128] = "";
    size_t i, len = 0;

    for (i = 0; i < AEADS_N; i++) {
        if (strcasecmp(sl_aead_name(aeads[i]), text) == 0) {
            c->aeads[c->n_aeads++] = (uint16_t)aeads[i];
            return true;
        }
        len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s", len > 0 ? ", " : "",
                                sl_aead_name(aeads[i]));
    }
    return refuse(why, why_len, "'%s' is no AEAD of ours; give all, or of %s", text, all);
}

/* In a file the preferred one comes first, in a shard last, as on the wire. */
static void reverse_teps(struct sl_shard_config *c)
{
    unsigned i;

    for (i = 0; i < c->n_teps / 2; i++) {
        const uint8_t kept = c->teps[i];

        c->teps[i] = c->teps[c->n_teps - 1 - i];
        c->teps[c->n_teps - 1 - i] = kept;
    }
}

static void reverse_aeads(struct sl_shard_config *c)
{
    unsigned i;

    for (i = 0; i < c->n_aeads / 2; i++) {
        const uint16_t kept = c->aeads[i];

        c->aeads[i] = c->aeads[c->n_aeads - 1 - i];
        c->aeads[c->n_aeads - 1 - i] = kept;
    }
}

static void take_all(enum sl_key_type type, struct sl_shard_config *c)
{
    const struct sl_shard_config d = sl_shard_config_default();

    if (type == SL_KEY_TEPS) {
        memcpy(c->teps, d.teps, sizeof(c->teps));
        c->n_teps = d.n_teps;
    } else {
        memcpy(c->aeads, d.aeads, sizeof(c->aeads));
        c->n_aeads = d.n_aeads;
    }
}

static bool add_one(enum sl_key_type type, struct sl_shard_config *c, const char *word, char *why,
                    size_t why_len)
{
    const unsigned had_teps = c->n_teps, had_aeads = c->n_aeads;
    unsigned i;

    if (type == SL_KEY_TEPS) {
        if (had_teps == sizeof(c->teps))
            return refuse(why, why_len, "more TEPs than there are");
        if (!add_tep(c, word, why, why_len))
            return false;
        for (i = 0; i < had_teps; i++) {
            if (c->teps[i] == c->teps[had_teps])
                return refuse(why, why_len, "'%s' stands there twice; leave one out", word);
        }
        return true;
    }
    if (had_aeads == AEADS_N)
        return refuse(why, why_len, "more AEADs than there are");
    if (!add_aead(c, word, why, why_len))
        return false;
    for (i = 0; i < had_aeads; i++) {
        if (c->aeads[i] == c->aeads[had_aeads])
            return refuse(why, why_len, "'%s' stands there twice; leave one out", word);
    }
    return true;
}

/* Words with commas or spaces between them. A name of two words is found by its second. */
static bool take_list(enum sl_key_type type, struct sl_shard_config *c, const char *text, char *why,
                      size_t why_len)
{
    char words[SL_CONFIG_TEXT_BYTES];
    char *rest = words, *word;
    bool good = true;

    if (strcmp(text, "all") == 0) {
        take_all(type, c);
        return true;
    }
    if (!copy_text(words, sizeof(words), text, why, why_len))
        return false;
    /* As the file has it until the new ones are behind the old ones. */
    type == SL_KEY_TEPS ? reverse_teps(c) : reverse_aeads(c);
    while (good && (word = strsep(&rest, ", ")) != NULL) {
        if (word[0] != '\0')
            good = add_one(type, c, word, why, why_len);
    }
    type == SL_KEY_TEPS ? reverse_teps(c) : reverse_aeads(c);
    return good;
}

static bool take_engine(struct sl_shard_config *c, const char *text, char *why, size_t why_len)
{
    const struct sl_aead_engine_ops *engine = sl_aead_engine_find(text);

    c->engine = engine != NULL ? engine->name : NULL;
    if (engine != NULL || strcmp(text, "auto") == 0)
        return true;
    return refuse(why, why_len, "'%s' is no engine that is built; give auto%s, openssl", text,
                  sl_aead_engine_find("ipsec-mb") != NULL ? ", ipsec-mb" : "");
}

/* ---- by type -------------------------------------------------------------------------------- */

bool sl_value_take(const struct sl_key *key, void *base, const char *text, char *why,
                   size_t why_len)
{
    void *field = (char *)base + key->offset;

    if (text[0] == '\0')
        return refuse(why, why_len, "has no value; give one, or leave it out");
    switch (key->type) {
    case SL_KEY_FLAG:
        return take_flag(field, text, why, why_len);
    case SL_KEY_NUMBER:
    case SL_KEY_SIZE:
    case SL_KEY_TIME:
        return take_amount(key, field, text, why, why_len);
    case SL_KEY_CHOICE:
        return take_choice(key, field, text, why, why_len);
    case SL_KEY_TEXT:
        return copy_text(field, key->size, text, why, why_len);
    case SL_KEY_ARG:
        return take_arg(field, text, why, why_len);
    case SL_KEY_MAC:
        return take_mac(field, text, why, why_len);
    case SL_KEY_ADDRESS:
        return take_address(field, text, why, why_len);
    case SL_KEY_TEPS:
    case SL_KEY_AEADS:
        return take_list(key->type, field, text, why, why_len);
    case SL_KEY_ENGINE:
        return take_engine(field, text, why, why_len);
    case SL_KEY_ROUTE:
        break; /* sl_value_take_route() */
    }
    return false;
}

void sl_value_mark(const struct sl_key *key, void *base, const struct sl_config_mark *mark)
{
    void *field = (char *)base + key->offset;
    struct sl_config_eal *eal = field;
    struct sl_config_texts *texts = field;

    if (key->type == SL_KEY_ARG)
        eal->marks[eal->n - 1] = *mark;
    if (key->type == SL_KEY_ADDRESS)
        texts->marks[texts->n - 1] = *mark;
}

void sl_value_clear(const struct sl_key *key, void *base)
{
    void *field = (char *)base + key->offset;

    if (key->type == SL_KEY_ARG)
        ((struct sl_config_eal *)field)->n = 0;
    if (key->type == SL_KEY_ADDRESS)
        ((struct sl_config_texts *)field)->n = 0;
    if (key->type == SL_KEY_TEPS)
        ((struct sl_shard_config *)field)->n_teps = 0;
    if (key->type == SL_KEY_AEADS)
        ((struct sl_shard_config *)field)->n_aeads = 0;
}

static const char *describe_type(enum sl_key_type type)
{
    switch (type) {
    case SL_KEY_FLAG:
        return "yes or no";
    case SL_KEY_MAC:
        return "MAC address";
    case SL_KEY_ADDRESS:
        return "address/length";
    case SL_KEY_ROUTE:
        return "address";
    case SL_KEY_ENGINE:
        return "auto, ipsec-mb, openssl";
    case SL_KEY_TEPS:
    case SL_KEY_AEADS:
        return "all, or a list";
    case SL_KEY_TEXT:
    case SL_KEY_ARG:
        return "text";
    case SL_KEY_NUMBER:
    case SL_KEY_SIZE:
    case SL_KEY_TIME:
    case SL_KEY_CHOICE:
        break; /* these say more */
    }
    return "";
}

const char *sl_value_describe(const struct sl_key *key, char *out, size_t out_len)
{
    const struct sl_scale *scale = sl_scale_of(key->type);
    char least[32], most[32];

    if (key->type == SL_KEY_CHOICE)
        return join(key->choices, out, out_len);
    if (scale == NULL) {
        (void)snprintf(out, out_len, "%s", describe_type(key->type));
        return out;
    }
    (void)snprintf(out, out_len, "%s, %s to %s", scale->what,
                   sl_amount_format(scale, key->min, least, sizeof(least)),
                   sl_amount_format(scale, key->max, most, sizeof(most)));
    return out;
}
