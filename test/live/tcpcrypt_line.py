# SPDX-License-Identifier: BSD-3-Clause
"""Loss, reordering, small windows: all arrives, and what is repeated is what was sent."""
from tcpcrypt_peer import WAIT
from tcpcrypt_run import BOTH, CATS, ECHO, case, fail_unless, table
from wire import ACK, Impairments, straight


def both_ways(t, p, size):
    data = p.random.randbytes(size)
    if not t.echo:
        t.feed(data[::-1])
    p.send(data)
    t.arrived(p, data, 40)
    if not t.echo:
        p.expect(data[::-1], 40)
    t.end(p)


@table(BOTH, [
    ('loss', {'loss': 0.05}, {}, 1000000),
    ('loss_scaled', {'loss': 0.05}, {'scale': 3, 'window': 300000, 'stamps': True}, 1000000),
    ('reorder', {'reorder': 0.1, 'delay': 0.01}, {}, 1000000),
    ('duplicate', {'duplicate': 0.1}, {}, 1000000),
    ('everything', {'loss': 0.03, 'reorder': 0.05, 'duplicate': 0.05}, {'stamps': True}, 1000000),
])
def bad(t, line, tcp, size):
    p = t.start(**tcp)
    p.tcp.lane, p.tcp.sieve = Impairments(1, **line), Impairments(2, **line)
    both_ways(t, p, size)


@table((ECHO,), [(str(seed), seed) for seed in range(8)], connect=('0', '1', '2'))
def bad_from_the_start(t, seed):
    """Every segment of a short connection may be lost, those of both handshakes too."""
    p = t.peer()
    p.tcp.lane = Impairments(seed, loss=0.1, duplicate=0.1, in_a_row=1)
    p.tcp.sieve = Impairments(seed + 100, loss=0.1, duplicate=0.1, in_a_row=1)
    p.start()
    t.exchange(p, 20000)
    t.end(p)


@case(BOTH)
def bad_and_resegmented(t):
    p = t.start()
    p.tcp.lane = p.tcp.sieve = Impairments(3, loss=0.05, reorder=0.1)
    p.tcp.cut = lambda at, left: p.random.randint(1, 700)
    both_ways(t, p, 100000)


def provoke(t, p, data):
    """Data from the program that is not acknowledged."""
    if t.echo:
        p.send(data).settle()
    else:
        t.feed(data)


@table(BOTH, [
    ('plain', {}, 1460),
    ('stamps', {'stamps': True}, 1448),
    ('mss536', {'mss': 536}, 536),
])
def repeats(t, tcp, room):
    """Unacknowledged for long: the same bytes, a frame in each segment."""
    p = t.start(**tcp)
    data = p.random.randbytes(3000)
    rx = len(p.tcp.rx)
    p.tcp.ack_at_once = False
    if t.echo:
        # Our own segments must not acknowledge either.
        p.tcp.rcv_nxt = lambda at=p.tcp.rcv_nxt(): at
    provoke(t, p, data)
    t.pass_time(p, 3)
    segs = [s for s in p.tcp.log if s.payload and p.tcp.place(s.seq, p.tcp.irs, rx) >= rx]
    p.received()
    places = [p.tcp.place(s.seq, p.tcp.irs, rx) for s in segs]
    fail_unless(len(places) > len(set(places)), 'nothing is repeated')
    starts = {f.offset: f.size for f in p.opener.frames}
    for at, seg in zip(places, segs):
        fail_unless(len(seg.payload) <= room, f'{len(seg.payload)} bytes in a segment')
        fail_unless(starts.get(at) == len(seg.payload), f'the segment at {at} is no frame')
    p.tcp.__dict__.pop('rcv_nxt', None)
    p.tcp.ack_at_once = True
    p.tcp.emit(ACK)
    p.expect(data)
    t.end(p)


@case(BOTH)
def acknowledged_inside_a_frame(t):
    """The repeat begins at the byte asked for, and is what it was."""
    p = t.start()
    rx = p.tcp.rcv_nxt()
    p.tcp.ack_at_once = False
    if t.echo:
        p.tcp.rcv_nxt = lambda: rx
    data = p.random.randbytes(1000)
    provoke(t, p, data)
    t.pass_time(p, 0.1)
    for off in (1, 3, 500, 1000):
        p.tcp.emit(ACK, ack=rx + off)
        count = len(p.tcp.log)
        p.tcp.pump(lambda c=count: any(s.payload for s in p.tcp.log[c:]), 8)
        seg = next((s for s in p.tcp.log[count:] if s.payload), None)
        fail_unless(seg is not None and seg.seq == (rx + off) & 0xffffffff,
                    f'asked for {off}, got {seg}')
        p.tcp.rcv_nxt = lambda off=off: rx + off
    p.tcp.__dict__.pop('rcv_nxt', None)
    p.tcp.ack_at_once = True
    p.tcp.emit(ACK)
    p.expect(data)
    t.end(p)


