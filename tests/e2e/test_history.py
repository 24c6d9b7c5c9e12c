"""History asked over HTTP and from the command line, on a real etcd, of which
it is known what happened: every figure has to lie within its bounds."""
import json
import time
import urllib.parse

from support.rollcall import command_line
from support.wait import await_true

V1 = "/api/registry/v1/"
SERVICES = {"path": "/services", "pattern": "{service_name}/{instance_id}"}
TICK = 1.0      # etcd takes expired keys in ticks of half a second


def ask(watched, what, **parameters):
    answer = watched.get(V1 + what + "?" + urllib.parse.urlencode(parameters))
    assert answer.status == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    return answer.json()


def one(rows):
    assert len(rows) == 1, rows
    return rows[0]


def refused(watched, what, status=400, kind="bad_data"):
    answer = watched.get(V1 + what)
    assert answer.status == status, answer.text
    said = answer.json()
    assert said["status"] == "error" and said["errorType"] == kind
    return said["error"]


def await_state(watched, state, **who):
    return await_true(
        lambda: [i for i in ask(watched, "instances", **who)
                 if i["state"] == state], 20, "it is " + state)


def await_looked(watched, moment):
    """It is noted every 5 s until when all was looked at."""
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment + 1))
    await_true(lambda: ask(watched, "overview")["looked_until"] > text, 20,
               "looked at until " + text)


class Truth:
    """What a service did, with the times by our own clock."""

    def __init__(self, etcd, watched):
        self.etcd, self.watched = etcd, watched
        self.key = "/services/login/0001"
        self.moments = {}

    def note(self, name):
        self.moments[name] = time.time()

    def live(self):
        watched, etcd = self.watched, self.etcd
        etcd.put(self.key, "127.0.0.1:1", 600)
        self.note("up")
        await_state(watched, "up", service="login")
        etcd.put(self.key, "127.0.0.1:1", 1)
        self.note("last_beat")
        await_state(watched, "expired", service="login")
        self.note("expired_seen")
        etcd.put(self.key, "127.0.0.1:1", 600)
        self.note("back")
        await_state(watched, "up", service="login")
        # A while that is up, so that the figures differ.
        await_true(lambda: time.time() > self.moments["back"] + 2, 5, "2 s")

    def down(self):
        """The least and the most that it was down."""
        m = self.moments
        return (m["back"] - (m["last_beat"] + 1 + TICK),
                m["back"] - (m["last_beat"] + 1) + TICK)


def test_a_known_history(etcd, rollcall):
    """Up, down by its TTL, up again, then nobody looks: each reading agrees
    with what was done, and with each other."""
    watched = rollcall([etcd.url()], [SERVICES])
    watched.await_looking()
    began = time.time()
    truth = Truth(etcd, watched)
    truth.live()
    end = time.time()
    least, most = truth.down()
    await_looked(watched, end)

    row = one(ask(watched, "uptime", service="login",
                  **{"from": truth.moments["up"] + 0.5, "to": end}))
    assert least <= row["down_seconds"] <= most, (row, least, most)
    assert row["outages"] == 1
    assert row["coverage"] > 0.999
    total = sum(row[k] for k in (
        "up_seconds", "down_seconds", "maintenance_seconds",
        "absent_seconds", "unknown_seconds"))
    assert abs(total - (end - truth.moments["up"] - 0.5)) < 0.01
    assert 0 <= row["uptime_low"] <= row["uptime"] <= row["uptime_high"] <= 1

    instance = one(ask(watched, "uptime", instance="0001",
                       **{"from": began - 60, "to": end}))
    assert least <= instance["down_seconds"] <= most
    # Before it looked nothing is known; before it came it was absent.
    assert instance["unknown_seconds"] >= 55
    outage = one(ask(watched, "outages", service="login"))
    assert outage["instance_id"] == "0001" and outage["cause"] == "expire"
    assert outage["seen"] >= outage["from"] >= outage["earliest"]
    assert abs(outage["down_seconds"] - row["down_seconds"]) < 0.001
    events = ask(watched, "events", service="login")
    assert [e["state"] for e in events] == ["up", "expired", "up"]

    # The same from the command line, of the file and of the daemon.
    for source in (("--storage.path", watched.storage),
                   ("--url", watched.url(""))):
        done = command_line(
            "uptime", *source, "login", "--format", "json",
            "--from", str(int(began)), "--to", str(int(end)))
        assert done.returncode == 0, done.stderr
        told = one(json.loads(done.stdout))
        assert least - 1 <= told["down_seconds"] <= most
        done = command_line("outages", *source, "login", "--format", "json")
        assert done.returncode == 0, done.stderr
        assert one(json.loads(done.stdout))["from"] == outage["from"]
        done = command_line("events", *source, "login", "--format", "json")
        assert done.returncode == 0, done.stderr
        assert [e["state"] for e in json.loads(done.stdout)] == [
            "up", "expired", "up"]
        for command in ("uptime", "outages", "events"):
            done = command_line(command, *source, "nosuch")
            assert done.returncode == 1 and done.stdout == ""
            assert 'history knows no service "nosuch" (there are: login' in (
                done.stderr)
            done = command_line(command, *source, "login/nosuch")
            assert 'no instance "nosuch" of login (there are: 0001)' in (
                done.stderr)

    # While nobody looks nothing is known, neither up nor down.
    watched.stop()
    stopped = time.time()
    await_true(lambda: time.time() > stopped + 3, 5, "3 s without it")
    watched.start()
    watched.await_looking()
    gap = one(ask(watched, "uptime", service="login", **{
        "from": stopped + 0.1, "to": stopped + 2.9}))
    assert gap["coverage"] == 0 and gap["uptime"] is None
    assert gap["unknown_seconds"] > 2.7
    assert gap["down_seconds"] == gap["up_seconds"] == 0


