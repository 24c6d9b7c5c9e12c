"""`rollcall register` under test, alone or with a command."""
import os
import signal

from .process import Process
from .rollcall import BINARY, SLOW, VALGRIND, Rollcall
from .wait import await_true


class Registrar(Process):
    """register(*flags, etcd=..., command=[...]): etcd: URLs.  Its log and
    what the command writes are in one file, told apart by `ts=`."""

    name = "register"

    def __init__(self, directory, *flags, etcd=(), command=None):
        super().__init__(directory)
        self.flags = list(flags)
        self.endpoints = list(etcd)
        self.child = command

    def command(self):
        wrapper = VALGRIND if "ROLLCALL_VALGRIND" in os.environ else []
        line = wrapper + [BINARY, "register"]
        line += ["--etcd.endpoint=" + url for url in self.endpoints]
        line += self.flags
        return line + (["--", *self.child] if self.child else [])

    def is_ready(self):
        return True

    log_lines = Rollcall.log_lines
    await_log = Rollcall.await_log
    check_reports = Rollcall.check_reports

    def await_registered(self, timeout=10):
        return self.await_log(timeout, msg="registered")

    def output_lines(self):
        """What the command has written."""
        return [line for line in self.log().splitlines()
                if not line.startswith("ts=")]

    def await_output(self, line, timeout=10):
        await_true(lambda: line in self.output_lines(), timeout * SLOW,
                   lambda: "%r; there is:\n%s" % (line, self.log_tail()))

    def command_pid(self):
        """Of the child that runs, which is the only one."""
        path = "/proc/%d/task/%d/children" % (self.pid, self.pid)

        def only():
            with open(path) as f:
                return [int(x) for x in f.read().split()]
        return await_true(only, 10 * SLOW, "the command runs")[0]

    def end(self, timeout=10):
        """Waits for its end: the exit code, with nothing to report."""
        code = self.wait(timeout * SLOW)
        self.check_reports()
        return code

    def stop(self, timeout=10):
        if not self.alive():
            return None
        self.signal(signal.SIGTERM)
        self.resume()
        try:
            return self.end(timeout)
        finally:
            self.kill()
