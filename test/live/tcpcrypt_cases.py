#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Sealane against an independent implementation of TCP-ENO and tcpcrypt.

tcpcrypt_cases.py GROUP --echo FILE [--only NAME]
tcpcrypt_cases.py GROUP --cat I/N --sealane PROGRAM --config FILE [--only NAME]

Prints a line for each case and role; exits 1 if one failed. Run it with Debian's own python3, which
has the cryptography package. With --echo an echo server is there already and prints into FILE; with
--cat it runs every N-th case, from the I-th on, each with a `sealane cat` of its own.
"""
import argparse
import importlib
import sys

from tcpcrypt_run import CASES, ECHO, run_cat, run_echo


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('group', help='a module tcpcrypt_GROUP.py beside this one')
    parser.add_argument('--echo')
    parser.add_argument('--cat')
    parser.add_argument('--sealane')
    parser.add_argument('--config')
    parser.add_argument('--only', default='')
    parser.add_argument('--interface', default='sealane0')
    parser.add_argument('--at-once', type=int, default=12)
    o = parser.parse_args()
    module = importlib.import_module(f'tcpcrypt_{o.group}')
    tries = getattr(module, 'TRIES', 1)
    chosen = [(name, number, function, role) for number, (name, role, function)
              in enumerate(CASES[f'tcpcrypt_{o.group}']) if o.only in name]
    if o.echo:
        mine = [c[:3] for c in chosen if c[3] == ECHO]
        lines = run_echo(mine, tries, o.interface, o.echo, o.at_once) if mine else []
    else:
        index, of = map(int, o.cat.split('/'))
        lines = []
        for number, (*mine, role) in enumerate([c for c in chosen if c[3] != ECHO]):
            if number % of == index:
                lines += run_cat(role, mine, tries, o.interface, o.sealane, o.config)
    sys.exit(any(line.startswith('FAIL') for line in lines))


if __name__ == '__main__':
    main()
