/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "config/values.h"

static bool is_shard_field(const struct sl_key *key)
{
    const size_t from = offsetof(struct sl_config, shard);

    return strcmp(key->section, "port") != 0 && key->offset >= from &&
           key->offset + key->size <= from + sizeof(struct sl_shard_config) &&
           key->type <= SL_KEY_CHOICE;
}

/* A program that reads no file and an embedded shard behave alike. */
Test(config_keys, defaults_are_those_of_a_shard)
{
    const struct sl_shard_config d = sl_shard_config_default();
    struct sl_config *c = sl_config_create();
    size_t i, compared = 0;

    for (i = 0; i < sl_keys_n; i++) {
        const struct sl_key *key = &sl_keys[i];

        if (!is_shard_field(key))
            continue;
        cr_expect_arr_eq((const char *)c + key->offset,
                         (const char *)&d + key->offset - offsetof(struct sl_config, shard),
                         key->size, "%s.%s = %s", key->section, key->name, key->def);
        compared++;
    }
    cr_expect_geq(compared, 30);
    cr_expect_eq(c->shard.n_teps, d.n_teps);
    cr_expect_arr_eq(c->shard.teps, d.teps, sizeof(d.teps));
    cr_expect_eq(c->shard.n_aeads, d.n_aeads);
    cr_expect_arr_eq(c->shard.aeads, d.aeads, sizeof(d.aeads));
    cr_expect_null(c->shard.engine);
    sl_config_destroy(c);
}

Test(config_keys, every_default_is_a_value_of_its_key)
{
    union {
        struct sl_config config;
        struct sl_config_port port;
    } *base = calloc(1, sizeof(*base));
    char why[256];
    size_t i;

    for (i = 0; i < sl_keys_n; i++) {
        if (sl_keys[i].def != NULL)
            cr_expect(sl_value_take(&sl_keys[i], base, sl_keys[i].def, why, sizeof(why)),
                      "%s.%s: %s", sl_keys[i].section, sl_keys[i].name, why);
    }
    free(base);
}

Test(config_keys, each_is_there_once_and_has_help)
{
    size_t i, j;

    for (i = 0; i < sl_keys_n; i++) {
        cr_expect_gt(strlen(sl_keys[i].help), 10, "%s", sl_keys[i].name);
        cr_expect_not_null(sl_section_help(sl_keys[i].section));
        cr_expect_lt(strlen(sl_keys[i].name), SL_CONFIG_NAME_BYTES);
        for (j = 0; j < i; j++) {
            cr_expect(strcmp(sl_keys[i].section, sl_keys[j].section) != 0 ||
                          strcmp(sl_keys[i].name, sl_keys[j].name) != 0,
                      "%s.%s is there twice", sl_keys[i].section, sl_keys[i].name);
        }
    }
}

Test(config_keys, nearest)
{
    static const struct {
        const char *section, *name, *nearest, *other;
    } cases[] = {
        {"tcp", "rcvbuff", "rcvbuf", NULL},
        {"tcp", "rcbuf", "rcvbuf", NULL},
        {"tcp", "delayed_ack", "delayed-ack", NULL},
        {"port", "adress", "address", NULL},
        {"tcp", "mode", "mode", "crypt"},
        {"crypt", "sndbuf", "sndbuf", "tcp"},
        {"tcp", "frobnicate", NULL, NULL},
        {"tcp", "", NULL, NULL},
        {"tcp", "a-word-that-is-longer-than-any-key-that-we-have-in-the-table", NULL, NULL},
    };
    const char *other;
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *nearest = sl_key_nearest(cases[i].section, cases[i].name, &other);

        cr_expect_str_eq(nearest ? nearest : "", cases[i].nearest ? cases[i].nearest : "", "%s",
                         cases[i].name);
        cr_expect_str_eq(other ? other : "", cases[i].other ? cases[i].other : "", "%s",
                         cases[i].name);
    }
    cr_expect_str_eq(sl_section_nearest("cyrpt"), "crypt");
    cr_expect_str_eq(sl_section_nearest("ports"), "port");
    cr_expect_null(sl_section_nearest("kernel"));
}

/* The reference is a configuration file, and sets what is so anyway. */
Test(config_keys, the_reference_reads_back_as_the_defaults)
{
    struct sl_config *plain = sl_config_create(), *c = sl_config_create();
    char *text = NULL, err[SL_ERR_BYTES] = "";
    size_t len, i;
    FILE *out = open_memstream(&text, &len);

    sl_config_reference(out);
    (void)fclose(out);
    cr_assert_eq(sl_config_read_text(c, text, "reference", err, sizeof(err)), 0, "%s", err);
    for (i = 0; i < sl_keys_n; i++) {
        const struct sl_key *key = &sl_keys[i];

        cr_expect_not_null(strstr(text, key->name));
        if (strcmp(key->section, "port") == 0 || key->def == NULL)
            continue;
        cr_expect_neq(c->marks[i].line, 0, "%s.%s is not set", key->section, key->name);
        if (key->type <= SL_KEY_CHOICE)
            cr_expect_arr_eq((const char *)c + key->offset, (const char *)plain + key->offset,
                             key->size, "%s.%s", key->section, key->name);
    }
    cr_expect_eq(c->shard.n_teps, plain->shard.n_teps);
    cr_expect_eq(c->shard.n_aeads, plain->shard.n_aeads);
    cr_expect_eq(c->n_ports, 0);
    sl_config_destroy(plain);
    sl_config_destroy(c);
    free(text);
}
