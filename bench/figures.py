"""What is measured: every figure that a script or program of bench/ prints,
with what it means, what it is compared with, and what is aimed at."""
import collections

# In this order they run and stand in the table.
BENCHES = ("machine", "scrape", "peers", "decode", "decode_1m", "watch",
           "watch_checked", "watch_slow", "watch_slow_checked", "listing",
           "listing_1m", "memory_small", "memory", "memory_1m",
           "memory_growth", "turns", "load", "vanish", "vanish_real",
           "detect", "register", "discover", "history", "history_peers")

# These run only if they are named: minutes each.  The page has what came out.
SELDOM = ("history_peers_1k",)

# Another name for one with other settings; its figures get that name too.
VARIANTS = {"watch_slow": ("watch", {"DELAY_US": "500"}),
            "history_peers_1k": ("history_peers", {"SERIES": "1000",
                                                   "ASKED": "7"})}

# What of one takes long, by itself, so that the rest of it can be repeated
# more often; its figures keep their names.
CHECKED = {"PLAIN_SECONDS": "0", "SECONDS": "60"}
PARTS = {"decode_1m": ("decode", {"KEYS": "1000000"}),
         "watch_checked": ("watch", CHECKED),
         "watch_slow_checked": ("watch_slow", {**CHECKED, "SECONDS": "10"}),
         "listing_1m": ("listing", {"SIZES": "1000000",
                                    "OVERRUN_SECONDS": "0"}),
         "memory_small": ("memory", {"SIZES": "", "SECONDS": "60"}),
         "memory_1m": ("memory", {"SIZES": "1000000"}),
         "memory_growth": ("memory", {"SIZES": "", "NAMES": "1000000"}),
         "vanish_real": ("vanish", {"REAL": "1"})}

# what: a few words for the table.  says: a sentence.  against: the name of
# another figure, whose `what` is the column's text.  aim: (of, relation,
# value): of "ratio" (ours / the other) or "value", relation "<=" or ">=".
# own: False for a figure that is only compared with.
Figure = collections.namedtuple(
    "Figure", "name what says against aim own", defaults=("", None, None,
                                                          True))


def other(name, what):
    return Figure(name, what, own=False)


def at_most(value, of="value"):
    return (of, "<=", value)


def at_least(value, of="value"):
    return (of, ">=", value)


def times(value):
    return at_most(value, "ratio")


def scrape(case, what, how, most):
    """bench/scrape_bench.c: of one kind of scrape."""
    name, aim = "scrape_" + case, times(most)
    return (
        Figure(name + "_wall", what,
               how[0].upper() + how[1:] + "; to the last byte, against the "
               "same bytes served from one buffer by the same kind of "
               "server.", name + "_wall_floor", aim),
        Figure(name + "_cpu", "  CPU of the server",
               "What that costs the serving process.", name + "_cpu_floor",
               aim),
        other(name + "_wall_floor", "floor"),
        other(name + "_cpu_floor", "floor"))


def allocated(case, what, how, most=None):
    """The same bench, of what the C library has given out after it."""
    return Figure("scrape_%s_memory" % case, what, how,
                  aim=most and at_most(most))


def not_shown():
    """The same bench: sizes and what is given out, but for those in the
    table."""
    kinds = ("gzip", "gzip_openmetrics", "plain", "plain_openmetrics")
    cases = [kind + changed for kind in kinds
             for changed in ("", "_1pct_changed")]
    cases += ["gzip_anew", "gzip_anew_pieces", "plain_anew"]
    shown = ("gzip", "plain")
    return [other("scrape_%s_%s" % (case, of), "") for case in cases
            if case not in shown for of in ("size", "memory")]


def decoded(keys, what, most):
    """bench/decode_bench.c: listings in a process that does nothing else."""
    name = "listing_%d_" % keys
    kinds = (("new", "all new"), ("same", "nothing new"),
             ("beaten", "all beaten"))
    found = []
    for kind, words in kinds:
        found += [
            Figure(name + kind + "_cpu", "%s listed, %s: CPU" % (
                what, words), "CPU of the loop for each key, from the bytes "
                "that arrive to the roll compared."),
            Figure(name + kind + "_kept", "  kept while it arrives / body",
                   "What is allocated when the last byte is here, for each "
                   "byte of the listing.", aim=at_most(most)),
            Figure(name + kind + "_peak", "  peak / body",
                   "The most that was allocated above what is left in the "
                   "end.", aim=at_most(most)),
            Figure(name + kind + "_longest_turn", "  longest turn",
                   "CPU of the longest turn of the loop meanwhile.",
                   aim=at_most(5)),
            other(name + kind + "_rate", "MB/s"),
            other(name + kind + "_body", "MB")]
    return found


