# SPDX-License-Identifier: BSD-3-Clause
"""Segments forged into a live encrypted connection, which goes on, and every byte arrives.

Forged text is followed at once by the genuine, as on a network: what is incomplete is acknowledged
unverified after 40 ms (A14 b). Since a busy machine may stop one of the two ends for that long,
what fails is tried once more.
"""
import random

from tcpcrypt_run import BOTH, ECHO, case, fail_unless, table
from wire import ACK, FIN, PSH, RST, SYN, URG, straight

TRIES = 2


def attacked(t, p):
    """After an attack."""
    t.exchange(p, 5000)
    t.end(p)


def genuine(p, size=1000, **flags):
    """A frame that is sealed but not written yet."""
    data = p.random.randbytes(size)
    p.sent += size
    return data, p.sealer.seal(data, **flags)


def xor(data, at, bits=1):
    return data[:at] + bytes((data[at] ^ bits,)) + data[at + 1:]


@table((ECHO,), [
    ('same_range', lambda f, r: [(0, r.randbytes(len(f)))]),
    ('in_front', lambda f, r: [(0, r.randbytes(50))]),
    ('behind', lambda f, r: [(500, r.randbytes(len(f) - 500))]),
    ('inside', lambda f, r: [(100, r.randbytes(200))]),
    ('one_byte', lambda f, r: [(0, b'\xff')]),
    ('last_byte', lambda f, r: [(len(f) - 1, bytes((f[-1] ^ 1,)))]),
    ('longer', lambda f, r: [(0, r.randbytes(1460))]),
    ('beyond', lambda f, r: [(len(f), r.randbytes(1400))]),
    ('far_beyond', lambda f, r: [(20000, r.randbytes(1400))]),
    ('every_byte', lambda f, r: [(i, r.randbytes(1)) for i in range(0, 200)]),
    ('overlapping', lambda f, r: [(i, r.randbytes(300)) for i in range(0, 1200, 100)]),
    ('backwards', lambda f, r: [(i, r.randbytes(300)) for i in range(1200, -1, -100)]),
    ('huge_clen', lambda f, r: [(0, b'\0\xff\xff')]),
    ('huge_clen_with_text', lambda f, r: [(0, b'\0\xff\xff' + r.randbytes(1400))]),
    ('huge_clen_much_text', lambda f, r: [(0, b'\0\xff\xff')] +
     [(3 + 1400 * i, r.randbytes(1400)) for i in range(4)]),  # less than 4 MSS: A14 b
    ('small_clen', lambda f, r: [(0, b'\0\0\0')]),
    ('tiny_frames', lambda f, r: [(0, (b'\0\0\x11' + bytes(17)) * 50)]),
    ('rekey_bit', lambda f, r: [(0, xor(f, 0))]),
    ('cres_bit', lambda f, r: [(0, xor(f, 0, 0x80))]),
    ('clen_more', lambda f, r: [(0, xor(f, 2, 2))]),
    ('ciphertext', lambda f, r: [(0, xor(f, 3))]),
    ('tag', lambda f, r: [(0, xor(f, len(f) - 1))]),
    ('cut', lambda f, r: [(0, f[:-1] + b'\0')]),
    ('plain_text', lambda f, r: [(0, b'GET / HTTP/1.0\r\n\r\n')]),
    ('old', lambda f, r: [(-200, r.randbytes(200))]),
    ('old_and_new', lambda f, r: [(-200, r.randbytes(400))]),
    ('below_the_window', lambda f, r: [(-90000, r.randbytes(400))]),
    ('above_the_window', lambda f, r: [(1 << 21, r.randbytes(400))]),
], connect=('same_range', 'inside', 'far_beyond', 'overlapping', 'huge_clen_with_text',
            'tiny_frames', 'rekey_bit', 'tag', 'old_and_new'))
def forged(t, pieces):
    """Right in every field of TCP, sent just before the genuine frame."""
    p = t.start()
    t.exchange(p, 3000)
    data, frame = genuine(p)
    more, behind = zip(*(genuine(p) for _ in range(12)))
    with p.tcp.at_once():  # for all forged places: what waits too long may be acknowledged (A14 b)
        for at, text in pieces(frame, p.random):
            p.tcp.emit(ACK | PSH, p.tcp.nxt + at, text)
        p.tcp.write(frame)
        p.tcp.write(b''.join(behind))
    t.arrived(p, data + b''.join(more))
    attacked(t, p)


