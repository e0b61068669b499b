# SPDX-License-Identifier: BSD-3-Clause
"""A host of its own beside the kernel: raw frames on one interface, ARP, IPv4, and a small TCP.

Net is the host: a MAC and an IPv4 address that the kernel knows nothing about. Tcp is one
connection of it, after RFC 9293, with everything in reach that a test may want to bend: each
segment goes through `lane` on its way out and `sieve` on its way in, `cut` decides on segment
sizes, `emit` sends anything.

A Tcp belongs to one thread, and does all its work inside pump(); Net's own thread only sorts frames
into the queues of the connections. Places in the two streams are plain integers from 0, the first
byte after the SYN; only the codec knows of sequence numbers.
"""
import collections
import contextlib
import errno
import heapq
import queue
import random
import socket
import struct
import threading
import time

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
ENO, EXPERIMENT = 69, 253
ARP, IP4 = 0x0806, 0x0800
OUTGOING = 4  # PACKET_OUTGOING: our own frames
MAC = b'\x02\x10\x77\0\0\x09'
RTO = 0.4


class Violation(Exception):
    """The other side did what the RFCs forbid, or not what they ask for."""


def ones_sum(data):
    """The ones' complement sum: bytes that carry their checksum add up to 0xffff."""
    if len(data) % 2:
        data += b'\0'
    return int.from_bytes(data, 'big') % 0xffff or 0xffff


class Segment:
    def __init__(self, **fields):
        self.sport = self.dport = self.seq = self.ack = self.flags = self.window = self.urgent = 0
        self.options, self.payload, self.at = [], b'', 0.0
        self.__dict__.update(fields)

    def option(self, kind):
        """The first such option whole, kind and length too, or None."""
        return next((o for o in self.options if o[0] == kind), None)

    def __str__(self):
        bits = zip((SYN, FIN, RST, PSH, ACK, URG), 'SFRPAU')
        names = ''.join(name for bit, name in bits if self.flags & bit)
        return f'{names} seq={self.seq} ack={self.ack} len={len(self.payload)}'


def read_options(block):
    options = []
    while block and block[0] != 0:
        size = 1 if block[0] == 1 else block[1] if len(block) > 1 else 0
        if size < 1 or (block[0] != 1 and size < 2) or size > len(block):
            raise Violation(f'malformed options {block.hex()}')
        if block[0] != 1:
            options.append(block[:size])
        block = block[size:]
    return options


def read_segment(packet):
    """An IPv4 packet as a Segment; None if it is no TCP. A wrong checksum is a violation."""
    head = (packet[0] & 15) * 4
    packet = packet[:int.from_bytes(packet[2:4], 'big')]
    if packet[9] != 6:
        return None
    data = packet[head:]
    pseudo = packet[12:20] + struct.pack('!HH', 6, len(data))
    if ones_sum(packet[:head]) != 0xffff or ones_sum(pseudo + data) != 0xffff:
        raise Violation('wrong checksum')
    sport, dport, seq, ack, off, flags, window, _, urgent = struct.unpack('!HHIIBBHHH', data[:20])
    off = (off >> 4) * 4
    return Segment(sport=sport, dport=dport, seq=seq, ack=ack, flags=flags, window=window,
                   urgent=urgent, options=read_options(data[20:off]), payload=data[off:],
                   at=time.monotonic())


def write_ip(source, target, protocol, data):
    head = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(data), 0, 0x4000, 64, protocol, 0,
                       source, target)
    return head[:10] + struct.pack('!H', 0xffff - ones_sum(head)) + head[12:] + data


def write_segment(source, target, seg):
    """The IPv4 packet. Options are packed to the front and ended by zeros."""
    options = b''.join(seg.options)
    options += bytes(-len(options) % 4)
    if len(options) > 40:
        raise ValueError(f'{len(options)} bytes of options')
    data = struct.pack('!HHIIBBHHH', seg.sport, seg.dport, seg.seq, seg.ack,
                       (20 + len(options)) << 2, seg.flags, seg.window, 0, seg.urgent)
    data += options + seg.payload
    total = 0xffff - ones_sum(source + target + struct.pack('!HH', 6, len(data)) + data)
    data = data[:16] + struct.pack('!H', total) + data[18:]
    return write_ip(source, target, 6, data)


