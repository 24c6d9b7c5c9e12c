/* db/uptime_instances.c, db/uptime_services.c, db/outages_find.c and all below
 * them: random small histories, each answer held against what oracle.h counts
 * second by second.  CASES=10000 for long runs; SEED to have one again. */
#include <stdint.h>

/* Half of the cases scan by a thread of their own, as large histories do. */
static int64_t stays_few;
#define STAYS_FEW stays_few
#include "db/stays.c"

#include "core/err.h"
#include "db/file.h"
#include "db/history.h"
#include "db/keep.h"
#include "db/statements.h"
#include "tests/unit/db/oracle.h"
#include "tests/unit/db/world.h"
#include "tests/unit/seeded.h"

#define S(seconds) (T0 + (int64_t)(seconds) * 1000)

static struct o_history h;
static sqlite3 *db;
static sqlite3_stmt *put_stay;
static int64_t next_id, next_row, rows_of[O_IDENTITIES];
static bool jumped;
static uint64_t deleted_rows;
static bool cleared;		/* house is kept in this case */
static int asked_from;		/* what is before is deleted, or may be */

static int below(int n)
{
	return (int)seeded_below((size_t)n);
}

static void run(const char *sql)
{
	char *error = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", sql, error);
}

static void runf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void runf(const char *fmt, ...)
{
	char sql[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sql, sizeof(sql), fmt, ap);
	va_end(ap);
	run(sql);
}

/* --- a random history, into both --- */

static void make_watches(void)
{
	for (int d = 0; d < O_DIRECTORIES; d++) {
		int t = below(20);

		h.nwatches[d] = 0;
		for (int i = below(O_WATCHES); i > 0; i--) {
			int *w = h.watches[d][h.nwatches[d]];

			w[0] = t + 1 + below(12);
			w[1] = w[0] + 1 + below(50);
			t = w[1];
			runf("INSERT INTO watching VALUES(NULL, 'c', '/%d',"
			    " %lld, %lld, 1)", d, (long long)S(w[0]),
			    (long long)S(w[1]));
			h.nwatches[d]++;
		}
	}
}

static void make_windows(void)
{
	h.nwindows = below(O_WINDOWS);
	for (int i = 0; i < h.nwindows; i++) {
		int identity = below(O_IDENTITIES + 3), from = below(140);
		char of[16] = "NULL", one[16] = "NULL";

		h.windows[i].from = from;
		h.windows[i].to = from + 1 + below(40);
		h.windows[i].identity = identity < O_IDENTITIES ? identity :
		    -1;
		h.windows[i].service = identity < O_IDENTITIES ?
		    o_service(identity) : below(O_SERVICES + 1) - 1;
		if (h.windows[i].service >= 0)
			snprintf(of, sizeof(of), "'s%d'",
			    h.windows[i].service);
		if (h.windows[i].identity >= 0)
			snprintf(one, sizeof(one), "'i%d'", identity);
		/* Some were ended before their time. */
		runf("INSERT INTO maintenance VALUES(NULL, 'c', %s, %s, %lld,"
		    " %lld, 0, %lld, '', '', 1)", of, one,
		    (long long)S(from), (long long)S(h.windows[i].to +
		    below(2) * 30), (long long)S(h.windows[i].to));
	}
}

static void make_minima(void)
{
	for (int s = 0; s < O_SERVICES; s++) {
		int t = below(30);

		h.nminima[s] = 0;
		for (int i = below(O_MINIMA); i > 0; i--) {
			int min = below(5) - 1;

			h.minima[s][h.nminima[s]].from = t;
			h.minima[s][h.nminima[s]++].min = min;
			runf("INSERT INTO expectations VALUES('c', 's%d',"
			    " %lld, %d)", s, (long long)S(t), min);
			t += 1 + below(60);
		}
	}
}

