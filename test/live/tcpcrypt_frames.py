# SPDX-License-Identifier: BSD-3-Clause
"""Frames of every size and cut, urgent data, rekeying by the peer, FINp and FIN."""
from tcpcrypt_peer import DATA_MAX, WAIT
from tcpcrypt_run import BOTH, CATS, case, fail_unless, table
from wire import FIN


@table(BOTH, [
    ('sizes', (0, 1, 2, 3, 16, 100, 1379, 1380, 1381, 1440, 1441, 4096, 16384), {}),
    ('largest', (DATA_MAX,), {}),
    ('largest_scaled', (DATA_MAX, 1, DATA_MAX), {'scale': 2, 'window': 200000}),
    ('empty', (0,) * 50, {}),
    ('growing', tuple(range(1, 200)), {}),
])
def frames(t, sizes, tcp):
    p = t.start(**tcp)
    for size in sizes:
        t.give(p, p.random.randbytes(size), frame=DATA_MAX)
    t.end(p)


@table(BOTH, [('of_1', 1), ('of_7', 7), ('of_64', 64)])
def many_in_a_segment(t, size):
    p = t.start()
    t.give(p, p.random.randbytes(60 * size), frame=size)
    t.end(p)


@table(BOTH, [
    ('1', 100, lambda r: 1, 1500),
    ('3', 100, lambda r: 3, 3000),
    ('13', 1000, lambda r: 13, 10000),
    ('random', 700, lambda r: r.randint(1, 1400), 50000),
    ('random_small', 5, lambda r: r.randint(1, 60), 2000),
])
def resegmented(t, frame, cut, size):
    p = t.start()
    p.tcp.cut = lambda at, left: cut(p.random)
    t.give(p, p.random.randbytes(size), frame=frame)
    t.end(p)


@case(BOTH)
def largest_in_bytes_at_the_ends(t):
    """The header of a large frame comes byte by byte, and its tag too."""
    p = t.start()
    start = len(p.tcp.tx)
    p.tcp.cut = lambda at, left: 1 if at - start < 8 or left < 20 else min(1400, left - 19)
    t.give(p, p.random.randbytes(30000), frame=DATA_MAX)
    t.end(p)


@case(BOTH)
def reserved_bits(t):
    """cres and fres are ignored, but authenticated (R70 to R72)."""
    p = t.start()
    for cres, fres in ((0x7f, 0), (0, 0x3f), (0x7f, 0x3f), (1, 1), (0x40, 0x20)):
        t.give(p, p.random.randbytes(500), cres=cres, fres=fres)
    p.tcp.fin = True
    p.sent += 3
    p.tcp.write(p.sealer.seal(b'end', fin=True, cres=0x55, fres=0x2a))
    t.arrived(p, b'end')
    if not t.echo:
        t.app.end_input()
    p.expect_end().settle()
    t.verdict(p)


@table(BOTH, [('0', 0), ('1', 1), ('last', 99), ('beyond', 65535)])
def urgent(t, place):
    p = t.start()
    t.give(p, b'before')
    t.give(p, p.random.randbytes(100), urgent=place)
    t.give(p, b'behind')
    t.end(p)


@case(BOTH)
def urgent_alone(t):
    p = t.start()
    t.give(p, b'', urgent=0)
    t.give(p, b'data')
    t.end(p)


@case(BOTH)
def urg_flag_of_tcp_means_nothing(t):
    p = t.start()
    p.tcp.urgent_to = len(p.tcp.tx) + 500
    t.give(p, p.random.randbytes(2000))
    t.end(p)


@case(BOTH)
def rekey_with_data(t):
    p = t.start()
    t.exchange(p)
    t.give(p, b'with the new key', rekey=True)
    t.replied(p, 1)
    t.exchange(p)
    t.end(p)


@case(BOTH)
def rekey_empty(t):
    p = t.start()
    t.give(p, b'', rekey=True)
    t.replied(p, 1)
    t.exchange(p)
    t.give(p, b'', rekey=True)
    t.replied(p, 2)
    t.end(p)