class Net:
    """Our host on `interface`, as soon as that is there."""

    def __init__(self, interface, listen=(), address='10.77.0.9', other='10.77.0.2', wait=20):
        self.address, self.other = socket.inet_aton(address), socket.inet_aton(other)
        self.other_mac, self.flows = None, {}
        self.listeners = {port: queue.SimpleQueue() for port in listen}
        self.problem, self.known, self.closing = None, threading.Event(), False
        self.sock = self.attach(interface, time.monotonic() + wait)
        threading.Thread(target=self.sort, daemon=True).start()

    @staticmethod
    def attach(interface, deadline):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        while True:
            try:
                sock.bind((interface, 3))
                with open(f'/sys/class/net/{interface}/flags', encoding='ascii') as f:
                    if int(f.read(), 16) & 1:
                        return sock
            except OSError:
                pass
            if time.monotonic() > deadline:
                raise Violation(f'no interface {interface} that is up')
            time.sleep(0.02)

    def close(self):
        self.closing = True
        self.sock.close()

    def sort(self):
        while not self.closing:
            try:
                frame, whence = self.sock.recvfrom(65536)
            except OSError:
                if self.closing:
                    return
                time.sleep(0.01)  # the interface went down, or came up
                continue
            if whence[2] == OUTGOING:
                continue
            kind = int.from_bytes(frame[12:14], 'big')
            if kind == ARP:
                self.take_arp(frame[14:42])
            elif kind == IP4 and frame[30:34] == self.address:
                self.take_packet(frame[14:])

    def take_packet(self, packet):
        try:
            seg = read_segment(packet)
        except Violation as e:
            self.problem = e
            return
        if seg is None:
            return
        flow = self.flows.get((seg.dport, seg.sport))
        if flow is None and seg.flags & (SYN | ACK | RST) == SYN:
            flow = self.listeners.get(seg.dport)
        if flow is not None:
            flow.put(seg)

    def take_arp(self, body):
        operation, mac, sender, target = body[6:8], body[8:14], body[14:18], body[24:28]
        if sender == self.other:
            self.other_mac = mac
            self.known.set()
        if operation == b'\0\1' and target == self.address:
            self.send_arp(2, mac, sender)

    def send_arp(self, operation, mac, target):
        self.send_frame(mac, ARP, struct.pack('!HHBBH6s4s6s4s', 1, IP4, 6, 4, operation, MAC,
                                              self.address, mac, target))

    def too_big(self, seg, mtu):
        """ICMP: this segment that we got needs fragmentation (RFC 1191 4)."""
        quoted = write_segment(self.other, self.address, seg)[:48]
        data = struct.pack('!BBHHH', 3, 4, 0, 0, mtu) + quoted
        data = data[:2] + struct.pack('!H', 0xffff - ones_sum(data)) + data[4:]
        self.send(write_ip(self.address, self.other, 1, data))

    def resolve(self, wait=10):
        end = time.monotonic() + wait
        while not self.known.is_set():
            self.send_arp(1, b'\xff' * 6, self.other)
            self.known.wait(0.1)
            if time.monotonic() > end:
                raise Violation('no answer to ARP')

    def send_frame(self, mac, kind, payload):
        for _ in range(200):
            try:
                self.sock.send(mac + MAC + struct.pack('!H', kind) + payload)
                return
            except OSError as e:  # the queue is full, or the interface is gone
                if e.errno == errno.EMSGSIZE:
                    raise
                time.sleep(0.005)

    def send(self, packet):
        self.send_frame(self.other_mac or b'\xff' * 6, IP4, packet)


class Impairments:
    """A bad line, the same for the same seed: one for the `lane`, another for the `sieve`.

    It loses at most `in_a_row` packets without a gap: where a retransmission and its ACK are all
    that is on the line, more of them back off a time-out to longer than a case may take.
    """

    def __init__(self, seed, loss=0.0, reorder=0.0, duplicate=0.0, delay=0.02,
                 in_a_row=2):
        self.random = random.Random(seed)
        self.loss, self.reorder, self.duplicate, self.delay = loss, reorder, duplicate, delay
        self.in_a_row, self.lost_in_a_row = in_a_row, 0

    def __call__(self, seg):
        if self.random.random() < self.loss and self.lost_in_a_row < self.in_a_row:
            self.lost_in_a_row += 1
            return
        self.lost_in_a_row = 0
        late = self.delay * self.random.random() if self.random.random() < self.reorder else 0
        yield seg, late
        if self.random.random() < self.duplicate:
            yield seg, late + self.delay * self.random.random()


def straight(seg):
    yield seg, 0


