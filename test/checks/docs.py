#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Documents say what the code says.

docs/configuration.md is what `sealane config --reference` prints; docs/operations.md holds the drop
reasons and counters as tables, each between a line `<!-- from: SOURCE -->` and `<!-- end -->`;
--write brings them up to date. Every function that docs/packet-walk.md names, as `name()`, exists.
"""
import os
import re
import subprocess
import sys

import tree

SEALANE = os.path.join(tree.ROOT, 'build-release', 'apps', 'sealane')


def reference():
    if not os.path.exists(SEALANE):
        sys.exit('build-release/apps/sealane is not built')
    run = subprocess.run([SEALANE, 'config', '--reference'], capture_output=True, text=True,
                         timeout=60, check=True, stdin=subprocess.DEVNULL)
    return run.stdout


def table(head, rows):
    return f'| {head} | what it counts |\n| --- | --- |\n' + ''.join(
        f'| `{name}` | {text} |\n' for name, text in rows)


PARTS = (
    ('docs/operations.md', 'stack/base/drop.h',
     lambda: table('drop reason', tree.listed('stack/base/drop.h', 'SL_DROP_LIST'))),
    ('docs/operations.md', 'stack/base/counters.h',
     lambda: table('counter', tree.listed('stack/base/counters.h', 'SL_COUNTER_LIST'))),
)


def exists(path):
    return os.path.exists(os.path.join(tree.ROOT, path))


def write_file(path, text):
    with open(os.path.join(tree.ROOT, path), 'w', encoding='utf-8') as f:
        f.write(text)


def configuration(write):
    path, right = 'docs/configuration.md', reference()
    if write:
        write_file(path, right)
    elif not exists(path) or tree.read(path) != right:
        yield f'{path}: not what sealane config --reference prints: test/checks/docs.py --write'


def tables(write):
    """Problems with what is generated; with `write` it is made anew instead."""
    for path, source, make in PARTS:
        if not exists(path):
            yield f'{path}: missing'
            continue
        part = re.compile(r'(<!-- from: %s -->\n)(.*?)(<!-- end -->)' % re.escape(source), re.S)
        text, right = tree.read(path), make()
        found = part.search(text)
        if not found:
            yield f'{path}: no part between "<!-- from: {source} -->" and "<!-- end -->"'
        elif write:
            write_file(path, text[:found.start(2)] + right + text[found.end(2):])
        elif found.group(2) != right:
            yield f'{path}: differs from {source}: test/checks/docs.py --write'


def packet_walk():
    path = 'docs/packet-walk.md'
    if not exists(path):
        yield f'{path}: missing'
        return
    code = '\n'.join(tree.without_comments(tree.read(p)) for p in
                     tree.c_files('stack/', 'tcpcrypt/', 'apps/'))
    # A definition: in the first column after its type, braces follow; or a static inline.
    defined = set(re.findall(r'(?m)^[A-Za-z_][^;={}()#]*?\b(\w+)\([^;{}]*\)\s*\{', code))
    named = set(re.findall(r'`(\w+)\(\)', tree.read(path)))
    if not named:
        yield f'{path}: names no function'
    for name in sorted(named - defined):
        if not name.startswith(('rte_', 'EVP_', 'aes_')):
            yield f'{path}: no function {name} in the code'


def main():
    write = '--write' in sys.argv[1:]
    tree.report([*configuration(write), *tables(write), *packet_walk()])


main()
