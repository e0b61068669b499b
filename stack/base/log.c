/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    LINE_MAX_BYTES = 1024, /* longer ones end in "..." */
    PREFIX_MAX_BYTES = 32, /* "sealane: warning: " fits */
};

static const uint64_t interval_ns = 1000000000;

struct target {
    void (*sink)(void *ctx, enum sl_log_level level, const char *line);
    void *ctx;
};

static pthread_mutex_t target_lock = PTHREAD_MUTEX_INITIALIZER;
static struct target target;
static atomic_int level_most = SL_LOG_INFO;

void sl_log_sink(void (*sink)(void *ctx, enum sl_log_level level, const char *line), void *ctx)
{
    (void)pthread_mutex_lock(&target_lock);
    target = (struct target){sink, ctx};
    (void)pthread_mutex_unlock(&target_lock);
}

void sl_log_set_level(enum sl_log_level most)
{
    atomic_store_explicit(&level_most, (int)most, memory_order_relaxed);
}

static bool is_wanted(enum sl_log_level level)
{
    return (int)level <= atomic_load_explicit(&level_most, memory_order_relaxed);
}

static void write_stderr(enum sl_log_level level, const char *line)
{
    static const char *const names[] = {
        [SL_LOG_ERROR] = "error",
        [SL_LOG_WARNING] = "warning",
        [SL_LOG_INFO] = "info",
        [SL_LOG_DEBUG] = "debug",
    };
    char whole[PREFIX_MAX_BYTES + LINE_MAX_BYTES];
    const int len = snprintf(whole, sizeof(whole), "sealane: %s: %s\n", names[level], line);
    ssize_t written;

    do {
        written = write(STDERR_FILENO, whole, (size_t)len);
    } while (written < 0 && errno == EINTR);
}

/* A line is one line: what came from elsewhere cannot forge another, nor steer a terminal. */
static void disarm_controls(char *line)
{
    for (; *line != '\0'; line++) {
        if ((unsigned char)*line < ' ' || *line == 0x7f)
            *line = '?';
    }
}

static void emit(enum sl_log_level level, uint64_t left_out, const char *format, va_list args)
{
    const int saved_errno = errno; /* a caller may log between a failed call and its errno */
    char line[LINE_MAX_BYTES];
    char tail[48] = "";
    size_t len, room;
    struct target to;
    int wanted;

    if (left_out > 0)
        (void)snprintf(tail, sizeof(tail), " (%" PRIu64 " more left out)", left_out);
    room = sizeof(line) - strlen(tail);
    wanted = vsnprintf(line, room, format, args);
    len = wanted < 0 ? 0 : (size_t)wanted;
    if (len >= room) {
        len = room - 1;
        memcpy(line + len - 3, "...", 4);
    }
    memcpy(line + len, tail, strlen(tail) + 1);
    disarm_controls(line);

    (void)pthread_mutex_lock(&target_lock);
    to = target;
    (void)pthread_mutex_unlock(&target_lock);
    if (to.sink != NULL) {
        to.sink(to.ctx, level, line);
    } else {
        write_stderr(level, line);
    }
    errno = saved_errno;
}

void sl_log(enum sl_log_level level, const char *format, ...)
{
    va_list args;

    if (!is_wanted(level))
        return;
    va_start(args, format);
    emit(level, 0, format, args);
    va_end(args);
}

/* Shards share the call site: of those who find the second over, one wins it, the others count. */
void sl_log_limited(struct sl_log_limit *limit, uint64_t now_ns, enum sl_log_level level,
                    const char *format, ...)
{
    uint64_t next_ns = __atomic_load_n(&limit->next_ns, __ATOMIC_RELAXED);
    va_list args;

    if (!is_wanted(level))
        return;
    if (now_ns < next_ns ||
        !__atomic_compare_exchange_n(&limit->next_ns, &next_ns, now_ns + interval_ns, false,
                                     __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
        __atomic_fetch_add(&limit->left_out, 1, __ATOMIC_RELAXED);
        return;
    }
    va_start(args, format);
    emit(level, __atomic_exchange_n(&limit->left_out, 0, __ATOMIC_RELAXED), format, args);
    va_end(args);
}
