/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "app.h"

/*
 * A scenario sets a world up from its seed, runs it, and says what must hold for every seed.
 */
struct run {
    uint64_t seed;
    bool with_worker;
    const char *pcap; /* of node 0; NULL: none */
    struct sim sim;
    struct app app[2];
    struct sl_shard_config config[2];
};

struct scenario {
    const char *name;
    void (*play)(struct run *r);
};

extern const struct scenario scenarios[];
extern const unsigned n_scenarios;
