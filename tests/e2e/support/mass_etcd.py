"""bench/fake-etcd: a member of as many keys as are asked for, with events as
fast as they are read.  For what no real etcd can be brought to do."""
import os
import urllib.parse

from . import http
from .process import Process, free_port
from .rollcall import BINARY

DIRECTORY = {"path": "/bench", "service_name": "bench"}


def _program():
    """Beside the binary that is tested, or with the plain build."""
    beside = os.path.dirname(os.path.abspath(BINARY))
    paths = [os.path.join(d, "bench/fake-etcd")
             for d in (beside, os.path.dirname(beside))]
    found = next((p for p in paths if os.access(p, os.X_OK)), None)
    assert found, "`make %s` first" % paths[0]
    return found


class MassEtcd(Process):
    """keys: how many there are at the start, below /bench; ttl 0 makes them
    permanent.  They do not run out by themselves: do("expire", ...)."""

    name = "fake-etcd"

    def __init__(self, directory, keys, ttl=600):
        super().__init__(directory)
        self.port = free_port()
        self.keys = keys
        self.ttl = ttl

    def url(self):
        return "http://127.0.0.1:%d" % self.port

    def command(self):
        return [_program(), "--port=%d" % self.port, "--keys=%d" % self.keys,
                "--ttl=%d" % self.ttl]

    def is_ready(self):
        return http.get(self.url() + "/health", timeout=2).status == 200

    def do(self, action, count=1, rate=None):
        """Starts a job (bench/fake_control.c) and returns the state."""
        query = {"count": count, **({"rate": rate} if rate else {})}
        answer = http.request("POST", "%s/control/%s?%s" % (
            self.url(), action, urllib.parse.urlencode(query)), timeout=30)
        assert answer.status == 200, answer.text
        return answer.json()

    def state(self):
        return http.get(self.url() + "/control").json()

    def index(self):
        return self.state()["index"]
