"""What does it cost to keep 1,000 keys alive?  One `rollcall register` does so
on a real etcd; printed is how soon they are there, how much of a CPU it takes,
how many ran out (none), and how soon they are gone after SIGTERM.

    bench/run register      COUNT=1000 TTL=5 SECONDS=30
"""
import os
import resource
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../tests/e2e"))
# pylint: disable=wrong-import-position
from support.etcd import Etcd                       # noqa: E402
from support.process import Process                 # noqa: E402
from support.rollcall import BINARY                 # noqa: E402
from support.wait import await_true                 # noqa: E402

COUNT = int(os.environ.get("COUNT", "1000"))
TTL = int(os.environ.get("TTL", "5"))
SECONDS = int(os.environ.get("SECONDS", "30"))


class Register(Process):
    name = "register"

    def __init__(self, directory, etcd):
        super().__init__(directory)
        self.keys = os.path.join(self.directory, "keys")
        self.url = etcd.url()
        with open(self.keys, "w") as f:
            for n in range(COUNT):
                f.write("/s/%04d 10.0.0.7:%d\n" % (n, 10000 + n))

    def command(self):
        return [BINARY, "register", "--etcd.endpoint=" + self.url,
                "--ttl=%ds" % TTL, "--keys-from=" + self.keys]

    def cpu(self):
        with open("/proc/%d/stat" % self.pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident(self):
        with open("/proc/%d/statm" % self.pid) as f:
            return int(f.read().split()[1]) * resource.getpagesize()


def here(etcd):
    return len(etcd.listing("/s"))


def main():
    with tempfile.TemporaryDirectory() as directory:
        etcd = Etcd(directory + "/etcd").start()
        register = Register(directory + "/register", etcd)
        began = time.monotonic()
        register.start(wait=False)
        await_true(lambda: here(etcd) == COUNT, 60, "all are registered")
        up = time.monotonic() - began
        before, at = register.cpu(), time.monotonic()
        operations = etcd.status("/v2/stats/store")
        await_true(lambda: time.monotonic() - at >= SECONDS, SECONDS + 9,
                   "time to pass", interval=0.5)
        after = etcd.status("/v2/stats/store")
        took = time.monotonic() - at
        cpu = (register.cpu() - before) / took
        resident = register.resident()
        beats = sum(after[k] - operations[k] for k in (
            "updateSuccess", "compareAndSwapSuccess")) / took
        began = time.monotonic()
        register.stop()
        left = here(etcd)
        down = time.monotonic() - began
        etcd.stop()
    print("%d keys, TTL %d s: registered after %.2f s; %.0f beats/s at "
          "%.1f %% of a CPU, %.1f MB; %d ran out in %d s; %d left %.2f s "
          "after SIGTERM" % (
              COUNT, TTL, up, beats, 100 * cpu, resident / 1e6,
              after["expireCount"], took, left, down))
    return after["expireCount"] > 0 or left > 0


if __name__ == "__main__":
    sys.exit(main())