@table(BOTH, [
    ('a_beginning', b'\0\x05\0' + bytes(33), 0.3), ('less_than_a_head', b'\xff\xff', 0.3),
    ('anything', random.Random(7).randbytes(100), 0.3), ('in_a_stream', b'\0\x05\0' + bytes(33), 0.1),
])
def forged_and_left_alone(t, text, wait):
    """Long enough to be acknowledged (A14 b), and then not followed by what it began with."""
    p = t.start()
    p.tcp.forged_for = True
    t.exchange(p, 3000)
    for size in (3, 1000, 60000, 3):
        p.tcp.emit(ACK | PSH, p.tcp.nxt, text)
        t.pass_time(p, wait)
        t.give(p, p.random.randbytes(size))
    p.tcp.emit(ACK | PSH, p.tcp.nxt, text)
    t.pass_time(p, wait)
    if not t.echo:  # what the program sends meanwhile acknowledges the forged text
        t.take(p, p.random.randbytes(3000))
    attacked(t, p)


@case(BOTH)
def forged_in_front_and_left_behind(t):
    """The genuine frame takes the place of the first bytes; what is left of them is no frame."""
    p = t.start()
    p.tcp.forged_for = True
    t.exchange(p, 3000)
    for _ in range(3):
        data, frame = genuine(p, 3)
        with p.tcp.at_once():
            p.tcp.emit(ACK | PSH, p.tcp.nxt, b'\0\x05\0' + bytes(33))
            p.tcp.write(frame)
        t.arrived(p, data)
        t.pass_time(p, 0.2)
    attacked(t, p)


@case(BOTH)
def forged_between_halves(t):
    """Half of a frame, then a forged second half, then the true one."""
    p = t.start()
    for cut in (1, 3, 500, 1000):
        data, frame = genuine(p)
        with p.tcp.at_once():
            p.tcp.write(frame[:cut])
            p.tcp.emit(ACK | PSH, p.tcp.nxt, p.random.randbytes(len(frame) - cut))
            p.tcp.write(frame[cut:])
        t.arrived(p, data)
    attacked(t, p)


@case(BOTH)
def forged_three_ways(t):
    """Three versions of a clen, and a later range in dispute too."""
    p = t.start()
    t.exchange(p, 3000)
    (data1, frame1), (data2, frame2) = genuine(p, 40), genuine(p, 300)
    with p.tcp.at_once():
        p.tcp.emit(ACK, p.tcp.nxt + 2, b'\x0d' + p.random.randbytes(377))
        p.tcp.emit(ACK, p.tcp.nxt, xor(frame1, 2, 0x80))
        p.tcp.emit(ACK, p.tcp.nxt + 352, p.random.randbytes(3))
        p.tcp.write(frame1 + frame2)
    t.arrived(p, data1 + data2)
    attacked(t, p)


@case(BOTH)
def forged_headers_of_neighbours(t):
    """Of two frames, each in a segment: a reserved bit and a clen forged, then a clen."""
    p = t.start()
    t.exchange(p, 3000)
    (data1, frame1), (data2, frame2) = genuine(p, 40), genuine(p, 40)
    with p.tcp.at_once():
        for text in (xor(frame1, 0, 0x40), xor(frame1, 1, 0x40), frame1):
            p.tcp.emit(ACK, p.tcp.nxt, text)
        for text in (xor(frame2, 1, 0x10), frame2):
            p.tcp.emit(ACK, p.tcp.nxt + len(frame1), text)
        p.tcp.write(frame1 + frame2)
    t.arrived(p, data1 + data2)
    attacked(t, p)


def noise(seed, *pieces):
    """Forged text: for each (place, length) or (place, length, what it begins with)."""
    r = random.Random(seed)
    return [(at, (b''.join(head) + r.randbytes(size))[:size]) for at, size, *head in pieces]


