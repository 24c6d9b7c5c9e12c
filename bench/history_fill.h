#ifndef BENCH_HISTORY_FILL_H
#define BENCH_HISTORY_FILL_H

/* A database of history for bench/history_bench.c, written by the statements
 * and in the transactions of the daemon. */

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/xalloc.h"
#include "db/commit.h"
#include "db/file.h"
#include "db/unit.h"

#define DAY INT64_C(86400000)

enum {
	UNITS = 64, IN_UNIT = 16, IN_SERVICE = 100,
	RESTARTS_EVERY_DAYS = 12, POLL_MS = 15000, MEMBERS = 5,
	MEMBER_VALUES = 37, FOLLOWER_VALUES = 7,
};

static const int64_t END = INT64_C(1795000000000);	/* November 2026 */

struct size {
	long instances, days, periods, member_days;
	int64_t from;
};

static uint64_t random_state = 88172645463325252u;

static int64_t below(int64_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (int64_t)(random_state % (uint64_t)n);
}

static void die(const char *fmt, ...) __attribute__((format(printf, 1, 2),
    noreturn));

static void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static double seconds_since(int64_t us)
{
	return (double)(clock_mono_us() - us) / 1e6;
}

/* --- writing, as the daemon does --- */

struct writing {
	struct committer *committer;
	struct units units;
	struct unit *filling;
	size_t nunits, rows;
};

static void commit_all(struct writing *w)
{
	struct unit *u;
	struct err e;

	if (commit_units(w->committer, &w->units, &e) != SQLITE_OK)
		die("%s", e.text);
	while ((u = TAILQ_FIRST(&w->units)) != NULL) {
		TAILQ_REMOVE(&w->units, u, link);
		unit_free(u);
	}
	w->nunits = 0;
}

static void flush(struct writing *w)
{
	TAILQ_INSERT_TAIL(&w->units, w->filling, link);
	w->filling = unit_new();
	if (++w->nunits == UNITS)
		commit_all(w);
}

static void row_done(struct writing *w)
{
	if (++w->rows % IN_UNIT == 0)
		flush(w);
}

/* --- stays --- */

struct change {
	int64_t at;
	int32_t instance;
	bool down;
};

static int by_time(const void *va, const void *vb)
{
	const struct change *a = va, *b = vb;

	return a->at < b->at ? -1 : a->at > b->at;
}

/* Each instance comes on the first day and goes down in even parts of the
 * rest. */
static struct change *make_changes(const struct size *s, size_t *n_r)
{
	long downs = s->periods / 2;
	int64_t part = (s->days - 1) * DAY / downs;
	struct change *v = xcalloc((size_t)(s->instances * s->periods),
	    sizeof(*v));
	size_t n = 0;

	for (int32_t i = 0; i < s->instances; i++) {
		v[n++] = (struct change){ s->from + below(DAY), i, false };
		for (long d = 0; d < downs; d++) {
			int64_t at = s->from + DAY + d * part +
			    below(part - 1300000);

			v[n++] = (struct change){ at, i, true };
			if (d + 1 < downs)
				v[n++] = (struct change){ at + 60000 +
				    below(1140000), i, false };
		}
	}
	qsort(v, n, sizeof(*v), by_time);
	*n_r = n;
	return v;
}

static void write_change(struct writing *w, const struct change *c,
    int64_t id, int64_t *last)
{
	char service[32], instance[32], key[96], address[32];
	int64_t row = c->instance + 1;
	int state = c->down ? 2 : 1, cause = c->down ? 2 : 1;

	snprintf(service, sizeof(service), "service_%03d",
	    c->instance / IN_SERVICE);
	snprintf(instance, sizeof(instance), "%04d-%04d",
	    c->instance / IN_SERVICE, c->instance % IN_SERVICE);
	snprintf(key, sizeof(key), "/services/%s/%s", service, instance);
	snprintf(address, sizeof(address), "10.0.%d.%d:8008",
	    c->instance / 256 % 256, c->instance % 256);
	UNIT_ADD(w->filling, SQL_INSTANCE, v_int(row), v_text("default"),
	    v_text("/services"), v_text(service), v_text(instance),
	    v_text(key), v_text(address), v_text(address), v_text(NULL),
	    v_int(10), v_int(c->at + 10000), v_int(c->at),
	    v_int(1000000 + id * 50), v_int(1000000 + id * 50), v_int(id / 2),
	    v_text(NULL), v_int(0));
	if (last[c->instance] != 0)
		UNIT_ADD(w->filling, SQL_PERIOD_END,
		    v_int(last[c->instance]), v_int(c->at));
	UNIT_ADD(w->filling, SQL_PERIOD_BEGIN, v_int(id), v_int(row),
	    v_int(state), v_int(cause), v_int(c->at),
	    v_int(c->down ? c->at - 10000 : c->at),
	    v_int(c->down ? c->at + below(500) : c->at),
	    v_int(1000000 + id * 50));
	last[c->instance] = id;
	row_done(w);
}

