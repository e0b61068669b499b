# SPDX-License-Identifier: BSD-3-Clause
"""Handshakes that must succeed, whatever their shape: offers, key exchange, the ends of a close."""
import random

from tcpcrypt_peer import AES_128_GCM, AES_256_GCM, CHACHA20, CURVE25519, eno
from tcpcrypt_run import ANY, BOTH, CATS, CONNECT, ECHO, case, fail_unless, table
from wire import ENO, SYN, straight


@case(ANY)
def fresh(t):
    p = t.start()
    t.exchange(p, 1)
    t.exchange(p, 5000)
    t.end(p)


@case(CATS)
def program_ends_first(t):
    p = t.start()
    t.exchange(p, 5000)
    t.end(p, program_first=True)


@case(CATS)
def half_closed_by_program(t):
    p = t.start()
    t.app.end_input()
    p.expect_end()
    for size in (1, 20000):
        t.give(p, p.random.randbytes(size))
    p.close(b'and this in the last frame').settle()
    t.arrived(p, b'and this in the last frame')
    t.verdict(p)


@case(CATS)
def half_closed_by_us(t):
    p = t.start()
    p.close(b'last').settle()
    t.arrived(p, b'last')
    for size in (1, 20000):
        t.take(p, p.random.randbytes(size))
    t.app.end_input()
    p.expect_end()
    t.verdict(p)


@case((ECHO,))
def half_closed_echo(t):
    p = t.start()
    data = p.random.randbytes(200000)
    p.send(data).close()
    p.expect(data).expect_end().settle()
    t.verdict(p)


@case(CATS)
def both_end_at_once(t):
    p = t.start()
    t.exchange(p, 100)
    t.app.end_input()
    p.close().settle()
    p.expect_end()
    t.verdict(p)


@case(CATS)
def ends_without_data(t):
    t.end(t.start(), program_first=True)


@case(CATS)
def ends_in_the_handshake(t):
    """A close before the keys are there waits for them."""
    t.app.end_input()
    p = t.start()
    p.expect_end()
    t.give(p, b'still open the other way')
    p.close().settle()
    t.verdict(p)


@case(CATS)
def data_written_in_the_handshake(t):
    data = random.Random(1).randbytes(10000)
    t.feed(data)
    p = t.start()
    p.expect(data)
    t.end(p)


@table(BOTH, [
    ('stamps', {'stamps': True}),
    ('scale', {'scale': 7, 'window': 1 << 20}),
    ('all', {'stamps': True, 'scale': 4, 'window': 400000, 'sack': True}),
    ('mss536', {'mss': 536}),
    ('mss88', {'mss': 88}),
])
def options(t, tcp):
    p = t.start(**tcp)
    t.exchange(p, 30000)
    t.end(p)


@table((ECHO,), [
    ('unknown_first', (0x30, CURVE25519)),
    ('unknown_last', (CURVE25519, 0x7f)),
    ('many', (0x7f, 0x30, 0x25, CURVE25519, 0x20, 0x60)),
    ('explicit_global', (0, CURVE25519)),
    ('aware', (2, CURVE25519)),
    ('z_bits', (0x1c, CURVE25519)),
    ('first_global_counts', (0, 1, CURVE25519)),
    ('global_last', (CURVE25519, 0)),
    ('v1_empty', (0xa3,)),
    ('v1_short', (0xa3, b'12345678')),
    ('v1_unknown_session', (0xa3, b'123456789')),
    ('v1_with_nonce', (0xa3, b'123456789abcdefgh')),
    ('v1_by_length', (0x88, 0xa3, b'123456789', 0x30)),
    ('v1_by_length_short', (0x80, 0xa3, b'1', 0x30)),
    ('unknown_with_data', (0x82, 0xb0, b'123', CURVE25519)),
    ('unknown_with_data_last', (CURVE25519, 0xb0, b'1234567890')),
    ('unknown_with_length_32', (CURVE25519, 0x9f, 0xb0, b'x' * 32)),
    ('unknown_over_32', (CURVE25519, 0xb0, b'x' * 33)),
])
def offer(t, suboptions):
    p = t.peer(offer=eno(*suboptions))
    p.tcp.send_mss = len(p.tcp.eno) <= 36
    p.start()
    fail_unless(p.encrypted, 'not encrypted')
    fail_unless(p.theirs.teps == [(CURVE25519, None)], f'answers {p.theirs.option.hex()}')
    t.exchange(p)
    t.end(p)