@table(BOTH, [
    ('clen', noise(1, (0, 20, b'\0\x9c\x40'), (0, 20, b'\0\x9c\x41'))),
    ('clen_and_byte', noise(2, (0, 20, b'\0\x9c\x40'), (3, 1))),
    ('byte_and_clen', noise(3, (3, 1), (0, 20, b'\0\x9c\x40'))),
    ('small_clen', noise(4, (0, 1020, b'\0\0\x20'), (0, 1020, b'\0\0\x21'))),
    ('inside', noise(5, (100, 10), (100, 10))),
    ('inside_thrice', noise(6, (100, 10), (100, 10), (100, 10))),
    ('inside_apart', noise(7, (100, 10), (105, 10), (95, 10))),
    ('whole', noise(8, (0, 1020), (0, 1020), (0, 1020), (0, 1020))),
    ('many', noise(9, *((37 * i % 1000, (1, 20, 600)[i % 3]) for i in range(30)))),
])
def forged_twice(t, pieces):
    """Two or more for one place. The genuine bytes come after them, and again as TCP repeats."""
    p = t.start()
    t.exchange(p, 3000)
    data, frame = genuine(p)
    with p.tcp.at_once():
        for at, text in pieces:
            p.tcp.emit(ACK, p.tcp.nxt + at, text)
        p.tcp.write(frame)
    t.arrived(p, data)
    attacked(t, p)


@case(BOTH)
def forged_behind_a_gap(t):
    """The genuine frames arrive with a hole, in which the forged one is first."""
    p = t.start()
    data, frames = zip(*(genuine(p) for _ in range(5)))
    size = len(frames[0])
    with p.tcp.at_once():
        for i in (1, 2, 4):
            p.tcp.emit(ACK, p.tcp.nxt + i * size, frames[i])
        for i in (0, 3):
            p.tcp.emit(ACK, p.tcp.nxt + i * size, p.random.randbytes(size))
        p.tcp.write(b''.join(frames))
    t.arrived(p, b''.join(data))
    attacked(t, p)


@case(BOTH)
def forged_after_the_genuine(t):
    p = t.start()
    for _ in range(20):
        data, frame = genuine(p, 300)
        at = p.tcp.nxt
        with p.tcp.at_once():
            p.tcp.write(frame)
            p.tcp.emit(ACK | PSH, at, p.random.randbytes(len(frame)))
        t.arrived(p, data)
    attacked(t, p)


@table(BOTH, [('every', 1, 300), ('many', 5, 1000), ('pairs', 2, 40)])
def forged_by_the_hundred(t, copies, size):
    """Before each segment some with its text altered, while data flows both ways."""
    p = t.start()
    r, done = random.Random(copies), set()

    def lane(seg):
        if seg.payload and not (seg.seq in done and copies > 1):
            done.add(seg.seq)  # repeats are left alone, unless there is but one forgery
            for _ in range(copies):
                fake = bytearray(seg.payload)
                at = r.randrange(len(fake))
                fake[at] ^= 1 << r.randrange(8)
                yield type(seg)(**{**seg.__dict__, 'payload': bytes(fake)}), 0
        yield seg, 0
    p.tcp.lane = lane
    data = p.random.randbytes(size * 30)
    if not t.echo:
        t.feed(data[::-1])
    for i in range(30):
        with p.tcp.at_once():
            p.send(data[i * size:(i + 1) * size])
        t.pass_time(p, 0.01)
    t.arrived(p, data)
    if not t.echo:
        p.expect(data[::-1])
    p.tcp.lane = straight
    attacked(t, p)


@table(BOTH, [
    ('first', 20000, 0),
    ('second', 20000, 1400),
    ('third', 5000, 2800),
    ('last', 5000, 3620),
])
def forged_into_a_large_frame(t, size, at):
    """A frame of many segments, one of them forged first.

    Not where four segments would be there, and acknowledged, before the truth is (A14 b).
    """
    p = t.start()
    for _ in range(3):
        data, frame = genuine(p, size)
        with p.tcp.at_once():
            p.tcp.emit(ACK, p.tcp.nxt + at, p.random.randbytes(1400))
            p.tcp.write(frame)
        t.arrived(p, data)
    attacked(t, p)


@table((ECHO,), [
    ('bare', 0, b''),
    ('with_text', 0, b'bye'),
    ('with_frame', 0, b'\0\0\x11' + bytes(17)),
    ('ahead', 1000, b''),
    ('old', -10, b''),
    ('above_the_window', 1 << 21, b''),
], connect=('bare', 'with_text'))
def forged_fin(t, at, text):
    p = t.start()
    t.exchange(p, 3000)
    data, frame = genuine(p)
    with p.tcp.at_once():
        p.tcp.emit(FIN | ACK, p.tcp.nxt + at, text)
        p.tcp.write(frame if text else b'')
    t.pass_time(p, 0.5)
    fail_unless(not p.tcp.reset and not p.tcp.got_fin(), 'believed it')
    p.tcp.write(b'' if text else frame)
    t.arrived(p, data)
    attacked(t, p)


