#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Ends of connections on the kernel's TCP, for what ncat cannot do.

peer.py echo HOST PORT BYTES CONNECTIONS   all open at once; each gets back what it sent
peer.py refused HOST PORT                  the connect is refused, at once
peer.py abort HOST PORT BYTES              sends, then resets (SO_LINGER 0)
peer.py aborted HOST PORT                  sends until the other side resets
peer.py aborted-late HOST PORT             the same once its FIN is out, in the segment of its data
peer.py serve-abort PORT BYTES             accepts one, reads so much, then resets
peer.py polite HOST PORT                   gets a line echoed, says so, closes when the other does
peer.py stubborn HOST PORT                 gets a line echoed, says so, and never closes
"""
import errno
import random
import selectors
import socket
import struct
import sys
import time

SECONDS = 40


def connect(host, port):
    return socket.create_connection((host, int(port)), timeout=SECONDS)


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    sock.close()


class Echoed:
    """One connection: bytes of its own, how many are sent and how many came back."""

    def __init__(self, sock, seed, size):
        self.sock, self.sent, self.back, self.open = sock, 0, bytearray(), True
        self.data = random.Random(seed).randbytes(size)
        sock.setblocking(False)

    def write(self):
        self.sent += self.sock.send(self.data[self.sent:self.sent + 65536])
        if self.sent == len(self.data):
            self.sock.shutdown(socket.SHUT_WR)
        return self.sent < len(self.data)

    def read(self):
        got = self.sock.recv(65536)
        self.back += got
        self.open = bool(got)
        return self.open


def echo(host, port, size, count):
    both = selectors.EVENT_READ | selectors.EVENT_WRITE
    ends = [Echoed(connect(host, port), seed, int(size)) for seed in range(int(count))]
    deadline = time.monotonic() + SECONDS
    with selectors.DefaultSelector() as poll:
        for end in ends:
            poll.register(end.sock, both, end)
        while poll.get_map():
            if time.monotonic() > deadline:
                sys.exit(f'{len(poll.get_map())} connections are not done after {SECONDS} s')
            for key, events in poll.select(1):
                end = key.data
                if events & selectors.EVENT_WRITE and not end.write():
                    poll.modify(end.sock, selectors.EVENT_READ, end)
                if events & selectors.EVENT_READ and not end.read():
                    poll.unregister(end.sock)
    wrong = sum(end.back != end.data for end in ends)
    if wrong:
        sys.exit(f'{wrong} connections did not get back what they sent')


def refused(host, port):
    start = time.monotonic()
    try:
        connect(host, port)
    except ConnectionRefusedError:
        if time.monotonic() - start < 0.9:  # by the first answer, not after a retransmission
            return
        sys.exit('refused, but late')
    sys.exit('connected')


def abort(host, port, size):
    sock = connect(host, port)
    sock.sendall(bytes(int(size)))
    reset(sock)


def aborted(host, port):
    sock = connect(host, port)
    try:
        while True:
            sock.sendall(bytes(65536))
    except ConnectionResetError:
        return
    except OSError as e:
        sys.exit(f'ended by {e}, not by a reset')


def aborted_late(host, port):
    sock = connect(host, port)
    sock.settimeout(5)
    while sock.recv(1):  # the other side is done first
        pass
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
    sock.sendall(b'abc')
    sock.shutdown(socket.SHUT_WR)
    deadline = time.monotonic() + 5
    while sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != errno.ECONNRESET:
        if time.monotonic() > deadline:
            sys.exit('no reset')
        time.sleep(0.01)


def serve_abort(port, size):
    with socket.create_server(('', int(port))) as server:
        server.settimeout(SECONDS)
        sock, _ = server.accept()
    left = int(size)
    while left > 0:
        got = sock.recv(min(left, 65536))
        if not got:
            sys.exit('ended too early')
        left -= len(got)
    reset(sock)


def echoed_line(sock):
    sock.sendall(b'line\n')
    if sock.recv(5, socket.MSG_WAITALL) != b'line\n':
        sys.exit('no echo')
    print('echoed', flush=True)


def polite(host, port):
    with connect(host, port) as sock:
        echoed_line(sock)
        if sock.recv(1):
            sys.exit('more than an end of stream')


def stubborn(host, port):
    with connect(host, port) as sock:
        echoed_line(sock)
        time.sleep(SECONDS)


def main():
    commands = {'echo': echo, 'refused': refused, 'abort': abort, 'aborted': aborted,
                'aborted-late': aborted_late,
                'serve-abort': serve_abort, 'polite': polite,
                'stubborn': stubborn}
    commands[sys.argv[1]](*sys.argv[2:])


main()
