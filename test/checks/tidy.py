#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""clang-tidy 14 is content with every C file that build-clang compiles.

tidy.py [FILE...]: those files only. A file that passed is not looked at again until it, any header
or the settings change; build-clang/tidy remembers.
"""
import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys

import tree

TOOL, COMPILER = 'clang-tidy-14', 'clang-14'
BUILD = os.path.join(tree.ROOT, 'build-clang')
PASSED = os.path.join(BUILD, 'tidy')


def compile_commands():
    if not os.path.exists(os.path.join(BUILD, 'build.ninja')):
        subprocess.run(['meson', 'setup', BUILD, tree.ROOT, '-Dbuildtype=debugoptimized'],
                       env={**os.environ, 'CC': COMPILER}, stdout=subprocess.DEVNULL, check=True)
    with open(os.path.join(BUILD, 'compile_commands.json'), encoding='utf-8') as f:
        entries = json.load(f)
    return {os.path.relpath(os.path.join(e['directory'], e['file']), tree.ROOT): e
            for e in entries if e['file'].endswith('.c')}


def surroundings():
    """What every verdict depends on: settings, and all headers."""
    paths = ['.clang-tidy', 'test/.clang-tidy', *(p for p in tree.c_files() if p.endswith('.h'))]
    return hashlib.sha256('\0'.join(map(tree.read, paths)).encode())


def fingerprint(entry, around):
    mark = around.copy()
    mark.update(entry['command'].encode())
    mark.update(tree.read(os.path.join(entry['directory'], entry['file'])).encode())
    return os.path.join(PASSED, mark.hexdigest())


def verdict(entry, around):
    """What clang-tidy says against a file; nothing if it passes."""
    mark = fingerprint(entry, around)
    if os.path.exists(mark):
        return ''
    run = subprocess.run([TOOL, '--quiet', '-p', BUILD, entry['file']], cwd=entry['directory'],
                         capture_output=True, text=True, check=False)
    if run.returncode != 0:
        return run.stdout or run.stderr
    with open(mark, 'w', encoding='utf-8'):
        return ''


def main():
    for tool in (TOOL, COMPILER):
        if not shutil.which(tool):
            sys.exit(f'{tool} is not installed: .ci/install')
    entries = compile_commands()
    wanted = [os.path.relpath(path, tree.ROOT) for path in sys.argv[1:]] or sorted(entries)
    os.makedirs(PASSED, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        around = surroundings()
        said = list(pool.map(lambda path: verdict(entries[path], around), wanted))
    errors = (re.findall(r'.*error: .*', text) or [text] for text in said if text)
    tree.report(dict.fromkeys(re.sub(r'^\S*?\.\./', '', line) for lines in errors for line in lines))


main()