class Tcp:
    def __init__(self, net, lport, rport=None, seed=0, mss=1460, scale=None, stamps=False,
                 sack=False, window=65535, eno=None):
        self.net, self.lport, self.rport = net, lport, rport
        self.queue = net.listeners.pop(lport, None) or queue.SimpleQueue()
        self.iss = random.Random(f'{seed}-{lport}').randrange(1 << 32)
        self.irs, self.mss, self.window, self.scale = None, mss, window, scale
        self.stamps, self.sack, self.ts_recent, self.rscale = stamps, sack, 0, 0
        self.eno, self.eno_acks = eno, eno is not None  # SYN-form option; whether R22 binds us
        self.send_mss = True
        self.syn_seg = None             # the SYN or SYN-ACK that we got
        self.heard_non_syn = False
        self.lane = self.sieve = straight
        self.cut = lambda offset, left: self.room()
        self.salvo = None               # what at_once() has collected
        self.forged_for = False         # bytes that we never sent may be acknowledged
        self.late, self.count = [], 0   # heap of (time, number, call)
        # What we send: the stream whole, and how far it is acknowledged, sent, and was ever sent.
        self.tx, self.una, self.nxt, self.top = bytearray(), 0, 0, 0
        self.peer_window, self.flight, self.ends = 0, 60000, collections.deque()
        self.fin, self.push, self.urgent_to = False, set(), 0
        self.rto, self.alarm, self.dups, self.recover = RTO, None, 0, -1
        # What we get: the stream as far as it is whole, ranges beyond, the place of the FIN.
        self.rx, self.held, self.rx_fin, self.rx_top = bytearray(), {}, None, 0
        self.ack_at_once, self.reset, self.log, self.sent = True, None, [], []
        self.established = False

    # Out.

    def emit(self, flags, at=None, payload=b'', ack=None, options=None, window=None, urgent=0,
             seq=None):
        """Send one segment whose text begins at stream offset `at`, touching no state."""
        seq = self.iss + 1 + (self.nxt if at is None else at) if seq is None else seq
        if ack is None:
            ack = self.rcv_nxt() if flags & ACK else 0
        shift = 0 if flags & SYN else self.scale or 0
        seg = Segment(sport=self.lport, dport=self.rport, flags=flags,
                      seq=seq & 0xffffffff, ack=ack & 0xffffffff, urgent=urgent,
                      payload=bytes(payload),
                      window=min(65535, (self.window if window is None else window) >> shift),
                      options=self.options(flags) if options is None else options,
                      at=time.monotonic())
        self.sent.append(seg)
        for out, delay in self.lane(seg):
            packet = write_segment(self.net.address, self.net.other, out)
            if delay:
                self.later(delay, lambda p=packet: self.net.send(p))
            elif self.salvo is not None:
                self.salvo.append(packet)
            else:
                self.net.send(packet)

    @contextlib.contextmanager
    def at_once(self):
        """All that is sent meanwhile leaves in the end, as close together as can be."""
        self.salvo = []
        yield
        packets, self.salvo = self.salvo, None
        for packet in packets:
            self.net.send(packet)

    def later(self, delay, call):
        self.count += 1
        heapq.heappush(self.late, (time.monotonic() + delay, self.count, call))

    def options(self, flags):
        options = []
        if flags & SYN:
            if self.send_mss:
                options.append(struct.pack('!BBH', 2, 4, self.mss))
            if self.scale is not None:
                options.append(bytes((3, 3, self.scale)))
            if self.sack:
                options.append(b'\4\2')
        if self.stamps:
            now = int(time.monotonic() * 1000) & 0xffffffff
            options.append(struct.pack('!BBII', 8, 10, now, self.ts_recent))
        if flags & SYN and self.eno is not None:
            options.append(self.eno)
        elif not flags & (SYN | RST) and self.eno_acks and not self.heard_non_syn:
            options.append(bytes((ENO, 2)))  # R22
        return options

    def room(self):
        """What a segment holds beside its options (RFC 9293 3.7.1)."""
        return self.mss - (sum(map(len, self.options(ACK))) + 3 & ~3)

    def rcv_nxt(self):
        """The sequence number that we expect, the FIN counted."""
        if self.irs is None:
            return 0
        return self.irs + 1 + len(self.rx) + self.got_fin()

    def got_fin(self):
        return self.rx_fin is not None and len(self.rx) == self.rx_fin

    def write(self, data, push=True):
        self.tx += data
        if push:
            self.push.add(len(self.tx))
        self.output()

    def shutdown(self):
        self.fin = True
        self.output()

    def output(self):
        if not self.established:
            return
        end = len(self.tx) + self.fin
        while self.nxt < end and self.may_send() or self.fin and self.nxt == len(self.tx):
            self.nxt += self.send_at(self.nxt)
            self.top = max(self.top, self.nxt)
            self.ends.append(self.nxt)
        if self.una < self.top and self.alarm is None:
            self.alarm = time.monotonic() + self.rto

    def may_send(self):
        """The window, and no more segments than a queue of an interface holds."""
        while self.ends and self.ends[0] <= self.una:
            self.ends.popleft()
        return self.nxt - self.una < min(self.peer_window, self.flight) and len(self.ends) < 100

    def send_again(self, at):
        """A few segments from there: what was lost is seldom alone."""
        for _ in range(8):
            if at < self.top:
                at += self.send_at(at)

    def send_at(self, at):
        """One segment of the stream from `at`; returns what it takes of sequence space."""
        room = max(1, self.una + self.peer_window - at)
        n = max(1, min(self.cut(at, len(self.tx) - at), len(self.tx) - at, room))
        text = self.tx[at:at + n]
        last = at + len(text) == len(self.tx)
        flags = ACK | (PSH if last or any(at < p <= at + n for p in self.push) else 0)
        flags |= FIN if self.fin and last else 0
        urgent = 0
        if at < self.urgent_to:
            flags, urgent = flags | URG, min(0xffff, self.urgent_to - at)
        self.emit(flags, at, text, urgent=urgent)
        return len(text) + (flags & FIN)

    def acked(self):
        """All that was written is acknowledged, a FIN too."""
        return self.una >= len(self.tx) + self.fin

    # In.

    def input(self, seg):
        self.log.append(seg)
        if seg.flags & RST:
            self.reset = seg
            return
        if not seg.flags & SYN:
            self.heard_non_syn = True
        stamp = seg.option(8)
        if self.stamps and stamp is None:
            raise Violation('a segment without timestamps')
        if stamp is not None:
            self.ts_recent = int.from_bytes(stamp[2:6], 'big')
        if seg.flags & SYN:
            if self.established:
                self.emit(ACK)  # our ACK was lost
            return
        if not seg.flags & ACK or self.take_ack(seg):
            self.take_text(seg)

    def place(self, number, base, near):
        """The stream offset of a sequence number, near one that is known."""
        offset = (number - base - 1) & 0xffffffff
        return offset + ((near - offset + (1 << 31)) >> 32 << 32)

    def take_ack(self, seg):
        ack = self.place(seg.ack, self.iss, self.una)
        if ack > self.top and self.forged_for:
            self.emit(ACK)  # RFC 9293 3.10.7.4, fifth
            return False
        if ack > self.top:
            raise Violation(f'acknowledges {ack}, sent {self.top}')
        update = seg.window << self.rscale != self.peer_window
        self.peer_window = seg.window << self.rscale
        if ack > self.una:
            self.una, self.dups, self.rto = ack, 0, RTO
            self.nxt = max(self.nxt, ack)
            self.alarm = time.monotonic() + self.rto if self.una < self.top else None
            if ack < self.recover:
                self.send_again(ack)
        elif ack == self.una < self.top and not seg.payload and not update:
            self.dups += 1
            if self.dups == 3 and ack >= self.recover:
                self.recover = self.top
                self.send_again(ack)
        self.output()
        return True

    def take_text(self, seg):
        at = self.place(seg.seq, self.irs, len(self.rx))
        text, fin = seg.payload, seg.flags & FIN
        if not text and not fin:
            return
        if at + len(text) > len(self.rx) + self.window + self.got_fin():
            raise Violation('text beyond the window')
        if fin:
            if self.rx_fin not in (None, at + len(text)):
                raise Violation('a FIN at another place')
            self.rx_fin = at + len(text)
        self.same(at, text)
        if text and at + len(text) > len(self.rx):
            if len(self.held.get(at, b'')) < len(text):
                self.held[at] = text
            self.join()
        self.rx_top = max(self.rx_top, at + len(text))
        if self.ack_at_once:
            self.emit(ACK)

    def same(self, at, text):
        """What comes again must be what came (RFC 8548 3.6, R74)."""
        pieces = [(0, self.rx)] + list(self.held.items())
        for start, old in pieces:
            low, high = max(at, start), min(at + len(text), start + len(old))
            if low < high and text[low - at:high - at] != old[low - start:high - start]:
                raise Violation(f'bytes {low} to {high} come again, but others')

    def join(self):
        for start in sorted(self.held):
            if start > len(self.rx):
                return
            text = self.held.pop(start)
            self.rx += text[len(self.rx) - start:]

    # Time.

    def timeout(self):
        """Nothing came for an RTO: from the oldest byte again."""
        self.rto = min(self.rto * 2, 3)
        self.nxt, self.dups, self.recover = self.una, 0, -1
        self.ends.clear()
        self.alarm = None
        self.output()
        if self.alarm is None and self.una < self.top:  # the window is shut: probe it
            self.send_at(self.una)
            self.alarm = time.monotonic() + self.rto

    def pump(self, until=lambda: False, wait=15.0):
        """Live until `until()`, or for `wait` seconds. Returns whether it came true."""
        deadline = time.monotonic() + wait
        while not until():
            now = time.monotonic()
            if now >= deadline:
                return False
            while self.late and self.late[0][0] <= now:
                heapq.heappop(self.late)[2]()
            if self.alarm is not None and self.alarm <= now and self.reset is None:
                self.timeout()
            wakes = [deadline, now + 0.05] + [late[0] for late in self.late[:1]]
            if self.alarm is not None and self.reset is None:
                wakes.append(self.alarm)
            try:
                seg = self.queue.get(timeout=max(0.0005, min(wakes) - time.monotonic()))
            except queue.Empty:
                continue
            for kept, delay in self.sieve(seg):
                if delay:
                    self.later(delay, lambda s=kept: self.input(s))
                else:
                    self.input(kept)
            if self.net.problem:
                raise self.net.problem
        return True

    # The handshake, each end.

    def take_syn(self, seg):
        self.irs, self.syn_seg = seg.seq, seg
        scale, stamp, mss = seg.option(3), seg.option(8), seg.option(2)
        if self.scale is None or scale is None:
            self.scale = None
        else:
            self.rscale = scale[2]
        self.stamps = self.stamps and stamp is not None
        if stamp is not None:
            self.ts_recent = int.from_bytes(stamp[2:6], 'big')
        if mss is not None:
            self.mss = min(self.mss, int.from_bytes(mss[2:4], 'big'))
        if seg.payload:
            raise Violation('text in a SYN')  # Sealane sends none unasked
        self.log.append(seg)

    def next_segment(self, wanted, wait, again):
        """The next segment that is `wanted`, calling `again` every RTO; others are dropped."""
        end, alarm = time.monotonic() + wait, time.monotonic() + RTO
        while time.monotonic() < end:
            try:
                seg = self.queue.get(timeout=max(0.001, min(alarm, end) - time.monotonic()))
            except queue.Empty:
                if time.monotonic() >= alarm:
                    again()
                    alarm = time.monotonic() + 2 * RTO
                continue
            for kept, _ in self.sieve(seg):
                if kept.flags & RST:
                    self.reset = kept
                    raise Violation('reset during the handshake')
                if wanted(kept):
                    return kept
        raise Violation('the handshake stalls')

    def syn(self, payload=b''):
        self.emit(SYN, seq=self.iss, payload=payload)

    def open_active(self, wait=15, payload=b''):
        """SYN out, SYN-ACK in; the ACK is the caller's to send: confirm()."""
        self.net.resolve()
        self.net.flows[self.lport, self.rport] = self.queue
        self.syn(payload)
        seg = self.next_segment(lambda s: s.flags & SYN and s.flags & ACK, wait,
                                lambda: self.syn(payload))
        if seg.ack != (self.iss + 1) & 0xffffffff:
            raise Violation(f'the SYN-ACK acknowledges {seg.ack - self.iss}')
        self.take_syn(seg)
        self.peer_window = seg.window
        return seg

    def confirm(self, bare=True):
        self.established = True
        if bare:
            self.emit(ACK, 0)

    def syn_ack(self, payload=b''):
        self.emit(SYN | ACK, seq=self.iss, payload=payload)

    def await_syn(self, wait=20):
        self.net.listeners[self.lport] = self.queue
        seg = self.next_segment(lambda s: s.flags & (SYN | ACK) == SYN, wait, lambda: None)
        self.rport = seg.sport
        self.net.flows[self.lport, self.rport] = self.queue
        del self.net.listeners[self.lport]
        self.take_syn(seg)
        return seg

    def open_passive(self, wait=15):
        """SYN-ACK out until something comes that is no SYN, which is left to be read."""
        self.syn_ack()
        seg = self.next_segment(lambda s: not s.flags & SYN, wait, self.syn_ack)
        self.peer_window = seg.window << self.rscale
        self.established = True
        self.input(seg)
        return seg
