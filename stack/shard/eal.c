/* SPDX-License-Identifier: BSD-3-Clause */
#include "shard/eal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
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

/*
 * EAL prints its usage on standard output, which is the program's: meanwhile that leads where
 * standard error does. -EBADF: it is closed, and nothing has to be put back.
 */
static int put_stdout_aside(void)
{
    const int kept = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int why = errno;

    if (kept < 0)
        return -why;
    (void)fflush(stdout);
    if (dup2(STDERR_FILENO, STDOUT_FILENO) >= 0)
        return kept;
    why = errno;
    (void)close(kept);
    return -(why == EBADF ? EPIPE : why); /* standard error is closed */
}

static int put_stdout_back(int kept)
{
    int rc;

    if (kept < 0)
        return 0;
    (void)fflush(stdout);
    rc = dup2(kept, STDOUT_FILENO) < 0 ? -errno : 0;
    (void)close(kept);
    return rc;
}

/* Takes `copy` if EAL looked at it. Its result, or a negative errno. */
static int init(int argc, char **copy)
{
    const int kept = put_stdout_aside();
    int rc, why, back;

    if (kept < 0 && kept != -EBADF) {
        free(copy);
        return kept;
    }
    rc = rte_eal_init(argc, copy);
    why = rc < 0 && rte_errno > 0 ? rte_errno : EIO;
    back = put_stdout_back(kept);
    if (rc < 0 && why == EALREADY)
        free(copy);
    else
        arguments = copy;
    is_ours = rc >= 0;
    if (back < 0)
        return back;
    return rc < 0 ? -why : rc;
}

static int fail(int rc, char *err, size_t err_len, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static int fail(int rc, char *err, size_t err_len, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(err, err_len, format, args);
    va_end(args);
    sl_eal_fini();
    return rc;
}

int sl_eal_init(int argc, const char *const *argv, char *err, size_t err_len)
{
    char **copy;
    int rc;

    if (is_ours)
        return 0;
    if (cpus == 0)
        cpus = count_cpus();
    if ((copy = copy_arguments(argc, argv)) == NULL)
        return fail(-ENOMEM, err, err_len, "no memory");
    if ((rc = init(argc, copy)) == -EALREADY)
        return 0;
    if (rc < 0)
        return fail(rc, err, err_len, "EAL does not start: %s", rte_strerror(-rc));
    if (rc < argc - 1) /* where it stopped, without a word */
        return fail(-EINVAL, err, err_len, "EAL does not know '%s'", arguments[rc + 1]);
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
