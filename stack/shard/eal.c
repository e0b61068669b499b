/* SPDX-License-Identifier: BSD-3-Clause */
#include "shard/eal.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>

static bool is_ours;
/* EAL orders them and keeps pointers to them: they stay for good, where a leak checker sees it. */
static char **arguments __attribute__((used));
static unsigned cpus; /* before EAL pinned the thread that asks; 0: nobody asked */

static unsigned count_cpus(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        return (unsigned)CPU_COUNT(&set);
    return (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
}

/* One block, since EAL exchanges entries: whichever are left, nothing is lost. */
static char **copy_arguments(int argc, const char *const *argv)
{
    size_t bytes = ((size_t)argc + 1) * sizeof(char *);
    char **copy, *text;
    int i;

    for (i = 0; i < argc; i++)
        bytes += strlen(argv[i]) + 1;
    if ((copy = calloc(1, bytes)) == NULL)
        return NULL;
    text = (char *)(copy + argc + 1);
    for (i = 0; i < argc; i++) {
        copy[i] = text;
        memcpy(text, argv[i], strlen(argv[i]) + 1);
        text += strlen(argv[i]) + 1;
    }
    return copy;
}

int sl_eal_init(int argc, const char *const *argv, char *err, size_t err_len)
{
    char **copy;

    if (is_ours)
        return 0;
    if (cpus == 0)
        cpus = count_cpus();
    if ((copy = copy_arguments(argc, argv)) == NULL) {
        (void)snprintf(err, err_len, "no memory");
        return -ENOMEM;
    }
    if (rte_eal_init(argc, copy) < 0) {
        if (rte_errno == EALREADY) { /* it has not looked at them */
            free(copy);
            return 0;
        }
        arguments = copy;
        (void)snprintf(err, err_len, "EAL does not start: %s", rte_strerror(rte_errno));
        return rte_errno > 0 ? -rte_errno : -EIO;
    }
    arguments = copy;
    is_ours = true;
    return 0;
}

void sl_eal_fini(void)
{
    if (is_ours)
        (void)rte_eal_cleanup();
    is_ours = false;
}

bool sl_eal_is_crowded(void)
{
    return rte_lcore_count() > (cpus > 0 ? cpus : count_cpus());
}
