"""How much memory does the daemon take?  At a small site with three real
members, and with 1k to 1M instances at bench/fake-etcd, scraped as gzip and
then plain too; and does it grow as ever new names come and go?

    bench/run memory            SIZES=1000,10000,100000
    bench/run memory_1m         SIZES=1000000
    bench/run memory_small      SECONDS=60
    bench/run memory_growth     NAMES=1000000 GROWTH_SECONDS=120 (as many of
                                the names as it sees in that time)
    0 or nothing leaves one out.
"""
import statistics
import time

import measure
from measure import MB, MIB, emit
from support.etcd import Beats, EtcdCluster
from support.mass_etcd import DIRECTORY, MassEtcd
from support.wait import await_true

SIZES = measure.setting("SIZES", "1000,10000,100000")
SECONDS = measure.setting("SECONDS", 0)
NAMES = measure.setting("NAMES", 0)
GROWTH_SECONDS = measure.setting("GROWTH_SECONDS", 120)
SMALL = 100
BASE = 10 * MB          # what the aim per instance leaves out
LARGE = 100000          # what the aim per instance is about
SCRAPES = 5             # before it is looked at; of half a gigabyte 2 do


def small_site():
    """A hundred instances that beat, scraped as Prometheus does."""
    with measure.sandbox() as start:
        cluster = start(EtcdCluster(start.directory + "/etcd"))
        beats = Beats(cluster)
        for n in range(SMALL):
            beats.register("/s/%03d" % n, "10.0.0.7:%d" % n, ttl=30)
        rollcall = start(measure.Measured(
            start.directory + "/rollcall", cluster.urls(),
            [{"path": "/s", "service_name": "s"}]))
        rollcall.await_log_looking()
        with measure.Scraper(rollcall.port, True, 15):
            before = measure.cpu_seconds(rollcall.pid)
            began = time.monotonic()
            time.sleep(SECONDS)
            took = time.monotonic() - began
            emit("memory_100_cpu", 100 * (
                measure.cpu_seconds(rollcall.pid) - before) / took, "%")
            resident = measure.resident(rollcall.pid)
            emit("memory_100_rss", resident / MIB, "MiB")
            emit("memory_100_rss_mb", resident / MB, "MB")
            emit("memory_100_pss", measure.proportional(rollcall.pid) / MIB,
                 "MiB")
        beats.stop()


def scraped(rollcall, count, *gzip):
    """Resident memory behind some scrapes of these kinds."""
    for kind in gzip:
        with measure.Scraper(rollcall.port, kind, 0.25) as scraper:
            least = SCRAPES if count < 1000000 else 2
            await_true(lambda s=scraper, n=least: len(s.done) >= n, 100,
                       "%d scrapes" % least, interval=0.2)
        status, size, took = scraper.done[-1]
        measure.note("%s scrape: status %d, %.1f MB, %.0f ms" % (
            "gzip" if kind else "plain", status, size / MB, 1e3 * took))
    return measure.settled(rollcall.pid)


def large_site(count):
    name = "memory_" + measure.label(count)
    with measure.sandbox() as start:
        etcd = start(MassEtcd(start.directory + "/etcd", count))
        rollcall = start(measure.Measured(
            start.directory + "/rollcall", [etcd.url()], [DIRECTORY]))
        rollcall.await_log_looking()
        rollcall.await_recorded(count)
        idle = measure.settled(rollcall.pid) if count >= LARGE else 0
        gzipped = scraped(rollcall, count, True)
        emit(name + "_rss", gzipped / MB, "MB")
        if count < LARGE:
            return
        emit(name + "_idle_rss", idle / MB, "MB")
        emit(name + "_per_instance", (gzipped - BASE) / count, "B")
        both = scraped(rollcall, count, True, False)
        emit(name + "_plain_rss", both / MB, "MB")
        emit(name + "_plain_per_instance", (both - BASE) / count, "B")
        emit(name + "_peak", measure.peak(rollcall.pid) / MB, "MB")


def turnover(etcd, count):
    """So many new names come and as many old ones go."""
    etcd.do("turnover", count, "ahead")
    await_true(lambda: etcd.state()["left"]["turnover"] == 0, 300,
               "%d names to come and go" % count, interval=0.05)


def slope(values):
    """From one to the next: the median of the slopes between any two, which
    neither a few that are off nor a wave moves."""
    return statistics.median(
        (values[j] - values[i]) / (j - i)
        for j in range(len(values)) for i in range(j))


def growth():
    """Of resident memory, looked at after each fiftieth of the names, in the
    second half of them: by then what is taken once was taken."""
    with measure.sandbox() as start:
        etcd = start(MassEtcd(start.directory + "/etcd", 1000))
        rollcall = start(measure.Measured(
            start.directory + "/rollcall", [etcd.url()], [DIRECTORY]))
        rollcall.await_log_looking()
        resident, end = [], time.monotonic() + GROWTH_SECONDS
        while len(resident) < 50 and time.monotonic() < end:
            turnover(etcd, NAMES // 50)
            rollcall.await_recorded(
                1000 + 2 * (NAMES // 50) * (len(resident) + 1))
            resident.append(measure.resident(rollcall.pid))
        measure.note("resident: %s MB" % (
            " ".join("%.1f" % (r / MB) for r in resident)))
        emit("memory_growth", slope(resident[len(resident) // 2:]) /
             (NAMES // 50), "B")
        emit("memory_growth_all", (resident[-1] - resident[0]) / MB, "MB")
        emit("memory_growth_names", len(resident) * (NAMES // 50))


def main():
    if SECONDS:
        small_site()
    for count in SIZES.split(","):
        if count:
            large_site(int(count))
    if NAMES:
        growth()


if __name__ == "__main__":
    main()