@case(BOTH)
def rekey_first_of_all(t):
    """The first frame ever is of generation 1."""
    p = t.start()
    t.give(p, b'at once', rekey=True)
    t.replied(p, 1)
    t.end(p)


@table(BOTH, [('2', 2), ('3', 3), ('60', 60)])
def rekey_in_a_row(t, times):
    """Several in one segment: each gets its answer."""
    p = t.start()
    data = p.random.randbytes(times)
    p.sent += times
    p.tcp.write(b''.join(p.sealer.seal(data[i:i + 1], rekey=True) for i in range(times)))
    t.arrived(p, data)
    t.replied(p, times)
    t.exchange(p)
    t.end(p)


@case(BOTH)
def rekey_while_data_flows(t):
    p = t.start()
    data = [p.random.randbytes(20000) for _ in range(12)]
    if not t.echo:
        t.feed(b''.join(data))
    for i, piece in enumerate(data):
        p.send(piece[:1], rekey=i % 2)
        p.send(piece[1:])
        t.pass_time(p, 0.01)
    t.arrived(p, b''.join(data))
    if not t.echo:
        p.expect(b''.join(data))
    t.replied(p, 6)
    t.end(p)


@case(BOTH)
def rekey_in_bytes(t):
    p = t.start()
    p.tcp.cut = lambda at, left: 1
    for i in range(4):
        t.give(p, b'some bytes', rekey=True)
        t.replied(p, i + 1)
    t.end(p)


@case(BOTH)
def rekey_on_the_last_frame(t):
    p = t.start()
    p.tcp.fin = True
    p.sent += 4
    p.tcp.write(p.sealer.seal(b'last', fin=True, rekey=True))
    t.arrived(p, b'last')
    if not t.echo:
        t.replied(p, 1)
        t.take(p, b'and back')
        t.app.end_input()
    p.expect_end().settle()
    t.replied(p, 1)
    t.verdict(p)


@case(CATS)
def rekey_after_their_end(t):
    """Whose FINp is out, owes no answer (R83, A11)."""
    p = t.start()
    t.app.end_input()
    p.expect_end()
    for piece in (b'', b'data', b'more'):
        t.give(p, piece, rekey=True)
    t.pass_time(p, 0.3)
    fail_unless(p.opener.generation == 0, 'answers after its end')
    fail_unless(len(p.tcp.rx) == p.opener.offset, 'sends after its end')
    p.close().settle()
    t.verdict(p)


@case(BOTH)
def finp_before_fin(t):
    """FINp alone is the end of the stream (R77); our FIN comes a second later."""
    p = t.start()
    p.sent += 4
    p.tcp.write(p.sealer.seal(b'last', fin=True))
    t.arrived(p, b'last')
    t.pass_time(p, 0.8)
    if t.echo:
        p.expect_end()
    else:
        t.app.end_input()
        p.expect_end()
    p.tcp.shutdown()
    p.settle()
    t.verdict(p)


@case(BOTH)
def finp_and_fin_on_the_last_segment(t):
    """As Sealane ends: FINp on its last frame, FIN on the segment of that frame's last byte."""
    p = t.start()
    t.exchange(p, 10)
    t.end(p)
    fins = [s for s in p.tcp.log if s.flags & FIN]
    fail_unless(fins[0].payload, 'FIN on a segment of its own')
    fail_unless([f.flags for f in p.opener.frames if f.flags] == [1], 'FINp not once')


@case(BOTH)
def data_with_finp(t):
    p = t.start()
    p.close(p.random.randbytes(1000)).settle()
    if not t.echo:
        t.app.end_input()
    p.tcp.pump(p.tcp.got_fin, WAIT)
    p.got = len(p.received())
    p.expect_end()
    t.verdict(p)


@case(BOTH)
def frame_after_finp(t):
    p = t.start()
    p.tcp.write(p.sealer.seal(b'last', fin=True) + p.sealer.seal(b'beyond'))
    p.expect_reset(15)
    t.verdict(p, error='auth_failed')
    fail_unless(b'beyond' not in (bytes(p.received()) if t.echo else bytes(t.app.out)), 'delivered')
