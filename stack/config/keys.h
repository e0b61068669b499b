/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "config/config.h"

/*
 * The table of configuration keys: the only place that knows their names, types, ranges, defaults
 * and help. Reading, checking and the reference go through it; a new key is a new line in keys.c.
 * Constant data, any thread.
 */
enum sl_key_type {
    SL_KEY_FLAG,    /* bool */
    SL_KEY_NUMBER,  /* unsigned of `size` bytes, like the next two */
    SL_KEY_SIZE,    /* bytes */
    SL_KEY_TIME,    /* nanoseconds */
    SL_KEY_CHOICE,  /* place in `choices`, of `size` bytes */
    SL_KEY_TEXT,    /* SL_CONFIG_TEXT_BYTES */
    SL_KEY_ARG,     /* struct sl_config_eal */
    SL_KEY_MAC,     /* 6 bytes */
    SL_KEY_ADDRESS, /* struct sl_config_texts */
    SL_KEY_TEPS,    /* struct sl_shard_config, like the next two */
    SL_KEY_AEADS,
    SL_KEY_ENGINE,
    SL_KEY_ROUTE, /* struct sl_config: the prefix stands in the key's place */
};

struct sl_key {
    const char *section; /* "port" is followed by a name of the user's in the file */
    const char *name;
    enum sl_key_type type;
    bool repeats;
    uint32_t offset; /* into struct sl_config, or sl_config_port */
    uint32_t size;
    uint64_t min, max;          /* of a number, size or time */
    const char *const *choices; /* ends in NULL */
    const char *def;            /* as a file would say it; NULL: none */
    const char *help;
};

extern const struct sl_key sl_keys[];
extern const size_t sl_keys_n;

/* What a section is for, for the reference; NULL when there is no such section. */
const char *sl_section_help(const char *section);

/* NULL: no such key. In [route] every name is the key. */
const struct sl_key *sl_key_find(const char *section, const char *name);

/*
 * What the writer of a wrong name may have meant; NULL: nothing is near. Keys of `section` first,
 * then of all others (`*other` is set to that section).
 */
const char *sl_key_nearest(const char *section, const char *name, const char **other);
const char *sl_section_nearest(const char *section);
