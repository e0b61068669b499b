/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "cli.h"
#include "lines.h"
#include "sealane/shard.h"

/*
 * The one shard that echo and cat run on, from the command line to the last line of their output.
 * Thread: the main one.
 */
struct host {
    struct sl_config *config;
    struct sl_shard *shard;
};

/* Configuration, EAL, ports, shard; signals are watched. -1: up; else the exit status. */
int host_start(struct host *h, const struct cli *cli);

/* A listener on this port of every address, bound; prints "listening IP:PORT". -1: errno. */
int host_listen(const struct host *h, uint16_t port, int backlog);

/*
 * Ends all, and with --json prints drops and leaks to `out`. Waits until all that is in it is
 * printed, as lines_end() does; false as there.
 */
bool host_end(struct host *h, const struct cli *cli, struct lines *out);
