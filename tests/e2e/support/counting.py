"""Between rollcall and a member: passes everything on, and notes what is
asked."""
import re
import socket
import threading
import time

from .process import free_port

_REQUEST = re.compile(rb"(GET|HEAD|PUT|POST|DELETE) (\S+) HTTP/1\.1\r\n")


class CountingProxy:
    """requests: (monotonic time, target) of each, in order."""

    def __init__(self, port):
        self.upstream = ("127.0.0.1", port)
        self.port = free_port()
        self.requests = []
        self.listener = None

    def url(self):
        return "http://127.0.0.1:%d" % self.port

    def start(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.upstream)
            for pump in ((client, server, self._note), (server, client,
                                                        lambda data: b"")):
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
