#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""clang-tidy 14 is content with every C file that build-clang compiles.

tidy.py [FILE...]: those files only. A file that passed is not looked at again until it, a header
of it or .clang-tidy changes; build-clang/tidy remembers.
"""
import concurrent.futures
import hashlib
import json
import os
import shlex
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


def fingerprint(entry):
    """What the verdict depends on: the preprocessed file and the settings."""
    words = shlex.split(entry['command'])
    out = words.index('-o')
    del words[out:out + 2]
    words.remove('-c')
    run = subprocess.run([*words, '-E', '-o', '-'], cwd=entry['directory'], capture_output=True,
                         check=False)
    if run.returncode != 0:
        return None
    settings = tree.read('.clang-tidy') + tree.read('test/.clang-tidy') + entry['command']
    return hashlib.sha256(run.stdout + settings.encode()).hexdigest()


def verdict(entry):
    """What clang-tidy says against a file; nothing if it passes."""
    mark = fingerprint(entry)
    if mark and os.path.exists(os.path.join(PASSED, mark)):
        return ''
    run = subprocess.run([TOOL, '--quiet', '-p', BUILD, entry['file']], cwd=entry['directory'],
                         capture_output=True, text=True, check=False)
    if run.returncode != 0:
        return run.stdout or run.stderr
    if mark:
        with open(os.path.join(PASSED, mark), 'w', encoding='utf-8'):
            pass
    return ''


def main():
    for tool in (TOOL, COMPILER):
        if not shutil.which(tool):
            sys.exit(f'{tool} is not installed: .ci/install')
    entries = compile_commands()
    wanted = [os.path.relpath(path, tree.ROOT) for path in sys.argv[1:]] or sorted(entries)
    os.makedirs(PASSED, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        said = list(pool.map(verdict, (entries[path] for path in wanted)))
    tree.report(text.replace(tree.ROOT + '/', '').rstrip() for text in said if text)


main()
