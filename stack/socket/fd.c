/* SPDX-License-Identifier: BSD-3-Clause */
#include "socket/fd.h"

#include <errno.h>
#include <stdlib.h>

#include "base/invariant.h"
#include "sealane/sealane.h"

bool sl_fds_init(struct sl_fds *t, uint32_t max)
{
    *t = (struct sl_fds){.free = SL_FDS_NONE, .max = max < SL_FDS_MAX ? max : SL_FDS_MAX};
    if (SL_FAULT(fds_init))
        return false;
    t->files = calloc(t->max, sizeof(t->files[0]));
    t->next_free = calloc(t->max, sizeof(t->next_free[0]));
    return t->files != NULL && t->next_free != NULL;
}

void sl_fds_fini(struct sl_fds *t)
{
    free(t->files);
    free(t->next_free);
    *t = (struct sl_fds){.free = SL_FDS_NONE};
}

bool sl_fds_is_full(const struct sl_fds *t)
{
    return t->free == SL_FDS_NONE && t->fresh == t->max;
}

int sl_fds_add(struct sl_fds *t, struct sl_file *f)
{
    uint32_t slot = t->free;

    if (sl_fds_is_full(t))
        return -EMFILE;
    if (slot != SL_FDS_NONE)
        t->free = t->next_free[slot];
    else
        slot = t->fresh++;
    t->files[slot] = f;
    f->fd = SL_FD_BASE + (int)slot;
    return f->fd;
}

struct sl_file *sl_fds_get(const struct sl_fds *t, int fd)
{
    if (fd < SL_FD_BASE || (uint32_t)(fd - SL_FD_BASE) >= t->fresh)
        return NULL;
    return t->files[fd - SL_FD_BASE];
}

void sl_fds_remove(struct sl_fds *t, int fd)
{
    const uint32_t slot = (uint32_t)(fd - SL_FD_BASE);

    SL_INVARIANT(sl_fds_get(t, fd) != NULL);
    t->files[slot] = NULL;
    t->next_free[slot] = t->free;
    t->free = slot;
}

struct sl_file *sl_fds_next(const struct sl_fds *t, uint32_t *at)
{
    while (*at < t->fresh) {
        struct sl_file *f = t->files[(*at)++];

        if (f != NULL)
            return f;
    }
    return NULL;
}
