"""What does listing a big directory cost?  bench/fake-etcd holds 100,000 and a
million keys; rollcall starts, lists, and lists again because the history it
would need is gone.  In the end that happens again and again: how often does it
list then?

    bench/run listing       SIZES=100000 OVERRUN_SECONDS=10
    bench/run listing_1m    SIZES=1000000 OVERRUN_SECONDS=0
"""
import time

import measure
from measure import MB, emit
from support.mass_etcd import DIRECTORY, MassEtcd
from support.wait import await_true

SIZES = measure.setting("SIZES", "100000")
OVERRUN_SECONDS = measure.setting("OVERRUN_SECONDS", 10)
HISTORY = 1000
OVERRUN_EVERY = 0.1     # seconds
PATIENCE = 200          # rollcall rests 20 times what an attempt has taken it


def body_size(etcd):
    _, size, took = measure.scrape(
        etcd.port, path="/v2/keys/bench/?recursive=true")
    measure.note("listing: %.1f MB, read bare in %.0f ms" % (
        size / MB, 1e3 * took))
    return size


def list_again(etcd, rollcall):
    """More events at once than etcd remembers: rollcall has to list.  Until
    it is in sync again."""
    times = len(rollcall.log_lines(msg="directory in sync"))
    measure.forget_peak(rollcall.pid)
    etcd.do("beat", HISTORY * 2)
    rollcall.await_log(120, times + 1, msg="directory in sync")


def overrun(etcd):
    """More events than etcd remembers, ten times a second: listings a second,
    from the beginning of one to that of the last.  Of fewer than two it can
    only be said that there were no more."""
    began, before, seen = time.monotonic(), etcd.state()["listings"], []
    while time.monotonic() < began + OVERRUN_SECONDS:
        count = etcd.do("beat", HISTORY * 2)["listings"]
        if count > (seen[-1][1] if seen else before):
            seen.append((time.monotonic(), count))
        time.sleep(OVERRUN_EVERY)
    measure.note("%d listings in %g s" % (
        etcd.state()["listings"] - before, OVERRUN_SECONDS))
    if len(seen) < 2:
        return len(seen) / OVERRUN_SECONDS
    (first, number), (last, end) = seen[0], seen[-1]
    return (end - number) / (last - first)


def emit_figure(name, rollcall, metric, factor, unit):
    """A metric of rollcall's, if /metrics is answered."""
    value = measure.figure(rollcall, metric)
    if value is None:
        measure.note("%s: /metrics is not answered" % name)
    else:
        emit(name, factor * value, unit)


def emit_turn(name, rollcall):
    emit_figure(name, rollcall, "rollcall_loop_longest_turn_seconds", 1e3,
                "ms")


def measure_size(count):
    name = "listing_%s_" % measure.label(count)
    with measure.sandbox() as start:
        etcd = start(MassEtcd(start.directory + "/etcd", count))
        body = body_size(etcd)
        rollcall = measure.Measured(
            start.directory + "/rollcall", [etcd.url()], [DIRECTORY])
        began = time.monotonic()
        start(rollcall)
        rollcall.await_log_looking()
        emit(name + "looking", time.monotonic() - began, "s")
        peak = measure.peak(rollcall.pid)
        rollcall.await_recorded(count)
        steady = measure.settled(rollcall.pid)
        emit_turn(name + "start_turn", rollcall)
        measure.forget_peak(rollcall.pid)
        await_true(lambda: measure.figure(
            rollcall, "rollcall_service_uptime_ratio") is not None, PATIENCE,
                   "the first uptime", interval=0.5)
        emit(name + "uptime_peak",
             (measure.peak(rollcall.pid) - steady) / MB, "MB")
        list_again(etcd, rollcall)
        again, steady = measure.peak(rollcall.pid), min(
            steady, measure.settled(rollcall.pid))
        measure.note("peak at the start %.1f MB, listing again %.1f MB, "
                     "steady %.1f MB" % (peak / MB, again / MB, steady / MB))
        emit(name + "start_peak", (peak - steady) / body, "x")
        emit(name + "relist_peak", (again - steady) / body, "x")
        emit_turn(name + "relist_turn", rollcall)
        emit_figure(name + "interval", rollcall,
                    "rollcall_directory_list_interval_seconds", 1, "s")
        if OVERRUN_SECONDS:
            emit(name + "overrun", overrun(etcd), "1/s")


def main():
    for count in SIZES.split(","):
        measure_size(int(count))


if __name__ == "__main__":
    main()
