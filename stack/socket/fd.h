/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Descriptors of one shard: numbers from SL_FD_BASE, bounded. The one that was freed last is given
 * out next. Holds pointers, owns nothing they point at. Thread: the shard's.
 */
enum sl_file_kind { SL_FILE_SOCKET, SL_FILE_EPOLL };

/* The first member of whatever has a descriptor. */
struct sl_file {
    enum sl_file_kind kind;
    int fd;
};

struct sl_fds {
    struct sl_file **files;
    uint32_t *next_free; /* of each free slot: the one freed before it */
    uint32_t free;       /* freed last; SL_FDS_NONE */
    uint32_t fresh;      /* slots from here on were never used */
    uint32_t max;
};

enum { SL_FDS_NONE = 0xffffffff, SL_FDS_MAX = 1 << 30 };

/* False: no memory. */
bool sl_fds_init(struct sl_fds *t, uint32_t max);
void sl_fds_fini(struct sl_fds *t);

bool sl_fds_is_full(const struct sl_fds *t);

/* Give `f` a number and note it there; -EMFILE. */
int sl_fds_add(struct sl_fds *t, struct sl_file *f);
void sl_fds_remove(struct sl_fds *t, int fd);

/* NULL: no such descriptor. */
struct sl_file *sl_fds_get(const struct sl_fds *t, int fd);

/* The first one at or behind `*at`, which begins at 0 and moves on; NULL at the end. */
struct sl_file *sl_fds_next(const struct sl_fds *t, uint32_t *at);
