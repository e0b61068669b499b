#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every requirement and reading that code, tests and documents cite is in requirements.tsv.

Ids: R74, MUST-58, SHLD-24, MAY-4, REC-1, T5961-3; readings A14, D11; and what continues one of
them: "T9293-10, -11, -13", "MUST-51 to -53". With --uncited it lists what nothing cites instead.
"""
import re
import sys

import tree

TAG = re.compile(r'(?<![\w.])(?:(MUST|SHLD|MAY|REC|T\d{3,5})-(\d+)((?:,| and| to)(?= -\d) ?-\d+(?!\w))*'
                 r'|([RAD])(\d{1,3}))(?!\w)')


def known_ids():
    rows = [line.split('\t') for line in
            tree.read('test/checks/requirements.tsv').splitlines()[1:]]
    malformed = [row for row in rows if len(row) != 4 or not all(row[:2])]
    if malformed or len({row[0] for row in rows}) != len(rows):
        sys.exit(f'requirements.tsv: malformed or repeated rows: {malformed}')
    return [row[0] for row in rows]


def cited(text):
    for m in TAG.finditer(text):
        if m.group(4):
            yield m.group(4) + m.group(5)
            continue
        yield f'{m.group(1)}-{m.group(2)}'
        for more in re.findall(r' (-\d+)', m.group()[len(m.group(1)) + 1:]):
            yield m.group(1) + more


def citations():
    """(path, line, id) of every citation of the repository."""
    for path in tree.files():
        if path.startswith('test/checks/') or not path.startswith((*tree.CODE, 'docs/')):
            continue
        text = tree.read(path)
        if path.endswith(('.c', '.h')):
            pieces = tree.comments_and_strings(text)
        elif path.endswith(('.py', '.sh', '.md')):
            pieces = enumerate(text.split('\n'), 1)
        else:
            continue
        for line, piece in pieces:
            for tag in cited(piece):
                yield path, line, tag


def main():
    known = known_ids()
    found = list(citations())
    if '--uncited' in sys.argv[1:]:
        print('\n'.join(sorted(set(known) - {tag for _, _, tag in found})))
        return
    if not found:
        sys.exit('no citation found at all')
    tree.report(f'{path}:{line}: {tag} is no known requirement or reading'
                for path, line, tag in found if tag not in set(known))


main()
