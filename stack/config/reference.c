/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "config/values.h"

/*
 * The reference: Markdown and a configuration file at a time. Headings of the one are comments of
 * the other, and the file's lines are indented, which makes them a listing. Read back it sets
 * every default. docs/configuration.md is this text; a test compares them.
 */
enum { WIDTH = 92 };

static const char intro[] =
    "# Configuration\n"
    "\n"
    "    # This is the output of `sealane config --reference`: every key with its type, range,\n"
    "    # default and meaning, as a configuration file that sets what is so anyway. Keys that\n"
    "    # have no default stand behind a #.\n"
    "    #\n"
    "    # Comments begin with # or ; at the beginning of a line, or with ; behind a space.\n"
    "    # Lines are at most 197 characters long, files 1 MiB. Sizes are bytes, or have K, M, G\n"
    "    # behind them (powers of 1024). Durations have ns, us, ms, s, min or h behind them.\n"
    "    #\n"
    "    # --set SECTION.KEY=VALUE on the command line overrides a file: --set tcp.rcvbuf=4M,\n"
    "    # --set 'port tap0.mtu=1400', --set route.default=10.77.0.1. A key that may be repeated\n"
    "    # is replaced by the first --set and added to by further ones.\n";

/* Words of `text` as comment lines of the listing. */
static void write_wrapped(FILE *out, const char *text)
{
    while (text[0] != '\0') {
        size_t len = strlen(text);

        if (len > WIDTH) {
            len = WIDTH;
            while (len > 0 && text[len] != ' ')
                len--;
        }
        (void)fprintf(out, "    # %.*s\n", (int)len, text);
        text += len;
        text += strspn(text, " ");
    }
}

static const char *title(const char *section)
{
    return strcmp(section, "port") == 0 ? "port NAME" : section;
}

static void write_key(FILE *out, const struct sl_key *key)
{
    /* Nothing of a port can be set without a port. */
    const bool is_off = key->def == NULL || strcmp(key->section, "port") == 0;
    char what[128];

    (void)fprintf(out, "\n");
    write_wrapped(out, key->help);
    (void)fprintf(out, "    # (%s%s)\n", sl_value_describe(key, what, sizeof(what)),
                  key->repeats ? "; may be repeated" : "");
    (void)fprintf(out, "    %s%s =%s%s\n", is_off ? "#" : "", key->name,
                  key->def != NULL ? " " : "", key->def != NULL ? key->def : "");
}

void sl_config_reference(FILE *out)
{
    const char *section = "";
    size_t i;

    (void)fprintf(out, "%s", intro);
    for (i = 0; i < sl_keys_n; i++) {
        if (strcmp(sl_keys[i].section, section) != 0) {
            section = sl_keys[i].section;
            (void)fprintf(out, "\n## [%s]: %s\n\n    %s[%s]\n", title(section),
                          sl_section_help(section), strcmp(section, "port") == 0 ? "#" : "",
                          title(section));
        }
        write_key(out, &sl_keys[i]);
    }
}
