/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/values.h"

/*
 * Reads configuration files and assignments of the command line. inih cuts lines apart; what it
 * does not tell (numbers of lines) or does without a word (cutting long lines and sections, taking
 * indented lines as more of the line before, skipping what follows a section) is settled in
 * next_line(), the function it gets its lines from.
 */
enum {
    WHY_BYTES = 320,
    FILE_MIB = 1, /* far beyond any configuration: what is longer may never end */
    FILE_MAX_BYTES = FILE_MIB << 20,
};

static const char set_name[] = "--set";

struct reader {
    struct sl_config *c;
    const char *text; /* what is still to be read */
    size_t left;
    struct sl_config_mark at;
    bool failed;
    char *err;
    size_t err_len;
};

const char *sl_config_where(const struct sl_config *c, const struct sl_config_mark *mark,
                            char out[SL_CONFIG_WHERE_BYTES])
{
    const char *name = mark->source > 0 ? c->sources[mark->source - 1] : "";

    out[0] = '\0';
    if (mark->source > 0 && mark->line > 0)
        (void)snprintf(out, SL_CONFIG_WHERE_BYTES, "%s:%u: ", name, mark->line);
    else if (mark->source > 0)
        (void)snprintf(out, SL_CONFIG_WHERE_BYTES, "%s: ", name);
    return out;
}

