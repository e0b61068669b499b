# SPDX-License-Identifier: BSD-3-Clause
"""TCP-ENO (RFC 8547) and tcpcrypt (RFC 8548), written from the RFCs alone, over wire.Tcp.

Peer is one end of a connection, active or passive. Its steps may be called one by one, so that a
test can do something else in between or instead: open(), exchange_keys(), send(), expect(),
close().
Whatever Sealane sends is held against the RFCs at once; a breach raises wire.Violation.
"""
import random
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from wire import ACK, ENO, PSH, SYN, Tcp, Violation

CURVE25519 = 0x23
AES_128_GCM, AES_256_GCM, CHACHA20 = 0x0001, 0x0002, 0x0010
AEADS = {AES_128_GCM: (AESGCM, 16, 'AES-128-GCM'), AES_256_GCM: (AESGCM, 32, 'AES-256-GCM'),
         CHACHA20: (ChaCha20Poly1305, 32, 'ChaCha20-Poly1305')}
NONCE_LEN, K_LEN, TAG_LEN = 12, 32, 16
INIT1_MAGIC, INIT2_MAGIC = 0x15101a0e, 0x097105e0
REKEY, FINP, URGP = 1, 1, 2
DATA_MAX = 65535 - TAG_LEN - 1
WAIT = 20


class Malformed(Exception):
    """An ENO option that RFC 8547 4.4 has the receiver ignore."""


class Offer:
    """A SYN-form ENO option as its receiver reads it (RFC 8547 4.1 to 4.4)."""

    def __init__(self, option):
        self.option, self.globals, self.teps = option, None, []
        rest = option[2:]
        while rest:
            first, rest = rest[0], rest[1:]
            if first < 0x20:
                self.globals = first if self.globals is None else self.globals
            elif first < 0x80:
                self.teps.append((first, None))
            elif first < 0xa0:
                size = first - 0x80 + 1
                if not rest or rest[0] < 0xa0 or len(rest) < 1 + size:
                    raise Malformed(option.hex())
                self.teps.append((rest[0] & 0x7f, rest[1:1 + size]))
                rest = rest[1 + size:]
            else:
                self.teps.append((first & 0x7f, rest))
                rest = b''
        self.b = (self.globals or 0) & 1
        self.a = (self.globals or 0) >> 1 & 1


def eno(*suboptions):
    """A SYN-form option of these bytes."""
    body = b''.join(bytes((s,)) if isinstance(s, int) else s for s in suboptions)
    return bytes((ENO, 2 + len(body))) + body


def extract(salt, material):
    mac = hmac.HMAC(salt, hashes.SHA256())
    mac.update(material)
    return mac.finalize()


def cprf(key, const, size):
    return HKDFExpand(hashes.SHA256(), size, const).derive(key)


class Secrets:
    """RFC 8548 3.3 for a fresh session: from PRK to the traffic keys of each generation."""

    def __init__(self, n_a, transcript, init1, init2, es):
        self.ss = extract(n_a, transcript + init1 + init2 + es)
        self.mk = [cprf(self.ss, b'\3', K_LEN)]

    def session_id(self, tep_byte):
        return bytes((tep_byte,)) + cprf(self.ss, b'\2', K_LEN)

    def traffic(self, aead, role, generation):
        """What the host of that role seals with: the AEAD keyed, and the nonce randomizer."""
        while len(self.mk) <= generation:
            self.mk.append(cprf(self.mk[-1], b'\3', K_LEN))
        make, size, _ = AEADS[aead]
        okm = cprf(self.mk[generation], b'\4' if role == 'A' else b'\5', size + NONCE_LEN)
        return make(okm[:size]), okm[size:]


def nonce(randomizer, offset):
    return bytes(a ^ b for a, b in zip(randomizer, struct.pack('!IQ', 0, offset)))


class Sealer:
    def __init__(self, secrets, aead, role, offset):
        self.secrets, self.aead, self.role, self.offset = secrets, aead, role, offset
        self.generation = 0

    def seal(self, data=b'', fin=False, rekey=False, urgent=None, cres=0, fres=0, spoil=False):
        """The next frame; `rekey` steps to the next generation first."""
        self.generation += rekey
        key, randomizer = self.secrets.traffic(self.aead, self.role, self.generation)
        flags = fres << 2 | (FINP if fin else 0) | (0 if urgent is None else URGP)
        plain = bytes((flags,)) + (b'' if urgent is None else struct.pack('!H', urgent)) + data
        head = struct.pack('!BH', cres << 1 | rekey, len(plain) + TAG_LEN)
        frame = head + key.encrypt(nonce(randomizer, self.offset), plain, head)
        if spoil:
            frame = frame[:-1] + bytes((frame[-1] ^ 1,))
        self.offset += len(frame)
        return frame


