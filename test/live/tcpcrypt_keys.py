# SPDX-License-Identifier: BSD-3-Clause
"""Key exchanges that must fail at once."""
from tcpcrypt_run import BOTH, CONNECT, ECHO, case, fail_unless, table


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
    fail_unless(p.tcp.reset.seq == p.tcp.rcv_nxt() & 0xffffffff, 'the reset is elsewhere')
    t.verdict(p, error='kex_failed', encrypted=False)


def ready(t):
    """A peer that has to send its Init now."""
    p = t.peer().open()
    if p.role == 'B':
        p.await_init()
    return p


@table(BOTH, [
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


@table((ECHO,), [
    ('none', {'ciphers': (), 'count': 0}),
    ('unknown', {'ciphers': (0x1234, 0x0003)}),
    ('count_past_end', {'count': 255}),
    ('count_one_more', {'count': 2}),
])
def init1_ciphers(t, bent):
    p = ready(t)
    broken(t, p, p.init(**bent))


@table((CONNECT,), [('not_offered', 0x1234), ('zero', 0)])
def init2_cipher(t, cipher):
    p = ready(t)
    broken(t, p, p.init(cipher=cipher))


@case(BOTH)
def plain_text_instead(t):
    broken(t, ready(t), b'GET / HTTP/1.0\r\nHost: example.org\r\n\r\n')


@case(BOTH)
def broken_in_bytes(t):
    p = ready(t)
    p.tcp.cut = lambda at, left: 1
    broken(t, p, p.init(length=7))


@case(BOTH)
def init_cut_off_by_our_end(t):
    """The stream ends inside Init."""
    p = ready(t)
    p.tcp.fin = True
    p.tcp.write(p.init()[:40])
    p.expect_reset(15)
    t.verdict(p, error={'kex_failed', 'truncated'}, encrypted=False)
