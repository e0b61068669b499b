# SPDX-License-Identifier: BSD-3-Clause
"""What fails after 10 s: peers that do not speak, do not authenticate, or end without FINp."""
import struct
import time

from tcpcrypt_keys import ready
from tcpcrypt_peer import nonce
from tcpcrypt_run import BOTH, ECHO, case, fail_unless, table
from wire import Violation


def fails_after_10s(t, p, error, encrypted=False, since=None):
    begun = time.monotonic() if since is None else since
    if not p.tcp.pump(lambda: p.tcp.reset or t.app.finished(p.tcp.lport), 20):
        raise Violation('no end after 20 s')
    took = time.monotonic() - begun
    fail_unless(9 < took < 15, f'ends after {took:.1f} s')
    return t.verdict(p, error=error, encrypted=encrypted)


@case(BOTH)
def no_init(t):
    """A peer that never says a word, A16."""
    fails_after_10s(t, ready(t), 'kex_failed')


@case(BOTH)
def init_dribbles(t):
    p = ready(t)
    begun = time.monotonic()
    for byte in p.init():
        p.tcp.write(bytes((byte,)))
        if p.tcp.pump(lambda: p.tcp.reset, 0.3):
            break
    fails_after_10s(t, p, 'kex_failed', since=begun)
    fail_unless(p.tcp.reset, 'no reset')


def no_end_seen(t, p):
    """For 8 s the program sees neither an end nor an error."""
    t.pass_time(p, 8)
    fail_unless(not p.tcp.got_fin() and not p.tcp.reset, 'ended at once')
    fail_unless(p.tcp.una <= len(p.tcp.tx), 'the FIN is acknowledged')
    if not t.echo:
        fail_unless(t.app.process.poll() is None, 'the program is gone')


@table((ECHO,), [
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


def seal_with(p, rekey=False, **wrong):
    p.sealer.__dict__.update(wrong)
    return p.sealer.seal(b'data', rekey=rekey)


def outcome(t, p):
    """How much was delivered, at either end."""
    return len(p.received()), 0 if t.echo else len(t.app.out)


@table((ECHO,), [
    ('tag', lambda p: p.sealer.seal(b'data', spoil=True)),
    ('many', lambda p: b''.join(p.sealer.seal(bytes(1000), spoil=True) for _ in range(20))),
    ('clen_16', lambda p: b'\0\0\x10' + bytes(16)),
    ('clen_0', lambda p: bytes(30)),
    ('zeros', lambda p: bytes(5000)),
    ('generation', lambda p: seal_with(p, generation=1)),
    ('rekey_twice', lambda p: seal_with(p, generation=1, rekey=True)),
    ('offset', lambda p: seal_with(p, offset=0)),
], connect=('tag', 'zeros'))
def corrupt_sender(t, bytes_of):
    """Whatever it repeats, nothing authenticates: the end after 10 s, and not a byte delivered."""
    p = t.start()
    t.exchange(p, 100)
    had = outcome(t, p)
    p.tcp.write(bytes_of(p))
    begun = time.monotonic()
    t.pass_time(p, 8)
    fail_unless(not p.tcp.reset, 'reset at once')
    fails_after_10s(t, p, 'auth_failed', True, begun)
    fail_unless(had == outcome(t, p), 'something was delivered')


@case(BOTH)
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


@table((ECHO,), [
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