static int fail(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int fail(struct reader *r, const char *format, ...)
{
    char where[SL_CONFIG_WHERE_BYTES], why[WHY_BYTES + 2 * SL_CONFIG_NAME_BYTES];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    (void)snprintf(r->err, r->err_len, "%s%s", sl_config_where(r->c, &r->at, where), why);
    r->failed = true;
    return -EINVAL;
}

/* ---- assignments ---------------------------------------------------------------------------- */

/* The port of this name, which is new if need be. NULL: too many. */
static struct sl_config_port *port_of(struct reader *r, const char *name)
{
    struct sl_config *c = r->c;
    struct sl_config_port *p;
    char why[WHY_BYTES];
    unsigned i;
    size_t k;

    for (i = 0; i < c->n_ports; i++) {
        if (strcmp(c->ports[i].name, name) == 0)
            return &c->ports[i];
    }
    if (c->n_ports == SL_SHARD_PORTS) {
        (void)fail(r, "more than %d ports", SL_SHARD_PORTS);
        return NULL;
    }
    p = &c->ports[c->n_ports++];
    *p = (struct sl_config_port){.first = r->at};
    (void)snprintf(p->name, sizeof(p->name), "%s", name);
    for (k = 0; k < sl_keys_n; k++) {
        if (strcmp(sl_keys[k].section, "port") == 0 && sl_keys[k].def != NULL)
            (void)sl_value_take(&sl_keys[k], p, sl_keys[k].def, why, sizeof(why));
    }
    return p;
}

/* Splits "port NAME" and judges it. False: no such section. `*port` NULL: no port's. */
static bool open_section(struct reader *r, const char *section, struct sl_config_port **port)
{
    const char *nearest;

    *port = NULL;
    if (strncmp(section, "port", 4) == 0 && (section[4] == ' ' || section[4] == '\0')) {
        section += 4 + strspn(section + 4, " ");
        if (section[0] == '\0')
            (void)fail(r, "[port] lacks a name; write [port NAME]");
        else
            *port = port_of(r, section);
        return *port != NULL;
    }
    if (sl_section_help(section) != NULL)
        return true;
    if ((nearest = sl_section_nearest(section)) != NULL)
        (void)fail(r, "[%s]: no such section; did you mean [%s]?", section, nearest);
    else
        (void)fail(r, "[%s]: no such section; see sealane config --reference", section);
    return false;
}

static int fail_key(struct reader *r, const char *section, const char *kind, const char *name)
{
    const char *other;
    const char *nearest = sl_key_nearest(kind, name, &other);

    if (nearest == NULL)
        return fail(r, "%s.%s: no such key; see sealane config --reference", section, name);
    if (other != NULL)
        return fail(r, "%s.%s: no such key; did you mean %s.%s?", section, name, other, nearest);
    return fail(r, "%s.%s: no such key; did you mean %s?", section, name, nearest);
}

/* A route given twice means several gateways, but not the same one. */
static int assign_route(struct reader *r, struct sl_config_mark *mark, const char *prefix,
                        const char *via)
{
    struct sl_config *c = r->c;
    char why[WHY_BYTES];
    unsigned i;

    if (mark->source != r->at.source) /* a further source replaces what is there */
        c->n_routes = 0;
    *mark = r->at;
    if (!sl_value_take_route(c, prefix, via, why, sizeof(why)))
        return fail(r, "route.%s: %s", prefix, why);
    for (i = 0; i + 1 < c->n_routes; i++) {
        if (strcmp(c->routes[i].prefix, c->routes[c->n_routes - 1].prefix) == 0 &&
            strcmp(c->routes[i].via, via) == 0)
            return fail(r, "route.%s: stands there twice; leave one out", prefix);
    }
    c->routes[c->n_routes - 1].mark = r->at;
    return 0;
}

static int assign(struct reader *r, const char *section, const char *name, const char *value)
{
    struct sl_config_port *port;
    const struct sl_key *key;
    struct sl_config_mark *mark;
    const char *kind;
    char why[WHY_BYTES];
    void *base;

    if (section[0] == '\0')
        return fail(r, "%s: stands in no section; write [SECTION] above", name);
    if (!open_section(r, section, &port))
        return -EINVAL;
    kind = port != NULL ? "port" : section;
    if ((key = sl_key_find(kind, name)) == NULL)
        return fail_key(r, section, kind, name);
    base = port != NULL ? (void *)port : (void *)r->c;
    mark = port != NULL ? &port->marks[key - sl_keys] : &r->c->marks[key - sl_keys];
    if (key->type == SL_KEY_ROUTE)
        return assign_route(r, mark, name, value);
    if (!key->repeats && mark->source == r->at.source && r->at.line > 0)
        return fail(r, "%s.%s: set twice; line %u has it too, leave one out", section, name,
                    mark->line);
    if (key->repeats && mark->source != r->at.source)
        sl_value_clear(key, base);
    *mark = r->at;
    if (!sl_value_take(key, base, value, why, sizeof(why)))
        return fail(r, "%s.%s: %s", section, name, why);
    sl_value_mark(key, base, &r->at);
    return 0;
}

/* ---- files ---------------------------------------------------------------------------------- */

/* The first of `*len` bytes that is no space, and how many are left without those at the end. */
static const char *trim(const char *text, size_t *len)
{
    while (*len > 0 && isspace((unsigned char)text[0])) {
        text++;
        (*len)--;
    }
    while (*len > 0 && isspace((unsigned char)text[*len - 1]))
        (*len)--;
    return text;
}

/* "[port tap0] ; comment" */
/* Where a comment begins behind something else: at a `;` with space in front. */
static size_t comment_at(const char *line)
{
    size_t i = strcspn(line, ";");

    while (line[i] != '\0' && (i == 0 || !isspace((unsigned char)line[i - 1])))
        i += 1 + strcspn(line + i + 1, ";");
    return i;
}

static int judge_section(struct reader *r, const char *line)
{
    const size_t len = strcspn(line + 1, "]");
    char section[SL_CONFIG_NAME_BYTES];
    struct sl_config_port *port;
    const char *rest;

    if (line[1 + len] != ']')
        return fail(r, "section without its ]");
    if (comment_at(line) < 1 + len)
        return fail(r, "section without its ]: ' ;' begins a comment");
    if (len >= sizeof(section))
        return fail(r, "name of a section longer than %zu characters", sizeof(section) - 1);
    rest = line + 2 + len;
    rest += strspn(rest, " \t");
    if (rest[0] != '\0' && rest[0] != ';')
        return fail(r, "'%s' behind a section; it goes on a line of its own", rest);
    (void)snprintf(section, sizeof(section), "%.*s", (int)len, line + 1);
    return open_section(r, section, &port) ? 0 : -EINVAL;
}

static int judge_line(struct reader *r, const char *line)
{
    const size_t name_len = strcspn(line, "=");

    if (line[0] == '[')
        return judge_section(r, line);
    if (line[name_len] == '\0')
        return fail(r, "'%s' is no section, key or comment; write KEY = VALUE", line);
    if (comment_at(line) < name_len)
        return fail(r, "key without its =: ' ;' begins a comment");
    if (name_len >= SL_CONFIG_NAME_BYTES)
        return fail(r, "key longer than %d characters", SL_CONFIG_NAME_BYTES - 1);
    return 0;
}

/* The next line up to its end, without it. NULL: there is none. */
static const char *cut_line(struct reader *r, size_t *len)
{
    const char *line = r->text, *stop;

    if (r->left == 0)
        return NULL;
    stop = memchr(line, '\n', r->left);
    *len = stop != NULL ? (size_t)(stop - line) : r->left;
    r->text += *len + (stop != NULL);
    r->left -= *len + (stop != NULL);
    r->at.line++;
    return line;
}

/*
 * ini_reader: the next line, without the spaces around it (an indented line would count as more
 * of the line before). NULL at the end and after an error, so that reading stops there.
 */
static char *next_line(char *out, int room, void *stream)
{
    struct reader *r = stream;
    const char *line;
    size_t len;

    if (r->failed || (line = cut_line(r, &len)) == NULL)
        return NULL;
    if (memchr(line, '\0', len) != NULL) {
        (void)fail(r, "zero byte; this is no text file");
        return NULL;
    }
    line = trim(line, &len);
    if (len > 0 && (line[0] == ';' || line[0] == '#'))
        len = 0;
    if (len + 3 > (size_t)room) {
        (void)fail(r, "line longer than %d characters; spread lists over several lines", room - 3);
        return NULL;
    }
    memcpy(out, line, len);
    out[len] = '\0';
    if (len > 0 && judge_line(r, out) < 0)
        return NULL;
    memcpy(out + len, "\n", 2);
    return out;
}

static int on_key(void *user, const char *section, const char *name, const char *value)
{
    struct reader *r = user;

    return !r->failed && assign(r, section, name, value) == 0;
}

/* A name for marks; 0: no room. */
static unsigned add_source(struct sl_config *c, const char *name)
{
    c->setting = false;
    if (c->n_sources == SL_CONFIG_SOURCES_MAX || (c->sources[c->n_sources] = strdup(name)) == NULL)
        return 0;
    return ++c->n_sources;
}

/* Editors of some systems put a mark in front of UTF-8. */
static size_t mark_len(const char *text, size_t len)
{
    static const char mark[] = {'\xef', '\xbb', '\xbf'};

    return len >= sizeof(mark) && memcmp(text, mark, sizeof(mark)) == 0 ? sizeof(mark) : 0;
}

static int read_bytes(struct sl_config *c, const char *text, size_t len, const char *name,
                      char *err, size_t err_len)
{
    const size_t skipped = mark_len(text, len);
    struct reader r = {
        .c = c,
        .text = text + skipped,
        .left = len - skipped,
        .err = err,
        .err_len = err_len,
    };
    int line;

    if ((r.at.source = add_source(c, name)) == 0) {
        (void)snprintf(err, err_len, "%s: too many configuration files", name);
        return -ENOSPC;
    }
    if (len > FILE_MAX_BYTES)
        return fail(&r, "longer than %d MiB; this is no configuration", FILE_MIB);
    line = ini_parse_stream(next_line, &r, on_key, &r);
    if (!r.failed && line != 0) { /* what inih alone refuses */
        r.at.line = (unsigned)line;
        return fail(&r, "no section, key or comment; write KEY = VALUE");
    }
    return r.failed ? -EINVAL : 0;
}

static int read_file(struct sl_config *c, FILE *file, const char *name, char *err, size_t err_len)
{
    char *text = malloc(FILE_MAX_BYTES + 1); /* one more tells that there is more */
    const size_t len = text != NULL ? fread(text, 1, FILE_MAX_BYTES + 1, file) : 0;
    int rc = text == NULL ? ENOMEM : errno;

    if (text == NULL || ferror(file)) {
        (void)snprintf(err, err_len, "%s: cannot be read: %s", name, strerror(rc));
        rc = -rc;
    } else {
        rc = read_bytes(c, text, len, name, err, err_len);
    }
    free(text);
    return rc;
}

int sl_config_read(struct sl_config *c, const char *path, char *err, size_t err_len)
{
    FILE *file = fopen(path, "re");
    int rc = errno;

    if (file == NULL) {
        (void)snprintf(err, err_len, "%s: cannot be opened: %s", path, strerror(rc));
        return -rc;
    }
    rc = read_file(c, file, path, err, err_len);
    (void)fclose(file);
    return rc;
}

int sl_config_read_text(struct sl_config *c, const char *text, const char *name, char *err,
                        size_t err_len)
{
    return read_bytes(c, text, strlen(text), name, err, err_len);
}

/* ---- the command line ----------------------------------------------------------------------- */

static char *trim_text(char *text)
{
    size_t len = strlen(text);
    const size_t skipped = (size_t)(trim(text, &len) - text);

    text[skipped + len] = '\0';
    return text + skipped;
}

/* Cut "SECTION.KEY=VALUE" apart in place. A port's name may have dots, a route's prefix has. */
static bool cut(char *text, char **section, char **key, char **value)
{
    char *equals = strchr(text, '='), *dot;

    if (equals == NULL)
        return false;
    *equals = '\0';
    dot = strncmp(text, "port ", 5) == 0 ? strrchr(text, '.') : strchr(text, '.');
    if (dot == NULL)
        return false;
    *dot = '\0';
    *section = trim_text(text);
    *key = trim_text(dot + 1);
    *value = trim_text(equals + 1);
    return true;
}

int sl_config_set(struct sl_config *c, const char *assignment, char *err, size_t err_len)
{
    struct reader r = {.c = c, .err = err, .err_len = err_len};
    char *text, *section, *key, *value;
    int rc;

    r.at.source = c->setting ? c->n_sources : add_source(c, set_name);
    c->setting = r.at.source > 0;
    if (r.at.source == 0 || (text = strdup(assignment)) == NULL) {
        (void)snprintf(err, err_len, "%s %s: no memory", set_name, assignment);
        return -ENOMEM;
    }
    if (!cut(text, &section, &key, &value))
        rc = fail(&r, "'%s' is no assignment; write SECTION.KEY=VALUE", assignment);
    else if (strlen(section) >= SL_CONFIG_NAME_BYTES || strlen(key) >= SL_CONFIG_NAME_BYTES)
        rc = fail(&r, "name longer than %d characters", SL_CONFIG_NAME_BYTES - 1);
    else
        rc = assign(&r, section, key, value);
    free(text);
    return rc;
}

/* ---- life ----------------------------------------------------------------------------------- */

struct sl_config *sl_config_create(void)
{
    struct sl_config *c = calloc(1, sizeof(*c));
    char why[WHY_BYTES];
    size_t i;

    if (c == NULL)
        return NULL;
    c->shard = sl_shard_config_default();
    for (i = 0; i < sl_keys_n; i++) {
        if (sl_keys[i].def != NULL && strcmp(sl_keys[i].section, "port") != 0)
            (void)sl_value_take(&sl_keys[i], c, sl_keys[i].def, why, sizeof(why));
    }
    return c;
}

void sl_config_destroy(struct sl_config *c)
{
    unsigned i;

    if (c == NULL)
        return;
    for (i = 0; i < c->n_sources; i++)
        free(c->sources[i]);
    free(c->pcap);
    free(c);
}

void sl_config_pcap(struct sl_config *c, const char *path)
{
    free(c->pcap);
    c->pcap = path != NULL ? strdup(path) : NULL;
}
