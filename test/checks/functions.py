#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""No function is longer than 70 lines, but one that is a flat switch.

The formatter puts a function's braces into the first column and nothing else there but those of
tables, which end in "};" (the check `format` holds the tree to it), so that C needs no parser.
"""
import ast
import re

import tree

LIMIT = 70
AROUND_SWITCH = 20  # lines that a flat switch may have around it


def c_functions(text):
    """(line, name, lines of the body) of each function; the count is that of the whole."""
    lines = tree.without_comments(text).split('\n')
    start = opened = None
    for i, line in enumerate(lines):
        if opened is not None:
            if line == '}':
                name = re.search(r'(\w+)\s*\(', ' '.join(lines[start:opened]))
                yield start + 1, name.group(1) if name else '?', lines[start:i + 1]
                start = opened = None
            elif line.startswith('}'):
                start = opened = None
        elif line == '{' and start is not None:
            opened = i
        elif not line.strip() or line.startswith('#') or line.rstrip().endswith(';'):
            start = None
        elif start is None and re.match(r'[A-Za-z_]', line):
            start = i


def is_flat_switch(body):
    """One switch in the outermost block holds nearly all lines, and no case nests deeper than two."""
    at = [i for i, line in enumerate(body) if re.match(r' {4}switch \(.*\{$', line)]
    if len(at) != 1:
        return False
    end = next(i for i in range(at[0], len(body)) if body[i] == '    }')
    deep = any(re.match(r' {17}', line) for line in body[at[0]:end] if line.rstrip().endswith('{'))
    return len(body) - (end - at[0]) <= AROUND_SWITCH and not deep


def problems():
    for path in tree.c_files():
        for line, name, body in c_functions(tree.read(path)):
            if len(body) > LIMIT and not is_flat_switch(body):
                yield f'{path}:{line}: {name} has {len(body)} lines'
    for path in tree.files():
        if path.endswith('.py'):
            for node in ast.walk(ast.parse(tree.read(path))):
                if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= LIMIT:
                    yield f'{path}:{node.lineno}: {node.name} is too long'


tree.report(problems())
