/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "cases.h"

/* Runs the vector file that is its argument; exit status 0 only if nothing failed. */
static const char *group_name, *case_name;

bool wrong(const char *what)
{
    printf("  %s: '%s': %s\n", group_name, case_name, what);
    return false;
}

typedef enum outcome (*plain_check)(const json_t *c);
typedef enum outcome (*engine_check)(const json_t *c, const struct sl_aead_engine_ops *engine);

/* A group with ciphers in it is run with every engine that was built. */
static const struct group {
    const char *name;
    plain_check plain;
    engine_check with_engine;
} groups[] = {
    {"eno_parse", .plain = check_eno_parse},
    {"option_blocks", .plain = check_option_block},
    {"negotiate", .plain = check_negotiate},
    {"resume_negotiate", .plain = check_resume_negotiate},
    {"init_parse", .plain = check_init_parse},
    {"key_validation", .plain = check_key_validation},
    {"frame_open", .with_engine = check_frame_open},
    {"sessions", .with_engine = check_session},
};

static void count(const json_t *c, enum outcome outcome, unsigned *counts)
{
    counts[outcome]++;
    if (outcome == FAILED)
        printf("FAIL %s: %s %s\n", group_name, case_name, get_text(c, "aead"));
}

static void run_case(const struct group *g, const json_t *c, unsigned *counts)
{
    static const char *const engines[] = {"openssl", "ipsec-mb"};
    size_t i;

    if (g->plain != NULL) {
        count(c, g->plain(c), counts);
        return;
    }
    for (i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
        const struct sl_aead_engine_ops *engine = sl_aead_engine_find(engines[i]);

        if (engine != NULL)
            count(c, g->with_engine(c, engine), counts);
    }
}

/* Returns how many failed; a group that is missing is a failure, too. */
static unsigned run_group(const struct group *g, const json_t *file)
{
    const json_t *cases = json_object_get(file, g->name), *c;
    unsigned counts[3] = {0};
    size_t i;

    group_name = g->name;
    case_name = "";
    if (json_array_size(cases) == 0)
        count(NULL, FAILED, counts);
    json_array_foreach(cases, i, c)
    {
        case_name = has(c, "name") ? get_text(c, "name") : get_text(c, "kind");
        run_case(g, c, counts);
    }
    printf("%s passed=%u failed=%u skipped=%u\n", g->name, counts[PASSED], counts[FAILED],
           counts[SKIPPED]);
    return counts[FAILED];
}

int main(int argc, char **argv)
{
    unsigned failed = 0;
    json_t *file;
    size_t i;

    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s FILE\n", argv[0]);
        return 2;
    }
    if ((file = load(argv[1])) == NULL)
        return 2;
    for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
        failed += run_group(&groups[i], file);
    json_decref(file);
    return failed > 0;
}
