/* SPDX-License-Identifier: BSD-3-Clause */
#include "data.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "memory.h"

/*
 * What EAL, both shards with their packet pools, and the program itself take beside the data: 175
 * MiB when measured with the bounds of ring.conf, and 25 of libraries. Mapped, and mostly never
 * touched, are 810 MiB.
 */
static const uint64_t stack_bytes = UINT64_C(256) << 20;
static const uint64_t stack_space_bytes = UINT64_C(832) << 20;

static bool fail(char *err, size_t err_len, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool fail(char *err, size_t err_len, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(err, err_len, format, args);
    va_end(args);
    return false;
}

const char *data_format_size(uint64_t bytes, char *out, size_t out_len)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double amount = (double)bytes;
    size_t i = 0;

    while (amount >= 1024 && i + 1 < sizeof(units) / sizeof(units[0])) {
        amount /= 1024;
        i++;
    }
    (void)snprintf(out, out_len, "%.4g %s", amount, units[i]);
    return out;
}

/* ---- memory --------------------------------------------------------------------------------- */

static uint64_t add_up(uint64_t a, uint64_t b)
{
    return a <= UINT64_MAX - b ? a + b : UINT64_MAX;
}

enum { SENTENCE_BYTES = 224 };

/* The whole need, `others_bytes` what the data does not take. */
static const char *describe_need(uint64_t len, uint64_t others_bytes, const char *of, char *out,
                                 size_t out_len)
{
    char need[32], each[32], stack[32];

    data_format_size(add_up(add_up(len, len), others_bytes), need, sizeof(need));
    data_format_size(len, each, sizeof(each));
    data_format_size(others_bytes, stack, sizeof(stack));
    (void)snprintf(out, out_len,
                   "not enough memory: %s%s are needed (source and target, %s each, and %s for "
                   "the stack)",
                   need, of, each, stack);
    return out;
}

static bool fits(const struct memory *m, uint64_t len, uint64_t others_bytes, const char *of,
                 char *err, size_t err_len)
{
    char need[SENTENCE_BYTES], left[32];

    if (add_up(add_up(len, len), others_bytes) <= m->left_bytes)
        return true;
    return fail(err, err_len, "%s, but %s leaves %s; a smaller --size needs less",
                describe_need(len, others_bytes, of, need, sizeof(need)), m->limit,
                data_format_size(m->left_bytes, left, sizeof(left)));
}

static bool has_room(uint64_t len, char *err, size_t err_len)
{
    const struct memory memory = memory_left(), space = memory_space_left();

    return fits(&memory, len, stack_bytes, "", err, err_len) &&
           fits(&space, len, stack_space_bytes, " of address space", err, err_len);
}

void data_lack_memory(const struct data *d, const char *why, char *err, size_t err_len)
{
    char need[SENTENCE_BYTES], cause[SENTENCE_BYTES];

    (void)snprintf(cause, sizeof(cause), "%s", why); /* may be `err` */
    (void)fail(err, err_len, "%s: %s", describe_need(d->len, stack_bytes, "", need, sizeof(need)),
               cause);
}

/* NULL: none. Large pages where the kernel has them; `len` may be 0. */
static uint8_t *map(size_t len)
{
    const size_t whole = len > 0 ? len : 1;
    void *at = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED)
        return NULL;
    (void)madvise(at, whole, MADV_HUGEPAGE);
    return at;
}

/* ---- content -------------------------------------------------------------------------------- */

/* SplitMix64 (Steele, Lea, Flood 2014): quick, and nothing in it repeats. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void generate(uint8_t *out, size_t len)
{
    uint64_t state = 1, word;
    size_t i;

    for (i = 0; i + sizeof(word) <= len; i += sizeof(word)) {
        word = next_random(&state);
        memcpy(out + i, &word, sizeof(word));
    }
    word = next_random(&state);
    memcpy(out + i, &word, len - i);
}

static bool read_all(int fd, const char *file, uint8_t *out, size_t len, char *err, size_t err_len)
{
    size_t at = 0;
    uint8_t more;

    while (at < len) {
        const ssize_t n = read(fd, out + at, len - at);

        if (n == 0)
            return fail(err, err_len, "%s: became shorter while it was read", file);
        if (n < 0 && errno != EINTR)
            return fail(err, err_len, "%s: cannot be read: %s", file, strerror(errno));
        at += n > 0 ? (size_t)n : 0;
    }
    if (read(fd, &more, 1) != 0) /* of a file of procfs, say, which has no size */
        return fail(err, err_len, "%s: holds more than its size of %zu bytes", file, len);
    return true;
}

/* -1: it is none that has a size. */
static int open_file(const char *file, uint64_t *size, char *err, size_t err_len)
{
    const int fd = open(file, O_RDONLY | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        (void)fail(err, err_len, "%s: %s", file, fd < 0 ? strerror(errno) : "no ordinary file");
        if (fd >= 0)
            (void)close(fd);
        return -1;
    }
    *size = (uint64_t)st.st_size;
    return fd;
}

bool data_choose(struct data *d, const char *file, uint64_t size, char *err, size_t err_len)
{
    *d = (struct data){.file = file, .fd = -1};
    if (file != NULL && (d->fd = open_file(file, &size, err, err_len)) < 0)
        return false;
    if (!has_room(size, err, err_len))
        return false;
    d->len = (size_t)size;
    return true;
}

bool data_fill(struct data *d, char *err, size_t err_len)
{
    if ((d->source = map(d->len)) == NULL || (d->target = map(d->len)) == NULL) {
        data_lack_memory(d, strerror(errno), err, err_len);
        return false;
    }
    if (d->file == NULL)
        generate(d->source, d->len);
    else if (!read_all(d->fd, d->file, d->source, d->len, err, err_len))
        return false;
    data_clear_target(d);
    return true;
}

void data_fini(struct data *d)
{
    if (d->source != NULL)
        (void)munmap(d->source, d->len > 0 ? d->len : 1);
    if (d->target != NULL)
        (void)munmap(d->target, d->len > 0 ? d->len : 1);
    if (d->fd >= 0)
        (void)close(d->fd);
    *d = (struct data){.fd = -1};
}

void data_clear_target(struct data *d)
{
    if (d->target != NULL)
        memset(d->target, 0, d->len);
}

bool data_hash(const uint8_t *bytes, size_t len, uint8_t out[DATA_HASH_BYTES])
{
    return EVP_Digest(bytes, len, out, NULL, EVP_sha256(), NULL) == 1;
}