/* What may follow a state, and by which causes. */
static const struct {
	enum state state;
	enum cause cause;
} following[][6] = {
	[0] = { { STATE_UP, CAUSE_REGISTERED } },
	[STATE_UP] = { { STATE_EXPIRED, CAUSE_EXPIRE },
	    { STATE_EXPIRED, CAUSE_ETCD_OUTAGE }, { STATE_LOST, CAUSE_DIFF },
	    { STATE_DEREGISTERED, CAUSE_DELETE },
	    { STATE_DEREGISTERED, CAUSE_UNWATCHED },
	    { STATE_UP, CAUSE_REGISTERED } },
	[STATE_EXPIRED] = { { STATE_UP, CAUSE_REGISTERED },
	    { STATE_UP, CAUSE_REGISTERED },
	    { STATE_DEREGISTERED, CAUSE_FORGOTTEN },
	    { STATE_LOST, CAUSE_DIFF } },
	[STATE_LOST] = { { STATE_UP, CAUSE_REGISTERED },
	    { STATE_EXPIRED, CAUSE_EXPIRE },
	    { STATE_DEREGISTERED, CAUSE_FORGOTTEN } },
	[STATE_DEREGISTERED] = { { STATE_UP, CAUSE_REGISTERED } },
};

static void new_life(int identity, int place)
{
	rows_of[identity] = next_row++;
	runf("INSERT INTO roll VALUES(%lld, 'c', '/%d', 's%d', 'i%d', 'k',"
	    " 'v', 'a', NULL, 10, NULL, NULL, 1, 1, 0, NULL, 0, NULL)",
	    (long long)rows_of[identity], place, o_service(identity),
	    identity);
}

static void write_stay(int identity, const struct o_stay *s, int earliest,
    int seen)
{
	const int64_t values[] = { next_id++, rows_of[identity], s->state,
	    s->cause, S(s->from), S(earliest), S(seen), 7 };

	for (int i = 0; i < 8; i++)
		sqlite3_bind_int64(put_stay, i + 1, values[i]);
	assert_int_equal(sqlite3_step(put_stay), SQLITE_DONE);
	sqlite3_reset(put_stay);
}

static bool is_timed(enum cause c)
{
	return c == CAUSE_EXPIRE || c == CAUSE_ETCD_OUTAGE;
}

static int least(int a, int b)
{
	return a < b ? a : b;
}

static int most(int a, int b)
{
	return a > b ? a : b;
}

/* Seen at t: `floor` is what the registry clamps to, by its own clock. */
static void add_change(int identity, int t, int floor)
{
	struct o_stay *v = h.stays[identity], *s = &v[h.nstays[identity]];
	const struct o_stay *last = h.nstays[identity] > 0 ? s - 1 : NULL;
	enum state was = last != NULL ? last->state : 0;
	int nchoices = 0, choice, earliest, from;

	while (nchoices < 6 && following[was][nchoices].state != 0)
		nchoices++;
	choice = below(nchoices);
	earliest = below(3) ? t : most(floor, t - below(8));
	from = earliest + below(t - earliest + 1);
	*s = (struct o_stay){
		/* Where it was looked for is not known of a deleted life. */
		.directory = last != NULL && (cleared ||
		    was != STATE_DEREGISTERED) ?
		    last->directory : below(O_DIRECTORIES),
		.state = following[was][choice].state,
		.cause = following[was][choice].cause,
		.from = from,
	};
	s->doubt_from = is_timed(s->cause) ? from : earliest;
	s->doubt_to = is_timed(s->cause) ? from : t;
	if (was == 0 || was == STATE_DEREGISTERED)
		new_life(identity, s->directory);
	write_stay(identity, s, earliest, t);
	/* A clock that was set back shows an hour twice. */
	if (last != NULL) {
		s->from = most(s->from, last->from);
		s->doubt_from = most(s->doubt_from, last->from);
		s->doubt_to = most(s->doubt_to, last->from);
	}
	h.nstays[identity]++;
}

static void make_stays(void)
{
	int restless = 2 + below(40), back = below(4) == 0 ? below(30) : 0;
	int jump_at = below(150), floors[O_IDENTITIES] = { 0 };

	jumped = back > 0;
	for (int t = 0; t < 150; t++) {
		if (t == jump_at && back > 0) {
			runf("INSERT INTO clock_jumps VALUES(%lld, %d)",
			    (long long)S(t), back * -1000);
			t = most(0, t - back);
			memset(floors, 0, sizeof(floors));
			jump_at = -1;
		}
		for (int k = 0; k < O_IDENTITIES; k++)
			if (below(restless) == 0 &&
			    h.nstays[k] < O_STAYS) {
				add_change(k, t, least(floors[k], t));
				floors[k] = h.stays[k][h.nstays[k] - 1].from;
			}
	}
}

