# SPDX-License-Identifier: BSD-3-Clause
"""Every way in which TCP-ENO falls back to plain TCP, and the word that says why."""
from tcpcrypt_peer import CURVE25519, eno
from tcpcrypt_run import CATS, CONNECT, ECHO, LISTEN, case, fail_unless, table
from wire import ACK, ENO, SYN, Violation


@case((CONNECT,))
def simultaneous_open_of_equals(t):
    p = t.peer(offer=eno(CURVE25519))
    p.open_both()
    plain(t, p, 'same_role')


def plain(t, p, word):
    fail_unless(not p.encrypted, 'our own reading is that it is encrypted')
    t.exchange(p, 4000)
    t.end(p, fallback=word)


def no_option_in(seg):
    fail_unless(seg.option(ENO) is None, 'answers with an ENO option')


@table((ECHO,), [
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


@table((CONNECT,), [
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


@case((CONNECT,))
def syn_ack_mirrors(t):
    """A middlebox that sends options back as they came."""
    p = t.peer().open(confirm=False)
    p.tcp.eno = p.theirs.option
    p.encrypted = p.tcp.eno_acks = False
    p.answer()
    plain(t, p, 'same_role')


@case((ECHO,))
def ack_without_eno(t):
    p = t.peer().open(confirm=False)
    p.encrypted = p.tcp.eno_acks = False
    p.confirm()
    plain(t, p, 'no_ack_eno')


@case((ECHO,))
def first_ack_is_data_without_eno(t):
    p = t.peer().open(confirm=False)
    p.encrypted = p.tcp.eno_acks = False
    p.confirm(bare=False)
    plain(t, p, 'no_ack_eno')


@case((ECHO,))
def ack_without_eno_then_with(t):
    """Once disabled, it stays so."""
    p = t.peer().open(confirm=False)
    p.tcp.confirm(bare=False)
    p.tcp.emit(ACK, 0, options=[])
    p.encrypted = False
    t.pass_time(p, 0.1)
    p.tcp.eno_acks, p.tcp.heard_non_syn = True, False
    plain(t, p, 'no_ack_eno')


@case((ECHO,))
def ack_with_experimental_kind(t):
    p = t.peer().open(confirm=False)
    p.encrypted = p.tcp.eno_acks = False
    p.tcp.established = True
    p.tcp.emit(ACK, 0, options=[b'\xfd\x04\x45\x4e'])
    plain(t, p, 'no_ack_eno')


@table((ECHO,), [('ack_with', True), ('ack_without', False)])
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


@case((ECHO,))
def syn_data_without_tep(t):
    """SYN data beside an ENO option that leads to nothing is discarded (R31)."""
    p = t.peer(offer=eno(0x30))
    p.tcp.open_active(payload=b'early')
    p.hear()
    p.confirm()
    plain(t, p, 'no_common_tep')


@case(CATS, settings=('crypt.mode=off',))
def switched_off(t):
    p = t.peer().open(confirm=False)
    fail_unless(p.theirs is None, 'an ENO option though it is off')
    if p.active:
        p.confirm()
    else:
        p.answer()
    plain(t, p, 'disabled')


@case((LISTEN,), settings=('crypt.mode=off',))
def switched_off_discards_syn_data(t):
    p = t.peer()
    p.tcp.open_active(payload=b'early')
    p.hear()
    p.confirm()
    plain(t, p, 'disabled')


@case(CATS, settings=('crypt.mode=require',))
def required_and_there(t):
    p = t.start()
    t.exchange(p)
    t.end(p)


@table(CATS, [
    ('none', lambda p: None),
    ('unknown', lambda p: eno(int(not p.active), 0x30)),
], settings=('crypt.mode=require',))
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
