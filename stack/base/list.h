/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Intrusive doubly linked list. The head is a link that points at itself when the list is empty;
 * a link that is in no list points at itself too, so taking it out twice is harmless.
 *
 * Owns nothing. Thread: plain data of the caller.
 */
struct sl_link {
    struct sl_link *next, *prev;
};

#define SL_CONTAINER(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void sl_list_init(struct sl_link *head)
{
    head->next = head;
    head->prev = head;
}

static inline bool sl_list_empty(const struct sl_link *head)
{
    return head->next == head;
}

/* Is `link` in some list? Only for links that were initialised. */
static inline bool sl_link_is_listed(const struct sl_link *link)
{
    return link->next != link;
}

static inline void sl_list_add_tail(struct sl_link *head, struct sl_link *link)
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

static inline void sl_list_remove(struct sl_link *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    sl_list_init(link);
}

/* Take the first link off; NULL when the list is empty. */
static inline struct sl_link *sl_list_take(struct sl_link *head)
{
    struct sl_link *first = head->next;

    if (first == head)
        return NULL;
    sl_list_remove(first);
    return first;
}