def turns(n, *shown):
    """bench/turns_bench.c: what is not in the table."""
    kinds = ("recorded", "told")
    return [other("turns_%d_%s" % (n, figure), "") for figure in (
        "mass_message", "first_message", "messages",
        *(k + what for k in kinds for what in (
            "_cpu", "_total", "_longest_turn", "_longest_turn_cpu")))
            if figure not in shown]


def watch(name, what, how, least):
    """bench/watch.py"""
    return (
        Figure(name + "_write_rate", what,
               "Events a second while %s, each a plain PUT." % how,
               aim=least and at_least(least)),
        Figure(name + "_compared", "  held to the writers' log",
               "Events of another run, in which rollcall logs the index and "
               "the key of each that goes into the roll; they are compared "
               "with the writers' own log, one by one."),
        Figure(name + "_lost", "  lost",
               "Of these, writes that rollcall was not told.",
               aim=at_most(0)),
        Figure(name + "_doubled", "  doubled",
               "Events that it was told twice, or that nobody wrote.",
               aim=at_most(0)),
        Figure(name + "_resyncs", "  resyncs",
               "Times the watch had to start over.", aim=at_most(0)),
        Figure(name + "_late_at_the_end", "  behind at the end",
               "From the last write to the last event."),
        Figure(name + "_cpu_per_event", "  CPU per event",
               "Of rollcall, all its threads."),
        Figure(name + "_longest_turn", "  longest turn",
               "The longest turn of the loop."),
        Figure(name + "_polls_per_event", "  polls per event",
               "Requests that etcd got for each event."),
        other(name + "_writes", "events"),
        other(name + "_miscounted", "events"),
        other(name + "_plain_resyncs", "resyncs"),
        other(name + "_keys_written", "keys"),
        other(name + "_etcd_cpu_per_write", "us"))


def vanish(kind, what, how, why):
    """bench/vanish.py"""
    return (
        Figure("vanish_%s_first" % kind, what + ": told",
               "When %s: from the first event to the first message at the "
               "webhook." % how, aim=at_most(1)),
        Figure("vanish_%s_all" % kind, "  until all are recorded",
               "Until the last of them is committed to the history."),
        Figure("vanish_%s_recorded" % kind, "  leaves recorded",
               "Rows of the history that say so; 50,000 are due.",
               aim=at_least(50000)),
        Figure("vanish_%s_expired" % kind, "  as expired",
               "Of these, those whose end an event told of. " + why),
        Figure("vanish_%s_lost" % kind, "  as lost",
               "Those that a listing found missing: nobody can tell any more "
               "how they went."),
        Figure("vanish_%s_turn" % kind, "  longest turn",
               "The longest turn of the loop from the start until behind "
               "that.", aim=at_most(50)))


def per_instance(name):
    """bench/memory.py"""
    return (
        Figure(name + "_per_instance", "  for each, scraped as gzip",
               "Resident less 10 MB for each instance, where only gzip is "
               "asked for, as Prometheus does: registry and packed pieces, no "
               "plain text.", aim=at_most(700)),
        Figure(name + "_plain_per_instance", "  for each, plain text too",
               "The same once plain text has been asked for besides, so that "
               "both are kept (for five minutes from the last time): all "
               "told.", aim=at_most(700)))


def history_peers(name, instances):
    """bench/history_peers.py"""
    return (
        Figure(name + "_rollcall",
               "uptime of %s over 30 days" % instances,
               "Of %s instances that changed 8 times each, asked over HTTP; "
               "against `avg_over_time(up[30d])` in a Prometheus that "
               "scraped them every 15 s." % instances,
               name + "_prometheus", times(1 / 300)),
        Figure(name + "_rollcall_2", "  against VictoriaMetrics",
               "The same query there, without its cache of answers.",
               name + "_victoria", times(1 / 20)),
        other(name + "_prometheus", "Prometheus"),
        other(name + "_victoria", "VictoriaM."))


