"""What stands between a rollcall and the C library, to spoil what that does:
a disk that hangs, is full or fails, a clock that is set, names that take long
to resolve."""
import os
import subprocess

import pytest

from .rollcall import BINARY

SANITIZED = "ROLLCALL_VALGRIND" in os.environ or "/asan/" in BINARY or \
    "/tsan/" in BINARY

# What is preloaded stands in the way of what these put there.
without_sanitizers = pytest.mark.skipif(
    SANITIZED, reason="not with sanitizers or valgrind")


def _preload(watched, name):
    """Builds support/NAME.c for one rollcall, before it is started."""
    source = os.path.join(os.path.dirname(__file__), name + ".c")
    library = os.path.join(watched.directory, name + ".so")
    subprocess.run(["gcc", "-Wall", "-Wextra", "-O1", "-shared", "-fPIC",
                    "-o", library, source, "-ldl"], check=True)
    watched.environment["LD_PRELOAD"] = library


def slow_names(watched):
    """hangs.* does not resolve, and takes its time."""
    _preload(watched, "slownames")


class WallClock:
    """The system clock as one rollcall sees it."""

    def __init__(self, watched):
        self.control = os.path.join(watched.directory, "clock")
        _preload(watched, "wallclock")
        watched.environment["WALLCLOCK_CONTROL"] = self.control

    def set_ahead(self, seconds):
        """Of the real one; may be less than 0."""
        with open(self.control + ".new", "w") as f:
            f.write("%d" % seconds)
        os.rename(self.control + ".new", self.control)


class Disk:
    """The disk of one rollcall's database, which works until told else."""

    def __init__(self, watched):
        self.control = os.path.join(watched.directory, "disk")
        _preload(watched, "blockio")
        watched.environment.update(
            BLOCKIO_CONTROL=self.control, BLOCKIO_FILES=watched.storage)

    def _now(self, letter):
        with open(self.control + ".new", "w") as f:
            f.write(letter)
        os.rename(self.control + ".new", self.control)

    def hangs(self):
        self._now("h")

    def is_dead(self):
        """Not even what it has can be read."""
        self._now("d")

    def is_full(self):
        self._now("n")

    def is_read_only(self):
        """What the kernel makes of a file system with errors."""
        self._now("r")

    def fails(self):
        self._now("i")

    def works(self):
        os.unlink(self.control)
