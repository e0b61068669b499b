#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs a program on a terminal, and judges the progress bar that it draws there.

terminal.py COLUMNS bar|numbers COMMAND...   no line is wider than the terminal; with or without
                                             a bar. COLUMNS 0: a terminal that does not say (80)
"""
import fcntl
import os
import pty
import re
import struct
import sys
import termios


def run(columns, command):
    """What it wrote."""
    pid, fd = pty.fork()
    if pid == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
        os.execvp(command[0], command)
    said = b''
    try:
        while piece := os.read(fd, 65536):
            said += piece
    except OSError:
        pass  # its end is closed
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status != 0:
        sys.exit(f'exit status {status}')
    return said.decode()


def main():
    columns, wanted = int(sys.argv[1]), sys.argv[2]
    said = run(columns, sys.argv[3:])
    drawn = re.findall(r'\r([^\r\n]*%[^\r\n]*)', said)
    if len(drawn) < 2:
        sys.exit(f'drawn {len(drawn)} times')
    for line in drawn:
        if len(line) >= (columns or 80):
            sys.exit(f'{len(line)} columns on a terminal of {columns}: {line!r}')
        if ('[' in line) != (wanted == 'bar'):
            sys.exit(f'not {wanted}: {line!r}')


main()