def test_pages_and_buckets(etcd, rollcall):
    for i in range(7):
        etcd.put("/services/chat/%04d" % i, "127.0.0.1:%d" % i, 600)
    watched = rollcall([etcd.url()], [SERVICES])
    watched.await_metric("rollcall_service_instances", 7,
                         service_name="chat")
    await_true(lambda: len(ask(watched, "events")) == 7, 10, "7 events")
    path, seen, pages = V1 + "events?limit=3", [], 0
    while path:
        answer = watched.get(path)
        seen += [e["instance_id"] for e in answer.json()]
        link = answer.headers.get("Link", "")
        nexts = [part.split(">")[0].strip(" <")
                 for part in link.split(", ") if 'rel="next"' in part]
        path = nexts[0] if nexts else None
        pages += 1
    assert pages == 3 and sorted(seen) == ["%04d" % i for i in range(7)]
    now = time.time()
    rows = ask(watched, "uptime", step="10m", service="chat",
               **{"from": now - 3600, "to": now})
    assert len(rows) == 6
    assert [r["to"] for r in rows[:-1]] == [r["from"] for r in rows[1:]]
    assert len(ask(watched, "instances", state="up", limit=4)) == 4
    service = one(ask(watched, "services"))
    assert (service["service_name"], service["up"], service["state"]) == (
        "chat", 7, "up")
    overview = ask(watched, "overview")
    assert overview["instances_up"] == 7 and overview["services"] == 1
    assert overview["looked_until"] >= overview["looked_since"]
    compressed = watched.get(V1 + "instances",
                             headers={"Accept-Encoding": "gzip"})
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert watched.get(V1 + "events").headers["Cache-Control"] == "no-store"


def test_what_is_refused(etcd, rollcall):
    watched = rollcall([etcd.url()], [SERVICES])
    watched.await_looking()
    assert 'unknown parameter "form" (did you mean "from"?)' in refused(
        watched, "uptime?form=1")
    assert "from:" in refused(watched, "uptime?from=yesterday")
    assert "empty" in refused(watched, "uptime?from=200&to=100")
    assert "step:" in refused(watched, "uptime?from=1&to=1700000000&step=1s")
    assert "of:" in refused(watched, "uptime?of=clusters")
    assert "limit:" in refused(watched, "events?limit=0")
    assert "edges" in refused(watched, "uptime?edges=5")
    assert "state:" in refused(watched, "instances?state=dead")
    assert "instances" in refused(watched, "uptime?of=services&instance=a")
    refused(watched, "badge/login/uptime/soon.svg", 404, "not_found")
    refused(watched, "badge/nobody/uptime/30d.svg", 404, "not_found")
    refused(watched, "uptimes", 404, "not_found")


def test_badge(etcd, rollcall):
    etcd.put("/services/a&b/1", "x", 600)
    watched = rollcall([etcd.url()], [SERVICES])
    watched.await_metric("rollcall_service_instances", 1,
                         service_name="a&b")
    answer = await_true(
        lambda: [a for a in (watched.get(V1 + "badge/a%26b/uptime/1h.svg"),)
                 if a.status == 200 and "100%" in a.text], 20, "a badge")[0]
    assert answer.headers["Content-Type"].startswith("image/svg+xml")
    assert answer.headers["Cache-Control"] == "max-age=60"
    assert "uptime 1h" in answer.text
    labelled = watched.get(V1 + "badge/a%26b/uptime/1h.svg?label=%3Cx%3E")
    assert "&lt;x&gt;" in labelled.text and "<x>" not in labelled.text


def test_uptime_as_metrics(etcd, rollcall):
    """Soon after the start, and only where something is known."""
    etcd.put("/services/login/0001", "127.0.0.1:1", 600)
    watched = rollcall([etcd.url()], [SERVICES])
    for window in ("1d", "7d", "30d"):
        watched.await_metric("rollcall_service_uptime_ratio", 1,
                             service_name="login", window=window, timeout=30)
    coverage = [watched.metric("rollcall_service_uptime_coverage_ratio",
                               service_name="login", window=window)
                for window in ("1d", "7d", "30d")]
    assert 0 < coverage[2] < coverage[1] < coverage[0] < 0.01


def test_who_was_registered_just_now_is_known(etcd, rollcall):
    """What is noted as watched is up to 10 s old."""
    etcd.put("/login_servers/old", "10.0.0.1:1", ttl=60)
    watched = rollcall([etcd.url()], [
        {"path": "/login_servers", "service_name": "login_server"}])
    watched.await_looking()
    etcd.put("/login_servers/new", "10.0.0.2:1", ttl=60)
    watched.await_events(lambda es: len(es) == 2)
    for command in "uptime", "outages", "events":
        for where in (["--storage.path", watched.storage],
                      ["--url", watched.url()]):
            done = command_line(command, *where, "login_server/new")
            assert done.returncode == 0, done.stderr