class Frame:
    """One that came: where, of which generation, and what was in it."""

    def __init__(self, offset, size, generation, rekey, flags, urgent, data):
        self.offset, self.size, self.generation, self.rekey = offset, size, generation, rekey
        self.flags, self.urgent, self.data = flags, urgent, data


class Opener:
    def __init__(self, secrets, aead, role, offset):
        self.secrets, self.aead, self.role, self.offset = secrets, aead, role, offset
        self.generation, self.frames, self.data, self.ended = 0, [], bytearray(), False

    def open(self, stream):
        """Read on, as far as `stream` has whole frames."""
        while len(stream) >= self.offset + 3:
            control, size = struct.unpack('!BH', stream[self.offset:self.offset + 3])
            if control >> 1:
                raise Violation(f'cres is {control >> 1:#x}')
            if size < TAG_LEN + 1:
                raise Violation(f'clen is {size}')
            end = self.offset + 3 + size
            if len(stream) < end:
                return
            if self.ended:
                raise Violation('a frame after FINp')
            self.generation += control & REKEY
            key, randomizer = self.secrets.traffic(self.aead, self.role, self.generation)
            try:
                plain = key.decrypt(nonce(randomizer, self.offset),
                                    bytes(stream[self.offset + 3:end]),
                                    bytes(stream[self.offset:self.offset + 3]))
            except InvalidTag:
                raise Violation(f'the frame at {self.offset} does not open') from None
            self.take(control & REKEY, plain, end)

    def take(self, rekey, plain, end):
        flags, data, urgent = plain[0], plain[1:], None
        if flags >> 2:
            raise Violation(f'fres is {flags >> 2:#x}')
        if flags & URGP:
            urgent, data = int.from_bytes(data[:2], 'big'), data[2:]
        self.frames.append(Frame(self.offset, end - self.offset, self.generation, rekey, flags,
                                 urgent, data))
        self.data += data
        self.ended = bool(flags & FINP)
        self.offset = end


