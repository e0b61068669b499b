# SPDX-License-Identifier: BSD-3-Clause
"""What the cases stand on: Sealane's program at the other end, and the verdicts.

A case is a function of one Run. It is tried in up to three roles:

    echo      we connect to `sealane echo`, which is shared by all cases of a group
    listen    we connect to a `sealane cat --listen` of the case's own
    connect   a `sealane cat --connect` of the case's own connects to us
"""
import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
import traceback

from tcpcrypt_peer import AEADS, WAIT, Peer
from wire import ENO, RST, SYN, Net, Violation

ECHO, LISTEN, CONNECT = 'echo', 'listen', 'connect'
ANY, BOTH, CATS = (ECHO, LISTEN, CONNECT), (ECHO, CONNECT), (LISTEN, CONNECT)
ADDRESS = '10.77.0.9'
ECHO_PORT, CAT_PORT = 7, 9


CASES = {}  # of each module: (name, role, function)


def case(roles=BOTH, settings=(), name=None):
    """Makes a case of a function of a Run. `settings` are for the program of a cat's case."""
    def add(function):
        function.settings = [x for s in settings for x in ('--set', s)]
        for role in roles:
            CASES.setdefault(function.__module__, []).append(
                (name or function.__name__, role, function))
        return function
    return add


def table(roles, rows, settings=(), connect=()):
    """A case for each row: its first member ends the name, the others are arguments.

    Rows named in `connect` are tried in that role too.
    """
    def add(function):
        for name, *rest in rows:
            def one(t, rest=tuple(rest)):
                function(t, *rest)
            one.__module__ = function.__module__
            case(roles + (CONNECT,) * (name in connect), settings,
                 f'{function.__name__}_{name}')(one)
        return function
    return add


def fail_unless(fact, what):
    if not fact:
        raise Violation(what)


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def json_lines(text):
    return [json.loads(line) for line in text.splitlines(True)
            if line.startswith('{') and line.endswith('\n')]


class Echo:
    """Somebody else started it, and its standard output is in a file."""

    def __init__(self, path):
        self.path = path

    def finished(self, port):
        with open(self.path, encoding='utf-8') as f:
            found = [c for c in json_lines(f.read()) if c.get('peer') == f'{ADDRESS}:{port}']
        if len(found) > 1:
            raise Violation(f'{len(found)} lines for one connection')
        return found[0] if found else None


class Cat:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, preexec_fn=die_with_parent)
        self.out, self.err, self.ended = bytearray(), bytearray(), False
        self.threads = [threading.Thread(target=self.drain, args=(self.process.stdout, self.out)),
                        threading.Thread(target=self.drain, args=(self.process.stderr, self.err))]
        for thread in self.threads:
            thread.start()

    @staticmethod
    def drain(pipe, into):
        while True:
            data = pipe.read1(65536)
            if not data:
                return
            into += data

    def write(self, data):
        thread = threading.Thread(target=self.feed, args=(data,))
        thread.start()
        return thread

    def feed(self, data):
        try:
            self.process.stdin.write(data)
            self.process.stdin.flush()
        except BrokenPipeError:
            pass

    def end_input(self):
        self.process.stdin.close()

    def lines(self):
        return json_lines(self.err.decode(errors='replace'))

    def finished(self, _port):
        found = [c for c in self.lines() if 'peer' in c]
        return found[0] if found else None

    def exit_status(self):
        status = self.process.wait(10)
        for thread in self.threads:
            thread.join(5)
        return status

    def kill(self):
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                pipe.close()
            except OSError:
                pass


