"""A disk that hangs, is full or fails, while a test wants it to."""
import os
import subprocess

SOURCE = os.path.join(os.path.dirname(__file__), "blockio.c")


class Disk:
    """Built for one rollcall, before it is started."""

    def __init__(self, watched):
        self.control = os.path.join(watched.directory, "disk")
        library = os.path.join(watched.directory, "blockio.so")
        subprocess.run(["gcc", "-Wall", "-Wextra", "-O1", "-shared", "-fPIC",
                        "-o", library, SOURCE], check=True)
        watched.environment.update(
            LD_PRELOAD=library, BLOCKIO_CONTROL=self.control,
            BLOCKIO_FILES=watched.storage)

    def _now(self, letter):
        with open(self.control + ".new", "w") as f:
            f.write(letter)
        os.rename(self.control + ".new", self.control)

    def hangs(self):
        self._now("h")

    def is_full(self):
        self._now("n")

    def fails(self):
        self._now("i")

    def works(self):
        os.unlink(self.control)
