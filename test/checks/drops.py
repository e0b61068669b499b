#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every drop reason is expected by a test, and every drop reason and counter has a producer.

A test expects a reason where its code, not its comments, names it: SL_DROP_NAME, or the bare NAME
as the argument of a macro or in a string ("TCP_PAWS" of a script that reads the JSON of a program).
"""
import re

import tree

DROPS, COUNTERS = 'stack/base/drop.h', 'stack/base/counters.h'
LISTS = (DROPS, COUNTERS, 'stack/base/drop.c', 'stack/base/counters.c')


def words(paths):
    found = set()
    for path in paths:
        text = tree.read(path)
        found |= set(re.findall(r'\w+', tree.without_comments(text) if path.endswith(('.c', '.h'))
                                else re.sub(r'(?m)^\s*#.*', '', text)))
    return found


def problems():
    tests = words(p for p in tree.files() if p.startswith('test/')
                  and not p.startswith('test/checks/') and p.endswith(('.c', '.h', '.sh', '.py')))
    code = words(p for p in tree.c_files('stack/', 'tcpcrypt/', 'apps/') if p not in LISTS)
    drops = [name for name, _ in tree.listed(DROPS, 'SL_DROP_LIST')]
    counters = [name for name, _ in tree.listed(COUNTERS, 'SL_COUNTER_LIST')]
    if not drops or not counters:
        yield 'no list of drop reasons or counters was found'
    for name in drops:
        if 'SL_DROP_' + name not in code:
            yield f'{DROPS}: nothing produces {name}'
        if not tests & {'SL_DROP_' + name, name}:
            yield f'{DROPS}: no test expects {name}'
    for name in counters:
        if 'SL_COUNT_' + name not in code:
            yield f'{COUNTERS}: nothing counts {name}'


tree.report(problems())
