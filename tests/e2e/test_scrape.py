"""Prometheus reads us, promtool has nothing to say, and the strict OpenMetrics
parser of the Python client understands every line."""
import pytest
from prometheus_client.openmetrics.parser import \
    text_string_to_metric_families

from support import exposition
from support.monitoring import promtool
from support.rollcall import OPENMETRICS, TEXT
from support.wait import await_true

LOGIN = {"path": "/login_servers", "service_name": "login_server"}
ODD = {"path": "/odd", "service_name": 'odd "one"\\',
       "instance_detail": True}


def registry(etcd, beats):
    """Ordinary services, and keys that need escaping."""
    services = beats(etcd)
    for n in range(3):
        services.register("/login_servers/0001-000%d" % n,
                          "127.0.0.1:%d" % (8000 + n), ttl=5)
    for key in ('a"b', "back\\slash", "new\nline", "名前", "<&>"):
        services.register("/odd/" + key, "h:1", ttl=5)
    etcd.put("/login_servers/permanent", "no address")


def test_prometheus_negotiates_openmetrics(etcd, beats, rollcall, prometheus):
    registry(etcd, beats)
    watched = rollcall([etcd.url()], [LOGIN, ODD])
    watched.await_looking()
    prometheus.scrape(watched.address())
    prometheus.start()
    prometheus.await_query('up{job="rollcall"}', [1.0])
    prometheus.await_query("count(rollcall_instance_up == 1)", [9.0])
    target, = prometheus.targets()
    assert target["health"] == "up" and target["lastError"] == ""
    # Only OpenMetrics has a type "info".
    kinds = {m["metric"]: m["type"] for m in
             prometheus.api("targets/metadata")}
    assert kinds["rollcall_build"] == "info"

    def gap():
        (_, scraped), = prometheus.query("scrape_samples_scraped")
        return abs(scraped - len(exposition.parse(
            watched.exposition().text)))
    # An alert more, a poll less; at the start polls have not been answered.
    await_true(lambda: gap() <= 5, 20, lambda: "no sample less, but %d" %
               gap())


def test_promtool_is_silent(etcd, beats, rollcall):
    registry(etcd, beats)
    watched = rollcall([etcd.url()], [LOGIN, ODD])
    watched.await_looking()
    assert promtool("check", "metrics",
                    text=watched.exposition().text) == (0, "")


@pytest.mark.valgrind
def test_both_formats_say_the_same(etcd, beats, rollcall):
    registry(etcd, beats)
    watched = rollcall([etcd.url()], [LOGIN, ODD])
    watched.await_looking()
    # No series is new any more once every endpoint was polled.
    await_true(lambda: len(watched.samples("rollcall_etcd_endpoint_up")) == 8,
               20, "all eight endpoints to be polled")
    answer = watched.exposition(OPENMETRICS)
    assert answer.headers["Content-Type"].replace(" ", "").startswith(
        "application/openmetrics-text;version=1.0.0;charset=utf-8")
    families = list(text_string_to_metric_families(answer.text))
    strict = {(s.name, frozenset(s.labels.items()))
              for f in families for s in f.samples}
    assert strict == set(exposition.parse(watched.exposition(TEXT).text))
    names = {dict(labels)["instance_id"] for name, labels in strict
             if name == "rollcall_instance_up"}
    assert {'a"b', "back\\slash", "new\nline", "名前", "<&>"} < names


def test_every_sample_of_a_counter_only_grows(etcd, beats, rollcall):
    registry(etcd, beats)
    watched = rollcall([etcd.url()], [LOGIN, ODD])
    watched.await_looking()
    first = watched.metrics()
    polls = sum(v for _, v in exposition.select(
        first, "rollcall_poll_requests_total"))
    watched.await_metric("process_cpu_seconds_total", lambda v: v is not None)
    watched.await_log(count=1)      # there is a log at all
    second = watched.metrics()
    while sum(v for _, v in exposition.select(
            second, "rollcall_poll_requests_total")) < polls + 8:
        second = watched.metrics()
    for key, value in first.items():
        if key[0].endswith("_total"):
            assert second[key] >= value, key
