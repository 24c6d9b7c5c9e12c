"""A network path that delays, splits and cuts: between whoever connects to it
and a server on 127.0.0.1.  Only connections that carry long polls are cut, so
that a member is not taken for dead."""
import random
import socket
import threading
import time

from .listener import Listener


class BadLine(Listener):
    """until_cut: seconds that a connection with polls lives, at most; None:
    for ever.  delay: of each piece, at most.  The seed is printed."""

    def __init__(self, target_port, seed, delay=0.003, until_cut=0.6):
        super().__init__()
        self.target_port = target_port
        self.random = random.Random(seed)
        self.delay = delay
        self.until_cut = until_cut
        self.cuts = 0           # connections with polls under way
        self.polls = 0          # long polls asked for
        self.most = 0           # on one connection at a time, asked ahead
        self.paths = []
        print("SEED=%s" % seed)

    def serve(self, connection):
        try:
            server = socket.create_connection(
                ("127.0.0.1", self.target_port), 5)
        except OSError:
            connection.close()
            return
        path = _Path(self, connection, server)
        self.paths.append(path)
        for pump in (path.requests, path.answers):
            threading.Thread(target=pump, daemon=True).start()

    def hold_polls(self):
        """Nothing more comes through the connections that have had polls."""
        for path in self.paths:
            path.held = path.polled


class _Path:
    """One connection."""

    def __init__(self, line, client, server):
        self.line = line
        self.client = client
        self.server = server
        self.cut_at = None
        self.polled = self.held = False
        for s in (client, server):
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            s.settimeout(0.05)

    def _close(self):
        for s in (self.client, self.server):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _is_cut(self):
        return self.cut_at is not None and time.monotonic() >= self.cut_at

    def _read(self, source):
        """Bytes, b"" at the end or when it is cut."""
        while not self.line.ended.is_set():
            if self._is_cut():
                self.line.cuts += 1
                self.cut_at = None
                return b""
            try:
                return source.recv(16384)
            except socket.timeout:
                continue
            except OSError:
                return b""
        return b""

    def requests(self):
        """From the client: looked at, and passed on as they are."""
        line, tail = self.line, b""
        while True:
            data = self._read(self.client)
            if not data:
                break
            seen = tail + data
            polls = seen.count(b"wait=true")
            tail = seen[-8:]
            self.polled = self.polled or polls > 0
            line.polls += polls
            line.most = max(line.most, polls)
            if polls and self.cut_at is None and line.until_cut:
                self.cut_at = time.monotonic() + line.random.uniform(
                    0.02, line.until_cut)
            try:
                self.server.sendall(data)
            except OSError:
                break
        self._close()

    def answers(self):
        """To the client: late, and in pieces of any size."""
        line = self.line
        while True:
            data = self._read(self.server)
            if not data:
                break
            while data and not self.held:
                n = line.random.randrange(1, len(data) + 1)
                time.sleep(line.random.uniform(0, line.delay))
                try:
                    self.client.sendall(data[:n])
                except OSError:
                    data = b""
                    break
                data = data[n:]
        self._close()