FIGURES = (
    # --- the machine by itself ---
    Figure("machine_slowest", "half a ms of work, at its slowest",
           "CPU of a fixed piece of work, no new memory and no system call "
           "in it, at the slowest of 8,000 times, and usually. Where the "
           "machine is virtual and has neighbours, that is what a longest "
           "turn is to be read beside.", "machine_work"),
    other("machine_work", "usually"),

    # --- scrape ---
    *scrape("plain", "scrape, plain, nothing changed",
            "a scraper's wait for 100,000 instances' default families, when "
            "nothing changed since the last scrape", 1.5),
    Figure("scrape_plain_size", "  the answer",
           "Bytes of body: names of 100 services and of an address each."),
    *scrape("gzip", "scrape, gzip, nothing changed",
            "the same as gzip, kept from the last scrape", 1.2),
    Figure("scrape_gzip_size", "  the answer", "Bytes of body, packed."),
    *scrape("gzip_anew", "scrape, gzip, new connection",
            "the first scrape of a connection, where libmicrohttpd (0.9.75) "
            "sends the header of a list of pieces by itself, and after so "
            "small a segment a new connection's window takes longer to open",
            1.2),
    *scrape("gzip_anew_pieces", "  new connection, floor in pieces",
            "the same, but the floor also sends a list of pieces", 1.2),
    *scrape("plain_anew", "scrape, plain, new connection",
            "the first scrape of a connection", 1.5),
    *scrape("plain_1pct_changed", "scrape, plain, 1 % changed",
            "the first scrape after one instance in a hundred changed", 3),
    *scrape("gzip_1pct_changed", "scrape, gzip, 1 % changed",
            "the same as gzip: those that changed lie all over the registry, "
            "so that hardly a piece of the families that tell of it stays as "
            "it was, and what has to be compressed anew costs more than "
            "sending the whole, while the floor compresses nothing", 3),
    *scrape("plain_openmetrics", "scrape, OpenMetrics, nothing changed",
            "the same in the other format", 1.5),
    *scrape("gzip_openmetrics", "scrape, OpenMetrics, gzip",
            "the same in the other format, kept as gzip", 1.2),
    *scrape("plain_openmetrics_1pct_changed",
            "scrape, OpenMetrics, 1 % changed",
            "the other format after one instance in a hundred changed", 3),
    *scrape("gzip_openmetrics_1pct_changed",
            "scrape, OpenMetrics, gzip, 1 %",
            "the same as gzip, where what has to be compressed anew costs "
            "more than sending the whole", 3),
    Figure("publish_one_changed", "one change published",
           "CPU of the loop to make the next snapshot when one instance "
           "changed."),

    allocated("registry", "100k instances: given out for them",
              "What malloc has given out for the registry and its snapshot, "
              "for each instance."),
    allocated("gzip", "  and gzip kept",
              "The same behind a gzip scrape: all told for whom Prometheus "
              "scrapes.", 700),
    allocated("plain", "  and plain text kept as well",
              "Behind a scrape without gzip besides, which few see.", 700),
    *not_shown(),

    # --- peers ---
    Figure("peers_plain_cpu", "scrape, plain: CPU of the server",
           "CPU a plain scrape costs rollcall with 100,000 instances, and "
           "pushgateway with the same series.  It is less than in the second "
           "row for two reasons: names are shorter here, so the answer is "
           "too, and there is a pause before each scrape.  Where one follows "
           "on the other, the reader still runs and takes what is sent at "
           "once; after a pause (50 ms here, seconds at a site) the server "
           "has to wait for it, and the kernel sends much of the rest when "
           "the reader acknowledges, in the reader's time: the same 44 MB "
           "took 10 ms of the server's CPU and 4.5 of the reader's in a row, "
           "8 and 8 with pauses.",
           "pushgateway_plain_cpu", times(0.05)),
    Figure("peers_plain_size", "  the answer",
           "Bytes of body of rollcall's; pushgateway adds labels of its own.",
           "pushgateway_plain_size"),
    other("pushgateway_plain_size", "pushgateway"),
    other("pushgateway_plain_cpu", "pushgateway"),
    Figure("peers_plain_wall", "scrape, plain: wall clock",
           "The same client's wait for the last byte, in turn at both.",
           "pushgateway_plain_wall"),
    other("pushgateway_plain_wall", "pushgateway"),
    Figure("peers_gzip_cpu", "scrape, gzip: CPU of the server",
           "CPU of a scrape that accepts gzip, as Prometheus' do.",
           "pushgateway_gzip_cpu", times(0.05)),
    other("pushgateway_gzip_cpu", "pushgateway"),
    Figure("peers_gzip_size", "  the answer",
           "Bytes of body.  exporter/deflate.c is made for pieces that change "
           "and leaves more than zlib does.",
           "pushgateway_gzip_size"),
    other("pushgateway_gzip_size", "pushgateway"),
    Figure("peers_gzip_wall", "scrape, gzip: wall clock",
           "The same client's wait for the last byte, in turn at both.",
           "pushgateway_gzip_wall"),
    other("pushgateway_gzip_wall", "pushgateway"),
    Figure("peers_rss", "memory, scraped plain and gzip",
           "Resident memory of both behind those scrapes; rollcall's holds "
           "the registry besides.",
           "pushgateway_rss"),
    other("pushgateway_rss", "pushgateway"),
    Figure("peers_python_cpu", "scrape, plain: against a program",
           "CPU of a plain scrape, and of the same series in a program on "
           "prometheus_client for Python.", "prometheus_client_python_cpu"),
    other("prometheus_client_python_cpu", "py. client"),
    other("prometheus_client_python_wall", "py. client"),
    other("peers_python_wall", "ours"),
    other("peers_python_size", "ours"),
    other("prometheus_client_python_size", "py. client"),

    # --- decode ---
    Figure("event", "an event: decoded",
           "CPU of decoding a plain heartbeat's event into a struct.",
           "event_by_tree", at_most(2000)),
    other("event_by_tree", "by a tree"),
    other("event_size", "bytes"),
    *decoded(100000, "100k keys", 1.5),
    *decoded(1000000, "1M keys", 0.3),

    # --- watch ---
    *watch("watch", "watching all that etcd takes",
           "64 writers on the same machine beat as fast as they are answered",
           None),
    *watch("watch_slow", "watching, 1 ms round trip",
           "with a round trip of 1 ms between rollcall and etcd", 10000),

    # --- listing ---
    Figure("listing_100k_looking", "100k keys: start to looking",
           "From the start of the process until every key is in the roll "
           "and the directory is looked at."),
    Figure("listing_100k_start_turn", "100k keys: longest turn, start",
           "The longest turn of the loop until then.",
           aim=at_most(5)),
    Figure("listing_100k_relist_turn", "100k keys: longest turn, relisted",
           "The longest turn of the loop from the start until behind a "
           "second listing, which finds nothing changed.", aim=at_most(5)),
    Figure("listing_100k_start_peak", "100k keys: peak at the start / body",
           "The most memory resident until the directory is looked at, less "
           "what is resident afterwards, for each byte of the listing. Most "
           "of it are rows that wait for sqlite.",
           aim=at_most(1.5)),
    Figure("listing_100k_uptime_peak", "100k keys: peak, uptime asked",
           "The most memory above that while the minute's uptime is "
           "calculated from history."),
    Figure("listing_100k_relist_peak", "100k keys: peak, relisted / body",
           "As at the start, while it is listed again.", aim=at_most(1.5)),
    Figure("listing_100k_interval", "100k keys: listed again after",
           "The interval that rollcall chose between two listings where the "
           "watch keeps up, which cost etcd what 100,000 keys cost."),
    Figure("listing_100k_overrun", "100k keys: listings, history overrun",
           "Listings a second that etcd served while 2,000 events came at "
           "once every 0.1 s, twice what it remembers, for ten seconds."),
    Figure("listing_1m_looking", "1M keys: start to looking",
           "The same with a million keys, a body of 207 MB."),
    Figure("listing_1m_start_turn", "1M keys: longest turn, start",
           "The longest turn of the loop until then.", aim=at_most(5)),
    Figure("listing_1m_relist_turn", "1M keys: longest turn, relisted",
           "The longest turn until behind a second listing.",
           aim=at_most(5)),
    Figure("listing_1m_start_peak", "1M keys: peak at the start / body",
           "As with 100,000 keys.", aim=at_most(0.3)),
    Figure("listing_1m_uptime_peak", "1M keys: peak, uptime asked",
           "As with 100,000 keys."),
    Figure("listing_1m_relist_peak", "1M keys: peak, relisted / body",
           "The same while it is listed again.", aim=at_most(0.3)),
    Figure("listing_1m_interval", "1M keys: listed again after",
           "The interval that rollcall chose."),

    # --- memory ---
    Figure("memory_100_rss", "100 instances, 3 members: resident",
           "Resident memory at three real members with 100 instances that "
           "beat, scraped (gzip) every 15 s.  The aim says 14 MB and is held "
           "to MiB, in which what it is measured by was taken: libcurl and "
           "sqlite alone 11.4, monit 7.3, node_exporter 20.",
           aim=at_most(14)),
    Figure("memory_100_rss_mb", "  the same in MB",
           "In millions of bytes; who reads the aim in these compares this "
           "with 14."),
    Figure("memory_100_pss", "  proportional set size",
           "The same without what other programs share of the libraries."),
    Figure("memory_100_cpu", "  CPU, of one core",
           "User and system time over the time that passed.",
           aim=at_most(0.5)),
    Figure("memory_1k_rss", "1k instances: resident",
           "Resident memory behind some gzip scrapes."),
    Figure("memory_10k_rss", "10k instances: resident",
           "Resident memory behind some gzip scrapes."),
    Figure("memory_100k_idle_rss", "100k instances: not yet scraped",
           "Resident memory once all are in the roll and in the history."),
    Figure("memory_100k_rss", "  resident",
           "Resident memory behind some gzip scrapes."),
    Figure("memory_100k_plain_rss", "  scraped plain too",
           "With plain scrapes besides."),
    *per_instance("memory_100k"),
    Figure("memory_100k_peak", "  peak, start to end",
           "The most that was resident at any time."),
    Figure("memory_1m_idle_rss", "1M instances: not yet scraped",
           "Resident memory once all are in the roll and in the history."),
    Figure("memory_1m_rss", "  resident",
           "Resident memory behind some gzip scrapes, if they are "
           "answered."),
    Figure("memory_1m_plain_rss", "  scraped plain too",
           "With plain scrapes besides."),
    *per_instance("memory_1m"),
    Figure("memory_1m_peak", "  peak, start to end",
           "The most that was resident at any time."),
    Figure("memory_growth", "growth per new name that came and went",
           "Growth of resident memory over many registrations and "
           "deregistrations of ever new names, for each, in the second half "
           "of them, when what is taken once was taken: the slope through "
           "what was resident after each fiftieth (Theil and Sen's).",
           aim=at_most(2)),
    Figure("memory_growth_all", "  from the first step to the last",
           "All that resident memory grew in the meantime, what the "
           "allocator and sqlite's cache took once among it."),
    Figure("memory_growth_names", "  names seen",
           "As many as came and went in two minutes, at most a million."),

    # --- turns ---
    *turns(500, "recorded_longest_turn_cpu"),
    *turns(5000, "recorded_longest_turn_cpu"),
    *turns(50000, "told_longest_turn_cpu", "first_message"),
    Figure("turns_500_recorded_longest_turn_cpu",
           "500 of 100k leave: longest turn",
           "CPU of the longest turn of the loop when so many leave in one "
           "batch, until all is recorded; without etcd.",
           aim=at_most(5)),
    Figure("turns_5000_recorded_longest_turn_cpu", "  5,000 leave",
           "The same.", aim=at_most(50)),
    Figure("turns_50000_told_longest_turn_cpu", "  50,000 leave",
           "Until everybody has been told.", aim=at_most(50)),
    Figure("turns_50000_first_message", "  50,000 leave: first message",
           "From the batch to the first message at the receiver.",
           aim=at_most(1000)),

    # --- load ---
    Figure("load_webhook_p50", "100k, 2000 beats/s: webhook, p50",
           "From the moment a bare long poll tells of an expiry until the "
           "webhook has its alert; with 100,000 instances, 2,000 heartbeats, "
           "one scrape and one query of the history a second, both answered "
           "by this daemon over HTTP."),
    Figure("load_webhook_p99", "  p99",
           "The same, of a hundred expiries.", aim=at_most(20)),
    Figure("load_cpu", "  CPU, of one core",
           "What rollcall takes meanwhile: scrapes, queries and events "
           "together."),
    Figure("load_events_query", "  a query of events, the longest",
           "`/api/registry/v1/events` of the last ten seconds, asked every "
           "other second."),
    Figure("load_uptime_query", "  a query of uptime, the longest",
           "`/api/registry/v1/uptime` of the service of all 100,000 over 30 "
           "days, asked in the seconds between."),
    Figure("load_turn", "  longest turn",
           "The longest turn of the loop from the start until behind all "
           "that.", aim=at_most(50)),
    # --- vanish ---
    *vanish("fake", "50k of 100k expire at once",
            "bench/fake-etcd lets half of 100,000 expire at one moment",
            "etcd remembers 1,000 events, and here all 50,000 happen between "
            "two questions: what is asked for next is forgotten, so that "
            "nearly all are found by the listing that follows."),
    *vanish("real", "the same at a real etcd",
            "a real etcd has 50,000 registrations of 100,000 that run out "
            "within one second",
            "etcd lets them run out in steps of half a second, of far more "
            "than the 1,000 events that it remembers."),

    # --- detect, register, discover ---
    Figure("detect_p50", "expiry to webhook, small site, p50",
           "At a real etcd with 300 instances, from the event at a bare "
           "long poll to the alert at the webhook."),
    Figure("detect_p99", "  p99", "The same, of a hundred expiries.",
           aim=at_most(10)),
    Figure("register_cpu", "register: CPU, 1000 keys of TTL 5 s",
           "One `rollcall register` keeps 1,000 keys alive; of one core."),
    Figure("register_rss", "  resident", "Its resident memory."),
    Figure("register_beats", "  heartbeats",
           "As etcd counted them."),
    Figure("register_up", "  all registered after",
           "From its start until etcd has them all."),
    Figure("register_expired", "  ran out by mistake",
           "Registrations lost; there should be none.", aim=at_most(0)),
    Figure("register_left", "  still there when stopped",
           "Keys left behind by SIGTERM; there should be none.",
           aim=at_most(0)),
    Figure("register_down", "  all gone after",
           "From SIGTERM until the keys are gone and the process ended."),
    Figure("discover_p50", "discover --watch: PUT to line, p50",
           "From the PUT sent to etcd to the line printed."),
    Figure("discover_p99", "  p99", "The same."),
    Figure("discover_listing", "discover: 10,000 instances as JSON",
           "The whole run of the command, started to ended."),

    # --- history ---
    Figure("history_period_bytes", "history: a stay on disk",
           "Of a million stays of 10,000 instances in a year, indexes "
           "included.", aim=at_most(45)),
    Figure("history_sample_bytes", "  a value of statistics",
           "Of five members polled every 15 s for 30 days.",
           aim=at_most(5)),
    Figure("history_insert_rate", "  stays written a second",
           "With all that goes with one, in the daemon's transactions."),
    Figure("history_all_year", "  uptime of 10,000 over a year",
           "Of every instance, from opening the file to the last row.",
           aim=at_most(150)),
    Figure("history_all_30d", "  of 10,000 over 30 days", "The same."),
    Figure("history_services_year", "  of 100 services over a year",
           "Against the minimum then in force."),
    Figure("history_services_30d", "  of 100 services over 30 days",
           "The same."),
    Figure("history_service_by_day", "  one service by day, 90 days",
           "Of a hundred instances.", aim=at_most(10)),
    Figure("history_last_events", "  the last 100 events", "Newest first.",
           aim=at_most(10)),
    Figure("history_outages_of_one", "  one instance's outages in a year",
           "Fifty of them.", aim=at_most(10)),
    Figure("history_last_outages", "  the last 50 outages of a day",
           "Of 10,000 instances, 2,700 changes."),
    other("history_periods", "stays"),
    other("history_statistics_rate", "rows of statistics a second"),
    *history_peers("history_peers", "100"),
    *history_peers("history_peers_1k", "1,000"),
)