@table((CONNECT,), [
    ('unknown_first', (1, 0x30, CURVE25519)),
    ('unknown_last', (1, CURVE25519, 0x30)),
    ('aware', (3, CURVE25519)),
    ('z_bits', (0x1d, CURVE25519)),
    ('first_global_counts', (1, 0, CURVE25519)),
    ('global_last', (CURVE25519, 1)),
    ('unknown_with_data', (1, 0x82, 0xb0, b'123', CURVE25519)),
    ('unknown_with_data_last', (1, CURVE25519, 0xb0, b'1234567890')),
])
def answer(t, suboptions):
    p = t.start(offer=eno(*suboptions))
    fail_unless(p.encrypted, 'not encrypted')
    t.exchange(p)
    t.end(p)


@case((ECHO,))
def bare_ack_lost(t):
    """Init1 is the first ACK segment that B sees (R22)."""
    p = t.peer().open(bare=False).exchange_keys()
    t.exchange(p)
    t.end(p)


@case((ECHO,))
def bare_ack_lost_and_init_in_bytes(t):
    p = t.peer()
    p.tcp.cut = lambda at, left: 1
    p.open(bare=False).exchange_keys()
    p.tcp.cut = lambda at, left: 1000
    t.exchange(p)
    t.end(p)


@case((CONNECT,))
def their_bare_ack_lost(t):
    """The first that arrives of them behind the SYN is Init1, with ENO."""
    p = t.peer()
    p.tcp.sieve = lambda s: [(s, 0)] if s.flags & SYN or s.payload else []
    p.open()
    p.tcp.sieve = straight
    p.exchange_keys()
    t.exchange(p)
    t.end(p)


@case((CONNECT,))
def their_init_is_repeated_with_eno(t):
    """Not a word from us behind the SYN-ACK for a while: each repeat of Init1 has the option."""
    p = t.peer().open(confirm=False)
    p.tcp.ack_at_once = False
    p.answer()
    p.tcp.pump(lambda: sum(bool(s.payload) for s in p.tcp.log) >= 3, 8)
    inits = [s for s in p.tcp.log if s.payload]
    fail_unless(len(inits) >= 3, f'{len(inits)} segments of Init1')
    fail_unless(all(s.option(ENO) == b'\x45\x02' for s in inits), 'Init1 without ENO')
    p.tcp.ack_at_once = True
    p.exchange_keys()
    t.exchange(p)
    t.end(p)


@case((CONNECT,))
def their_syn_lost(t):
    """A repeated SYN has the same option, or none (R25)."""
    p = t.peer()
    syns = []

    def sieve(s):
        if s.flags & SYN:
            syns.append(s)
            return [(s, 0)] if len(syns) > 1 else []
        return [(s, 0)]
    p.tcp.sieve = sieve
    p.start()
    first, second = (s.option(ENO) for s in syns[:2])
    fail_unless(second in (first, None), f'SYN with {first.hex()}, then {second and second.hex()}')
    fail_unless(syns[0].seq == syns[1].seq, 'another ISN')
    t.exchange(p)
    t.end(p)


@case((ECHO,))
def their_syn_ack_lost(t):
    p = t.peer()
    lost = []

    def sieve(s):
        if s.flags & SYN and not lost:
            lost.append(s)
            return []
        return [(s, 0)]
    p.tcp.sieve = sieve
    p.start()
    fail_unless(lost[0].option(ENO) == p.theirs.option, 'another ENO option in the second SYN-ACK')
    fail_unless(lost[0].seq == p.tcp.syn_seg.seq, 'another ISN')
    t.exchange(p)
    t.end(p)


