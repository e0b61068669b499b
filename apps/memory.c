/* SPDX-License-Identifier: BSD-3-Clause */
#include "memory.h"

#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

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

static uint64_t read_kib(const char *path, const char *key)
{
    const uint64_t kib = read_number(path, key);

    return kib <= UINT64_MAX >> 10 ? kib << 10 : UINT64_MAX;
}

/* The tightest limit is the one that counts. */
static void tighten(struct memory *m, uint64_t most, uint64_t used, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void tighten(struct memory *m, uint64_t most, uint64_t used, const char *format, ...)
{
    const uint64_t left = most > used ? most - used : 0;
    va_list args;

    if (most == UINT64_MAX || used == UINT64_MAX || left >= m->left_bytes)
        return;
    m->left_bytes = left;
    va_start(args, format);
    (void)vsnprintf(m->limit, sizeof(m->limit), format, args);
    va_end(args);
}

static void ask_rlimit(struct memory *m, __rlimit_resource_t resource, const char *used,
                       const char *name)
{
    struct rlimit r;

    if (getrlimit(resource, &r) == 0 && r.rlim_cur != RLIM_INFINITY)
        tighten(m, r.rlim_cur, read_kib("/proc/self/status", used), "%s", name);
}

/* ---- control groups ------------------------------------------------------------------------- */

struct version {
    const char *type, *controller, *usual_mount;
    const char *limit, *usage, *inactive_cache, *active_cache;
};

static const struct version versions[] = {
    {"cgroup", "memory", "/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
     "total_inactive_file ", "total_active_file "},
    {"cgroup2", "", "/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file ",
     "active_file "},
};

/* Is it one of those that commas separate? Nothing is one of nothing. */
static bool is_among(const char *word, const char *list)
{
    const size_t len = strlen(word);

    for (;;) {
        const size_t n = strcspn(list, ",");

        if (n == len && strncmp(word, list, n) == 0)
            return true;
        if (list[n] == '\0')
            return false;
        list += n + 1;
    }
}

/* proc(5) writes blanks and the like as \040. */
static void unescape(char *text)
{
    char *to = text;

    while (*text != '\0') {
        if (text[0] == '\\' && strspn(text + 1, "01234567") >= 3) {
            *to++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
            text += 4;
        } else {
            *to++ = *text++;
        }
    }
    *to = '\0';
}

/* This process's group: "4:memory:/run/own" in version 1, "0::/run/own" in 2. */
static bool parse_group(const struct version *v, char *line, char path[PATH_MAX])
{
    char *controllers = strchr(line, ':');
    char *at = controllers != NULL ? strchr(controllers + 1, ':') : NULL;

    if (at == NULL)
        return false;
    *at++ = '\0';
    if (!is_among(v->controller, controllers + 1))
        return false;
    (void)snprintf(path, PATH_MAX, "%s", at);
    return true;
}

/* A mount of the hierarchy: the folder of it that is mounted, and where (proc(5), mountinfo). */
struct mount {
    char root[PATH_MAX], point[PATH_MAX];
};

static bool parse_mount(const struct version *v, char *line, struct mount *m)
{
    char *tail = strstr(line, " - ");
    char *type, *options, *root, *point, *rest = line;
    int i;

    if (tail == NULL)
        return false;
    *tail = '\0';
    tail += 3;
    type = strsep(&tail, " ");
    (void)strsep(&tail, " "); /* source */
    options = tail != NULL ? tail : "";
    for (i = 0; i < 3; i++) /* its number, its parent's, the device's */
        (void)strsep(&rest, " ");
    root = strsep(&rest, " ");
    point = strsep(&rest, " ");
    if (point == NULL || strcmp(type, v->type) != 0 ||
        (v->controller[0] != '\0' && !is_among(v->controller, options)))
        return false;
    unescape(root);
    unescape(point);
    (void)snprintf(m->root, sizeof(m->root), "%s", root);
    (void)snprintf(m->point, sizeof(m->point), "%s", point);
    return true;
}

/* The first line of a file that one of these takes. */
static bool find_line(const char *file_name, const struct version *v, char path[PATH_MAX],
                      struct mount *m)
{
    FILE *file = fopen(file_name, "re");
    char *line = NULL;
    size_t room = 0;
    bool found = false;

    while (file != NULL && !found && getline(&line, &room, file) > 0) {
        line[strcspn(line, "\n")] = '\0';
        found = path != NULL ? parse_group(v, line, path) : parse_mount(v, line, m);
    }
    free(line);
    if (file != NULL)
        (void)fclose(file);
    return found;
}

/* The part of the group's path below what is mounted; "": not below it, or the mount itself. */
static const char *below(const char *path, const char *root)
{
    const size_t len = strcmp(root, "/") == 0 ? 0 : strlen(root);

    if (strncmp(path, root, len) != 0 || (path[len] != '/' && path[len] != '\0') ||
        strcmp(path + len, "/") == 0 || strstr(path + len, "/..") != NULL)
        return "";
    return path + len;
}

static uint64_t read_in(const char *folder, const char *file, const char *key)
{
    char path[2 * PATH_MAX + NAME_MAX];

    (void)snprintf(path, sizeof(path), "%s/%s", folder, file);
    return read_number(path, key);
}

static void ask_group(struct memory *m, const struct version *v, const char *folder)
{
    const uint64_t most = read_in(folder, v->limit, "");
    uint64_t used = read_in(folder, v->usage, "");
    const uint64_t caches[] = {read_in(folder, "memory.stat", v->inactive_cache),
                               read_in(folder, "memory.stat", v->active_cache)};
    size_t i;

    for (i = 0; i < 2 && used != UINT64_MAX; i++) {
        if (caches[i] != UINT64_MAX)
            used -= caches[i] < used ? caches[i] : used;
    }
    tighten(m, most, used, "the limit of control group %s", folder);
}

/* The group of this process, and those above it as far as they are mounted: each has a limit. */
static void ask_groups(struct memory *m, const struct version *v)
{
    char path[PATH_MAX] = "", folder[2 * PATH_MAX];
    struct mount mount;
    size_t least;

    (void)find_line("/proc/self/cgroup", v, path, NULL);
    if (!find_line("/proc/self/mountinfo", v, NULL, &mount)) {
        (void)snprintf(mount.root, sizeof(mount.root), "/");
        (void)snprintf(mount.point, sizeof(mount.point), "%s", v->usual_mount);
    }
    least = strlen(mount.point);
    (void)snprintf(folder, sizeof(folder), "%s%s", mount.point, below(path, mount.root));
    for (;;) {
        ask_group(m, v, folder);
        if (strlen(folder) <= least)
            return;
        *strrchr(folder, '/') = '\0';
    }
}

/* ---- all ------------------------------------------------------------------------------------ */

struct memory memory_left(void)
{
    struct memory m = {.left_bytes = UINT64_MAX};
    size_t i;

    tighten(&m, read_kib("/proc/meminfo", "MemAvailable:"), 0, "this machine");
    ask_rlimit(&m, RLIMIT_DATA, "VmData:", "RLIMIT_DATA (ulimit -d)");
    for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
        ask_groups(&m, &versions[i]);
    return m;
}

struct memory memory_space_left(void)
{
    struct memory m = {.left_bytes = UINT64_MAX};

    ask_rlimit(&m, RLIMIT_AS, "VmSize:", "RLIMIT_AS (ulimit -v)");
    return m;
}
