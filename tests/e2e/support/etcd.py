"""Real etcd members speaking the v2 API, alone or as a cluster, and what
services do to them: register, refresh, leave, die."""
import concurrent.futures
import http.client
import json
import os
import shutil
import threading
import time
import urllib.parse

from . import http as plain
from .process import Process, free_port
from .servers import server
from .wait import await_true

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Keys:
    """The keys API.  A subclass says which url() to talk to."""

    def url(self):
        raise NotImplementedError

    def call(self, method, key, params=None, form=None, timeout=10):
        url = self.url() + "/v2/keys" + urllib.parse.quote(key)
        if params:
            url += "?" + urllib.parse.urlencode(params)
        body = urllib.parse.urlencode(form) if form is not None else None
        return plain.request(method, url, body, FORM if body else {},
                             timeout)

    def put(self, key, value="", ttl=None, timeout=10):
        """A registration, or a heartbeat of the plain kind."""
        form = {"value": value}
        if ttl is not None:
            form["ttl"] = ttl
        answer = self.call("PUT", key, form=form, timeout=timeout)
        assert answer.status in (200, 201), answer.text
        return answer.json()

    def refresh(self, key, ttl, timeout=10):
        """A heartbeat no watcher sees.  False: the key is gone."""
        answer = self.call("PUT", key, form={
            "ttl": ttl, "refresh": "true", "prevExist": "true"},
            timeout=timeout)
        return answer.status == 200

    def delete(self, key, recursive=False):
        answer = self.call(
            "DELETE", key, {"recursive": "true"} if recursive else None)
        assert answer.status == 200, answer.text
        return answer.json()

    def make_directory(self, key, ttl=None, refresh=False):
        form = {"dir": "true"}
        if ttl is not None:
            form["ttl"] = ttl
        if refresh:
            form.update(refresh="true", prevExist="true")
        answer = self.call("PUT", key, form=form)
        assert answer.status in (200, 201), answer.text
        return answer.json()

    def get(self, key, **params):
        """The node, or None if there is no such key."""
        answer = self.call("GET", key, params)
        if answer.status == 404:
            return None
        assert answer.status == 200, answer.text
        return answer.json()["node"]

    def listing(self, directory):
        """Every key below a directory, as a dict key -> node."""
        found, queue = {}, [self.get(directory, recursive="true") or {}]
        while queue:
            node = queue.pop()
            if node.get("dir"):
                queue.extend(node.get("nodes", []))
            elif "key" in node:
                found[node["key"]] = node
        return found

    def index(self):
        answer = self.call("GET", "/_no_such_key")
        return int(answer.headers["X-Etcd-Index"])

    def put_many(self, entries, threads=8):
        """Many puts on a few connections: entries are (key, value, ttl), ttl
        None for a permanent key.  Order is kept within a thread only."""
        address = urllib.parse.urlsplit(self.url()).netloc
        entries = list(entries)

        def work(part):
            connection = http.client.HTTPConnection(address, timeout=20)
            for key, value, ttl in part:
                form = {"value": value}
                if ttl is not None:
                    form["ttl"] = ttl
                connection.request(
                    "PUT", "/v2/keys" + urllib.parse.quote(key) +
                    "?noValueOnSuccess=true",
                    urllib.parse.urlencode(form), FORM)
                response = connection.getresponse()
                response.read()
                assert response.status in (200, 201), key
            connection.close()

        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, (entries[i::threads]
                                 for i in range(threads))))


