"""What history must say, told by etcd's own record, and whether it does."""
import calendar
import collections
import time


def moment(expiration):
    """Unix seconds of etcd's "2026-01-02T03:04:05.123456789Z"."""
    whole, _, fraction = expiration.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + \
        float("0." + (fraction or "0"))


def _lapsed(node, previous):
    """A node that had expired when it was written over, before etcd came to
    remove it.  The date of a write is its expiration less its TTL: on a busy
    machine it may have been asked for in time and carried out too late."""
    if "expiration" not in previous or previous.get("ttl", 0) > 0:
        return False
    return "expiration" not in node or moment(node["expiration"]) - \
        node["ttl"] >= moment(previous["expiration"])


def story_of(events):
    """instance_id -> its comings and goings as (state, cause, index), by
    etcd's events in their order.  index is None where no event tells of it
    by itself."""
    story = collections.defaultdict(list)
    for event in events:
        node, previous = event["node"], event.get("prevNode")
        name, index = node["key"].rsplit("/", 1)[1], node["modifiedIndex"]
        if event["action"] == "expire":
            story[name].append(("expired", "expire", index))
        elif event["action"] in ("delete", "compareAndDelete"):
            story[name].append(("deregistered", "delete", index))
        elif previous is None:
            story[name].append(("up", "registered", index))
        elif _lapsed(node, previous):
            story[name].append(("expired", "expire", None))
            story[name].append(("up", "registered", index))
    return dict(story)


def periods(rollcall):
    """Rows of history, in the order in which they were written."""
    return rollcall.query_database(
        "SELECT p.id, p.instance, i.instance_id, s.name AS state,"
        " c.name AS cause, p.from_ms, p.to_ms, p.etcd_index, i.forgotten"
        " FROM periods p JOIN roll i ON i.id = p.instance"
        " JOIN states s ON s.id = p.state JOIN causes c ON c.id = p.cause"
        " ORDER BY p.id")


def story_in(rows):
    story = collections.defaultdict(list)
    for row in rows:
        story[row["instance_id"]].append(
            (row["state"], row["cause"], row["etcd_index"]))
    return dict(story)


def differences(truth, told):
    """As lines to print; none if they agree."""
    lines = []
    for name in sorted(set(truth) | set(told)):
        a, b = truth.get(name, []), told.get(name, [])
        if a == b:
            continue
        n = 0
        while n < min(len(a), len(b)) and a[n] == b[n]:
            n += 1
        lines.append("%s: after %d in agreement etcd tells %s, history %s" % (
            name, n, a[n:n + 4], b[n:n + 4]))
    return lines


def check_periods(rows):
    """Whatever happened: the stays of an identity follow one another, those
    of one row of instances without a gap, and only the last is open."""
    by_row = collections.defaultdict(list)
    by_name = collections.defaultdict(list)
    for row in rows:
        assert row["to_ms"] is None or row["to_ms"] >= row["from_ms"], row
        by_row[row["instance"]].append(row)
        by_name[row["instance_id"]].append(row)
    for stays in by_row.values():
        for a, b in zip(stays, stays[1:]):
            assert a["to_ms"] == b["from_ms"], (a, b)
            assert a["state"] != b["state"], (a, b)
        assert stays[-1]["to_ms"] is None, stays[-1]
        gone = stays[-1]["state"] == "deregistered"
        assert stays[-1]["forgotten"] == gone, stays[-1]
    for stays in by_name.values():
        for a, b in zip(stays, stays[1:]):
            ended = a["from_ms"] if a["state"] == "deregistered" \
                else a["to_ms"]
            assert ended is not None and ended <= b["from_ms"], (a, b)
