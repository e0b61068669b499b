#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Includes run downhill only.

apps > stack/config, stack/socket > stack/shard > stack/tcp > stack/net > tcpcrypt > stack/base:
a folder includes only what stands below it, and of some floors only a face. Public headers may
be included by all and include libc. No cycles. Only stack/base/dpdk.h knows DPDK's versions.
"""
import os
import re

import tree

PUBLIC = 'stack/include/sealane/'
FLOORS = ('stack/base', 'tcpcrypt', 'stack/net', 'stack/tcp', 'stack/shard', 'stack/socket',
          'stack/config', 'apps', 'bench')

# What a floor may include beside itself and the public headers: folders, or single headers.
BELOW = {
    'stack/base': (),
    'tcpcrypt': ('stack/base/',),
    'stack/net': ('stack/base/',),
    'stack/tcp': ('stack/base/', 'stack/net/', 'tcpcrypt/tep.h', 'tcpcrypt/eno/'),
    'stack/shard': ('stack/base/', 'stack/net/', 'stack/tcp/', 'tcpcrypt/'),
    'stack/socket': ('stack/base/', 'stack/net/', 'stack/tcp/', 'stack/shard/', 'tcpcrypt/'),
    'stack/config': ('stack/base/', 'stack/net/', 'stack/tcp/', 'stack/shard/', 'stack/socket/',
                     'tcpcrypt/'),
    'apps': (),
    'bench': (),
}
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.M)
LIBC = re.compile(r'^(?:(?:sys|netinet|arpa|net)/)?\w+\.h$')
# tcpcrypt/ and the libcrypto-only part of stack/base are built without DPDK.
NO_DPDK = ('tcpcrypt/', 'apps/')
NO_DPDK_ALLOWED = ('stack/base/checksum.h', 'stack/base/dpdk.h')


def floor(path):
    return next((f for f in FLOORS if path.startswith(f + '/')), None)


def resolve(path, name, known):
    """The header of the tree that is meant; tests also find those of other tests by their name."""
    near = os.path.normpath(os.path.join(os.path.dirname(path), name))
    places = [near, *(root + name for root in ('', 'stack/', 'stack/include/', 'test/'))]
    if path.startswith('test/'):
        places += [p for p in known if p.startswith('test/') and p.endswith('/' + name)]
    return next((place for place in places if place in known), None)


def is_generated(path, name):
    """Made by the build: an output of the folder's meson.build."""
    build = os.path.join(os.path.dirname(path), 'meson.build')
    return re.search(r"output: '%s'" % re.escape(name), tree.read(build)) is not None


def allowed(path, target):
    here = floor(path)
    if here is None or target.startswith((PUBLIC, here + '/')):
        return True
    return target.startswith(BELOW[here])


def check_system(path, name):
    if path.startswith(PUBLIC):
        mbuf = path == PUBLIC + 'shard.h' and name == 'rte_mbuf.h'
        if not mbuf and (not LIBC.match(name) or name.startswith('rte_')):
            yield f'{path}: a public header includes <{name}>'
    if name.startswith('rte_'):
        base = path.startswith('stack/base/') and path not in NO_DPDK_ALLOWED
        if path.startswith(NO_DPDK) or base:
            yield f'{path}: <{name}> in code that is built without DPDK'


def check_own(path, name, target):
    if target is None:
        if not is_generated(path, name):
            yield f'{path}: "{name}" is no header of the repository'
    elif path.startswith(PUBLIC) and not target.startswith(PUBLIC):
        yield f'{path}: a public header includes the private {target}'
    elif not allowed(path, target):
        yield f'{path}: {target} does not stand below {floor(path)}'
    elif target.startswith('test/') and not path.startswith('test/'):
        yield f'{path}: includes {target} of the tests'


def cycles(graph):
    """Each include cycle once, as a list of paths."""
    done, stack = set(), []

    def visit(node):
        if node in stack:
            yield stack[stack.index(node):] + [node]
            return
        if node in done:
            return
        stack.append(node)
        for following in graph.get(node, ()):
            yield from visit(following)
        stack.pop()
        done.add(node)

    for node in sorted(graph):
        yield from visit(node)


def problems():
    paths = tree.c_files()
    known, graph = set(paths), {}
    for path in paths:
        text = tree.without_comments(tree.read(path))
        for kind, name in INCLUDE.findall(text):
            if kind == '<':
                yield from check_system(path, name)
                continue
            target = resolve(path, name, known)
            yield from check_own(path, name, target)
            graph.setdefault(path, set()).add(target)
        if re.search(r'\bRTE_VER(SION|_)', text) and path != 'stack/base/dpdk.h':
            yield f'{path}: only base/dpdk.h knows the versions of DPDK'
    for cycle in cycles({p: t - {None} for p, t in graph.items()}):
        yield 'cycle: ' + ' -> '.join(cycle)


tree.report(problems())