class Run:
    """One case in one role."""

    def __init__(self, role, number, net, app):
        self.role, self.number, self.net, self.app = role, number, net, app
        self.last = None
        self.fed = self.read = 0        # bytes into the program, and those of its output looked at

    @property
    def echo(self):
        return self.role == ECHO

    @property
    def active(self):
        """Whether we are the active opener."""
        return self.role != CONNECT

    def peer(self, **options):
        options.setdefault('seed', self.number)
        if self.role == CONNECT:
            self.last = Peer(self.net, 30000 + self.number, None, **options)
        else:
            port = ECHO_PORT if self.echo else CAT_PORT
            self.last = Peer(self.net, 20000 + self.number, port, **options)
        return self.last

    def trace(self):
        """What went over the wire, as this end saw it: for whoever has to find out why."""
        tcp = self.last.tcp
        both = sorted([(s.at, '<', s) for s in tcp.log] + [(s.at, '>', s) for s in tcp.sent],
                      key=lambda entry: entry[0])
        for at, way, seg in both:
            ours = way == '>'
            seq = tcp.place(seg.seq, tcp.iss if ours else tcp.irs or 0, 0)
            ack = tcp.place(seg.ack, tcp.irs or 0 if ours else tcp.iss, 0)
            yield (f'{at - both[0][0]:9.4f} {way} {str(seg).split()[0]:4} '
                   f'{seq}+{len(seg.payload)} ack {ack} window {seg.window} '
                   f'{" ".join(o.hex() for o in seg.options)}')

    def start(self, **options):
        return self.peer(**options).start()

    # Application bytes, looked at on both ends.

    def give(self, peer, data, **flags):
        """We send them, and the program has them, and nothing else."""
        peer.send(data, **flags)
        self.arrived(peer, data)

    def arrived(self, peer, data, wait=WAIT):
        if self.echo:
            peer.expect(data, wait)
            return
        end = self.read + len(data)
        peer.tcp.pump(lambda: len(self.app.out) >= end or peer.tcp.reset, wait)
        got = bytes(self.app.out[self.read:end])
        if got != data:
            raise Violation(f'the program has {len(got)} of {len(data)} bytes' +
                            ('' if data.startswith(got) else ', others') +
                            (', and reset' if peer.tcp.reset else ''))
        self.read = end

    def take(self, peer, data):
        """The program sends them, and we have them."""
        if self.echo:
            peer.send(data).expect(data)
            return
        self.feed(data)
        peer.expect(data)

    def feed(self, data):
        """To the program, which may send it when it likes. An echo gets it from us."""
        self.fed += len(data)
        self.app.write(data)

    def exchange(self, peer, size=3000):
        data = peer.random.randbytes(size)
        self.give(peer, data)
        if not self.echo:
            self.take(peer, data[::-1])

    def end(self, peer, program_first=False, fallback=None):
        """An orderly end, begun by either, and the verdict."""
        if program_first:
            self.app.end_input()
            peer.expect_end()
        peer.close().settle()
        if not program_first:
            if not self.echo:
                self.app.end_input()
            peer.expect_end()
        return self.verdict(peer, fallback=fallback)

    def pass_time(self, peer, seconds):
        peer.tcp.pump(wait=seconds)

    def replied(self, peer, generation):
        """The program follows: a frame with rekey = 1 for each step, and it stays there (R83)."""
        def there():
            peer.received()
            return peer.opener.generation >= generation or peer.tcp.reset
        peer.tcp.pump(there, WAIT)
        frames = peer.opener.frames
        fail_unless(peer.opener.generation == generation,
                    f'answers generation {peer.opener.generation}')
        fail_unless(sum(f.rekey for f in frames) == generation, 'not a frame for each step')

    # What the program says.

    def said(self, peer, wait=WAIT):
        """Its line about this connection."""
        line = []

        def there():
            found = self.app.finished(peer.tcp.lport)
            line[:] = [found] if found else []
            return bool(line)
        if not peer.tcp.pump(there, wait):
            raise Violation('the program prints no line')
        return line[0]

    def verdict(self, peer, error=None, fallback=None, encrypted=None, counts=True):
        """Its line is what we know of the connection; a cat's exit status and last line too."""
        line = self.said(peer)
        wanted = {'error': error, 'fallback': fallback}
        encrypted = peer.secrets is not None if encrypted is None else encrypted
        if encrypted:
            wanted.update(encrypted=True, tep=f'{peer.tep:#04x}', session_id=peer.session_id,
                          aead=AEADS[peer.aead][2], role='B' if peer.role == 'A' else 'A',
                          resumed=False)
        elif error is None:
            wanted.update(encrypted=False, tep=None, aead=None, session_id=None, role=None)
        if counts and error is None:
            wanted.update(bytes_in=peer.sent, bytes_out=peer.sent if self.echo else self.fed)
        for key, value in wanted.items():
            if line[key] not in (value if isinstance(value, (set, tuple)) else (value,)):
                raise Violation(f'{key} is {line[key]!r}, not {value!r}')
        if error is None:
            peer.received()
        check_eno(peer)
        if not self.echo:
            self.exits(peer, 1 if line['error'] else 0)
        return line

    def exits(self, peer, wanted):
        peer.tcp.pump(lambda: self.app.process.poll() is not None, 10)
        status = self.app.exit_status()
        if status != wanted:
            raise Violation(f'exit status {status}, not {wanted}')
        last = self.app.lines()[-1]
        if last.get('mbufs_leaked') != 0:
            raise Violation(f'the last line is {last}')


