/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcpcrypt/eno/option.h"

/* RFC 8547 4.1, table 1: what a suboption's first byte says. */
enum { TEP = 0x20, LENGTH = 0x80, TEP_WITH_DATA = 0xa0 };
enum { V = 0x80, ID_MASK = 0x7f, LENGTH_MASK = 0x1f };
enum { COUNTED_MAX_BYTES = LENGTH_MASK + 1 };

static void add(struct sl_eno_option *o, uint8_t byte, struct sl_cursor data)
{
    const bool v = (byte & V) != 0;

    o->sub[o->n++] = (struct sl_eno_suboption){
        .tep = byte & ID_MASK,
        .v = v,
        .len = (uint8_t)sl_cursor_left(&data),
        .data = v ? data.at : NULL,
    };
}

/* RFC 8547 4.4: what stands behind a length byte is a TEP with data, all of it there (R9, R10). */
static bool read_counted(struct sl_cursor *content, size_t len, struct sl_eno_option *o)
{
    const uint8_t byte = (uint8_t)sl_take_be(content, 1);
    const struct sl_cursor data = sl_take(content, len);

    if (content->bad || byte < TEP_WITH_DATA)
        return false;
    add(o, byte, data);
    return true;
}

static bool read_suboption(struct sl_cursor *content, struct sl_eno_option *o)
{
    const uint8_t byte = (uint8_t)sl_take_be(content, 1);

    if (byte < TEP) {
        if (!o->has_global) /* R5: later ones are for updates of ENO that we do not know */
            o->global = byte;
        o->has_global = true;
        return true;
    }
    if (byte < LENGTH) {
        add(o, byte, (struct sl_cursor){0});
        return true;
    }
    if (byte < TEP_WITH_DATA)
        return read_counted(content, (size_t)(byte & LENGTH_MASK) + 1, o);
    add(o, byte, sl_take(content, sl_cursor_left(content))); /* to the option's end */
    return true;
}

bool sl_eno_option_read(struct sl_cursor content, struct sl_eno_option *o)
{
    *o = (struct sl_eno_option){0};
    if (content.bad || sl_cursor_left(&content) > SL_ENO_SUBOPTIONS_MAX)
        return false; /* no TCP header has room for it */
    while (sl_cursor_left(&content) > 0) {
        if (!read_suboption(&content, o)) {
            *o = (struct sl_eno_option){0};
            return false;
        }
    }
    return true;
}

static void put_suboption(struct sl_writer *w, const struct sl_eno_suboption *s, bool last)
{
    if (s->tep < TEP || s->tep > ID_MASK || (!s->v && s->len > 0)) {
        w->full = true;
        return;
    }
    if (s->v && !last) {
        if (s->len < 1 || s->len > COUNTED_MAX_BYTES)
            w->full = true;
        sl_put_be(w, LENGTH | (uint64_t)((s->len - 1) & LENGTH_MASK), 1);
    }
    sl_put_be(w, s->tep | (s->v ? V : 0U), 1);
    sl_put(w, s->data, s->len);
}

size_t sl_eno_option_write(const struct sl_eno_option *o, uint8_t *out, size_t room)
{
    struct sl_writer w =
        sl_writer_of(out, room < SL_ENO_OPTION_MAX_BYTES ? room : SL_ENO_OPTION_MAX_BYTES);

    if (o->n > SL_ENO_SUBOPTIONS_MAX)
        return 0;
    sl_put_be(&w, SL_ENO_KIND, 1);
    sl_put_be(&w, 0, 1);
    if (o->has_global)
        sl_put_be(&w, o->global & (SL_ENO_GLOBAL_A | SL_ENO_GLOBAL_B), 1);
    for (uint8_t i = 0; i < o->n; i++)
        put_suboption(&w, &o->sub[i], i + 1 == o->n);
    if (w.full)
        return 0;

    const size_t len = (size_t)(w.at - out);

    out[1] = (uint8_t)len;
    return len;
}
