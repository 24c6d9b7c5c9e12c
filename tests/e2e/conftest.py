"""Fixtures: servers that run for one test and are gone after it.  Each is a
factory, so that a test says what it needs, and in which number."""
import faulthandler
import os
import signal

import pytest

from support.etcd import Beats, Etcd, EtcdCluster
from support.fake_etcd import FakeEtcd
from support.monitoring import Alertmanager, Prometheus
from support.rollcall import SLOW, Rollcall
from support.webhook import Webhook

# A test that hangs is one that failed, and not the end of all others: its
# process says where each thread is, and ends (xdist starts another one; without
# xdist that is the end of the run).
TEST_SECONDS = int(os.environ.get("E2E_TEST_SECONDS", 200)) * SLOW
LONG_TEST_SECONDS = 1200 * SLOW
RUN_SECONDS = 2700 * SLOW   # of the process that hands the tests out


class Started:
    """What a test started, to be stopped in reverse order."""

    def __init__(self):
        self.things = []

    def __call__(self, thing, start=True):
        self.things.append(thing)
        if start:
            thing.start()
        return thing

    def stop(self):
        errors = []
        for thing in reversed(self.things):
            try:
                thing.stop()
            except AssertionError as e:
                errors.append(str(e))
        assert not errors, "\n".join(errors)


@pytest.fixture
def started():
    s = Started()
    yield s
    s.stop()


@pytest.fixture
def etcd(started, tmp_path):
    """A single etcd that runs."""
    return started(Etcd(tmp_path / "etcd"))


@pytest.fixture
def etcd_cluster(started, tmp_path):
    """Three members that run."""
    return started(EtcdCluster(tmp_path / "etcd"))


@pytest.fixture
def fake_etcd(started):
    return lambda *a, **k: started(FakeEtcd(*a, **k))


@pytest.fixture
def beats(started):
    return lambda *a, **k: started(Beats(*a, **k), start=False)


@pytest.fixture
def webhook(started):
    return started(Webhook())


@pytest.fixture
def prometheus(started, tmp_path):
    """Not started yet: say first what it is to scrape."""
    return started(Prometheus(tmp_path / "prometheus"), start=False)


@pytest.fixture
def alertmanager(started, tmp_path):
    return started(Alertmanager(tmp_path / "alertmanager"))


@pytest.fixture
def rollcall(started, tmp_path):
    """rollcall(endpoints, directories, ..., start=True): see Rollcall."""
    def make(*arguments, start=True, name="rollcall", **options):
        return started(Rollcall(tmp_path / name, *arguments, **options),
                       start)
    return make


def end_within(config, seconds):
    faulthandler.dump_traceback_later(seconds, exit=True, file=config.terminal)


def pytest_configure(config):
    # A shell has them ignored in what it runs in the background, and so would
    # whatever is started here.
    for number in signal.SIGINT, signal.SIGQUIT:
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    config.terminal = os.dup(2)     # tests' own output is captured
    if not hasattr(config, "workerinput") and getattr(
            config.option, "numprocesses", None):
        end_within(config, RUN_SECONDS)


def limit(node):
    end_within(node.config, LONG_TEST_SECONDS if node.get_closest_marker(
        "long") else TEST_SECONDS)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    """With its fixtures, which may hang, too."""
    limit(item)
    yield
    end_within(item.config, RUN_SECONDS)    # this worker may have to wait


@pytest.hookimpl(hookwrapper=True)
def pytest_exception_interact(node):
    """pytest itself takes the limit back where a test fails."""
    yield
    limit(node)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that failed shows the end of rollcall's log."""
    outcome = yield
    report = outcome.get_result()
    if report.when != "call" or not report.failed:
        return
    started = item.funcargs.get("started")
    for thing in started.things if started else ():
        if thing.__class__ is Rollcall:
            report.sections.append(
                ("log of " + thing.name, thing.log_tail()))


def pytest_terminal_summary(terminalreporter):
    def count(*kinds):
        return sum(len(terminalreporter.stats.get(k, [])) for k in kinds)
    skipped = terminalreporter.stats.get("skipped", [])
    for report in skipped:
        terminalreporter.write_line("skipped: %s: %s" % (
            report.nodeid, report.longrepr[2]))
    terminalreporter.write_line("e2e: %d passed, %d failed" % (
        count("passed"), count("failed", "error")) + (
        ", %d skipped" % len(skipped) if skipped else ""))
