"""Child processes: each has a log file, is ended by its own pid, and dies with
the test run even if that is killed."""
import atexit
import os
import random
import signal
import socket
import subprocess
import threading

from .wait import await_true

# In front of a command: it dies when the thread that started it ends.  Not by
# preexec_fn, which may hang for ever beside other threads (Python's subprocess
# says so).
GUARD = ["setpriv", "--pdeathsig", "KILL", "--"]

_running = {}
_ports = set()
_lock = threading.Lock()


def _own_ports():
    """Below the range that the kernel takes for outgoing connections, and none
    of another worker's: while a server is down, its port stays its own.  Who
    takes the place of a worker that crashed has a number of its own."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    ranges = 2 * int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
    count = 12000 // ranges
    first = 20000 + int(worker[2:]) % ranges * count
    return range(first, first + count)


def free_port():
    """A port of 127.0.0.1 that nobody has."""
    with _lock:
        for _ in range(1000):
            port = random.SystemRandom().choice(_own_ports())
            if port in _ports:
                continue
            with socket.socket() as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    s.bind(("127.0.0.1", port))
                except OSError:
                    continue
            _ports.add(port)
            return port
    raise RuntimeError("no free port")


class Process:
    """A program that can be started again on the same files."""

    name = "process"

    def __init__(self, directory):
        self.directory = str(directory)
        os.makedirs(self.directory, exist_ok=True)
        self.log_path = os.path.join(self.directory, self.name + ".log")
        self.process = None
        self.environment = {}
        self.output = None      # a descriptor to write to, not the log

    def command(self):
        raise NotImplementedError

    def is_ready(self):
        raise NotImplementedError

    def start(self, wait=True, timeout=20):
        assert not self.alive(), "%s runs already" % self.name
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                GUARD + self.command(), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log if self.output is None
                else self.output, cwd=self.directory,
                env={**os.environ, **self.environment})
        _running[self.process.pid] = self
        if wait:
            self.wait_ready(timeout)
        return self

    def wait_ready(self, timeout=20):
        def ready():
            if not self.alive():
                raise RuntimeError("%s ended with %s:\n%s" % (
                    self.name, self.process.returncode, self.log_tail()))
            return self.is_ready()
        await_true(ready, timeout, lambda: "%s ready; its log:\n%s" % (
            self.name, self.log_tail()))

    def alive(self):
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self):
        return self.process.pid

    def signal(self, number):
        self.process.send_signal(number)

    def pause(self):
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def wait(self, timeout=10):
        code = self.process.wait(timeout)
        _running.pop(self.process.pid, None)
        return code

    def kill(self):
        """kill -9"""
        if self.alive():
            self.signal(signal.SIGKILL)
            self.wait()

    def stop(self, timeout=10):
        """SIGTERM, and SIGKILL if that is not enough.  Returns the exit
        code, None if it was not running."""
        if not self.alive():
            return None
        # In this order: SIGCONT would also cancel the SIGSTOP by which
        # LeakSanitizer looks at a process that ends.
        self.resume()
        self.signal(signal.SIGTERM)
        try:
            return self.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("%s did not end within %g s of SIGTERM" % (
                self.name, timeout))

    def restart(self):
        self.stop()
        self.start()

    def log(self):
        try:
            with open(self.log_path, errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def log_tail(self, lines=30):
        return "\n".join(self.log().splitlines()[-lines:])


@atexit.register
def kill_all():
    for process in list(_running.values()):
        process.kill()
