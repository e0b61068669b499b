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
import random
import struct
import sys
import time

from tcpcrypt_peer import AES_128_GCM, AES_256_GCM, CHACHA20, CURVE25519, DATA_MAX, WAIT, eno, nonce
from tcpcrypt_run import CONNECT, ECHO, LISTEN, run_cat, run_echo
from wire import ACK, ENO, FIN, PSH, RST, SYN, URG, Impairments, Violation, straight

ANY = (ECHO, LISTEN, CONNECT)
BOTH = (ECHO, CONNECT)
OURS_ACTIVE = (ECHO,)
CATS = (LISTEN, CONNECT)
GROUPS = {}


def case(group, roles=BOTH, name=None, settings=()):
    """Makes a case of a function of a Run."""
    def add(function):
        function.settings = [x for s in settings for x in ('--set', s)]
        for role in roles:
            GROUPS.setdefault(group, []).append((name or function.__name__, role, function))
        return function
    return add


def table(group, roles, rows, settings=(), connect=()):
    """A case for each row: its first member ends the name, the others are arguments.

    Rows named in `connect` are tried in that role too.
    """
    def add(function):
        for row in rows:
            def one(t, rest=row[1:]):
                function(t, *rest)
            one.__doc__ = function.__doc__
            case(group, roles + (CONNECT,) * (row[0] in connect), f'{function.__name__}_{row[0]}', settings)(one)
        return function
    return add


def fail_unless(fact, what):
    if not fact:
        raise Violation(what)


# handshake: what must succeed.

@case('handshake', ANY)
def fresh(t):
    p = t.start()
    t.exchange(p, 1)
    t.exchange(p, 5000)
    t.end(p)


@case('handshake', CATS)
def program_ends_first(t):
    p = t.start()
    t.exchange(p, 5000)
    t.end(p, program_first=True)


@case('handshake', CATS)
def half_closed_by_program(t):
    p = t.start()
    t.app.end_input()
    p.expect_end()
    for size in (1, 20000):
        t.give(p, p.random.randbytes(size))
    p.close(b'and this in the last frame').settle()
    t.arrived(p, b'and this in the last frame')
    t.verdict(p)


@case('handshake', CATS)
def half_closed_by_us(t):
    p = t.start()
    p.close(b'last').settle()
    t.arrived(p, b'last')
    for size in (1, 20000):
        t.take(p, p.random.randbytes(size))
    t.app.end_input()
    p.expect_end()
    t.verdict(p)


@case('handshake', (ECHO,))
def half_closed_echo(t):
    p = t.start()
    data = p.random.randbytes(200000)
    p.send(data).close()
    p.expect(data).expect_end().settle()
    t.verdict(p)


@case('handshake', CATS)
def both_end_at_once(t):
    p = t.start()
    t.exchange(p, 100)
    t.app.end_input()
    p.close().settle()
    p.expect_end()
    t.verdict(p)


@case('handshake', CATS)
def ends_without_data(t):
    t.end(t.start(), program_first=True)


@case('handshake', CATS)
def ends_in_the_handshake(t):
    """A close before the keys are there waits for them."""
    t.app.end_input()
    p = t.start()
    p.expect_end()
    t.give(p, b'still open the other way')
    p.close().settle()
    t.verdict(p)


@case('handshake', CATS)
def data_written_in_the_handshake(t):
    data = random.Random(1).randbytes(10000)
    t.feed(data)
    p = t.start()
    p.expect(data)
    t.end(p)


