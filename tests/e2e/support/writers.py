"""bench/writers.c, built and run: heartbeats by plain PUT, as fast as etcd
takes them; and whether rollcall was told each of them once."""
import collections
import os
import re
import subprocess

from .servers import TOP

_EVENT = re.compile(r'msg="event" .* key=(\S+) index=(\d+)$', re.M)


def told(log):
    """(index, key) of each event that went into the roll, in order, by
    rollcall's log of level debug."""
    return [(int(index), key) for key, index in _EVENT.findall(log)]


def compare(written, events):
    """Of the writers' {index: key} and of what was told: those lost, and those
    told twice or written by nobody."""
    a, b = collections.Counter(written.items()), collections.Counter(events)
    return sorted((a - b).elements()), sorted((b - a).elements())


def build(name, directory):
    """A program of bench/, in a directory: its path."""
    program = os.path.join(str(directory), name)
    subprocess.run(
        [os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE", "-O2",
         "-o", program, os.path.join(TOP, "bench", name + ".c")], check=True)
    return program


class Writers:
    """What became of one run: writes, seconds, and, by index, the keys that
    were written, as the writers' own log tells."""

    def __init__(self, directory):
        self.program = build("writers", directory)
        self.log = os.path.join(str(directory), "writers.log")

    def start(self, etcd, directory, seconds, writers=64, keys=1000, ttl=300,
              log="/dev/null", pause_us=0):
        return subprocess.Popen(
            [self.program, "127.0.0.1:%d" % etcd.port, directory, str(keys),
             str(writers), str(seconds), str(ttl), log, str(pause_us)],
            stdout=subprocess.PIPE, text=True)

    def run(self, etcd, directory, seconds, **options):
        """(writes, seconds, {index: key})"""
        process = self.start(etcd, directory, seconds, log=self.log,
                             **options)
        output, _ = process.communicate(timeout=seconds + 120)
        assert process.returncode == 0
        writes, took, _ = output.split()
        with open(self.log) as f:
            log = dict(line.split() for line in f)
        assert len(log) == int(writes), "an index told twice"
        return int(writes), float(took), {int(k): v for k, v in log.items()}
