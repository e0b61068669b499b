#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Judges what --pcap wrote.

capture.py ways FILE BYTES          nanoseconds of this year; TCP of both ends of the tap, each
                                    with more than so many bytes
capture.py watch INTERFACE FILE     notes the kernel's time of each frame, until the interface goes
capture.py kernel FILE WATCHED      both saw the same frames, within a millisecond
capture.py pair FILE FILE           the two ends of a ring did
"""
import socket
import statistics
import struct
import sys
import time

SO_TIMESTAMPNS = 35
MOST_NS = 1_000_000


def read(path):
    """Time in nanoseconds and bytes of each frame; a last one that is cut off is an error."""
    with open(path, 'rb') as f:
        data = f.read()
    if struct.unpack_from('=I', data)[0] != 0xa1b23c4d:
        sys.exit('no magic of nanoseconds')
    frames, at = [], 24
    while at < len(data):
        seconds, nanos, held, _ = struct.unpack_from('=IIII', data, at)
        frame = data[at + 16:at + 16 + held]
        if abs(seconds - time.time()) > 60 or nanos >= 10**9 or len(frame) != held:
            sys.exit(f'a frame of {held} bytes at {seconds}.{nanos:09}')
        frames.append((seconds * 10**9 + nanos, frame))
        at += 16 + held
    return frames


def is_tcp(frame):
    return frame[12:14] == b'\x08\0' and frame[23] == 6


def ways(path, least):
    total = {}
    for _, frame in read(path):
        if is_tcp(frame):
            way = socket.inet_ntoa(frame[26:30])
            total[way] = total.get(way, 0) + struct.unpack('!H', frame[16:18])[0]
    if set(total) != {'10.77.0.1', '10.77.0.2'} or min(total.values()) <= int(least):
        sys.exit(f'IP bytes by source: {total}')


def key(frame):
    """What names a segment, whatever its checksums: addresses, ports, sequence numbers, flags."""
    return (frame[16:20] + frame[26:48]).hex()


def watch(interface, path):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as sock, \
            open(path, 'w', encoding='utf-8', buffering=1) as out:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        sock.bind((interface, 0))
        print('watching', flush=True)
        while True:
            try:
                frame, ancillary, _, _ = sock.recvmsg(65536, 64)
            except OSError:
                return
            seconds, nanos = struct.unpack('qq', ancillary[0][2])
            if is_tcp(frame):
                out.write(f'{key(frame)} {seconds * 10**9 + nanos}\n')


def agree(differences):
    """A frame waits while its taker has no CPU, so most must agree, and none need."""
    if len(differences) < 20:
        sys.exit(f'only {len(differences)} frames in both')
    middle = statistics.median(differences)
    if abs(middle) > MOST_NS:
        sys.exit(f'times differ by {middle / 10**6:.3f} ms')


def kernel(path, watched):
    seen = {}
    with open(watched, encoding='utf-8') as f:
        for line in f:
            name, at = line.split()
            seen.setdefault(name, int(at))
    agree([at - seen.pop(key(frame)) for at, frame in read(path) if key(frame) in seen])


def pair(path, other):
    seen = {}
    for at, frame in read(other):
        seen.setdefault(frame, at)
    agree([at - seen.pop(frame) for at, frame in read(path) if frame in seen])


def main():
    commands = {'ways': ways, 'watch': watch, 'kernel': kernel, 'pair': pair}
    commands[sys.argv[1]](*sys.argv[2:])


main()
