/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/list.h"

#include <criterion/criterion.h>

struct item {
    int value;
    struct sl_link link;
};

Test(list, gives_links_back_in_the_order_of_adding)
{
    struct item items[5];
    struct sl_link head;

    sl_list_init(&head);
    cr_expect(sl_list_empty(&head));
    for (int i = 0; i < 5; i++) {
        items[i].value = i;
        sl_list_init(&items[i].link);
        cr_expect_not(sl_link_is_listed(&items[i].link));
        sl_list_add_tail(&head, &items[i].link);
        cr_expect(sl_link_is_listed(&items[i].link));
    }
    for (int i = 0; i < 5; i++) {
        struct sl_link *link = sl_list_take(&head);

        cr_assert_eq(SL_CONTAINER(link, struct item, link), &items[i]);
        cr_expect_not(sl_link_is_listed(link));
    }
    cr_expect_null(sl_list_take(&head));
    cr_expect(sl_list_empty(&head));
}

Test(list, removes_from_the_middle_and_twice_without_harm)
{
    struct sl_link head, a, b, c;

    sl_list_init(&head);
    sl_list_add_tail(&head, &a);
    sl_list_add_tail(&head, &b);
    sl_list_add_tail(&head, &c);
    sl_list_remove(&b);
    sl_list_remove(&b);
    cr_expect_not(sl_link_is_listed(&b));
    cr_expect(head.next == &a && a.next == &c && c.next == &head);
    cr_expect(head.prev == &c && c.prev == &a && a.prev == &head);
}