@case(BOTH)
def forged_fin_in_the_middle(t):
    """While a frame is incomplete, on a copy of its first half."""
    p = t.start()
    data, frame = genuine(p)
    p.tcp.write(frame[:400])
    p.tcp.emit(FIN | ACK, p.tcp.nxt - 400, frame[:400])
    t.pass_time(p, 0.2)
    p.tcp.write(frame[400:])
    t.arrived(p, data)
    attacked(t, p)


def challenged(t, p, send, wanted):
    """`send` leads to a challenge ACK, or to nothing, and the connection stands."""
    count = len(p.tcp.log)
    send()
    t.pass_time(p, 0.3)
    answers = [s for s in p.tcp.log[count:] if s.flags == ACK]
    fail_unless(bool(answers) == wanted, f'{len(answers)} challenge ACKs')
    fail_unless(not p.tcp.reset, 'reset')


@table((ECHO,), [('ahead', 1, True), ('far_ahead', 10000, True), ('below', -1, False),
                   ('beyond', 1 << 21, False)], connect=('ahead',))
def forged_rst(t, at, challenge):
    """RFC 5961 3.2: only the exact place resets."""
    p = t.start()
    t.exchange(p, 1000)
    p.settle()
    challenged(t, p, lambda: p.tcp.emit(RST, p.tcp.nxt + at), challenge)
    attacked(t, p)


@table((ECHO,), [('in_window', 0), ('ahead', 5000), ('old', -2000)], connect=('in_window',))
def forged_syn(t, at):
    """RFC 5961 4.2: a challenge ACK, whatever its number."""
    p = t.start()
    t.exchange(p, 1000)
    p.settle()
    challenged(t, p, lambda: p.tcp.emit(SYN, p.tcp.nxt + at), True)
    attacked(t, p)


@table((ECHO,), [('beyond', 1), ('far_beyond', 1 << 22), ('old', -(1 << 24))],
       connect=('beyond',))
def forged_ack(t, off):
    """It acknowledges what was never sent, or what is long past (RFC 5961 5.2), with text."""
    p = t.start()
    t.exchange(p, 1000)
    p.settle()
    for text in (b'', p.random.randbytes(100)):
        p.tcp.emit(ACK, payload=text, ack=p.tcp.rcv_nxt() + off)
        t.pass_time(p, 0.1)
    fail_unless(not p.tcp.reset, 'reset')
    attacked(t, p)


@case(BOTH)
def forged_urgent(t):
    p = t.start()
    t.exchange(p, 1000)
    data, frame = genuine(p)
    with p.tcp.at_once():
        p.tcp.emit(ACK | URG, payload=b'!', urgent=1)
        p.tcp.emit(ACK | URG, payload=b'', urgent=5)
        p.tcp.write(frame)
    t.arrived(p, data)
    attacked(t, p)


@case(BOTH)
def storm(t):
    """Random flags, places and text in and around the window, under a transfer both ways."""
    p = t.start()
    r = random.Random(7)
    data = p.random.randbytes(60000)
    if not t.echo:
        t.feed(data[::-1])
    for i in range(60):
        with p.tcp.at_once():
            for _ in range(20):
                flags = ACK | r.choice((0, 0, PSH, FIN, URG, SYN))
                text = r.randbytes(r.choice((0, 1, 20, 600)))
                at = r.choice((0, 1, 3, r.randint(-3000, (60 - i) * 1020 - 600)))
                p.tcp.emit(flags, p.tcp.nxt + at, text, urgent=r.randrange(100))
            p.send(data[i * 1000:(i + 1) * 1000])
        t.pass_time(p, 0.002)
    t.arrived(p, data)
    if not t.echo:
        p.expect(data[::-1])
    attacked(t, p)


@case(BOTH)
def true_reset(t):
    """At the exact place a reset is one, encryption or not."""
    p = t.start()
    t.exchange(p, 1000)
    p.settle()
    p.tcp.emit(RST, p.tcp.nxt)
    t.verdict(p, error='reset')