static void make_history(void)
{
	memset(&h, 0, sizeof(h));
	next_id = next_row = 1;
	run("BEGIN; DELETE FROM stays; DELETE FROM roll; DELETE FROM watching;"
	    "DELETE FROM maintenance; DELETE FROM expectations;"
	    "DELETE FROM clock_jumps");
	make_watches();
	/* Who deregistered is excused, who never was here is not. */
	if (!cleared)
		make_windows();
	make_minima();
	make_stays();
	run("COMMIT");
}

/* --- what is too old is deleted: later answers stay the same --- */

enum { MOST_DOUBT = 8 };	/* between two stays, in seconds */

/* Of what ended before, the last one is kept: since when a directory is looked
 * at moves, and so may the beginning of what nobody saw begin. */
static void forget_watches(int until)
{
	for (int d = 0; d < O_DIRECTORIES; d++) {
		int old = 0;

		while (old + 1 < h.nwatches[d] &&
		    h.watches[d][old][1] < until &&
		    h.watches[d][old + 1][0] < until)
			old++;
		h.nwatches[d] -= old;
		memmove(h.watches[d], h.watches[d] + old,
		    (size_t)h.nwatches[d] * sizeof(h.watches[d][0]));
	}
}

static void keep_house(void)
{
	int until = below(120);
	struct keep_policy p = { S(200) - S(until), 0 };
	struct keeper *k = keeper_new(db);

	clock_set((mono_t){ 0 }, (wall_t){ S(200) });
	forget_watches(until);
	/* A service nobody has forgotten. */
	run("INSERT OR IGNORE INTO service_totals SELECT DISTINCT cluster,"
	    " service_name, 0, 0, 0, 0 FROM roll");
	for (int due = 0; due < 200000;
	    due = keeper_due_ms(k, clock_mono())) {
		clock_set((mono_t){ clock_mono().ms + due },
		    (wall_t){ S(200) });
		assert_int_equal(keeper_step(k, &p), SQLITE_OK);
	}
	deleted_rows += keeper_counts(k).deleted[KEEP_RETENTION];
	keeper_free(k);
	run("DROP TABLE temp.kept_for_service; DELETE FROM meta");
	clock_use_real();
	asked_from = until + MOST_DOUBT;
}

/* --- the answers, compared --- */

struct asked {
	struct history_uptime_query q;
	wall_t edges[6];
	int at[6];
	int min;
	int subject;		/* next to come, and its interval */
	size_t interval;
	bool skipped;		/* the subjects not present were left out */
};

static int64_t seconds(int64_t ms)
{
	assert_int_equal(ms % 1000, 0);
	return ms / 1000;
}

static void same_ratio(double a, double b)
{
	if (isnan(a) && isnan(b))
		return;
	if (!(fabs(a - b) < 1e-9))
		fail_msg("%f is not %f", a, b);
}

static void compare_row(const struct history_uptime *r,
    const struct o_sums *s, int length)
{
	double uptime = o_ratio(s->of[O_UP], s->of[O_DOWN], NAN);

	assert_int_equal(seconds(r->up_ms), s->of[O_UP]);
	assert_int_equal(seconds(r->down_ms), s->of[O_DOWN]);
	assert_int_equal(seconds(r->absent_ms), s->of[O_ABSENT]);
	assert_int_equal(seconds(r->maintenance_ms), s->of[O_MAINTENANCE]);
	assert_int_equal(seconds(r->unknown_ms), s->of[O_UNKNOWN]);
	assert_int_equal(seconds(r->none_ms), s->none);
	assert_int_equal(r->outages, s->outages);
	assert_int_equal(seconds(r->longest_ms), s->longest);
	same_ratio(r->uptime, uptime);
	same_ratio(r->coverage, 1 - (double)s->of[O_UNKNOWN] / length);
	same_ratio(r->uptime_low, isnan(uptime) ? NAN :
	    o_ratio(s->up_least, s->down_most, uptime));
	same_ratio(r->uptime_high, isnan(uptime) ? NAN :
	    o_ratio(s->up_most, s->down_least, uptime));
	assert_int_equal(r->mtbf_ms, s->outages > 0 ?
	    r->up_ms / s->outages : -1);
	assert_int_equal(r->mttr_ms, s->outages > 0 ?
	    r->down_ms / s->outages : -1);
}