def check_eno(peer):
    """ENO options of Sealane's non-SYN segments: there as long as R22 asks, not after R23."""
    tcp = peer.tcp
    plain = [s for s in tcp.log if not s.flags & (SYN | RST)]
    if peer.active or not peer.encrypted:
        bad = [s for s in plain if s.option(ENO)]
        if bad:
            raise Violation(f'an ENO option that should not be: {bad[0]}')
        return
    ours = [s for s in tcp.sent if not s.flags & SYN]
    first = min((s.at for s in ours), default=float('inf'))
    for seg in plain:
        option = seg.option(ENO)
        if option is None and seg.at < first:
            raise Violation(f'no ENO option before our first non-SYN segment: {seg}')
        if option is not None and len(option) != 2:
            raise Violation(f'a non-SYN ENO option with content: {option.hex()}')  # R4
        if option is not None and seg.at > first + 1:
            raise Violation(f'an ENO option long after our first non-SYN segment: {seg}')


def attempt(name, role, number, function, net, app):
    """Returns the line to print."""
    begun = time.monotonic()
    run, why = Run(role, number, net, app), None
    try:
        function(run)
        if net.problem:
            why = str(net.problem)
    except Violation as e:
        why = str(e)
    except Exception:  # a fault of ours: say where
        why = ' '.join(traceback.format_exc(limit=-2).split())
    if why is not None and run.last is not None and 'TCPCRYPT_TRACES' in os.environ:
        with open(f'{os.environ["TCPCRYPT_TRACES"]}/{name}-{role}', 'w', encoding='ascii') as f:
            f.writelines(line + '\n' for line in run.trace())
    if why is not None and not isinstance(app, Echo):
        why += f' [{app.err.decode(errors="replace").strip()[-600:]}]'
    took = f'({time.monotonic() - begun:.1f} s)'
    return f'ok   {name}/{role} {took}' if why is None else f'FAIL {name}/{role} {took}: {why}'


def say(line):
    """In one piece, whoever else is printing."""
    sys.stdout.write(line + '\n')
    sys.stdout.flush()


def run_echo(cases, tries, interface, path, at_once):
    """All at once, or nearly: each case has a connection of its own to one program."""
    net, lines, turn = Net(interface), [], threading.Semaphore(at_once)

    def one(name, number, function):
        for again in range(tries):
            with turn:
                line = attempt(name, ECHO, number + 1000 * again, function, net, Echo(path))
            if line.startswith('ok'):
                break
        lines.append(line)
        say(line)
    threads = [threading.Thread(target=one, args=c, daemon=True) for c in cases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return lines


def run_cat(role, named, tries, interface, sealane, conf):
    """A case with a program of its own, which makes the interface anew."""
    name, number, function = named
    for again in range(tries):
        line = one_cat(role, (name, number + 1000 * again, function), interface, sealane, conf)
        if line.startswith('ok'):
            break
    say(line)
    return [line]


def one_cat(role, named, interface, sealane, conf):
    name, number, function = named
    where = ['--listen', str(CAT_PORT)] if role == LISTEN else \
        ['--connect', f'{ADDRESS}:{30000 + number}']
    app = Cat([sealane, 'cat', '--config', conf, *where, '--json', *function.settings])
    net = None
    try:
        net = Net(interface, listen=[30000 + number])
        if role == LISTEN:
            wait_for(lambda: b'listening' in app.err)
        return attempt(name, role, number, function, net, app)
    except Violation as e:
        return f'FAIL {name}/{role}: {e} [{app.err.decode()[-300:]}]'
    finally:
        app.kill()
        if net is not None:
            net.close()


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Violation('the program does not start')
        time.sleep(0.02)
