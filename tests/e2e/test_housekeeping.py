"""What keeps the database small: statistics are thinned and history deleted
while everything goes on, and who keeps the log from being emptied is named."""
import os
import sqlite3
import time

from support.delay import Detection

LOGIN = {"path": "/login_servers", "service_name": "login_server"}
DAY = 86400000
HELD = ("a reader keeps the database's write-ahead log from being emptied: it "
        "grows until that program ends its transaction")
FREE = "the database's write-ahead log could be emptied again"


def old_polls(watched, days):
    """Of a member of a cluster that is no more, every 15 s."""
    now = int(time.time() * 1000)
    with sqlite3.connect(watched.storage) as db:
        db.execute("insert into member_names values(99, 'old', 'a')")
        db.executemany(
            "insert into members(member, at_ms, up) values(99, ?, 1)",
            ((at,) for at in range(now - days * DAY, now, 15000)))
    db.close()
    return now


def polls_of_old(watched, bucket):
    """How many there are in each bucket, oldest first."""
    return [row["n"] for row in watched.query_database(
        "select count(*) as n from members where member = 99"
        " group by at_ms / ? order by min(at_ms)", bucket)]


def test_statistics_are_thinned(etcd, webhook, rollcall, started):
    watched = rollcall([etcd.url()], [LOGIN], webhook=webhook.url())
    watched.await_looking()
    watched.stop()
    old_polls(watched, 33)
    size = os.path.getsize(watched.storage)
    watched.start()
    watched.await_looking()
    for number in range(30):        # so that few of them are no storm
        etcd.put("/login_servers/kept%02d" % number, "127.0.0.1:1", ttl=600)
    detect = started(Detection(etcd, webhook), start=False)
    # The first pass begins after 10 s; alerts do not wait for it.
    rows = 33 * 24 * 240
    left = 2 * 24 * 240 + 28 * 24 * 12 + 3 * 24 + 300
    while watched.metric("rollcall_db_rows_deleted_total",
                         reason="thinned") < rows - left:
        assert detect.await_told(detect.register(watched)) < 0.5
    hours = polls_of_old(watched, 3600000)
    assert set(hours[1:70]) == {1}
    assert set(hours[75:29 * 24]) == {12}
    assert set(hours[-40:-1]) == {240}
    watched.await_metric("rollcall_db_size_bytes", lambda v: v < size / 2,
                         timeout=30)
    longest = watched.metric("rollcall_db_housekeeping_longest_seconds")
    print("longest slice: %.3f s" % longest)
    # Statistics of that long are wanted no more.
    watched.config["storage"]["retention"] = "1d"
    watched.reload()
    watched.await_log(msg="configuration reloaded")
    watched.stop()
    watched.start()
    watched.await_metric("rollcall_db_rows_deleted_total", lambda v: v > 5000,
                         timeout=30, reason="retention")


def test_a_reader_is_named(etcd, rollcall):
    watched = rollcall([etcd.url()], [LOGIN])
    watched.await_looking()
    reader = sqlite3.connect(watched.storage, isolation_level=None)
    reader.execute("begin")
    reader.execute("select count(*) from roll").fetchall()
    # As if much had happened since.
    writer = sqlite3.connect(watched.storage, isolation_level=None, timeout=20)
    writer.execute("create table much(of_it)")
    for _ in range(70):
        writer.execute("insert into much values(randomblob(1 << 20))")
    writer.close()
    etcd.put("/login_servers/one", "x")
    line = watched.await_log(msg=HELD)
    assert int(line["pid"]) == os.getpid()
    assert line["program"].startswith("python")
    assert watched.storage + "-wal" == line["path"]
    watched.await_metric("rollcall_db_wal_size_bytes",
                         lambda v: v > 64 << 20)
    assert watched.metric("rollcall_db_up") == 1
    reader.execute("commit")
    reader.close()
    for number in range(10):
        etcd.put("/login_servers/after%d" % number, "x")
        watched.await_metric("rollcall_instance_up", 1,
                             instance_id="after%d" % number)
    watched.await_log(msg=FREE)
    watched.await_metric("rollcall_db_wal_size_bytes",
                         lambda v: v <= 16 << 20)
    assert len(watched.log_lines(msg=HELD)) == 1