static struct o_sums sums_of(const struct asked *a, int subject, int from,
    int to)
{
	return a->q.of == HISTORY_SERVICES ?
	    o_sum_service(&h, subject, from, to, a->min) :
	    o_sum_instance(&h, subject, from, to);
}

/* Instances come in the order of their services. */
static int subject_at(const struct asked *a, int n)
{
	int evens = (O_IDENTITIES + 1) / 2;

	if (a->q.of == HISTORY_SERVICES)
		return n;
	return n < evens ? 2 * n : 2 * (n - evens) + 1;
}

static bool wanted(const struct asked *a, int subject)
{
	char name[16];
	const char *glob = a->q.of == HISTORY_SERVICES ? a->q.who.service :
	    a->q.who.instance;

	snprintf(name, sizeof(name), "%c%d",
	    a->q.of == HISTORY_SERVICES ? 's' : 'i', subject);
	return (glob == NULL || strcmp(glob, name) == 0) &&
	    sums_of(a, subject, a->at[0], a->at[a->q.nedges - 1]).present;
}

static void next_subject(struct asked *a)
{
	int n = a->q.of == HISTORY_SERVICES ? O_SERVICES : O_IDENTITIES;

	while (a->subject < n && !wanted(a, subject_at(a, a->subject)))
		a->subject++;
}

static bool see_row(const struct history_uptime *r, void *arg)
{
	struct asked *a = arg;
	int subject = subject_at(a, a->subject);
	int from = a->at[a->interval], to = a->at[a->interval + 1];
	struct o_sums sums = sums_of(a, subject, from, to);
	const char *name = r->instance != NULL ? r->instance : r->service;

	assert_int_equal(atoi(name + 1), subject);
	assert_int_equal(r->from.ms, S(from));
	assert_int_equal(r->to.ms, S(to));
	compare_row(r, &sums, to - from);
	if (++a->interval + 1 == a->q.nedges) {
		a->interval = 0;
		a->subject++;
		next_subject(a);
	}
	return true;
}

static void ask_uptime(const struct history_source *source, void *session)
{
	static const char *const one[] = { "i0", "i3", "i6" };
	struct asked a = { .q = { .of = below(2) ? HISTORY_SERVICES :
	    HISTORY_INSTANCES, .min_instances = -1 }, .min = -1 };
	struct err e = { "" };

	a.q.edges = a.edges;
	a.q.nedges = (size_t)(2 + below(4));
	for (size_t i = 0, t = (size_t)(asked_from + below(100));
	    i < a.q.nedges; i++) {
		a.at[i] = (int)t;
		a.edges[i].ms = S(t);
		t += (size_t)(1 + below(70));
	}
	if (a.q.of == HISTORY_INSTANCES && below(2))
		a.q.who.instance = one[below(3)];
	if (a.q.of == HISTORY_SERVICES && below(3) == 0)
		a.q.who.service = "s1";
	if (a.q.of == HISTORY_SERVICES && below(2))
		a.q.min_instances = a.min = below(4);
	next_subject(&a);
	if (source->uptime(session, &a.q, see_row, &a, &e) != HISTORY_OK)
		fail_msg("%s", e.text);
	assert_int_equal(subject_at(&a, a.subject),
	    a.q.of == HISTORY_SERVICES ? O_SERVICES : subject_at(&a,
	    O_IDENTITIES));
}

struct listed {
	struct o_outage v[O_IDENTITIES * O_STAYS];
	int n, at;
	bool services;
};

static int newest(const void *va, const void *vb)
{
	const struct o_outage *a = va, *b = vb;
	int sa = o_service(a->who), sb = o_service(b->who);

	if (a->from != b->from)
		return b->from - a->from;
	return sa != sb ? sa - sb : a->who - b->who;
}

