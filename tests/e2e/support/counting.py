"""Between rollcall and a member: passes everything on, and notes what is
asked."""
import re
import socket
import threading
import time

from .listener import Listener

_REQUEST = re.compile(rb"(GET|HEAD|PUT|POST|DELETE) (\S+) HTTP/1\.1\r\n")


class CountingProxy(Listener):
    """requests: (monotonic time, target) of each, in order."""

    def __init__(self, port):
        super().__init__()
        self.upstream = ("127.0.0.1", port)
        self.requests = []

    def serve(self, connection):
        server = socket.create_connection(self.upstream)
        for pump in ((connection, server, self._note),
                     (server, connection, lambda data: b"")):
            threading.Thread(target=self._pump, args=pump,
                             daemon=True).start()

    def _note(self, data):
        """Takes the requests out; what is left may be the start of one."""
        end = 0
        for found in _REQUEST.finditer(data):
            self.requests.append((time.monotonic(), found.group(2).decode()))
            end = found.end()
        return data[end:][-8192:]

    @staticmethod
    def _pump(source, sink, note):
        left = b""
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    break
                left = note(left + data)
                sink.sendall(data)
        except OSError:
            pass
        for s in (source, sink):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def count(self, part):
        return sum(part in target for _, target in self.requests)
