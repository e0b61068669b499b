#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every C file is as clang-format 14 leaves it. With --write it formats those that differ."""
import concurrent.futures
import os
import shutil
import subprocess
import sys

import tree

TOOL = 'clang-format-14'


def differs(path):
    run = subprocess.run([TOOL, path], cwd=tree.ROOT, capture_output=True, text=True, check=False)
    return run.returncode != 0 or run.stdout != tree.read(path)


def main():
    if not shutil.which(TOOL):
        sys.exit(f'{TOOL} is not installed: .ci/install')
    paths = tree.c_files()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [path for path, bad in zip(paths, pool.map(differs, paths)) if bad]
    if '--write' in sys.argv[1:] and found:
        subprocess.run([TOOL, '-i', *found], cwd=tree.ROOT, check=True)
    tree.report(f'{path}: not formatted: test/checks/format.py --write' for path in found)


main()