class Peer:
    """One end. `offer` is our ENO option whole, or None for plain TCP."""

    DEFAULT = object()

    def __init__(self, net, lport, rport=None, offer=DEFAULT, ciphers=(AES_128_GCM,), **tcp):
        self.active = rport is not None
        if offer is Peer.DEFAULT:
            offer = eno(CURVE25519) if self.active else eno(1, CURVE25519)
        self.tcp = Tcp(net, lport, rport, eno=offer, **tcp)
        self.random = random.Random(f'{tcp.get("seed", 0)}+{lport}')
        self.ciphers, self.aead, self.role, self.tep = ciphers, None, None, None
        self.encrypted = False
        self.theirs = self.session_id = self.secrets = self.sealer = self.opener = None
        self.sent = 0                   # application bytes
        self.got = 0                    # how many of theirs a test has looked at

    # TCP-ENO.

    def open(self, confirm=True, bare=True):
        """The TCP handshake, and what follows from the ENO options in it."""
        if self.active:
            self.tcp.open_active()
        else:
            self.tcp.await_syn()
        self.hear()
        if self.active and confirm:
            self.confirm(bare)
        elif not self.active and confirm:
            self.answer()
        return self

    def hear(self):
        """Read the other's option. Disables ENO as RFC 8547 4.6 wants it."""
        options = [o for o in self.tcp.syn_seg.options if o[0] == ENO]
        if len(options) > 1:
            raise Violation('two ENO options')
        self.theirs = Offer(options[0]) if options else None
        if self.active and self.theirs is not None and not self.theirs.b:
            raise Violation('a passive opener with b = 0')  # R14
        if self.theirs is not None and (self.theirs.globals or 0) & 0x1c:
            raise Violation('z bits are set')
        self.tep = self.negotiated()
        self.encrypted = self.tep is not None
        if not self.encrypted:
            self.tcp.eno_acks = False

    def negotiated(self):
        if self.theirs is None or self.tcp.eno is None or self.tcp.eno[0] != ENO:
            return None
        try:
            ours = Offer(self.tcp.eno)
        except Malformed:
            return None
        if ours.b == self.theirs.b:
            return None
        self.role = 'B' if ours.b else 'A'
        a, b = (self.theirs, ours) if ours.b else (ours, self.theirs)
        of_a, of_b = [t for t, _ in a.teps], [t for t, _ in b.teps]
        valid = [t for t, data in b.teps if t == CURVE25519 and data is None  # nobody resumes here
                 and of_a.count(t) == of_b.count(t) == 1]
        return valid[-1] if valid else None

    def confirm(self, bare=True):
        self.tcp.confirm(bare)

    def answer(self):
        first = self.tcp.open_passive()
        if self.encrypted and first.option(ENO) is None:
            raise Violation('no ENO option in the first ACK segment')
        if not self.encrypted and first.option(ENO) is not None:
            raise Violation('an ENO option after encryption was disabled')

    def open_both(self):
        """Their SYN crosses ours; both answer (RFC 9293 3.5, figure 8)."""
        tcp = self.tcp
        first = tcp.await_syn()
        self.hear()
        tcp.syn()
        answer = tcp.next_segment(lambda s: s.flags & SYN and s.flags & ACK, WAIT, tcp.syn)
        if answer.seq != first.seq:
            raise Violation('another ISN in the SYN-ACK')
        option = answer.option(ENO)
        if option != first.option(ENO) and (self.encrypted or option is not None):  # R25
            raise Violation(f'SYN with {first.option(ENO)}, SYN-ACK with {option}')
        tcp.peer_window = answer.window
        tcp.syn_ack()
        tcp.confirm()

    def transcript(self):
        ours, theirs = self.tcp.eno, self.theirs.option
        return ours + theirs if self.role == 'A' else theirs + ours

    # Key exchange.

    def new_key(self):
        return X25519PrivateKey.from_private_bytes(self.random.randbytes(32))

    def init(self, key=None, magic=None, length=None, ciphers=None, count=None, tail=b'', pub=None,
             cipher=None):
        """Our Init message; what is given replaces what would be right."""
        self.key = key or self.new_key()
        self.nonce = self.random.randbytes(32)
        if pub is None:
            pub = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        if self.role == 'A':
            listed = self.ciphers if ciphers is None else ciphers
            self.ciphers = listed
            body = bytes((len(listed) if count is None else count,))
            body += b''.join(struct.pack('!H', c) for c in listed)
            magic = INIT1_MAGIC if magic is None else magic
        else:
            body = struct.pack('!H', self.aead if cipher is None else cipher)
            magic = INIT2_MAGIC if magic is None else magic
        body += self.nonce + pub + tail
        return struct.pack('!II', magic, 8 + len(body) if length is None else length) + body

    def read_init(self):
        """Their Init from the head of the stream, held against R48 to R51."""
        rx = self.tcp.rx
        magic, size = struct.unpack('!II', rx[:8])
        if magic != (INIT1_MAGIC if self.role == 'B' else INIT2_MAGIC):
            raise Violation(f'magic is {magic:#x}')
        self.read_whole(size)
        message = bytes(rx[:size])
        if self.role == 'B':
            count = message[8]
            listed = struct.unpack(f'!{count}H', message[9:9 + 2 * count])
            self.listed = listed
            if AES_128_GCM not in listed:
                raise Violation(f'ciphers are {listed}')
            self.aead = next((c for c in self.ciphers if c in listed), AES_128_GCM)
            body = message[9 + 2 * count:]
        else:
            self.aead = int.from_bytes(message[8:10], 'big')
            if self.aead not in self.ciphers:
                raise Violation(f'chose cipher {self.aead:#x}')
            body = message[10:]
        if len(body) != 64:
            raise Violation(f'{len(body)} bytes of nonce and key in Init')
        return message, body[:32], body[32:]

    def read_whole(self, size):
        if size > 4096:
            raise Violation(f'message_len is {size}')
        if not self.tcp.pump(lambda: len(self.tcp.rx) >= size, WAIT):
            raise Violation('Init stays incomplete')
        last = [s for s in self.tcp.log if s.payload and
                0 < size - self.tcp.place(s.seq, self.tcp.irs, 0) <= len(s.payload)]
        if not all(s.flags & PSH for s in last):
            raise Violation('the segment that ends Init has no PSH')

    def await_init(self):
        self.tcp.pump(lambda: len(self.tcp.rx) >= 8 or self.tcp.reset, WAIT)
        if self.tcp.reset or len(self.tcp.rx) < 8:
            raise Violation(f'no Init: {"reset" if self.tcp.reset else "nothing"}')
        return self.read_init()

    def exchange_keys(self, ours=None, after=b'', write=True, **bent):
        """Both Inits. `after` goes out in one write with ours, sealed if it is a call."""
        if self.role == 'A':
            self.mine = ours or self.init(**bent)
            if write:
                self.tcp.write(self.mine)
            theirs, _, pub = self.await_init()
            self.derive(self.mine, theirs, self.nonce, pub, len(theirs))
        else:
            theirs, n_a, pub = self.await_init()
            self.mine = ours or self.init(**bent)
            self.derive(theirs, self.mine, n_a, pub, len(theirs))
            self.tcp.write(self.mine + (after() if callable(after) else after))
        return self

    def derive(self, init1, init2, n_a, pub, theirs_len):
        es = self.key.exchange(X25519PublicKey.from_public_bytes(pub))
        self.secrets = Secrets(n_a, self.transcript(), init1, init2, es)
        b_option = self.tcp.eno if self.role == 'B' else self.theirs.option
        tep_byte = self.tep | (0x80 if dict(Offer(b_option).teps)[self.tep] is not None else 0)
        self.session_id = self.secrets.session_id(tep_byte).hex()
        self.sealer = Sealer(self.secrets, self.aead, self.role, len(self.mine))
        other = 'A' if self.role == 'B' else 'B'
        self.opener = Opener(self.secrets, self.aead, other, theirs_len)

    def start(self, **bent):
        """The whole way to where data may flow."""
        self.open()
        if self.encrypted:
            self.exchange_keys(**bent)
        return self

    # Data.

    def send(self, data, frame=1400, **flags):
        """Application bytes, in frames of so many, or plain."""
        self.sent += len(data)
        if not self.encrypted:
            self.tcp.write(data)
            return self
        pieces = [data[i:i + frame] for i in range(0, len(data), frame)] or [b'']
        self.tcp.write(b''.join(self.sealer.seal(p, **flags) for p in pieces))
        return self

    def received(self):
        """All application bytes so far."""
        if not self.encrypted:
            return self.tcp.rx
        if self.opener is None:
            return b''
        self.opener.open(self.tcp.rx)
        return self.opener.data

    def expect(self, data, wait=WAIT):
        """These are the next bytes, and no more come with them that differ."""
        end = self.got + len(data)
        self.tcp.pump(lambda: len(self.received()) >= end or self.tcp.reset, wait)
        have = bytes(self.received()[self.got:end])
        if have != data:
            raise Violation(f'{len(data)} bytes expected, {len(have)} came' +
                            ('' if data.startswith(have) else ', others') +
                            (', and reset' if self.tcp.reset else ''))
        self.got = end
        return self

    # Ends.

    def close(self, data=b''):
        """Our last frame has FINp, and the FIN lies on its last byte (R76)."""
        if self.encrypted:
            self.sent += len(data)
            self.tcp.fin = True
            self.tcp.write(self.sealer.seal(data, fin=True))
        else:
            self.send(data) if data else None
            self.tcp.shutdown()
        return self

    def expect_end(self, wait=WAIT):
        """Their end of stream: FINp on the last frame and a FIN behind it; all was read before."""
        if not self.tcp.pump(lambda: self.tcp.got_fin() or self.tcp.reset, wait):
            raise Violation('no FIN')
        if self.tcp.reset:
            raise Violation('reset instead of an end')
        if len(self.received()) != self.got:
            raise Violation(f'{len(self.received()) - self.got} bytes more before the end')
        if self.encrypted and (not self.opener.ended or self.opener.offset != len(self.tcp.rx)):
            raise Violation('a FIN without FINp')
        return self

    def settle(self, wait=WAIT):
        """Until all of ours is acknowledged."""
        if not self.tcp.pump(lambda: self.tcp.acked() or self.tcp.reset, wait) or self.tcp.reset:
            raise Violation('ours stays unacknowledged' if not self.tcp.reset else 'reset')
        return self

    def expect_reset(self, wait=WAIT):
        if not self.tcp.pump(lambda: self.tcp.reset is not None, wait):
            raise Violation('no reset')
        return self
