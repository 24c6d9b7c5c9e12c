"""What does it cost to keep 1,000 keys alive?  One `rollcall register` does so
on a real etcd; printed is how soon they are there, how much of a CPU it takes,
how many ran out (none), and how soon they are gone after SIGTERM.

    bench/run register      COUNT=1000 TTL=5 SECONDS=10
"""
import os
import time

import measure
from support.etcd import Etcd
from support.process import Process
from support.rollcall import BINARY
from support.wait import await_true

COUNT = measure.setting("COUNT", 1000)
TTL = measure.setting("TTL", 5)
SECONDS = measure.setting("SECONDS", 10)


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


def here(etcd):
    return len(etcd.listing("/s"))


def keep_alive(etcd, register):
    """For so many seconds: the share of a core that it takes."""
    before, at = measure.cpu_seconds(register.pid), time.monotonic()
    operations = etcd.status("/v2/stats/store")
    time.sleep(SECONDS)
    after = etcd.status("/v2/stats/store")
    took = time.monotonic() - at
    measure.emit("register_cpu", 100 * (
        measure.cpu_seconds(register.pid) - before) / took, "%")
    measure.emit("register_beats", sum(after[k] - operations[k] for k in (
        "updateSuccess", "compareAndSwapSuccess")) / took, "/s")
    measure.emit("register_expired", after["expireCount"])


def main():
    with measure.sandbox() as start:
        etcd = start(Etcd(start.directory + "/etcd"))
        register = Register(start.directory + "/register", etcd)
        began = time.monotonic()
        register.start(wait=False)
        await_true(lambda: here(etcd) == COUNT, 60, "all are registered")
        measure.emit("register_up", time.monotonic() - began, "s")
        keep_alive(etcd, register)
        measure.emit("register_rss", measure.resident(register.pid) /
                     measure.MB, "MB")
        began = time.monotonic()
        register.stop()
        measure.emit("register_left", here(etcd))
        measure.emit("register_down", time.monotonic() - began, "s")


if __name__ == "__main__":
    main()
