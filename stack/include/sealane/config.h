/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "sealane/sealane.h"

/*
 * Configuration, and what it brings up: EAL, ports, shards. One table in the code defines every
 * key; parser, range checks, `sealane config --reference` and docs/configuration.md come from it.
 *
 *     struct sl_config *c = sl_config_create();
 *     char err[SL_ERR_BYTES];
 *
 *     if (sl_config_read(c, "tap.conf", err, sizeof(err)) < 0 ||
 *         sl_config_set(c, "tcp.rcvbuf=1M", err, sizeof(err)) < 0 ||
 *         sl_init(c, err, sizeof(err)) < 0 || sl_open(c, 0, err, sizeof(err)) == NULL)
 *         fprintf(stderr, "%s\n", err);
 *
 * Thread: one, before shards run; sl_open() on the thread that the shard is for.
 */

#ifdef __cplusplus
extern "C" {
#endif

enum { SL_ERR_BYTES = 512 };

struct sl_config;
struct sl_shard;

/* All defaults; NULL: no memory. */
SL_API struct sl_config *sl_config_create(void);
SL_API void sl_config_destroy(struct sl_config *c);

/* Read an INI file on top. Negative errno with file, line and mend in `err`. */
SL_API int sl_config_read(struct sl_config *c, const char *path, char *err, size_t err_len);

/* The same from text; `name` stands for the file's. */
SL_API int sl_config_read_text(struct sl_config *c, const char *text, const char *name, char *err,
                               size_t err_len);

/* "SECTION.KEY=VALUE": "crypt.mode=off", "port tap0.mtu=1400". */
SL_API int sl_config_set(struct sl_config *c, const char *assignment, char *err, size_t err_len);

/* Every key with type, range, default and help, as a commented configuration file. */
SL_API void sl_config_reference(FILE *out);

/* Frames of every shard to this file (nanosecond pcap), "-N" added for shards N > 0. */
SL_API void sl_config_pcap(struct sl_config *c, const char *path);

/*
 * What no single key shows: ports without a device, rings with one end, gateways on nobody's
 * network, bounds that contradict each other. sl_init() asks it too. 0 or -EINVAL.
 */
SL_API int sl_config_check(const struct sl_config *c, char *err, size_t err_len);

/* For programs that are one shard: 0, or -EINVAL with the line of a port that is another one's. */
SL_API int sl_config_check_one_shard(const struct sl_config *c, char *err, size_t err_len);

/* How many shards own ports: 1 and more. */
SL_API unsigned sl_config_shards(const struct sl_config *c);

/* EAL and ports up. Once a process. Negative errno with a sentence in `err`. */
SL_API int sl_init(const struct sl_config *c, char *err, size_t err_len);

/* Ports closed and removed, EAL down. After every shard was destroyed. */
SL_API void sl_fini(void);

/*
 * The shard `index` of the configuration, on its ports, current on the calling thread, which is
 * an lcore or becomes registered with EAL. NULL with a sentence in `err`. sl_shard_destroy().
 */
SL_API struct sl_shard *sl_open(const struct sl_config *c, unsigned index, char *err,
                                size_t err_len);

/*
 * Run fn(ctx, 0) .. fn(ctx, n - 1) at a time, each on an lcore of its own, after sl_init(). The
 * calling thread, the main one, waits and calls `tick` ten times a second (NULL: it only waits).
 * Returns 0, the first result that is not 0, or -ENOSPC with a sentence in `err`: fewer lcores.
 */
SL_API int sl_run_on_lcores(unsigned n, int (*fn)(void *ctx, unsigned index),
                            void (*tick)(void *ctx), void *ctx, char *err, size_t err_len);

/* First address of a shard's ports, "10.77.0.2"; NULL when it has none. From sl_init() on, until
 * sl_fini(). */
SL_API const char *sl_config_address(const struct sl_config *c, unsigned index);

/*
 * Mbufs that are missing in pools of ports and of shards that sl_open() made. When all of these
 * were flushed, none destroyed, and nothing runs any more: what stands in rings is freed here.
 */
SL_API uint64_t sl_mbufs_leaked(void);

/* Versions and self tests, for `sealane --version`. */
struct sl_versions {
    const char *sealane, *dpdk, *ipsec_mb, *libcrypto;
    const char *isa; /* that ipsec-mb chose */
    bool ipsec_mb_built, self_test_ok;
};
SL_API struct sl_versions sl_versions(void);

#ifdef __cplusplus
}
#endif
