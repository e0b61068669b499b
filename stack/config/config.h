/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "sealane/config.h"
#include "sealane/shard.h"

/*
 * What a configuration holds once it is read. keys.c says which key fills which field, read.c
 * fills them, check.c looks at what no single key shows, start.c brings up what they describe.
 * One owner, from sl_config_create() to sl_config_destroy(); thread: one, then read-only.
 */
enum {
    SL_CONFIG_TEXT_BYTES = 256, /* of a value that is text */
    SL_CONFIG_NAME_BYTES = 50,  /* of a section or key: inih cuts longer ones without a word */
    SL_CONFIG_WHERE_BYTES = 160,
    SL_CONFIG_SOURCES_MAX = 16, /* files read, and runs of sl_config_set() */
    SL_CONFIG_KEYS_MAX = 64,
    SL_CONFIG_ARGS_MAX = 64,
    SL_CONFIG_ADDRESSES_MAX = 8,
    SL_CONFIG_ROUTES_MAX = 64,
    SL_CONFIG_SHARDS_MAX = 64,
};

enum sl_config_idle { SL_IDLE_AUTO, SL_IDLE_SPIN, SL_IDLE_YIELD };

/* Where a key was set last. `source` 0: nowhere, the default stands. */
struct sl_config_mark {
    unsigned source; /* 1 + index of its name */
    unsigned line;   /* 0: not a file */
};

struct sl_config_texts {
    unsigned n;
    char text[SL_CONFIG_ADDRESSES_MAX][SL_CONFIG_TEXT_BYTES];
    struct sl_config_mark marks[SL_CONFIG_ADDRESSES_MAX];
};

struct sl_config_port {
    char name[SL_CONFIG_NAME_BYTES];
    char device[SL_CONFIG_TEXT_BYTES];
    uint32_t mtu_bytes, queues, shard;
    uint8_t mac[6]; /* all zero: one is invented */
    struct sl_config_texts addresses;
    struct sl_config_mark first; /* where its section began */
    struct sl_config_mark marks[SL_CONFIG_KEYS_MAX];
};

struct sl_config_route {
    char prefix[SL_CONFIG_NAME_BYTES], via[SL_CONFIG_NAME_BYTES];
    struct sl_config_mark mark;
};

struct sl_config_eal {
    unsigned n;
    char args[SL_CONFIG_ARGS_MAX][SL_CONFIG_TEXT_BYTES];
    struct sl_config_mark marks[SL_CONFIG_ARGS_MAX];
};

struct sl_config {
    struct sl_config_eal eal;
    struct sl_config_port ports[SL_SHARD_PORTS];
    unsigned n_ports;
    struct sl_config_route routes[SL_CONFIG_ROUTES_MAX];
    unsigned n_routes;
    struct sl_shard_config shard;
    enum sl_config_idle idle;
    enum sl_log_level log_level;
    char *pcap;
    struct sl_config_mark marks[SL_CONFIG_KEYS_MAX];
    char *sources[SL_CONFIG_SOURCES_MAX];
    unsigned n_sources;
    bool setting; /* the last source is "--set": what is set next belongs to it */
};

/* "tap.conf:12: ", "--set: ", "" for a default; returns `out`. */
const char *sl_config_where(const struct sl_config *c, const struct sl_config_mark *mark,
                            char out[SL_CONFIG_WHERE_BYTES]);

/* Is a gateway on one of the networks of this port's addresses (check.c)? */
bool sl_config_port_reaches(const struct sl_config_port *p, const char *via);
