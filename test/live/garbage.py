#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Throws frames that nobody should send at a MAC address, and says what has to be counted.

garbage.py INTERFACE MAC SOURCE DESTINATION PORT SEED

Prints a line NAME=N for each drop reason: at least so many must have been counted. Besides these,
random bytes, and a true segment cut at every length and altered in every bit of its headers.
"""
import random
import socket
import struct
import sys
import time

IP4, ARP = 0x0800, 0x0806


def checksum(data):
    data += b'\0' * (len(data) % 2)
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Frames:
    def __init__(self, mac, source, destination, port):
        self.ether = bytes.fromhex(mac.replace(':', '')) + b'\x02\0\0\0\0\x01'
        self.source, self.destination = socket.inet_aton(source), socket.inet_aton(destination)
        self.port = port

    def frame(self, kind, payload):
        return self.ether + struct.pack('!H', kind) + payload

    def ip(self, payload, protocol=6, **change):
        f = {'version': 0x45, 'length': 20 + len(payload), 'fragment': 0x4000, 'options': b'',
             'source': self.source, 'destination': self.destination, 'sum': None, **change}
        head = struct.pack('!BBHHHBBH4s4s', f['version'], 0, f['length'], 0, f['fragment'], 64,
                           protocol, 0, f['source'], f['destination']) + f['options']
        right = checksum(head) if f['sum'] is None else f['sum']
        return self.frame(IP4, head[:10] + struct.pack('!H', right) + head[12:] + payload)

    def tcp(self, flags=0x02, offset=None, options=b'', payload=b'', port=None, add=0):
        offset = 5 + len(options) // 4 if offset is None else offset
        head = struct.pack('!HHIIBBHHH', 4444, port or self.port, 1000, 0, offset << 4, flags,
                           1024, 0, 0) + options + payload
        pseudo = self.source + self.destination + struct.pack('!BBH', 0, 6, len(head))
        right = (checksum(pseudo + head) + add) & 0xffff
        return head[:16] + struct.pack('!H', right) + head[18:]


def hostile(f):
    """(drop reason, frame): one frame for each, which must be counted under that name."""
    syn = f.tcp()
    return [
        ('ETHER_TYPE', f.frame(0x88b5, bytes(46))),
        ('ETHER_SNAP', f.frame(0x0040, b'\xaa\xaa\x03' + bytes(61))),
        ('ARP_MALFORMED', f.frame(ARP, b'\0\1\x08\0\x07\x04\0\1' + bytes(38))),
        ('IP4_VERSION', f.ip(syn, version=0x65)),
        ('IP4_SHORT', f.ip(syn, version=0x44)),
        ('IP4_SHORT', f.ip(syn, length=1400)),
        ('IP4_CHECKSUM', f.ip(syn, sum=0xdead)),
        ('IP4_NOT_OURS', f.ip(syn, destination=socket.inet_aton('10.77.0.99'))),
        ('IP4_SOURCE', f.ip(syn, source=socket.inet_aton('224.0.0.1'))),
        ('IP4_PROTOCOL', f.ip(bytes(8), protocol=253)),
        ('IP4_FRAGMENT', f.ip(syn, fragment=0x2000)),
        ('ICMP_SHORT', f.ip(b'\x08\0', protocol=1)),
        ('ICMP_CHECKSUM', f.ip(b'\x08\0\xba\xad' + bytes(4), protocol=1)),
        ('TCP_SHORT', f.ip(syn[:16])),
        ('TCP_SHORT', f.ip(f.tcp(offset=4))),
        ('TCP_SHORT', f.ip(f.tcp(offset=15))),
        ('TCP_CHECKSUM', f.ip(f.tcp(add=1))),
        ('TCP_OPTION_LENGTH', f.ip(f.tcp(options=b'\x02\0\0\0'))),
        ('TCP_OPTION_LENGTH', f.ip(f.tcp(options=b'\x45\x09\0\0'))),
        ('TCP_NO_SOCKET', f.ip(f.tcp(port=f.port ^ 1))),
    ]


def noise(f, draw):
    """A segment of no connection cut at every length and with every bit of its headers altered,
    random frames, and random bytes behind headers that are right."""
    segment = f.ip(f.tcp(flags=0x18, options=b'\x45\x02\x01\x01', payload=b'data'))
    yield from (segment[:n] for n in range(14, len(segment)))
    for bit in range(14 * 8, len(segment) * 8):
        altered = bytearray(segment)
        altered[bit // 8] ^= 0x80 >> bit % 8
        yield bytes(altered)
    for _ in range(1000):
        yield f.frame(draw.choice((IP4, ARP, draw.randrange(65536))),
                      draw.randbytes(draw.randrange(1500)))
        yield f.ip(draw.randbytes(draw.randrange(200)), protocol=draw.choice((1, 6, 6, 6)))
        yield f.ip(f.tcp(flags=draw.randrange(256), options=draw.randbytes(4 * draw.randrange(11)),
                         payload=draw.randbytes(draw.randrange(100))))


def main():
    interface, mac, source, destination, port, seed = sys.argv[1:]
    frames = Frames(mac, source, destination, int(port))
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.bind((interface, 0))
    wanted, rounds = {}, 20
    for reason, frame in hostile(frames):
        wanted[reason] = wanted.get(reason, 0) + rounds
        for _ in range(rounds):
            sock.send(frame)
        time.sleep(0.002)  # a burst fits the queue of the tap, so that none is lost on the way
    for n, frame in enumerate(noise(frames, random.Random(int(seed)))):
        sock.send(frame)
        if n % 64 == 0:
            time.sleep(0.002)
    for reason, n in wanted.items():
        print(f'{reason}={n}')


main()
