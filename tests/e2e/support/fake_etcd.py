"""A member that misbehaves as told: hangs, talks rubbish, sends far too much,
closes in the middle of a body, dawdles.  What it is not told to spoil it takes
from the real etcd behind it, if it has one, or answers as a quiet single
member would."""
import json
import socket
import threading
import time
import urllib.parse

from .listener import Listener

ID = "8e9e05c52164694d"
HEADERS = ("Access-Control-Allow-Origin: *\r\n"
           "X-Etcd-Cluster-Id: cdf818194e3a8c32\r\n"
           "X-Etcd-Index: %(index)d\r\nX-Raft-Index: %(index)d\r\n"
           "X-Raft-Term: 2\r\n")
MEMBER = {"id": ID, "name": "fake", "peerURLs": ["http://127.0.0.1:1"],
          "clientURLs": ["http://127.0.0.1:2"]}
OPERATIONS = ("gets", "sets", "delete", "update", "create", "compareAndSwap",
              "compareAndDelete")
QUIET = {
    "/version": {"etcdserver": "3.4.23", "etcdcluster": "3.4.0"},
    "/health": {"health": "true"},
    "/v2/members": {"members": [MEMBER]},
    "/v2/members/leader": MEMBER,
    "/v2/stats/self": {
        "name": "fake", "id": ID, "state": "StateLeader",
        "startTime": "2026-01-01T00:00:00Z",
        "leaderInfo": {"leader": ID, "uptime": "1m0s",
                       "startTime": "2026-01-01T00:00:00Z"},
        "recvAppendRequestCnt": 0, "sendAppendRequestCnt": 0},
    "/v2/stats/leader": {"leader": ID, "followers": {}},
    "/v2/stats/store": {
        **{op + end: 0 for op in OPERATIONS for end in ("Success", "Fail")},
        "expireCount": 0, "watchers": 0},
}


def answer(body, status=200, content_type="application/json", headers=""):
    """A whole HTTP answer."""
    if not isinstance(body, bytes):
        body = body.encode() if isinstance(body, str) else json.dumps(
            body).encode()
    return ("HTTP/1.1 %d X\r\nContent-Type: %s\r\n%sContent-Length: %d"
            "\r\n\r\n" % (status, content_type, headers, len(body))
            ).encode() + body


# --- ways to misbehave: each is called as f(member, connection, request) ---

def hang(member, connection, request):
    """Takes the request and never answers."""
    member.ended.wait()


def refuse(member, connection, request):
    """Closes without a byte."""


def rubbish(member, connection, request):
    connection.sendall(answer(b"\x00\xff{]nonsense\n" * 20))


def not_http(member, connection, request):
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n" * 4)


def close_mid_body(member, connection, request):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json"
                       b"\r\nContent-Length: 4000\r\n\r\n{\"action\":\"get")


def huge(member, connection, request, size=100 << 20):
    """A body of 100 MB, or as much of it as the client takes."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json"
                       b"\r\nContent-Length: %d\r\n\r\n" % size)
    block = b"[" * (1 << 16)
    for _ in range(size // len(block)):
        connection.sendall(block)
        member.bytes_sent += len(block)


def slowly(seconds_per_byte=0.2):
    """The right answer, a byte at a time."""
    def dawdle(member, connection, request):
        for byte in member.honest(request):
            connection.sendall(bytes([byte]))
            if member.ended.wait(seconds_per_byte):
                return
    return dawdle


def says(body, status=200, content_type="application/json"):
    def say(member, connection, request):
        connection.sendall(answer(body, status, content_type))
    return say


class FakeEtcd(Listener):
    """script: path prefix -> a way to misbehave; the longest prefix that
    matches counts.  Change it at any time.  upstream: URL of a real etcd."""

    def __init__(self, script=None, upstream=None):
        super().__init__()
        self.script = dict(script or {})
        self.upstream = upstream
        self.index = 10
        self.requests = []      # (monotonic time, method, target)
        self.bytes_sent = 0

    def count(self, prefix):
        return sum(t.startswith(prefix) for _, _, t in self.requests)

    def honest(self, request):
        """What a well-behaved member answers, as bytes."""
        if self.upstream:
            return self._forward(request)
        path = request.split(b" ", 2)[1].decode().split("?")[0]
        if path in QUIET:
            return answer(QUIET[path])
        if path.startswith("/v2/keys"):
            return answer(
                {"errorCode": 100, "message": "Key not found",
                 "cause": path[8:], "index": self.index}, 404,
                headers=HEADERS % {"index": self.index})
        return answer("404 page not found\n", 404, "text/plain")

    def _forward(self, request):
        parts = urllib.parse.urlsplit(self.upstream)
        with socket.create_connection((parts.hostname, parts.port)) as s:
            s.settimeout(0.5)
            s.sendall(request.replace(
                b"\r\n", b"\r\nConnection: close\r\n", 1))
            data = b""
            while not self.ended.is_set():
                try:
                    got = s.recv(65536)
                except socket.timeout:
                    continue
                if not got:
                    break
                data += got
            return data

    def serve(self, connection):
        threading.Thread(target=self._serve, args=(connection,),
                         daemon=True).start()

    def _way(self, target):
        fitting = [p for p in self.script if target.startswith(p)]
        return self.script[max(fitting, key=len)] if fitting else None

    def _watch(self, connection):
        """A quiet long poll: headers at once, and then nothing."""
        connection.sendall((
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            "%sTransfer-Encoding: chunked\r\n\r\n" % (
                HEADERS % {"index": self.index})).encode())
        connection.settimeout(0.2)
        while not self.ended.is_set():
            try:
                if not connection.recv(1):
                    return
            except socket.timeout:
                pass

    def _serve(self, connection):
        with connection:
            try:
                while not self.ended.is_set():
                    if not self._one(connection):
                        return
            except OSError:
                return

    def _one(self, connection):
        """One request; whether the connection lives on."""
        request = b""
        while b"\r\n\r\n" not in request:
            data = connection.recv(65536)
            if not data:
                return False
            request += data
        method, target, _ = request.split(b"\r\n")[0].decode().split(" ", 2)
        self.requests.append((time.monotonic(), method, target))
        way = self._way(target)
        if way:
            way(self, connection, request)
            return False
        if not self.upstream and "wait=true" in target:
            self._watch(connection)
            return False
        connection.sendall(self.honest(request))
        return not self.upstream
