/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"

static char *read_whole(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    char *text = NULL;
    long size;

    if (f != NULL && fseek(f, 0, SEEK_END) == 0 && (size = ftell(f)) >= 0 &&
        fseek(f, 0, SEEK_SET) == 0 && (text = malloc((size_t)size + 1)) != NULL) {
        *len = fread(text, 1, (size_t)size, f);
        text[*len] = '\0';
    }
    if (f != NULL)
        (void)fclose(f);
    return text;
}

/* Length of a number that jansson cannot hold, outside of any string; 0: none begins here. */
static size_t huge_number(const char *at)
{
    const size_t digits = strspn(at, "0123456789");

    return digits >= 19 && strchr(".eE", at[digits]) == NULL ? digits : 0;
}

/* Offsets reach to 2^64 - 1, and jansson's integers to 2^63 - 1: such numbers become strings. */
static char *quote_huge_numbers(const char *text, size_t len)
{
    char *out = malloc(2 * len + 1), *to = out;
    bool in_string = false;

    while (out != NULL && *text != '\0') {
        const size_t digits = in_string ? 0 : huge_number(text);

        if (digits > 0) {
            to += sprintf(to, "\"%.*s\"", (int)digits, text);
            text += digits;
            continue;
        }
        if (in_string && *text == '\\' && text[1] != '\0')
            *to++ = *text++;
        else if (*text == '"')
            in_string = !in_string;
        *to++ = *text++;
    }
    if (out != NULL)
        *to = '\0';
    return out;
}

json_t *load(const char *path)
{
    size_t len = 0;
    char *text = read_whole(path, &len);
    char *quoted = text == NULL ? NULL : quote_huge_numbers(text, len);
    json_error_t error;
    json_t *file = NULL;

    if (quoted == NULL)
        perror(path);
    else if ((file = json_loads(quoted, 0, &error)) == NULL)
        (void)fprintf(stderr, "%s:%d: %s\n", path, error.line, error.text);
    free(quoted);
    free(text);
    return file;
}

bool has(const json_t *c, const char *name)
{
    const json_t *v = json_object_get(c, name);

    return v != NULL && !json_is_null(v);
}

bool get_bool(const json_t *c, const char *name)
{
    return json_is_true(json_object_get(c, name));
}

uint64_t get_number(const json_t *c, const char *name)
{
    const json_t *v = json_object_get(c, name);

    const char *text = json_string_value(v);

    if (text == NULL)
        return (uint64_t)json_integer_value(v);
    return strtoull(text, NULL, strncmp(text, "0x", 2) == 0 ? 16 : 10);
}

const char *get_text(const json_t *c, const char *name)
{
    const char *text = json_string_value(json_object_get(c, name));

    return text == NULL ? "" : text;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool get_bytes(const json_t *c, const char *name, struct bytes *out)
{
    const char *hex = json_string_value(json_object_get(c, name));

    out->len = 0;
    if (hex == NULL)
        return false;
    for (; hex[0] != '\0' && hex[1] != '\0' && out->len < sizeof(out->at); hex += 2) {
        if (digit(hex[0]) < 0 || digit(hex[1]) < 0)
            return false;
        out->at[out->len++] = (uint8_t)(digit(hex[0]) << 4 | digit(hex[1]));
    }
    return hex[0] == '\0';
}

bool same(const json_t *c, const char *name, const void *at, size_t len)
{
    static struct bytes want;

    if (get_bytes(c, name, &want) && want.len == len && (len == 0 || memcmp(want.at, at, len) == 0))
        return true;
    return wrong(name);
}
