#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Nothing stands at the top level but what the layout names, and nothing names a path of a machine."""
import re

import tree

TOP = {'meson.build', 'meson_options.txt', 'stack', 'tcpcrypt', 'apps', 'drivers-config', 'bench',
       'test', 'docs', 'README.md', 'LICENSE', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md',
       '.ci', '.clang-format', '.clang-tidy', '.editorconfig', '.gitignore', '.gitattributes'}
# Folders that every Debian has; another absolute path is somebody's own.
SYSTEM = {'bin', 'dev', 'etc', 'lib', 'proc', 'run', 'sbin', 'sys', 'tmp', 'usr', 'var', 'mnt'}
# Preceded as a path in prose, code or a string is; a URL, a fraction or a comment is not.
ABSOLUTE = re.compile(r'(?:^|[\s\'`(=:,]|[\s(=:,]")/([a-z][\w.-]*)/[\w.-]')
# A rule of a sed or awk program, and a regular expression, look like a path.
SKIP = ('.tsv', '.json', '.svg')


def problems():
    paths = tree.files()
    for name in sorted({path.split('/')[0] for path in paths} - TOP):
        yield f'{name}: not of the layout of the top level'
    for path in paths:
        if path.endswith(SKIP):
            continue
        for number, line in enumerate(tree.read(path).split('\n'), 1):
            for folder in ABSOLUTE.findall(line):
                if folder not in SYSTEM:
                    yield f'{path}:{number}: names a path of a machine: {line.strip()}'


tree.report(problems())
