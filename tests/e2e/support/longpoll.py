"""A bare long poll on a raw socket: the earliest a client can know of an
event.  What rollcall's delay is measured against."""
import json
import socket
import threading
import time
import urllib.parse


class LongPoll:
    """Follows a directory from an index on; every event is recorded as
    (monotonic time of its arrival, event)."""

    def __init__(self, url, directory, wait_index):
        parts = urllib.parse.urlsplit(url)
        self.address = (parts.hostname, parts.port)
        self.path = "/v2/keys%s/" % directory
        self.next = wait_index
        self.events = []
        self.error = None
        self.condition = threading.Condition()
        self.ended = False
        self.socket = socket.create_connection(self.address, 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(0.5)
        self.buffer = b""
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _more(self):
        while not self.ended:
            try:
                data = self.socket.recv(65536)
            except socket.timeout:
                continue
            if not data:
                raise ConnectionError("etcd closed the long poll")
            self.buffer += data
            return
        raise InterruptedError

    def _until(self, mark):
        while mark not in self.buffer:
            self._more()
        head, self.buffer = self.buffer.split(mark, 1)
        return head

    def _exactly(self, n):
        while len(self.buffer) < n:
            self._more()
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def _chunks(self):
        """The body, and when its last byte was here."""
        body, last = b"", None
        while True:
            size = int(self._until(b"\r\n"), 16)
            body += self._exactly(size)
            arrived = time.monotonic()
            self._exactly(2)
            if size == 0:
                return body, last
            last = arrived

    def _poll(self):
        self.socket.sendall((
            "GET %s?wait=true&recursive=true&waitIndex=%d HTTP/1.1\r\n"
            "Host: %s:%d\r\n\r\n" % (self.path, self.next, *self.address))
            .encode())
        head = self._until(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise ConnectionError(head.decode("latin-1"))
        body, arrived = self._chunks()
        event = json.loads(body)
        self.next = event["node"]["modifiedIndex"] + 1
        with self.condition:
            self.events.append((arrived, event))
            self.condition.notify_all()

    def _run(self):
        try:
            while not self.ended:
                self._poll()
        except InterruptedError:
            pass
        except Exception as e:
            self.error = e
        finally:
            self.socket.close()

    def await_events(self, count, timeout=20):
        deadline = time.monotonic() + timeout
        with self.condition:
            while len(self.events) < count:
                left = deadline - time.monotonic()
                assert left > 0 and not self.error, (
                    "%d of %d events (%r)" % (len(self.events), count,
                                              self.error))
                self.condition.wait(min(left, 0.5))
            return list(self.events)

    def stop(self):
        self.ended = True
        self.thread.join(5)