@case((ECHO,))
def our_last_ack_lost_for_long(t):
    """The SYN-ACK comes again and again; then data brings the ACK with it."""
    p = t.peer().open(confirm=False)
    p.tcp.pump(lambda: sum(s.flags & SYN > 0 for s in p.tcp.log) >= 2, 0.1)
    t.pass_time(p, 1.5)
    p.confirm(bare=False)
    p.exchange_keys()
    t.exchange(p)
    t.end(p)


@table(BOTH, [
    ('at_syn', -1),
    ('at_text', -2),
    ('at_init', -75),
    ('after_init', -76),
    ('in_data', -5000),
])
def our_sequence_wraps(t, iss):
    """At 2^32, which is nothing to the offsets of frames."""
    p = t.peer()
    p.tcp.iss = iss & 0xffffffff
    p.start()
    t.exchange(p, 20000)
    t.end(p)


@case((CONNECT,))
def simultaneous_open(t):
    """Both are active, we with b = 1; options of SYN and SYN-ACK are the same (R16, R25)."""
    p = t.peer()
    p.open_both()
    fail_unless(p.encrypted and p.role == 'B', 'not encrypted by our own reading')
    p.exchange_keys()
    t.exchange(p)
    t.end(p)


@table(BOTH, [
    ('tail1', {'tail': b'x'}),
    ('tail100', {'tail': bytes(100)}),
    ('tail3000', {'tail': b'y' * 3000}),
])
def init(t, bent):
    p = t.peer().open()
    p.exchange_keys(**bent)
    t.exchange(p)
    t.end(p)


@table((ECHO,), [
    ('one', [1]),
    ('unknown_around', [0x1234, 0xffff, 1, 0x7777]),
    ('of_255', [*range(0x4000, 0x40fe), 1]),
    ('of_255_first', [1, *range(0x4000, 0x40fe)]),
    ('twice', [1, 1]),
    ('zero_too', [0, 1]),
    ('three', [CHACHA20, AES_256_GCM, AES_128_GCM]),
])
def ciphers(t, listed):
    p = t.start(ciphers=tuple(listed))
    t.exchange(p)
    t.end(p)


@table(BOTH, [
    ('bytes', lambda at, left: 1),
    ('sevens', lambda at, left: 7),
    ('head_apart', lambda at, left: 4 if at == 0 else 4 if at == 4 else 1000),
    ('but_last', lambda at, left: max(1, left - 1)),
])
def init_cut(t, cut):
    p = t.peer()
    p.open()
    p.tcp.cut = cut
    p.exchange_keys()
    p.settle()
    p.tcp.cut = lambda at, left: 1400
    t.exchange(p)
    t.end(p)


@case((CONNECT,))
def init2_with_frames_behind(t):
    """Init2, three frames and part of the next leave in one segment."""
    p = t.peer().open()
    data = [b'one', b'', b'three' * 30, b'four' * 200]

    def frames():
        p.sent = sum(map(len, data))
        return b''.join(p.sealer.seal(d) for d in data)
    p.tcp.cut = lambda at, left: 400
    p.exchange_keys(after=frames)
    t.arrived(p, b''.join(data))
    t.exchange(p)
    t.end(p)


@case((CONNECT,))
def init2_with_our_end_behind(t):
    p = t.peer().open()

    def frames():
        p.sent, p.tcp.fin = 3, True
        return p.sealer.seal(b'all', fin=True)
    p.exchange_keys(after=frames)
    t.arrived(p, b'all')
    t.take(p, b'and back')
    t.app.end_input()
    p.expect_end().settle()
    t.verdict(p)


@case((ECHO,))
def syn_data_is_discarded(t):
    """SYN data under ENO is not acknowledged, and not taken for Init (R31, R32)."""
    p = t.peer()
    p.tcp.open_active(payload=b'GET / HTTP/1.0\r\n\r\n')
    p.hear()
    p.confirm()
    p.exchange_keys()
    t.exchange(p)
    t.end(p)


@case((CONNECT,))
def syn_ack_data_is_discarded(t):
    p = t.peer().open(confirm=False)
    p.tcp.syn_ack(b'220 hello\r\n')
    p.answer()
    p.exchange_keys()
    t.exchange(p)
    t.end(p)