@table('handshake', BOTH, [
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


@table('handshake', (ECHO,), [
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


@table('handshake', (CONNECT,), [
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


@case('handshake', (ECHO,))
def bare_ack_lost(t):
    """Init1 is the first ACK segment that B sees (R22)."""
    p = t.peer().open(bare=False).exchange_keys()
    t.exchange(p)
    t.end(p)


@case('handshake', (ECHO,))
def bare_ack_lost_and_init_in_bytes(t):
    p = t.peer()
    p.tcp.cut = lambda at, left: 1
    p.open(bare=False).exchange_keys()
    p.tcp.cut = lambda at, left: 1000
    t.exchange(p)
    t.end(p)


@case('handshake', (CONNECT,))
def their_bare_ack_lost(t):
    """The first that arrives of them behind the SYN is Init1, with ENO."""
    p = t.peer()
    p.tcp.sieve = lambda s: [(s, 0)] if s.flags & SYN or s.payload else []
    p.open()
    p.tcp.sieve = straight
    p.exchange_keys()
    t.exchange(p)
    t.end(p)


@case('handshake', (CONNECT,))
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


@case('handshake', (CONNECT,))
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
    t.end(p, ) if p.encrypted else p.close()


@case('handshake', (ECHO,))
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


@case('handshake', (ECHO,))
def our_last_ack_lost_for_long(t):
    """The SYN-ACK comes again and again; then data brings the ACK with it."""
    p = t.peer().open(confirm=False)
    p.tcp.pump(lambda: sum(s.flags & SYN > 0 for s in p.tcp.log) >= 2, 0.1)
    t.pass_time(p, 1.5)
    p.confirm(bare=False)
    p.exchange_keys()
    t.exchange(p)
    t.end(p)


@table('handshake', BOTH, [('at_init', -75), ('after_init', -76), ('in_data', -5000), ('at_syn', -1), ('at_text', -2)])
def our_sequence_wraps(t, iss):
    """At 2^32, which is nothing to the offsets of frames."""
    p = t.peer()
    p.tcp.iss = iss & 0xffffffff
    p.start()
    t.exchange(p, 20000)
    t.end(p)


@case('handshake', (CONNECT,))
def simultaneous_open(t):
    """Both are active; we have b = 1, and the options of SYN and SYN-ACK are the same (R16, R25)."""
    p = t.peer()
    both_open(p)
    fail_unless(p.encrypted and p.role == 'B', 'not encrypted by our own reading')
    p.exchange_keys()
    t.exchange(p)
    t.end(p)


@case('fallback', (CONNECT,))
def simultaneous_open_of_equals(t):
    p = t.peer(offer=eno(CURVE25519))
    both_open(p)
    plain(t, p, 'same_role')


def both_open(p):
    """Their SYN crosses ours; both answer (RFC 9293 3.5, figure 8)."""
    tcp = p.tcp
    first = tcp.await_syn()
    p.hear()
    tcp.syn()
    answer = tcp.next_segment(lambda s: s.flags & SYN and s.flags & ACK, WAIT, tcp.syn)
    fail_unless(answer.seq == first.seq, 'another ISN in the SYN-ACK')
    option = answer.option(ENO)
    fail_unless(option == first.option(ENO) or not p.encrypted and option is None,
                f'SYN with {first.option(ENO).hex()}, SYN-ACK with {option and option.hex()}')
    tcp.peer_window = answer.window
    tcp.syn_ack()
    tcp.confirm()


# Init messages that are odd but right.

@table('handshake', BOTH, [
    ('tail1', {'tail': b'x'}),
    ('tail100', {'tail': bytes(100)}),
    ('tail3000', {'tail': b'y' * 3000}),
])
def init(t, bent):
    p = t.peer().open()
    p.exchange_keys(**bent)
    t.exchange(p)
    t.end(p)


@table('handshake', (ECHO,), [
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


@table('handshake', BOTH, [
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


@case('handshake', (CONNECT,))
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


@case('handshake', (CONNECT,))
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


@case('handshake', (ECHO,))
def syn_data_is_discarded(t):
    """SYN data under ENO is not acknowledged, and not taken for Init (R31, R32)."""
    p = t.peer()
    p.tcp.open_active(payload=b'GET / HTTP/1.0\r\n\r\n')
    p.hear()
    p.confirm()
    p.exchange_keys()
    t.exchange(p)
    t.end(p)


@case('handshake', (CONNECT,))
def syn_ack_data_is_discarded(t):
    p = t.peer().open(confirm=False)
    p.tcp.syn_ack(b'220 hello\r\n')
    p.answer()
    p.exchange_keys()
    t.exchange(p)
    t.end(p)


# fallback: plain TCP, and the word for why.

def plain(t, p, word):
    fail_unless(not p.encrypted, 'our own reading is that it is encrypted')
    t.exchange(p, 4000)
    t.end(p, fallback=word)


def no_option_in(seg):
    fail_unless(seg.option(ENO) is None, f'answers with ENO {seg.option(ENO) and seg.option(ENO).hex()}')


@table('fallback', (ECHO,), [
    ('none', None, 'no_eno'),
    ('experimental_kind', b'\xfd\x06\x45\x4e\x00\x23', 'no_eno'),
    ('two_options', eno(CURVE25519) + eno(CURVE25519), 'no_eno'),
    ('length_at_end', eno(CURVE25519, 0x80), 'malformed'),
    ('length_past_end', eno(0x84, 0xa3, b'1234'), 'malformed'),
    ('length_then_v0', eno(0x80, 0x23, b'1'), 'malformed'),
    ('length_then_global', eno(0x80, 0x00, b'1'), 'malformed'),
    ('length_then_length', eno(0x80, 0x9f, b'1'), 'malformed'),
    ('good_then_bad', eno(0, CURVE25519, 0x81, 0x7f, b'12'), 'malformed'),
    ('empty', eno(), 'no_common_tep'),
    ('vacuous', eno(0), 'no_common_tep'),
    ('unknown', eno(0x30, 0x7f), 'no_common_tep'),
    ('tep_twice', eno(CURVE25519, CURVE25519), 'no_common_tep'),
    ('tep_twice_resuming', eno(0x88, 0xa3, b'123456789', CURVE25519), 'no_common_tep'),
    ('b_set', eno(1, CURVE25519), 'same_role'),
    ('b_and_a_set', eno(3, CURVE25519), 'same_role'),
])
def syn(t, offer, word):
    p = t.peer(offer=offer).open()
    no_option_in(p.tcp.syn_seg)
    plain(t, p, word)


@table('fallback', (CONNECT,), [
    ('none', None, 'no_eno'),
    ('experimental_kind', b'\xfd\x06\x45\x4e\x01\x23', 'no_eno'),
    ('two_options', eno(1, CURVE25519) + eno(1, CURVE25519), 'no_eno'),
    ('length_at_end', eno(1, CURVE25519, 0x80), 'malformed'),
    ('length_past_end', eno(1, 0x84, 0xa3, b'1234'), 'malformed'),
    ('length_then_v0', eno(1, 0x80, 0x23, b'1'), 'malformed'),
    ('length_then_global', eno(1, CURVE25519, 0x80, 0x00, b'1'), 'malformed'),
    ('vacuous', eno(1), 'no_common_tep'),
    ('unknown', eno(1, 0x30), 'no_common_tep'),
    ('tep_twice', eno(1, CURVE25519, CURVE25519), 'no_common_tep'),
    ('resumes_what_never_was', eno(1, 0xa3, b'123456789'), 'no_common_tep'),
    ('resumes_too_short', eno(1, 0xa3, b'1'), 'no_common_tep'),
    ('empty', eno(), 'same_role'),
    ('b_clear', eno(CURVE25519), 'same_role'),
    ('first_global_counts', eno(0, 1, CURVE25519), 'same_role'),
])
def syn_ack(t, offer, word):
    p = t.peer(offer=offer).open()
    plain(t, p, word)


@case('fallback', (CONNECT,))
def syn_ack_mirrors(t):
    """A middlebox that sends options back as they came."""
    p = t.peer().open(confirm=False)
    p.tcp.eno = p.theirs.option
    p.encrypted = p.tcp.eno_acks = False
    p.answer()
    plain(t, p, 'same_role')


@case('fallback', (ECHO,))
def ack_without_eno(t):
    p = t.peer().open(confirm=False)
    p.encrypted = p.tcp.eno_acks = False
    p.confirm()
    plain(t, p, 'no_ack_eno')


@case('fallback', (ECHO,))
def first_ack_is_data_without_eno(t):
    p = t.peer().open(confirm=False)
    p.encrypted = p.tcp.eno_acks = False
    p.confirm(bare=False)
    plain(t, p, 'no_ack_eno')


@case('fallback', (ECHO,))
def ack_without_eno_then_with(t):
    """Once disabled, it stays so."""
    p = t.peer().open(confirm=False)
    p.tcp.confirm(bare=False)
    p.tcp.emit(ACK, 0, options=[])
    p.encrypted = False
    t.pass_time(p, 0.1)
    p.tcp.eno_acks, p.tcp.heard_non_syn = True, False
    plain(t, p, 'no_ack_eno')


@case('fallback', (ECHO,))
def ack_with_experimental_kind(t):
    p = t.peer().open(confirm=False)
    p.encrypted = p.tcp.eno_acks = False
    p.tcp.established = True
    p.tcp.emit(ACK, 0, options=[b'\xfd\x04\x45\x4e'])
    plain(t, p, 'no_ack_eno')


@table('fallback', (ECHO,), [('ack_with', True), ('ack_without', False)])
def syn_again_without_eno(t, with_eno):
    """A SYN repeated without the option disables ENO, whatever comes then (R23, R25)."""
    p = t.peer().open(confirm=False)
    fail_unless(p.encrypted, 'the first SYN-ACK has no ENO')
    option, p.tcp.eno = p.tcp.eno, None
    p.tcp.syn()
    t.pass_time(p, 0.2)
    again = [s for s in p.tcp.log[1:] if s.flags & SYN]
    fail_unless(all(s.option(ENO) is None for s in again), 'SYN-ACK still with ENO')
    p.tcp.eno, p.tcp.eno_acks, p.encrypted = option, with_eno, False
    p.confirm()
    plain(t, p, {'no_eno', 'no_ack_eno'})


@case('fallback', (ECHO,))
def syn_data_without_tep(t):
    """SYN data beside an ENO option that leads to nothing is discarded (R31)."""
    p = t.peer(offer=eno(0x30))
    p.tcp.open_active(payload=b'early')
    p.hear()
    p.confirm()
    plain(t, p, 'no_common_tep')


@case('fallback', CATS, settings=('crypt.mode=off',))
def switched_off(t):
    p = t.peer().open(confirm=False)
    fail_unless(p.theirs is None, 'an ENO option though it is off')
    if p.active:
        p.confirm()
    else:
        p.answer()
    plain(t, p, 'disabled')


@case('fallback', (LISTEN,), settings=('crypt.mode=off',))
def switched_off_discards_syn_data(t):
    p = t.peer()
    p.tcp.open_active(payload=b'early')
    p.hear()
    p.confirm()
    plain(t, p, 'disabled')


@case('fallback', CATS, settings=('crypt.mode=require',))
def required_and_there(t):
    p = t.start()
    t.exchange(p)
    t.end(p)


@table('fallback', CATS, [('none', lambda p: None), ('unknown', lambda p: eno(int(not p.active), 0x30))],
       settings=('crypt.mode=require',))
def required(t, offer):
    """No plain TCP, not a byte of it."""
    p = t.peer()
    p.tcp.eno = offer(p)
    t.app.write(b'secret')
    try:
        p.open()
        p.send(b'plain')
        p.expect_reset()
    except Violation:
        if not p.tcp.reset:
            raise
    fail_unless(not p.tcp.rx and not t.app.out, 'plain text passed')
    if p.active:  # refused, and the listener waits for better
        p = t.peer(seed=2)
        p.tcp.lport += 1
        p.start().expect(b'secret')
        t.fed = 6
        t.end(p)
    else:
        t.verdict(p, error='no_encryption', fallback=t.said(p)['fallback'], encrypted=False)


# keys: broken key exchanges.

SMALL_ORDER = [
    bytes(32), b'\1' + bytes(31),
    bytes.fromhex('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'),
    bytes.fromhex('5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157'),
    bytes.fromhex('ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'),
    bytes.fromhex('edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'),
    bytes.fromhex('eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'),
]


def broken(t, p, message):
    p.tcp.write(message)
    p.expect_reset(5)
    fail_unless(p.tcp.reset.seq == p.tcp.rcv_nxt() & 0xffffffff, f'the reset is at {p.tcp.reset.seq}')
    t.verdict(p, error='kex_failed', encrypted=False)


def ready(t):
    """A peer that has to send its Init now."""
    p = t.peer().open()
    if p.role == 'B':
        p.await_init()
    return p


@table('keys', BOTH, [
    ('magic', {'magic': 0x15101a0f}),
    ('other_magic', {'magic': None}),
    ('length_7', {'length': 7}),
    ('length_8', {'length': 8}),
    ('length_0', {'length': 0}),
    ('length_4G', {'length': 0xffffffff}),
    ('length_1M', {'length': 1 << 20}),
    ('length_short', {'length': -1}),
    ('tail_too_long', {'tail': bytes(4096)}),
    *((f'small_order_{i}', {'pub': key}) for i, key in enumerate(SMALL_ORDER)),
])
def init_with(t, bent):
    p = ready(t)
    bent = dict(bent)
    if 'magic' in bent and bent['magic'] is None:
        bent['magic'] = 0x097105e0 if p.role == 'A' else 0x15101a0e
    if bent.get('length') == -1:
        bent['length'] = len(p.init()) - 1
    broken(t, p, p.init(**bent))


@table('keys', (ECHO,), [
    ('none', {'ciphers': (), 'count': 0}),
    ('unknown', {'ciphers': (0x1234, 0x0003)}),
    ('count_past_end', {'count': 255}),
    ('count_one_more', {'count': 2}),
])
def init1_ciphers(t, bent):
    p = ready(t)
    broken(t, p, p.init(**bent))


@table('keys', (CONNECT,), [('not_offered', 0x1234), ('zero', 0)])
def init2_cipher(t, cipher):
    p = ready(t)
    broken(t, p, p.init(cipher=cipher))


@case('keys', BOTH)
def plain_text_instead(t):
    broken(t, ready(t), b'GET / HTTP/1.0\r\nHost: example.org\r\n\r\n')


@case('keys', BOTH)
def broken_in_bytes(t):
    p = ready(t)
    p.tcp.cut = lambda at, left: 1
    broken(t, p, p.init(length=7))


@case('keys', BOTH)
def init_cut_off_by_our_end(t):
    """The stream ends inside Init."""
    p = ready(t)
    p.tcp.fin = True
    p.tcp.write(p.init()[:40])
    p.expect_reset(15)
    t.verdict(p, error={'kex_failed', 'truncated'}, encrypted=False)


def fails_after_10s(t, p, error, encrypted=False, since=None):
    begun = time.monotonic() if since is None else since
    if not p.tcp.pump(lambda: p.tcp.reset or t.app.finished(p.tcp.lport), 20):
        raise Violation('no end after 20 s')
    took = time.monotonic() - begun
    fail_unless(9 < took < 15, f'ends after {took:.1f} s')
    return t.verdict(p, error=error, encrypted=encrypted)


@case('slow', BOTH)
def no_init(t):
    """A peer that never says a word, A16."""
    fails_after_10s(t, ready(t), 'kex_failed')


@case('slow', BOTH)
def init_dribbles(t):
    p = ready(t)
    begun = time.monotonic()
    for byte in p.init():
        p.tcp.write(bytes((byte,)))
        if p.tcp.pump(lambda: p.tcp.reset, 0.3):
            break
    fails_after_10s(t, p, 'kex_failed', since=begun)
    fail_unless(p.tcp.reset, 'no reset')


# frames: what may be sent.

@table('frames', BOTH, [
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


@table('frames', BOTH, [('of_1', 1), ('of_7', 7), ('of_64', 64)])
def many_in_a_segment(t, size):
    p = t.start()
    t.give(p, p.random.randbytes(60 * size), frame=size)
    t.end(p)


@table('frames', BOTH, [
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


@case('frames', BOTH)
def largest_in_bytes_at_the_ends(t):
    """The header of a large frame comes byte by byte, and its tag too."""
    p = t.start()
    start = len(p.tcp.tx)
    p.tcp.cut = lambda at, left: 1 if at - start < 8 or left < 20 else min(1400, left - 19)
    t.give(p, p.random.randbytes(30000), frame=DATA_MAX)
    t.end(p)


@case('frames', BOTH)
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


@table('frames', BOTH, [('0', 0), ('1', 1), ('last', 99), ('beyond', 65535)])
def urgent(t, place):
    p = t.start()
    t.give(p, b'before')
    t.give(p, p.random.randbytes(100), urgent=place)
    t.give(p, b'behind')
    t.end(p)


@case('frames', BOTH)
def urgent_alone(t):
    p = t.start()
    t.give(p, b'', urgent=0)
    t.give(p, b'data')
    t.end(p)


@case('frames', BOTH)
def urg_flag_of_tcp_means_nothing(t):
    p = t.start()
    p.tcp.urgent_to = len(p.tcp.tx) + 500
    t.give(p, p.random.randbytes(2000))
    t.end(p)


# Rekeying.

def replied(p, generation):
    """Sealane follows: a frame with rekey = 1 for each step, and it stays there."""
    p.tcp.pump(lambda: p.received() is None or p.opener.generation >= generation or p.tcp.reset, WAIT)
    fail_unless(p.opener.generation == generation, f'answers generation {p.opener.generation}')
    fail_unless(sum(f.rekey for f in p.opener.frames) == generation, 'not a frame for each step')


@case('frames', BOTH)
def rekey_with_data(t):
    p = t.start()
    t.exchange(p)
    t.give(p, b'with the new key', rekey=True)
    replied(p, 1)
    t.exchange(p)
    t.end(p)


@case('frames', BOTH)
def rekey_empty(t):
    p = t.start()
    t.give(p, b'', rekey=True)
    replied(p, 1)
    t.exchange(p)
    t.give(p, b'', rekey=True)
    replied(p, 2)
    t.end(p)


@case('frames', BOTH)
def rekey_first_of_all(t):
    """The first frame ever is of generation 1."""
    p = t.start()
    t.give(p, b'at once', rekey=True)
    replied(p, 1)
    t.end(p)


@table('frames', BOTH, [('2', 2), ('3', 3), ('60', 60)])
def rekey_in_a_row(t, times):
    """Several in one segment: each gets its answer."""
    p = t.start()
    data = p.random.randbytes(times)
    p.sent += times
    p.tcp.write(b''.join(p.sealer.seal(data[i:i + 1], rekey=True) for i in range(times)))
    t.arrived(p, data)
    replied(p, times)
    t.exchange(p)
    t.end(p)


@case('frames', BOTH)
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
    replied(p, 6)
    t.end(p)


@case('frames', BOTH)
def rekey_in_bytes(t):
    p = t.start()
    p.tcp.cut = lambda at, left: 1
    for i in range(4):
        t.give(p, b'some bytes', rekey=True)
        replied(p, i + 1)
    t.end(p)


@case('frames', BOTH)
def rekey_on_the_last_frame(t):
    p = t.start()
    p.tcp.fin = True
    p.sent += 4
    p.tcp.write(p.sealer.seal(b'last', fin=True, rekey=True))
    t.arrived(p, b'last')
    if not t.echo:
        replied(p, 1)
        t.take(p, b'and back')
        t.app.end_input()
    p.expect_end().settle()
    replied(p, 1)
    t.verdict(p)


@case('frames', CATS)
def rekey_after_their_end(t):
    """Whose FINp is out, owes no answer (R83, A11)."""
    p = t.start()
    t.app.end_input()
    p.expect_end()
    for piece in (b'', b'data', b'more'):
        t.give(p, piece, rekey=True)
    t.pass_time(p, 0.3)
    fail_unless(p.opener.generation == 0 and len(p.tcp.rx) == p.opener.offset, 'answers after its end')
    p.close().settle()
    t.verdict(p)


# FINp and FIN.

@case('frames', BOTH)
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


@case('frames', BOTH)
def finp_and_fin_on_the_last_segment(t):
    """As Sealane ends: FINp on its last frame, FIN on the segment of that frame's last byte."""
    p = t.start()
    t.exchange(p, 10)
    t.end(p)
    fins = [s for s in p.tcp.log if s.flags & FIN]
    fail_unless(fins[0].payload, 'FIN on a segment of its own')
    fail_unless([f.flags for f in p.opener.frames if f.flags] == [1], 'FINp not once')


@case('frames', BOTH)
def data_with_finp(t):
    p = t.start()
    p.close(p.random.randbytes(1000)).settle()
    if not t.echo:
        t.app.end_input()
    p.tcp.pump(p.tcp.got_fin, WAIT)
    p.got = len(p.received())
    p.expect_end()
    t.verdict(p)


@case('frames', BOTH)
def frame_after_finp(t):
    p = t.start()
    p.tcp.write(p.sealer.seal(b'last', fin=True) + p.sealer.seal(b'beyond'))
    p.expect_reset(15)
    t.verdict(p, error='auth_failed')
    fail_unless(b'beyond' not in (bytes(p.received()) if t.echo else bytes(t.app.out)), 'delivered')


def no_end_seen(t, p):
    """For 8 s the program sees neither an end nor an error."""
    t.pass_time(p, 8)
    fail_unless(not p.tcp.got_fin() and not p.tcp.reset, 'ended at once')
    fail_unless(p.tcp.una <= len(p.tcp.tx), 'the FIN is acknowledged')
    if not t.echo:
        fail_unless(t.app.process.poll() is None, 'the program is gone')


@table('slow', (ECHO,), [
    ('at_once', lambda p: None),
    ('with_data', lambda p: p.tcp.write(p.sealer.seal(b'but no FINp'))),
    ('in_a_frame', lambda p: p.tcp.write(p.sealer.seal(b'cut off', fin=True)[:-3])),
    ('in_a_header', lambda p: p.tcp.write(p.sealer.seal(b'cut off', fin=True)[:2])),
], connect=('at_once', 'in_a_frame'))
def fin_without_finp(t, send):
    p = t.start()
    t.exchange(p, 100)
    p.tcp.fin = True
    begun = time.monotonic()
    send(p)
    p.tcp.output()
    no_end_seen(t, p)
    fails_after_10s(t, p, 'truncated', True, begun)


@table('slow', (ECHO,), [
    ('tag', lambda p: p.sealer.seal(b'data', spoil=True)),
    ('many', lambda p: b''.join(p.sealer.seal(bytes(1000), spoil=True) for _ in range(20))),
    ('clen_16', lambda p: b'\0\0\x10' + bytes(16)),
    ('clen_0', lambda p: bytes(30)),
    ('zeros', lambda p: bytes(5000)),
    ('generation', lambda p: (setattr(p.sealer, 'generation', 1), p.sealer.seal(b'too new'))[1]),
    ('rekey_twice', lambda p: (setattr(p.sealer, 'generation', 1), p.sealer.seal(b'2', rekey=True))[1]),
    ('offset', lambda p: (setattr(p.sealer, 'offset', 0), p.sealer.seal(b'from 0'))[1]),
], connect=('tag', 'zeros'))
def corrupt_sender(t, bytes_of):
    """Whatever it repeats, nothing authenticates: the end after 10 s, and not a byte delivered."""
    p = t.start()
    t.exchange(p, 100)
    had = len(p.received()), not t.echo and len(t.app.out)
    p.tcp.write(bytes_of(p))
    begun = time.monotonic()
    t.pass_time(p, 8)
    fail_unless(not p.tcp.reset, 'reset at once')
    fails_after_10s(t, p, 'auth_failed', True, begun)
    fail_unless(had == (len(p.received()), not t.echo and len(t.app.out)), 'something was delivered')


@case('slow', BOTH)
def altered_options(t):
    """Somebody changed an ENO option in transit, so the transcripts differ (R37)."""
    p = t.peer().open()
    right = p.transcript
    p.transcript = lambda: right()[:-1] + bytes((right()[-1] ^ 0x40,))
    p.exchange_keys()
    p.tcp.write(p.sealer.seal(b'data'))
    begun = time.monotonic()
    if not p.tcp.pump(lambda: p.tcp.reset, 20):
        raise Violation('no end after 20 s')
    fail_unless(9 < time.monotonic() - begun < 15, f'ends after {time.monotonic() - begun:.1f} s')
    fail_unless(t.said(p)['error'] == 'auth_failed', f'{t.said(p)}')


@table('slow', (ECHO,), [
    ('urgent_cut', bytes((2,))),
    ('urgent_cut_by_one', bytes((2, 0))),
    ('no_flags', b''),
], connect=('urgent_cut',))
def plaintext_too_short(t, plain_bytes):
    """It authenticates, but lacks its fields (A8)."""
    p = t.start()
    key, randomizer = p.secrets.traffic(p.aead, p.role, 0)
    head = struct.pack('!BH', 0, len(plain_bytes) + 16)
    p.tcp.write(head + key.encrypt(nonce(randomizer, p.sealer.offset), plain_bytes, head))
    p.expect_reset(16)
    t.verdict(p, error='auth_failed')


# attacks on a live connection: it goes on, and every byte arrives.

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


@table('attacks', BOTH, [
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
    ('huge_clen_much_text', lambda f, r: [(1400 * i, (b'\0\xff\xff' if i == 0 else b'') + r.randbytes(1400))
                                          for i in range(8)]),
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
])
def forged(t, pieces):
    """Right in every field of TCP, sent just before the genuine frame."""
    p = t.start()
    t.exchange(p, 3000)
    data, frame = genuine(p)
    more, behind = zip(*(genuine(p) for _ in range(12)))
    for at, text in pieces(frame, p.random):
        p.tcp.emit(ACK | PSH, p.tcp.nxt + at, text)
    # At once, for all places that were forged: what waits too long may be acknowledged (A14 b).
    p.tcp.write(frame)
    p.tcp.write(b''.join(behind))
    t.arrived(p, data + b''.join(more))
    attacked(t, p)


@case('attacks', BOTH)
def forged_between_halves(t):
    """Half of a frame, then a forged second half, then the true one."""
    p = t.start()
    for cut in (1, 3, 500, 1000):
        data, frame = genuine(p)
        p.tcp.write(frame[:cut])
        p.tcp.emit(ACK | PSH, p.tcp.nxt, p.random.randbytes(len(frame) - cut))
        p.tcp.write(frame[cut:])
        t.arrived(p, data)
    attacked(t, p)


@case('attacks', BOTH)
def forged_headers_of_neighbours(t):
    """Of two frames, each in its segment: one has a reserved bit and a clen forged, the next a clen."""
    p = t.start()
    t.exchange(p, 3000)
    (data1, frame1), (data2, frame2) = genuine(p, 40), genuine(p, 40)
    for text in (xor(frame1, 0, 0x40), xor(frame1, 1, 0x40), frame1):
        p.tcp.emit(ACK, p.tcp.nxt, text)
    for text in (xor(frame2, 1, 0x10), frame2):
        p.tcp.emit(ACK, p.tcp.nxt + len(frame1), text)
    p.tcp.write(frame1 + frame2)
    t.arrived(p, data1 + data2)
    attacked(t, p)


TWICE = random.Random(0)


@table('attacks', BOTH, [
    ('clen', [(0, b'\0\x9c\x40' + TWICE.randbytes(17)), (0, b'\0\x9c\x41' + TWICE.randbytes(17))]),
    ('clen_and_byte', [(0, b'\0\x9c\x40' + TWICE.randbytes(17)), (3, b'x')]),
    ('byte_and_clen', [(3, b'x'), (0, b'\0\x9c\x40' + TWICE.randbytes(17))]),
    ('small_clen', [(0, b'\0\0\x20' + TWICE.randbytes(1017)), (0, b'\0\0\x21' + TWICE.randbytes(1017))]),
    ('inside', [(100, TWICE.randbytes(10)), (100, TWICE.randbytes(10))]),
    ('inside_thrice', [(100, TWICE.randbytes(10)), (100, TWICE.randbytes(10)), (100, TWICE.randbytes(10))]),
    ('inside_apart', [(100, TWICE.randbytes(10)), (105, TWICE.randbytes(10)), (95, TWICE.randbytes(10))]),
    ('whole', [(0, TWICE.randbytes(1020)) for _ in range(4)]),
    ('many', [(TWICE.randrange(1000), TWICE.randbytes(TWICE.choice((1, 20, 600)))) for _ in range(30)]),
])
def forged_twice(t, pieces):
    """Two or more for one place. The genuine bytes come after them, and are repeated as TCP does."""
    p = t.start()
    t.exchange(p, 3000)
    data, frame = genuine(p)
    for at, text in pieces:
        p.tcp.emit(ACK, p.tcp.nxt + at, text)
    p.tcp.write(frame)
    t.arrived(p, data)
    attacked(t, p)


@case('attacks', BOTH)
def forged_behind_a_gap(t):
    """The genuine frames arrive with a hole, in which the forged one is first."""
    p = t.start()
    data, frames = zip(*(genuine(p) for _ in range(5)))
    size = len(frames[0])
    for i in (1, 2, 4):
        p.tcp.emit(ACK, p.tcp.nxt + i * size, frames[i])
    for i in (0, 3):
        p.tcp.emit(ACK, p.tcp.nxt + i * size, p.random.randbytes(size))
    p.tcp.write(b''.join(frames))
    t.arrived(p, b''.join(data))
    attacked(t, p)


@case('attacks', BOTH)
def forged_after_the_genuine(t):
    p = t.start()
    for _ in range(20):
        data, frame = genuine(p, 300)
        at = p.tcp.nxt
        p.tcp.write(frame)
        p.tcp.emit(ACK | PSH, at, p.random.randbytes(len(frame)))
        t.arrived(p, data)
    attacked(t, p)


@table('attacks', BOTH, [('every', 1, 300), ('many', 5, 1000), ('pairs', 2, 40)])
def forged_by_the_hundred(t, copies, size):
    """Before each of our segments some with altered text for the same place, while data flows both ways."""
    p = t.start()
    r, done = random.Random(copies), set()

    def lane(seg):
        if seg.payload and not (seg.seq in done and copies > 1):
            done.add(seg.seq)  # a true repeat gets through unharmed, unless there is but one forgery
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
        p.send(data[i * size:(i + 1) * size])
        t.pass_time(p, 0.01)
    t.arrived(p, data)
    if not t.echo:
        p.expect(data[::-1])
    p.tcp.lane = straight
    attacked(t, p)


@case('attacks', BOTH)
def forged_into_a_large_frame(t):
    """A frame of many segments, one of them forged first."""
    p = t.start()
    for at in (0, 1400, 14000, 20000 - 1380):
        data, frame = genuine(p, 20000)
        text = p.random.randbytes(1400)
        p.tcp.emit(ACK, p.tcp.nxt + at, text)
        p.tcp.write(frame)
        t.arrived(p, data)
    attacked(t, p)


@table('attacks', BOTH, [
    ('bare', 0, b''),
    ('with_text', 0, b'bye'),
    ('with_frame', 0, b'\0\0\x11' + bytes(17)),
    ('ahead', 1000, b''),
    ('old', -10, b''),
    ('above_the_window', 1 << 21, b''),
])
def forged_fin(t, at, text):
    p = t.start()
    t.exchange(p, 3000)
    p.tcp.emit(FIN | ACK, p.tcp.nxt + at, text)
    t.pass_time(p, 0 if text else 0.5)
    fail_unless(not p.tcp.reset and not p.tcp.got_fin(), 'believed it')
    attacked(t, p)


@case('attacks', BOTH)
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


@table('attacks', BOTH, [('ahead', 1, True), ('far_ahead', 10000, True), ('below', -1, False),
                         ('beyond', 1 << 21, False)])
def forged_rst(t, at, challenge):
    """RFC 5961 3.2: only the exact place resets."""
    p = t.start()
    t.exchange(p, 1000)
    p.settle()
    challenged(t, p, lambda: p.tcp.emit(RST, p.tcp.nxt + at), challenge)
    attacked(t, p)


@table('attacks', BOTH, [('in_window', 0), ('ahead', 5000), ('old', -2000)])
def forged_syn(t, at):
    """RFC 5961 4.2: a challenge ACK, whatever its number."""
    p = t.start()
    t.exchange(p, 1000)
    p.settle()
    challenged(t, p, lambda: p.tcp.emit(SYN, p.tcp.nxt + at), True)
    attacked(t, p)


@table('attacks', BOTH, [('beyond', 1), ('far_beyond', 1 << 22), ('old', -(1 << 24))])
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


@case('attacks', BOTH)
def forged_urgent(t):
    p = t.start()
    t.exchange(p, 1000)
    p.tcp.emit(ACK | URG, payload=b'!', urgent=1)
    p.tcp.emit(ACK | URG, payload=b'', urgent=5)
    attacked(t, p)


@case('attacks', BOTH)
def storm(t):
    """Random flags, places and text in and around the window, under a transfer both ways."""
    p = t.start()
    r = random.Random(7)
    data = p.random.randbytes(60000)
    if not t.echo:
        t.feed(data[::-1])
    for i in range(60):
        for _ in range(20):
            flags = ACK | r.choice((0, 0, PSH, FIN, URG, SYN))
            p.tcp.emit(flags, p.tcp.nxt + r.choice((0, 1, 3, r.randint(-3000, 60000))),
                       r.randbytes(r.choice((0, 1, 20, 600))), urgent=r.randrange(100))
        p.send(data[i * 1000:(i + 1) * 1000])
        t.pass_time(p, 0.005)
    t.arrived(p, data)
    if not t.echo:
        p.expect(data[::-1])
    attacked(t, p)


@case('attacks', BOTH)
def true_reset(t):
    """At the exact place a reset is one, encryption or not."""
    p = t.start()
    t.exchange(p, 1000)
    p.settle()
    p.tcp.emit(RST, p.tcp.nxt)
    t.verdict(p, error='reset')


# line: a bad one, and what Sealane repeats.

def both_ways(t, p, size):
    data = p.random.randbytes(size)
    if not t.echo:
        t.feed(data[::-1])
    p.send(data)
    t.arrived(p, data, 40)
    if not t.echo:
        p.expect(data[::-1], 40)
    t.end(p)


@table('line', BOTH, [
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


@table('line', (ECHO,), [(str(seed), seed) for seed in range(8)], connect=('0', '1', '2'))
def bad_from_the_start(t, seed):
    """Every segment of a short connection may be lost, those of both handshakes too."""
    p = t.peer()
    p.tcp.lane = Impairments(seed, loss=0.1, duplicate=0.1)
    p.tcp.sieve = Impairments(seed + 100, loss=0.1, duplicate=0.1)
    p.start()
    t.exchange(p, 20000)
    t.end(p)


@case('line', BOTH)
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


@table('line', BOTH, [('plain', {}, 1460), ('stamps', {'stamps': True}, 1448), ('mss536', {'mss': 536}, 536)])
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


@case('line', BOTH)
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
        fail_unless(seg is not None and seg.seq == (rx + off) & 0xffffffff, f'asked for {off}, got {seg}')
        p.tcp.rcv_nxt = lambda off=off: rx + off
    p.tcp.__dict__.pop('rcv_nxt', None)
    p.tcp.ack_at_once = True
    p.tcp.emit(ACK)
    p.expect(data)
    t.end(p)


@table('line', BOTH, [('40', 40), ('100', 100), ('500', 500), ('2000', 2000)])
def small_window(t, window):
    """Ours is smaller than any frame: it arrives in pieces."""
    p = t.start()
    p.tcp.window = window
    p.tcp.emit(ACK)
    t.take(p, p.random.randbytes(3000 if window > 99 else 300))
    p.tcp.window = 65535
    p.tcp.emit(ACK)
    t.exchange(p)
    t.end(p)


@case('line', BOTH)
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


@case('line', BOTH)
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


@case('line', BOTH)
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
    replied(p, 1)
    t.end(p)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('group', choices=sorted(GROUPS))
    parser.add_argument('--echo')
    parser.add_argument('--cat')
    parser.add_argument('--sealane')
    parser.add_argument('--config')
    parser.add_argument('--only', default='')
    parser.add_argument('--interface', default='sealane0')
    parser.add_argument('--at-once', type=int, default=12)
    o = parser.parse_args()
    chosen = [(name, number, function, role) for number, (name, role, function)
              in enumerate(GROUPS[o.group]) if o.only in name]
    if o.echo:
        mine = [c[:3] for c in chosen if c[3] == ECHO]
        lines = run_echo(mine, o.interface, o.echo, o.at_once) if mine else []
    else:
        index, of = map(int, o.cat.split('/'))
        lines = []
        for number, (*mine, role) in enumerate([c for c in chosen if c[3] != ECHO]):
            if number % of == index:
                lines += run_cat(role, [mine], o.interface, o.sealane, o.config)
    sys.exit(any(line.startswith('FAIL') for line in lines))


if __name__ == '__main__':
    main()