class Etcd(Process, Keys):
    """One member.  Start it alone, or let EtcdCluster start several."""

    name = "etcd"

    def __init__(self, directory, name="m1", arguments=()):
        self.member = name
        self.name = "etcd-" + name
        super().__init__(directory)
        self.port = free_port()
        self.peer_port = free_port()
        self.arguments = list(arguments)
        self.data = os.path.join(self.directory, name + ".data")
        self.peers = None       # EtcdCluster says
        self.state = "new"

    def url(self):
        return "http://127.0.0.1:%d" % self.port

    def peer_url(self):
        return "http://127.0.0.1:%d" % self.peer_port

    def command(self):
        peers = self.peers or "%s=%s" % (self.member, self.peer_url())
        return [server("etcd"), "--name", self.member,
                "--data-dir", self.data, "--enable-v2=true",
                "--listen-client-urls", self.url(),
                "--advertise-client-urls", self.url(),
                "--listen-peer-urls", self.peer_url(),
                "--initial-advertise-peer-urls", self.peer_url(),
                "--initial-cluster", peers,
                "--initial-cluster-state", self.state,
                "--logger=zap", "--log-outputs=stderr"] + self.arguments

    def is_ready(self):
        return self.call("GET", "/", timeout=1).status == 200

    def wipe(self):
        """Stops it if it runs, and takes its data away: a new store."""
        self.kill()
        shutil.rmtree(self.data, ignore_errors=True)

    def status(self, endpoint, timeout=10):
        """GET of /v2/stats/self and the like: the JSON, None if refused."""
        answer = plain.get(self.url() + endpoint, timeout=timeout)
        if answer.status != 200 or not answer.body:
            return None
        return json.loads(answer.body)


class EtcdWithoutV2(Etcd):
    """As a newer etcd is unless told otherwise: it answers, but no keys."""

    def command(self):
        return [a for a in super().command() if "enable-v2" not in a]

    def is_ready(self):
        return plain.get(self.url() + "/version", timeout=1).status == 200


class EtcdCluster(Keys):
    """Several members.  The keys API goes to the first that is alive."""

    def __init__(self, directory, size=3, arguments=()):
        self.members = [Etcd(directory, "m%d" % (i + 1), arguments)
                        for i in range(size)]
        peers = ",".join("%s=%s" % (m.member, m.peer_url())
                         for m in self.members)
        for member in self.members:
            member.peers = peers

    def start(self):
        for member in self.members:
            member.start(wait=False)
        for member in self.members:
            member.wait_ready()
        self.leader()
        return self

    def stop(self):
        for member in self.members:
            member.kill()

    def urls(self):
        return [m.url() for m in self.members]

    def url(self):
        return next(m for m in self.members if m.alive()).url()

    def leader(self, timeout=15, among=None):
        """The member that leads, as those asked (all that are alive)
        agree.  A dead one that they still name is none."""
        asked = [m for m in among or self.members if m.alive()]

        def agreed():
            names = {(m.status("/v2/members/leader", 2) or {}).get("name")
                     for m in asked}
            if len(names) == 1 and None not in names:
                name = names.pop()
                return next((m for m in asked if m.member == name), None)
        return await_true(agreed, timeout, "the members agree on a leader")


class Beats:
    """Services that keep their registrations alive from one thread, at a
    third of their TTL.  kind: "refresh" (no watcher sees it) or "put"."""

    def __init__(self, keys, kind="refresh"):
        self.keys = keys
        self.kind = kind
        self.services = {}      # key -> [value, ttl, next]
        self.sent = 0
        self.errors = []
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def register(self, key, value="127.0.0.1:1", ttl=5):
        self.keys.put(key, value, ttl)
        with self.lock:
            self.services[key] = [value, ttl, time.monotonic() + ttl / 3]

    def die(self, key):
        """The service crashes: its registration is left to run out."""
        with self.lock:
            self.services.pop(key, None)

    def deregister(self, key):
        self.die(key)
        self.keys.delete(key)

    def _beat(self, key, value, ttl):
        try:
            if self.kind == "put":
                self.keys.put(key, value, ttl, timeout=2)
            elif not self.keys.refresh(key, ttl, timeout=2):
                self.errors.append("%s was gone" % key)
                self.keys.put(key, value, ttl, timeout=2)
            self.sent += 1
        except Exception as e:      # the etcd of a fault test: noted
            self.errors.append("%s: %r" % (key, e))

    def _run(self):
        while not self.ended.wait(0.05):
            now = time.monotonic()
            with self.lock:
                due = [(k, s[0], s[1]) for k, s in self.services.items()
                       if s[2] <= now]
                for key, _, ttl in due:
                    self.services[key][2] = now + ttl / 3
            for key, value, ttl in due:
                with self.lock:
                    alive = key in self.services
                if alive:
                    self._beat(key, value, ttl)

    def stop(self):
        self.ended.set()
        self.thread.join(10)
