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

/* For EAL, both shards and the program itself, beside the data. */
static const uint64_t other_bytes = UINT64_C(512) << 20;

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

/* The number behind `key` in a file, or of the whole file; UINT64_MAX: none ("max", no file). */
static uint64_t read_number(const char *path, const char *key)
{
    FILE *file = fopen(path, "re");
    uint64_t value = UINT64_MAX;
    char line[128], *end;

    while (file != NULL && value == UINT64_MAX && fgets(line, sizeof(line), file) != NULL) {
        const char *digits = line + strlen(key);

        if (strncmp(line, key, strlen(key)) != 0)
            continue;
        value = strtoull(digits, &end, 10);
        if (end == digits)
            value = UINT64_MAX;
    }
    if (file != NULL)
        (void)fclose(file);
    return value;
}

/* What the machine, and the control group if there is one, still give. */
static uint64_t available_bytes(void)
{
    const uint64_t machine_kib = read_number("/proc/meminfo", "MemAvailable:");
    const uint64_t most = read_number("/sys/fs/cgroup/memory.max", "");
    const uint64_t used = read_number("/sys/fs/cgroup/memory.current", "");
    uint64_t bytes = machine_kib < UINT64_MAX >> 10 ? machine_kib << 10 : UINT64_MAX;

    if (most != UINT64_MAX && used != UINT64_MAX && (most > used ? most - used : 0) < bytes)
        bytes = most > used ? most - used : 0;
    return bytes;
}

static bool has_room(uint64_t len, char *err, size_t err_len)
{
    const uint64_t available = available_bytes();
    char need[32], each[32], there[32];

    if (len <= (UINT64_MAX - other_bytes) / 2 && 2 * len + other_bytes <= available)
        return true;
    data_format_size(len, each, sizeof(each));
    data_format_size(available, there, sizeof(there));
    if (len > (UINT64_MAX - other_bytes) / 2) {
        return fail(err, err_len,
                    "not enough memory: source and target need %s each, %s are "
                    "available; take a smaller --size",
                    each, there);
    }
    return fail(err, err_len,
                "not enough memory: %s are needed (source and target, %s each, and "
                "the stack), %s are available; take a smaller --size",
                data_format_size(2 * len + other_bytes, need, sizeof(need)), each, there);
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

bool data_init(struct data *d, const char *file, uint64_t size, char *err, size_t err_len)
{
    bool good;
    int fd = -1;

    *d = (struct data){0};
    if (file != NULL && (fd = open_file(file, &size, err, err_len)) < 0)
        return false;
    good = has_room(size, err, err_len);
    d->len = good ? (size_t)size : 0;
    if (good && ((d->source = map(d->len)) == NULL || (d->target = map(d->len)) == NULL))
        good = fail(err, err_len, "not enough memory: the kernel refuses %zu bytes", d->len);
    if (good && fd >= 0)
        good = read_all(fd, file, d->source, d->len, err, err_len);
    else if (good)
        generate(d->source, d->len);
    if (good)
        data_clear_target(d);
    if (fd >= 0)
        (void)close(fd);
    return good;
}

void data_fini(struct data *d)
{
    if (d->source != NULL)
        (void)munmap(d->source, d->len > 0 ? d->len : 1);
    if (d->target != NULL)
        (void)munmap(d->target, d->len > 0 ? d->len : 1);
    *d = (struct data){0};
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