static void write_frame(struct writing *w, const struct size *s)
{
	char service[32];
	int64_t id = 1, gap = RESTARTS_EVERY_DAYS * DAY;

	for (int64_t t = s->from; t < END; t += gap, id++)
		UNIT_ADD(w->filling, SQL_WATCHING, v_int(id),
		    v_text("default"), v_text("/services"), v_int(t),
		    v_int(t + gap < END ? t + gap - 30000 : END), v_int(1));
	for (long i = 0; i < s->instances; i += IN_SERVICE) {
		snprintf(service, sizeof(service), "service_%03ld",
		    i / IN_SERVICE);
		UNIT_ADD(w->filling, SQL_EXPECTATION, v_text("default"),
		    v_text(service), v_int(IN_SERVICE - 2), v_int(s->from));
	}
	flush(w);
}

static void write_stays(struct writing *w, const struct size *s)
{
	int64_t *last = xcalloc((size_t)s->instances, sizeof(*last));
	size_t n;
	struct change *v = make_changes(s, &n);
	int64_t began = clock_mono_us();

	write_frame(w, s);
	for (size_t i = 0; i < n; i++)
		write_change(w, &v[i], (int64_t)i + 1, last);
	flush(w);
	commit_all(w);
	printf("history_periods %zu\n", n);
	printf("history_insert_rate %.0f /s\n",
	    (double)n / seconds_since(began));
	free(v);
	free(last);
}

/* --- statistics --- */

static void write_member(struct writing *w, const char *member, int64_t at,
    int64_t counter)
{
	struct value v[MEMBER_VALUES + 3] = {
		v_text("default"), v_text(member), v_int(at),
		v_int(1), v_int(1), v_int(member[1] == '0'), v_int(1),
		v_int(counter), v_int(END / 1000 - 1000000),
		v_int(END / 1000 - 1000000),
	};
	int n = 10;

	/* Counters of the log and the store, then answer times. */
	while (n < MEMBER_VALUES + 3 - 8) {
		bool rare = n % 3 == 0;

		v[n] = v_int(rare ? n : counter / (n + 1));
		n++;
	}
	for (; n < MEMBER_VALUES + 3; n++)
		v[n] = v_int(200 + below(800));
	unit_add(w->filling, SQL_MEMBER, v, MEMBER_VALUES + 3);
	row_done(w);
}

static void write_follower(struct writing *w, const char *follower,
    int64_t at, int64_t counter)
{
	UNIT_ADD(w->filling, SQL_FOLLOWER, v_text("default"), v_text("m0"),
	    v_text("default"), v_text(follower), v_int(at),
	    v_int(300 + below(500)), v_int(400), v_int(120), v_int(90),
	    v_int(90000), v_int(counter), v_int(3));
	row_done(w);
}

static void write_statistics(struct writing *w, const struct size *s)
{
	char name[4];
	int64_t began = clock_mono_us();
	size_t rows = w->rows;

	for (int m = 0; m < MEMBERS; m++) {
		snprintf(name, sizeof(name), "m%d", m);
		UNIT_ADD(w->filling, SQL_MEMBER_NAME, v_text("default"),
		    v_text(name));
	}
	flush(w);
	for (int64_t t = END - s->member_days * DAY; t < END; t += POLL_MS) {
		int64_t counter = (t - s->from) / 20;

		for (int m = 0; m < MEMBERS; m++) {
			snprintf(name, sizeof(name), "m%d", m);
			write_member(w, name, t + below(50), counter);
			if (m > 0)
				write_follower(w, name, t + below(50),
				    counter);
		}
	}
	flush(w);
	commit_all(w);
	if (w->rows > rows)
		printf("history_statistics_rate %.0f /s\n",
		    (double)(w->rows - rows) / seconds_since(began));
}

static void write_all(const char *path, const struct size *s)
{
	struct writing w = { .nunits = 0 };
	struct db_file f;
	struct err e;

	if (file_open(&f, path, &e) != 0)
		die("%s", e.text);
	TAILQ_INIT(&w.units);
	w.filling = unit_new();
	w.committer = committer_new(f.db);
	write_stays(&w, s);
	write_statistics(&w, s);
	committer_free(w.committer);
	unit_free(w.filling);
	file_close(&f);
}

#endif