static bool see_outage(const struct history_outage *r, void *arg)
{
	struct listed *l = arg;
	const struct o_outage *o = &l->v[l->at++];

	assert_true(l->at <= l->n);
	assert_int_equal(atoi((l->services ? r->service : r->instance) + 1),
	    o->who);
	assert_int_equal(r->to.ms, o->to == O_LATER ? 0 : S(o->to));
	assert_int_equal(seconds(r->down_ms), o->down);
	assert_int_equal(seconds(r->maintenance_ms), o->maintenance);
	assert_int_equal(seconds(r->unknown_ms), o->unknown);
	assert_true(r->earliest.ms <= r->from.ms && r->seen.ms >= r->from.ms);
	assert_int_equal(r->from.ms, S(o->from));
	assert_int_equal(r->min_instances, o->min);
	assert_int_equal(r->up_least, o->up_least);
	return true;
}

static int by_service(const void *va, const void *vb)
{
	const struct o_outage *a = va, *b = vb;

	return a->from != b->from ? b->from - a->from : a->who - b->who;
}

static void ask_outages(const struct history_source *source, void *session)
{
	struct listed l = { .services = below(2) };
	int from = asked_from + below(120), to = from + 1 + below(80);
	int min = l.services && below(2) ? below(4) : -1;
	struct history_outages_query q = {
		.of = l.services ? HISTORY_SERVICES : HISTORY_INSTANCES,
		.from.ms = S(from), .to.ms = S(to), .min_instances = min,
	};
	struct err e = { "" };

	for (int k = 0; !l.services && k < O_IDENTITIES; k++)
		l.n = o_outages_instance(&h, k, from, to, l.v, l.n);
	for (int s = 0; l.services && s < O_SERVICES; s++)
		l.n = o_outages_service(&h, s, from, to, min, l.v, l.n);
	/* Of what began in deleted times less is known. */
	for (int i = 0; i < l.n; i++)
		if (l.v[i].from < asked_from)
			return;
	qsort(l.v, (size_t)l.n, sizeof(l.v[0]), l.services ? by_service :
	    newest);
	if (l.n > 1 && below(2)) {	/* a page of them */
		q.offset = below(l.n);
		q.limit = 1 + below(3);
		l.at = (int)q.offset;
		l.n = least(l.n, l.at + (int)q.limit);
	}
	if (source->outages(session, &q, see_outage, &l, &e) != HISTORY_OK)
		fail_msg("%s", e.text);
	assert_int_equal(l.at, l.n);
}

static uint64_t case_seed;

static int tell_seed(void **state)
{
	(void)state;
	if (case_seed != 0)
		printf("to have the case again: CASES=1 SEED=%" PRIu64 "\n",
		    case_seed);
	return 0;
}

static void one_case(const struct history_source *source, void *session)
{
	cleared = below(2);
	make_history();
	asked_from = 0;
	if (!jumped && cleared)
		keep_house();
	for (int i = 0; i < 6; i++)
		ask_uptime(source, session);
	for (int i = 0; i < 4 && !jumped; i++)
		ask_outages(source, session);
}

static void open_database(void)
{
	struct err e;
	struct db_file f;

	folder_make();
	assert_int_equal(file_open(&f, path, &e), 0);
	file_close(&f);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	run("PRAGMA synchronous = OFF");
	assert_int_equal(sqlite3_prepare_v2(db,
	    statements[SQL_PERIOD_BEGIN].sql, -1, &put_stay, NULL), SQLITE_OK);
}

static void test_against_the_oracle(void **state)
{
	const char *text = getenv("CASES");
	int cases = text != NULL ? atoi(text) : 500;
	struct history_source source;
	struct err e = { "" };
	void *session;

	(void)state;
	seeded_start();
	open_database();
	source = history_of_file(path);
	session = source.open(source.arg, &e);
	if (session == NULL)
		fail_msg("%s", e.text);
	for (int i = 0; i < cases; i++) {
		case_seed = seeded_state;
		one_case(&source, session);
	}
	case_seed = 0;
	printf("%d cases, %" PRIu64 " rows deleted\n", cases, deleted_rows);
	source.close(session);
	sqlite3_finalize(put_stay);
	sqlite3_close(db);
	folder_remove();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_against_the_oracle, tell_seed),
	};

	return cmocka_run_group_tests_name("db/uptime_random", tests, NULL,
	    NULL);
}
