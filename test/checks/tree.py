# SPDX-License-Identifier: BSD-3-Clause
"""The repository's files, as the checks beside this module see them."""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CODE = ('stack/', 'tcpcrypt/', 'apps/', 'bench/', 'test/')

_COMMENT_OR_STRING = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def files():
    """Paths from ROOT: what git knows or would add; without git (a tarball) all but builds."""
    git = subprocess.run(['git', '-C', ROOT, 'ls-files', '-z', '-co', '--exclude-standard'],
                         capture_output=True, text=True, check=False)
    if git.returncode == 0:
        listed = [path for path in git.stdout.split('\0') if path]
    else:
        listed = []
        for folder, inner, names in os.walk(ROOT):
            inner[:] = [d for d in inner if d not in ('.git', '__pycache__')
                        and not (folder == ROOT and d.startswith('build-'))]
            listed += [os.path.relpath(os.path.join(folder, name), ROOT) for name in names]
    return sorted(path for path in set(listed) if os.path.isfile(os.path.join(ROOT, path)))


def c_files(*folders):
    return [path for path in files()
            if path.endswith(('.c', '.h')) and path.startswith(folders or CODE)]


def read(path):
    with open(os.path.join(ROOT, path), encoding='utf-8', errors='replace') as f:
        return f.read()


def _blank(text):
    return re.sub(r'[^\n]', ' ', text)


def without_comments(text):
    """C text with comments blanked out; strings stay, and so do the numbers of lines."""
    return _COMMENT_OR_STRING.sub(
        lambda m: _blank(m.group()) if m.group().startswith('/') else m.group(), text)


def comments_and_strings(text):
    """(line, text) of every comment and string literal of C text."""
    for m in _COMMENT_OR_STRING.finditer(text):
        yield text.count('\n', 0, m.start()) + 1, m.group()


def listed(path, macro):
    """[(name, text)] of a list macro: X(NAME, "text") lines of `#define macro(X)`."""
    body = re.search(r'#define %s\(X\)(.*?)\n\n' % macro, read(path), re.S).group(1)
    return [(name, re.sub(r'"\s*\\?\s*"', '', text)) for name, text in
            re.findall(r'X\(\s*(\w+),\s*\\?\s*"((?:[^"\\]|\\.|"\s*\\?\s*")*?)"\)', body)]


def report(problems):
    """Print each problem and end: 1 if there was any."""
    problems = list(problems)
    for line in problems:
        print(line)
    sys.exit(1 if problems else 0)
