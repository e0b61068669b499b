#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every source file, script and build file says its licence in its first line (or behind #!)."""
import tree

LINE = 'SPDX-License-Identifier: BSD-3-Clause'
ENDINGS = ('.c', '.h', '.py', '.sh', 'meson.build', 'meson_options.txt', '.pl', '.lua')


def problems():
    for path in tree.files():
        head = tree.read(path).split('\n', 2)[:2]
        script = head[0].startswith('#!')
        if (script or path.endswith(ENDINGS)) and LINE not in head[1 if script else 0]:
            yield f'{path}: no "{LINE}" at its top'


tree.report(problems())
