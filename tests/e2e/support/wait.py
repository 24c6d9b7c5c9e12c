"""Waiting for conditions."""
import time


class Timeout(AssertionError):
    pass


def await_true(condition, timeout=10, what=None, interval=0.02):
    """Calls condition() until it returns something true, and returns that.
    Exceptions of connections not yet there count as false."""
    deadline = time.monotonic() + timeout
    last = None
    while True:
        try:
            value = condition()
            if value:
                return value
            last = value
        except (OSError, LookupError, ValueError) as e:
            last = e
        except Exception as e:      # http.client's are no OSErrors
            if type(e).__module__ != "http.client":
                raise
            last = e
        if time.monotonic() > deadline:
            text = what() if callable(what) else what
            raise Timeout("not within %g s: %s (last: %r)" % (
                timeout, text or getattr(condition, "__name__", "?"), last))
        time.sleep(interval)


def stays_true(condition, seconds, what=None, interval=0.1):
    """Fails as soon as condition() is false; returns after so many seconds.
    For what must not happen: there is no event to await."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        assert value, "%s no longer holds (%r)" % (
            (what() if callable(what) else what) or condition.__name__, value)
        left = end - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(interval, left))
