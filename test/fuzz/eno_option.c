/* SPDX-License-Identifier: BSD-3-Clause */
#include "fuzz.h"
#include "tcpcrypt/eno/option.h"

/*
 * The content of a SYN-form ENO option: any bytes are read within their bounds, data lies in the
 * bytes read, and an option that was read can be written and reads the same again.
 */

static void check_inside(const struct sl_eno_option *o, const uint8_t *content, size_t len)
{
    size_t in_all = 0;

    FUZZ_CHECK(o->n <= SL_ENO_SUBOPTIONS_MAX);
    for (unsigned i = 0; i < o->n; i++) {
        const struct sl_eno_suboption *s = &o->sub[i];

        FUZZ_CHECK(s->tep >= 0x20 && s->tep <= 0x7f);
        FUZZ_CHECK(s->v || s->len == 0);
        FUZZ_CHECK(s->len == 0 || (s->data >= content && s->data + s->len <= content + len));
        in_all += 1U + s->len;
    }
    FUZZ_CHECK(in_all + (o->has_global ? 1U : 0U) <= len);
}

static void check_same(const struct sl_eno_option *a, const struct sl_eno_option *b)
{
    /* R6: the z bits go out as zero. */
    FUZZ_CHECK(a->has_global == b->has_global && (a->global & 3) == b->global && a->n == b->n);
    for (unsigned i = 0; i < a->n; i++) {
        const struct sl_eno_suboption *s = &a->sub[i], *t = &b->sub[i];

        FUZZ_CHECK(s->tep == t->tep && s->v == t->v && s->len == t->len);
        FUZZ_CHECK(s->len == 0 || memcmp(s->data, t->data, s->len) == 0);
    }
}

static void check_rewritten(const struct sl_eno_option *o)
{
    uint8_t *out = malloc(SL_ENO_OPTION_MAX_BYTES);
    const size_t len = sl_eno_option_write(o, out, SL_ENO_OPTION_MAX_BYTES);
    struct sl_eno_option again;
    uint8_t *content;

    FUZZ_CHECK(len >= 2 && len <= SL_ENO_OPTION_MAX_BYTES);
    FUZZ_CHECK(out[0] == SL_ENO_KIND && out[1] == len);
    content = fuzz_exact(out + 2, len - 2);
    FUZZ_CHECK(sl_eno_option_read(sl_cursor_of(content, len - 2), &again));
    check_same(o, &again);
    FUZZ_CHECK(sl_eno_option_write(o, out, len - 1) == 0); /* a byte short: nothing */
    free(content);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    uint8_t *content = fuzz_exact(bytes, size);
    struct sl_eno_option o;

    if (sl_eno_option_read(sl_cursor_of(content, size), &o)) {
        check_inside(&o, content, size);
        check_rewritten(&o);
    } else {
        FUZZ_CHECK(o.n == 0 && !o.has_global); /* R10: ignored as a whole */
    }
    free(content);
    return 0;
}
