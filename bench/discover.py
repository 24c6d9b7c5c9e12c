"""How long after a PUT does `rollcall discover --watch` print the change?  And
how long does a listing take?  On a real etcd.

    bench/run discover      COUNT=200 LISTED=10000
"""
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../tests/e2e"))
# pylint: disable=wrong-import-position
from support.etcd import Etcd                       # noqa: E402
from support.rollcall import BINARY                 # noqa: E402

COUNT = int(os.environ.get("COUNT", "200"))
LISTED = int(os.environ.get("LISTED", "10000"))


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
    with tempfile.TemporaryDirectory() as directory:
        etcd = Etcd(directory + "/etcd").start()
        try:
            delays, took = watch(etcd), listing(etcd)
        finally:
            etcd.stop()
    print("%d changes, PUT sent to line read: median %.1f ms, p99 "
          "%.1f ms, max %.1f ms; %d instances listed as JSON in %.0f ms" % (
              len(delays), 1e3 * delays[len(delays) // 2],
              1e3 * delays[-1 - len(delays) // 100], 1e3 * delays[-1],
              LISTED, 1e3 * took))
    return 0


if __name__ == "__main__":
    sys.exit(main())