@table(BOTH, [('1', 1), ('20', 20), ('40', 40), ('100', 100), ('500', 500), ('2000', 2000)])
def small_window(t, window):
    """Ours is smaller than any frame: it arrives in pieces."""
    p = t.start()
    p.tcp.window = window
    p.tcp.emit(ACK)
    t.pass_time(p, 0.05)  # what is sent before it is heard of is in the window that was
    t.take(p, p.random.randbytes(8 if window == 1 else 300 if window < 100 else 3000))
    p.tcp.window = 65535
    p.tcp.emit(ACK)
    t.exchange(p)
    t.end(p)


@table(CATS, [('at_once', 0), ('soon', 0.1), ('late', 0.6)])
def full_window(t, wait):
    """Filled to its last byte, and opened again by one ACK: whole frames go on as before."""
    p = t.start()
    data = p.random.randbytes(400000)
    t.feed(data)
    p.tcp.pump(lambda: len(p.tcp.rx) > 150000, WAIT)  # cwnd has grown
    p.tcp.ack_at_once = False
    right = len(p.tcp.rx) + 65535
    fail_unless(p.tcp.pump(lambda: len(p.tcp.rx) >= right - 1460, 5), 'the window is not filled')
    t.pass_time(p, wait)
    p.tcp.ack_at_once = True
    p.tcp.emit(ACK)
    p.expect(data)
    t.end(p)
    small = sum(f.size < 500 for f in p.opener.frames)
    fail_unless(small < 30, f'{small} small frames')


@table(CATS, [('once', 1), ('thrice', 3)])
def rekey_into_a_full_window(t, times):
    """The answer cannot leave yet; that is no reason to cut what waits behind it into crumbs."""
    p = t.start()
    data = p.random.randbytes(400000)
    t.feed(data)
    p.tcp.pump(lambda: len(p.tcp.rx) > 150000, WAIT)  # cwnd has grown
    acknowledged, p.tcp.ack_at_once = p.tcp.rcv_nxt(), False
    p.tcp.rcv_nxt = lambda: acknowledged
    full = p.tcp.place(acknowledged, p.tcp.irs, len(p.tcp.rx)) + 65535
    fail_unless(p.tcp.pump(lambda: len(p.tcp.rx) >= full - 1460, 5), 'the window is not filled')
    for i in range(times):
        p.send(b'new', rekey=True)
        t.arrived(p, b'new')
    p.tcp.__dict__.pop('rcv_nxt')
    p.tcp.ack_at_once = True
    p.tcp.emit(ACK)
    p.expect(data)
    t.replied(p, times)
    t.end(p)
    small = sum(f.size < 500 for f in p.opener.frames)
    fail_unless(small < 30, f'{small} small frames')


@case(BOTH)
def shut_window(t):
    """Probes of a shut window are bytes of the stream, too."""
    p = t.start()
    p.tcp.window = 0
    p.tcp.emit(ACK)
    p.tcp.sieve = lambda s: [(s, 0)] if not s.payload else []
    data = p.random.randbytes(5000)
    provoke(t, p, data)
    t.pass_time(p, 2)
    p.tcp.sieve = straight
    p.tcp.window = 65535
    p.tcp.emit(ACK)
    p.expect(data)
    t.end(p)


@case(BOTH)
def path_mtu_falls(t):
    """A router can no longer pass what is under way: it is cut anew, and stays the same bytes."""
    p = t.start()
    t.exchange(p, 3000)
    told = []

    def sieve(seg):
        if len(seg.payload) + 40 <= 900:
            return [(seg, 0)]
        told.append(seg)
        p.tcp.net.too_big(seg, 900)
        return []
    p.tcp.sieve = sieve
    data = p.random.randbytes(20000)
    t.take(p, data)
    fail_unless(0 < len(told) < 60, f'{len(told)} segments were too big')
    t.end(p)


@case(BOTH)
def rekeyed_while_unacknowledged(t):
    """What was sealed with the old key is repeated as it was (R85)."""
    p = t.start()
    at = p.tcp.rcv_nxt()
    p.tcp.ack_at_once = False
    p.tcp.rcv_nxt = lambda: at
    data = p.random.randbytes(2000)
    provoke(t, p, data)
    t.pass_time(p, 0.1)
    p.send(b'new', rekey=True)
    t.pass_time(p, 2.5)
    p.received()
    fail_unless(len(p.tcp.log) > 6, 'nothing is repeated')
    p.tcp.__dict__.pop('rcv_nxt', None)
    p.tcp.ack_at_once = True
    p.tcp.emit(ACK)
    p.expect(data)
    t.arrived(p, b'new')
    t.replied(p, 1)
    t.end(p)
