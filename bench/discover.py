"""How long after a PUT does `rollcall discover --watch` print the change?  And
how long does a listing take?  On a real etcd.

    bench/run discover      COUNT=200 LISTED=10000
"""
import subprocess
import time

import measure
from support.etcd import Etcd
from support.rollcall import BINARY

COUNT = measure.setting("COUNT", 200)
LISTED = measure.setting("LISTED", 10000)


def command(etcd, directory, *arguments):
    return [BINARY, "discover", "--etcd.endpoint=" + etcd.url(),
            "--directory=" + directory, "--format=json", *arguments]


def watch(etcd):
    """The delays in seconds, sorted."""
    etcd.put("/s/first", "h:1")
    watching = subprocess.Popen(command(etcd, "/s", "--watch"), text=True,
                                stdout=subprocess.PIPE)
    watching.stdout.readline()
    delays = []
    for n in range(COUNT):
        at = time.monotonic()
        etcd.put("/s/%04d" % n, "10.0.0.7:%d" % (10000 + n))
        line = watching.stdout.readline()
        delays.append(time.monotonic() - at)
        assert "%04d" % n in line, line
    watching.terminate()
    watching.wait()
    return sorted(delays)


def listing(etcd):
    """Seconds of wall clock, the median of five."""
    etcd.put_many(("/many/%06d" % n, '{"ip":"10.0.0.7","port":8008}', None)
                  for n in range(LISTED))
    took = []
    for _ in range(5):
        at = time.monotonic()
        done = subprocess.run(command(etcd, "/many"), check=True,
                              capture_output=True)
        took.append(time.monotonic() - at)
        assert done.stdout.count(b'"instance_id"') == LISTED
    return sorted(took)[2]


def main():
    with measure.sandbox() as start:
        etcd = start(Etcd(start.directory + "/etcd"))
        delays, took = watch(etcd), listing(etcd)
    measure.emit("discover_p50", 1e3 * measure.percentile(delays, 50), "ms")
    measure.emit("discover_p99", 1e3 * measure.percentile(delays, 99), "ms")
    measure.emit("discover_listing", 1e3 * took, "ms")


if __name__ == "__main__":
    main()
