#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Checks the JSON lines that `sealane echo` and `sealane cat` print.

lines.py FILE [--connections N] [--each KEY=JSON]... [--some KEY=JSON]... [--drops NAME[=N]]...

Each line that begins with "{" is a finished connection, with exactly the promised members, or,
as the last one, the drops and the missing mbufs, of which there may be none.
"""
import argparse
import json
import re
import sys

FALLBACKS = {'no_eno', 'malformed', 'no_common_tep', 'same_role', 'app_aware', 'no_ack_eno',
             'disabled'}
ERRORS = {'reset', 'refused', 'timeout', 'unreachable', 'auth_failed', 'kex_failed', 'truncated',
          'no_encryption'}


def matches(pattern):
    return lambda v: isinstance(v, str) and re.fullmatch(pattern, v) is not None


def is_count(v):
    return type(v) is int and v >= 0


MEMBERS = {
    'peer': matches(r'\d+\.\d+\.\d+\.\d+:\d+'),
    'encrypted': lambda v: isinstance(v, bool),
    'fallback': lambda v: v is None or v in FALLBACKS,
    'tep': lambda v: v is None or matches(r'0x[0-9a-f]{2}')(v),
    'aead': lambda v: v in (None, 'AES-128-GCM', 'AES-256-GCM', 'ChaCha20-Poly1305'),
    'session_id': lambda v: v is None or matches(r'[0-9a-f]{66}')(v),
    'role': lambda v: v in (None, 'A', 'B'),
    'resumed': lambda v: isinstance(v, bool),
    'bytes_in': is_count,
    'bytes_out': is_count,
    'error': lambda v: v is None or v in ERRORS,
}


def connection_problems(c):
    for key in sorted(set(c) ^ set(MEMBERS)):
        yield f'member {key} is missing or not promised'
    for key in set(c) & set(MEMBERS):
        if not MEMBERS[key](c[key]):
            yield f'{key} is {c[key]!r}'
    secret = ('tep', 'aead', 'session_id', 'role')
    keyed = c.get('error') is None  # else it may have ended before the keys were there
    if c.get('encrypted') and (keyed and any(c.get(k) is None for k in secret) or c.get('fallback')):
        yield 'encrypted, but something of it is null, or it fell back'
    if c.get('encrypted') is False and any(c.get(k) is not None for k in secret):
        yield 'plain, but with something of an encrypted connection'


def end_problems(end, wanted):
    if set(end) != {'drops', 'mbufs_leaked'}:
        yield f'the last line has {sorted(end)}'
        return
    if end['mbufs_leaked'] != 0 or type(end['mbufs_leaked']) is not int:
        yield f'mbufs_leaked is {end["mbufs_leaked"]}'
    for item in wanted:
        name, _, least = item.partition('=')
        if end['drops'].get(name, 0) < int(least or 1):
            yield f'drops {name} {end["drops"].get(name, 0)} times, not {least or 1}'


def facts(items):
    return [(key, json.loads(value)) for key, value in (item.split('=', 1) for item in items)]


def problems(options):
    with open(options.file, encoding='utf-8') as f:
        parsed = [json.loads(line) for line in f if line.startswith('{')]
    if not parsed:
        yield 'no JSON line'
        return
    yield from end_problems(parsed[-1], options.drops)
    connections = parsed[:-1]
    if options.connections is not None and len(connections) != options.connections:
        yield f'{len(connections)} connections, not {options.connections}'
    for c in connections:
        yield from connection_problems(c)
        yield from (f'{k} is {c.get(k)!r}, not {v!r}' for k, v in facts(options.each)
                    if c.get(k) != v)
    for k, v in facts(options.some):
        if not any(c.get(k) == v for c in connections):
            yield f'no connection with {k} {v!r}'


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('file')
    parser.add_argument('--connections', type=int)
    for name in ('--each', '--some', '--drops'):
        parser.add_argument(name, action='append', default=[])
    found = list(problems(parser.parse_args()))
    print('; '.join(found[:5]))
    sys.exit(1 if found else 0)


main()
