/* A registration against a server that plays a part: what a real etcd cannot
 * be made to do at a given moment.
 *	what is decided without asking; claiming; another's key, alive, dead,
 *	permanent; answers that get lost; beats; conflicts; two of the same;
 *	leaving, in time whatever happens */
#include "etcd/registration.c"
#include "etcd/registration_claim.c"

#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <strings.h>

#include <cmocka.h>

#include "tests/unit/http_script.h"

enum { PERMANENT = -100, MAX_LINES = 24, LINE = 700, GUARD_MS = 20000 };

/* --- the part that the server plays --- */

/* A request that has all these words, and what is answered: whole bytes, "" to
 * close the connection, SILENCE to say nothing. */
#define SILENCE "silence"

struct line {
	const char *method;
	const char *words[3];
	char reply[LINE];
	int delay_ms;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct line lines[MAX_LINES];
static int nlines, at;
static char poll_reply[LINE];		/* "": polls are left waiting */
static int npolls;
static char wrong[1024];		/* the first request not expected */

static struct script server;
static struct loop *loop;
static struct timer *guard, *ender;
static struct etcd_client *client;
static struct etcd_registration *reg;

static bool has_words(const char *request, const struct line *l)
{
	if (strncmp(request, l->method, strlen(l->method)) != 0)
		return false;
	for (int i = 0; i < 3 && l->words[i]; i++)
		if (!strstr(request, l->words[i]))
			return false;
	return true;
}

static bool say(int fd, const char *reply)
{
	if (strcmp(reply, SILENCE) == 0)
		return script_silence(fd);
	/* Then it closes: on a connection used before, curl would send again
	 * by itself what was not answered. */
	script_puts(fd, reply);
	return false;
}

static bool answer_poll(int fd)
{
	char reply[LINE];

	pthread_mutex_lock(&lock);
	npolls++;
	memcpy(reply, poll_reply, sizeof(reply));
	poll_reply[0] = '\0';
	pthread_mutex_unlock(&lock);
	return reply[0] ? say(fd, reply) : script_silence(fd);
}

static bool play(struct script *s, int fd, const char *request, void *arg)
{
	struct line l = { .reply = SILENCE };

	(void)s;
	(void)arg;
	if (strstr(request, "wait=true"))
		return answer_poll(fd);
	pthread_mutex_lock(&lock);
	if (at < nlines && has_words(request, &lines[at]))
		l = lines[at++];
	else if (!wrong[0])
		snprintf(wrong, sizeof(wrong), "line %d: %.900s", at, request);
	pthread_mutex_unlock(&lock);
	usleep((useconds_t)l.delay_ms * 1000);
	return say(fd, l.reply);
}

static struct line *expect(const char *method, const char *word1,
    const char *word2)
{
	struct line *l = &lines[nlines++];

	assert_true(nlines <= MAX_LINES);
	*l = (struct line){ .method = method, .words = { word1, word2 } };
	return l;
}

static void reply(char *out, int status, unsigned index, const char *type,
    const char *body)
{
	snprintf(out, LINE, "HTTP/1.1 %d Word\r\nContent-Type: %s\r\n"
	    "X-Etcd-Index: %u\r\nConnection: close\r\nContent-Length: %zu\r\n"
	    "\r\n%s", status, type, index, strlen(body), body);
}

#define JSON "application/json"

static void done(struct line *l, unsigned index)
{
	reply(l->reply, 200, index, JSON, "{\"action\":\"compareAndSwap\"}");
}

static void error(struct line *l, int status, int code)
{
	char body[200];

	snprintf(body, sizeof(body), "{\"errorCode\":%d,\"message\":\"No\","
	    "\"cause\":\"/a/b\",\"index\":9}", code);
	reply(l->reply, status, 9, JSON, body);
}

static void node(struct line *l, const char *value, int ttl, unsigned index)
{
	char body[400], expires[80] = "";

	if (ttl != PERMANENT)
		snprintf(expires, sizeof(expires), "\"expiration\":"
		    "\"2026-11-25T22:57:36.9Z\",\"ttl\":%d,", ttl);
	snprintf(body, sizeof(body), "{\"action\":\"get\",\"node\":{\"key\":"
	    "\"/a/b\",\"value\":\"%s\",%s\"modifiedIndex\":%u,"
	    "\"createdIndex\":3}}", value, expires, index);
	reply(l->reply, 200, index + 2, JSON, body);
}

/* The usual lines. */
#define CREATE expect("PUT /v2/keys/a/b ", "value=v", "prevExist=false")
#define READ expect("GET /v2/keys/a/b?quorum=true ", NULL, NULL)
#define BEAT(index) expect("PUT /v2/keys/a/b ", "refresh=true", \
	"&prevIndex=" index "&prevExist=true&")
#define TAKE(index) expect("PUT /v2/keys/a/b ", "value=v", "&prevIndex=" index)
#define DELETE(index) expect("DELETE /v2/keys/a/b?", "prevIndex=" index, NULL)

/* --- what is told --- */

static struct {
	enum etcd_registration_state state;
	char text[512];
} told[MAX_LINES];
static int ntold, stop_after;
static bool leave_when_told;

static void on_state(struct etcd_registration *r,
    enum etcd_registration_state s, const char *text, void *arg)
{
	assert_ptr_equal(arg, &server);
	assert_int_equal(etcd_registration_state(r), s);
	assert_true(ntold < MAX_LINES);
	told[ntold].state = s;
	snprintf(told[ntold++].text, sizeof(told[0].text), "%s", text);
	if (leave_when_told)
		etcd_registration_leave(r, 1000);
	if (ntold == stop_after)
		loop_stop(loop);
}

static void assert_told(int i, enum etcd_registration_state s,
    const char *words)
{
	assert_true(i < ntold);
	if (told[i].state != s)
		fail_msg("%d: %s \"%s\" instead of %s", i,
		    state_names[told[i].state], told[i].text, state_names[s]);
	if (words[0] ? !strstr(told[i].text, words) : told[i].text[0] != 0)
		fail_msg("%d: \"%s\" instead of \"%s\"", i, told[i].text,
		    words);
}

/* --- running it --- */

static void too_late(void *arg, mono_t now)
{
	(void)arg;
	(void)now;
	fail_msg("20 s; told %d, the last \"%s\"; line %d of %d; %s", ntold,
	    ntold ? told[ntold - 1].text : "", at, nlines, wrong);
}

static void on_end(void *arg, mono_t now)
{
	(void)arg;
	(void)now;
	loop_stop(loop);
}

static int begin_test(void **state)
{
	(void)state;
	nlines = at = ntold = npolls = 0;
	wrong[0] = poll_reply[0] = '\0';
	leave_when_told = false;
	loop = loop_new(NULL);
	guard = timer_new(loop, too_late, NULL);
	timer_set(guard, mono_add(clock_mono(), GUARD_MS));
	ender = timer_new(loop, on_end, NULL);
	script_start(&server, play, NULL);
	client = etcd_open_on(loop, (const char *const[]){ server.url }, 1,
	    NULL, NULL);
	return 0;
}

static int end_test(void **state)
{
	(void)state;
	etcd_registration_free(reg);
	reg = NULL;
	etcd_close(client);
	timer_free(guard);
	timer_free(ender);
	loop_free(loop);
	script_stop(&server);
	return 0;
}

/* Runs until so much was told, and until the lines are played. */
static void run_until_told(int n)
{
	stop_after = n;
	if (ntold < n)
		loop_run(loop);
	assert_int_equal(ntold, n);
	assert_string_equal(wrong, "");
}

static void run_for(int ms)
{
	stop_after = -1;
	timer_set(ender, mono_add(clock_mono(), ms));
	loop_run(loop);
	assert_string_equal(wrong, "");
}

static void run_until_played(void)
{
	int seen;

	do {
		run_for(20);
		pthread_mutex_lock(&lock);
		seen = at;
		pthread_mutex_unlock(&lock);
	} while (seen < nlines);
	run_for(20);				/* the last answer */
}

static void go(const char *value, int ttl_s, bool takeover)
{
	struct etcd_registration_options o = {
		.key = "/a/b", .value = value, .ttl_s = ttl_s,
		.takeover = takeover
	};

	reg = etcd_registration_new(client, &o, on_state, &server);
	assert_int_equal(ntold, 0);
	assert_string_equal(etcd_registration_key(reg), "/a/b");
}

static void leave(int ms)
{
	mono_t began = clock_mono();
	int n = ntold;

	etcd_registration_leave(reg, ms);
	assert_int_equal(ntold, n);
	run_until_told(n + 1);
	assert_int_equal(told[n].state, ETCD_REG_LEFT);
	assert_true(mono_since(began, clock_mono()) < ms + 200);
	assert_int_equal(at, nlines);
	run_for(100);				/* nothing more is asked */
	assert_int_equal(ntold, n + 1);
}

/* --- what is decided without asking --- */

static void test_answers(void **state)
{
	static const struct {
		enum etcd_outcome outcome;
		int code;
		enum registration_answer want;
	} cases[] = {
		{ ETCD_OK, 0, ANSWER_DONE },
		{ ETCD_ERROR, 100, ANSWER_GONE },
		{ ETCD_ERROR, 101, ANSWER_DIFFERS },
		{ ETCD_ERROR, 105, ANSWER_DIFFERS },
		{ ETCD_ERROR, 102, ANSWER_NEVER },
		{ ETCD_ERROR, 104, ANSWER_NEVER },
		{ ETCD_ERROR, 107, ANSWER_NEVER },
		{ ETCD_ERROR, 210, ANSWER_NEVER },
		{ ETCD_ERROR, 300, ANSWER_FAILED },
		{ ETCD_ERROR, 401, ANSWER_FAILED },
		{ ETCD_UNAUTHORIZED, 110, ANSWER_NEVER },
		{ ETCD_NO_V2, 0, ANSWER_NEVER },
		{ ETCD_INVALID, 0, ANSWER_NEVER },
		{ ETCD_FAILED, 0, ANSWER_FAILED },
		{ ETCD_BAD, 0, ANSWER_FAILED },
		{ ETCD_EMPTY, 0, ANSWER_FAILED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct etcd_result a = { .outcome = cases[i].outcome,
		    .error_code = cases[i].code };

		assert_int_equal(registration_answer_of(&a), cases[i].want);
	}
}

static void test_times(void **state)
{
	struct etcd_node n = { .ttl = 5 };
	uint64_t random = 1;
	int64_t ms, low = INT64_MAX, high = 0;

	(void)state;
	assert_int_equal(registration_attempt_ms(1000), 500);
	assert_int_equal(registration_attempt_ms(5000), 1000);
	assert_int_equal(registration_attempt_ms(600000), 3000);
	assert_int_equal(registration_pause_ms(5000, 0), 0);
	assert_int_equal(registration_pause_ms(5000, 1), 100);
	assert_int_equal(registration_pause_ms(5000, 2), 200);
	assert_int_equal(registration_pause_ms(5000, 4), 800);
	assert_int_equal(registration_pause_ms(5000, 1000000), 800);
	assert_int_equal(registration_pause_ms(600000, 9), 800);
	assert_int_equal(registration_pause_ms(1000, 9), 166);
	assert_int_equal(registration_remaining_ms(&n), 6000);
	n.ttl = -3;
	assert_int_equal(registration_remaining_ms(&n), 1000);
	for (int i = 0; i < 10000; i++) {
		ms = registration_jitter(&random, 1000);
		low = ms < low ? ms : low;
		high = ms > high ? ms : high;
	}
	assert_true(low >= 900 && low < 905);
	assert_true(high <= 1100 && high > 1095);
	for (int i = 0; i < 10000; i++) {
		ms = registration_spread(&random, 10);
		assert_true(ms >= 1 && ms <= 10);
	}
	assert_int_equal(registration_jitter(&random, 0), 0);
}

static void test_values_shown(void **state)
{
	char out[REGISTRATION_SHORT], longer[300];

	(void)state;
	assert_string_equal(registration_short("", out), "");
	assert_string_equal(registration_short("{\"ip\": 1}", out),
	    "{\"ip\": 1}");
	assert_string_equal(registration_short("a\nb\x1b\x7f\xc0\x80z", out),
	    "a?b????z");
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(strlen(registration_short(longer, out)), 95);
	assert_string_equal(out + 92, "...");
	longer[92] = '\0';
	assert_string_equal(registration_short(longer, out), longer);
	memcpy(longer + 91, "\xc3\xa9", 3);	/* not cut in half */
	assert_string_equal(registration_short(longer, out) + 90, "x...");
	assert_string_equal(etcd_registration_state_name(ETCD_REG_ADRIFT),
	    "adrift");
	assert_string_equal(etcd_registration_state_name(99), "unknown");
}

/* --- claiming --- */

static void test_registers_beats_leaves(void **state)
{
	(void)state;
	done(CREATE, 7);
	done(BEAT("7"), 11);
	done(BEAT("11"), 15);
	go("v", 1, false);
	run_until_played();
	assert_int_equal(ntold, 1);
	assert_told(0, ETCD_REG_REGISTERED, "");
	done(DELETE("15"), 16);
	leave(1000);
	assert_told(1, ETCD_REG_LEFT, "");
	etcd_registration_leave(reg, 1000);	/* no more to do */
	run_for(50);
	assert_int_equal(ntold, 2);
}

static void test_its_own_from_before(void **state)
{
	(void)state;
	error(CREATE, 412, 105);
	node(READ, "v", 3, 5);
	done(TAKE("5"), 8);
	done(BEAT("8"), 9);
	go("v", 1, false);
	run_until_played();
	assert_int_equal(ntold, 1);
	assert_told(0, ETCD_REG_REGISTERED, "there already, with this value");
	done(DELETE("9"), 16);
	leave(1000);
}

/* Somebody wrote between reading and taking: from the beginning. */
static void test_taking_comes_too_late(void **state)
{
	(void)state;
	error(CREATE, 412, 105);
	node(READ, "v", 3, 5);
	error(TAKE("5"), 412, 101);
	error(CREATE, 412, 105);
	error(READ, 404, 100);
	done(CREATE, 12);
	go("v", 10, false);
	run_until_told(1);
	assert_told(0, ETCD_REG_REGISTERED, "");
}

/* The answer is lost, the key is there: it is our own. */
static void test_answer_to_claim_lost(void **state)
{
	(void)state;
	CREATE->reply[0] = '\0';
	error(CREATE, 412, 105);
	node(READ, "v", 10, 5);
	TAKE("5")->reply[0] = '\0';
	node(READ, "v", 10, 6);
	done(TAKE("6"), 7);
	go("v", 10, false);
	run_until_told(2);
	assert_told(0, ETCD_REG_CLAIMING, "/v2/keys/a/b: ");
	assert_told(1, ETCD_REG_REGISTERED, "there already, with this value");
}

static void test_what_will_never_work(void **state)
{
	static const struct {
		int status, code;
		const char *type, *body, *words;
	} cases[] = {
		{ 404, 0, "text/plain", "404 page not found\n",
		  "start etcd with --enable-v2=true (etcd 3.4 and 3.5;" },
		{ 401, 0, JSON, "{\"errorCode\":110,\"message\":\"No\","
		  "\"cause\":\"Insufficient credentials\",\"index\":0}",
		  "user that may read and write" },
		{ 403, 102, NULL, NULL, "directory" },
		{ 400, 104, NULL, NULL, "above it in the path" },
		{ 400, 107, NULL, NULL, "/a/b cannot be registered: " },
		{ 400, 210, NULL, NULL, "/a/b cannot be registered: " },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct line *l = CREATE;

		if (cases[i].body)
			reply(l->reply, cases[i].status, 0, cases[i].type,
			    cases[i].body);
		else
			error(l, cases[i].status, cases[i].code);
		go("v", 10, false);
		run_until_told(1);
		assert_told(0, ETCD_REG_REFUSED, cases[i].words);
		etcd_registration_leave(reg, 100);
		run_for(50);
		assert_int_equal(ntold, 1);
		end_test(state);
		begin_test(state);
	}
}

static void test_key_that_is_none(void **state)
{
	struct etcd_registration_options o = {
		.key = "/a//b", .value = "v", .ttl_s = 1
	};

	(void)state;
	reg = etcd_registration_new(client, &o, on_state, &server);
	run_until_told(1);
	assert_told(0, ETCD_REG_REFUSED, "/a//b");
	assert_int_equal(server.nrequests, 0);
}

static void test_directory(void **state)
{
	(void)state;
	error(CREATE, 412, 105);
	reply(READ->reply, 200, 5, JSON, "{\"action\":\"get\",\"node\":{"
	    "\"key\":\"/a/b\",\"dir\":true,\"modifiedIndex\":3,"
	    "\"createdIndex\":3}}");
	go("v", 10, true);
	run_until_told(1);
	assert_told(0, ETCD_REG_REFUSED, "directory");
}

/* --- another's --- */

static void test_another_alive(void **state)
{
	(void)state;
	error(CREATE, 412, 105);
	node(READ, "w", 5, 5);
	node(READ, "w", 5, 6);
	go("v", 1, false);
	run_until_told(2);
	assert_told(0, ETCD_REG_WAITING, "with \"w\": looking whether it is "
	    "alive, for up to 6 s");
	assert_told(1, ETCD_REG_REFUSED, "/a/b cannot be registered: another "
	    "is registered there, and alive, with \"w\": give this one "
	    "another id, stop the other, or take its place (--takeover)");
	assert_int_equal(npolls, 1);
	assert_int_equal(polls, 0);
}

/* Its TTL runs out while nobody says so; the clock of etcd may be behind. */
static void test_another_dead(void **state)
{
	(void)state;
	error(CREATE, 412, 105);
	node(READ, "w", 1, 5);
	node(READ, "w", -1, 5);
	error(READ, 404, 100);
	done(CREATE, 9);
	go("v", 1, false);
	run_until_told(2);
	assert_told(0, ETCD_REG_WAITING, "up to 2 s");
	assert_told(1, ETCD_REG_REGISTERED, "the other's is gone");
}

static void test_another_expires(void **state)
{
	mono_t began = clock_mono();

	(void)state;
	reply(poll_reply, 200, 7, JSON, "{\"action\":\"expire\",\"node\":{"
	    "\"key\":\"/a/b\",\"modifiedIndex\":8,\"createdIndex\":3}}");
	error(CREATE, 412, 105);
	node(READ, "w", 60, 5);
	done(CREATE, 9);
	go("v", 60, false);
	run_until_told(2);
	assert_told(1, ETCD_REG_REGISTERED, "the other's is gone");
	assert_true(mono_since(began, clock_mono()) < 2000);
	assert_int_equal(polls, 0);
}

static void test_another_unreadable_for_a_while(void **state)
{
	(void)state;
	error(CREATE, 412, 105);
	node(READ, "w", 1, 5);
	error(READ, 500, 300);
	node(READ, "w", 1, 5);
	error(READ, 404, 100);
	done(CREATE, 9);
	go("v", 1, false);
	run_until_told(4);
	assert_told(0, ETCD_REG_WAITING, "up to 2 s");
	assert_told(1, ETCD_REG_CLAIMING, "No");
	assert_told(2, ETCD_REG_WAITING, "up to 2 s");
	assert_told(3, ETCD_REG_REGISTERED, "the other's is gone");
}

static void test_permanent_untouched(void **state)
{
	mono_t began = clock_mono();

	(void)state;
	error(CREATE, 412, 105);
	for (int i = 0; i < 4; i++)		/* 0, 1/3, 2/3, 1 s */
		node(READ, "w", PERMANENT, 5);
	done(TAKE("5"), 9);
	go("v", 1, false);
	run_until_told(3);
	assert_told(0, ETCD_REG_WAITING, "for up to 1 s (its key has no TTL,");
	assert_told(1, ETCD_REG_CLAIMING, "nobody touched it: writing over "
	    "\"w\"");
	assert_told(2, ETCD_REG_REGISTERED, "");
	assert_true(mono_since(began, clock_mono()) >= 1000);
}

static void test_permanent_touched(void **state)
{
	(void)state;
	error(CREATE, 412, 105);
	node(READ, "w", PERMANENT, 5);
	node(READ, "w", PERMANENT, 6);
	go("v", 1, false);
	run_until_told(2);
	assert_told(1, ETCD_REG_REFUSED, "alive");
}

static void test_takeover(void **state)
{
	(void)state;
	error(CREATE, 412, 105);
	node(READ, "w", 5, 5);
	error(TAKE("5"), 412, 101);
	error(CREATE, 412, 105);
	node(READ, "w", 5, 6);
	done(TAKE("6"), 9);
	go("v", 10, true);
	run_until_told(3);
	assert_told(0, ETCD_REG_CLAIMING, "place: writing over \"w\"");
	assert_told(2, ETCD_REG_REGISTERED, "");
	assert_int_equal(npolls, 0);
}

/* --- registered --- */

static void test_key_goes(void **state)
{
	(void)state;
	done(CREATE, 7);
	error(BEAT("7"), 404, 100);
	done(CREATE, 9);
	done(BEAT("9"), 10);
	go("v", 1, false);
	run_until_played();
	assert_int_equal(ntold, 2);
	assert_told(1, ETCD_REG_REGISTERED, "the key had gone");
	done(DELETE("10"), 11);
	leave(1000);
}

/* Another has come while we were away: no fight, whatever takeover says, and
 * no end. */
static void test_conflict(void **state)
{
	(void)state;
	done(CREATE, 7);
	error(BEAT("7"), 412, 101);
	node(READ, "w", 1, 9);
	node(READ, "w", 1, 12);
	node(READ, "w", PERMANENT, 13);
	error(READ, 404, 100);
	done(CREATE, 20);
	go("v", 1, true);
	run_until_told(3);
	assert_told(1, ETCD_REG_WAITING, "in our place, with \"w\"");
	assert_told(2, ETCD_REG_REGISTERED, "the other's is gone");
	assert_int_equal(polls, 0);
}

static void test_leave_in_conflict(void **state)
{
	(void)state;
	done(CREATE, 7);
	error(BEAT("7"), 412, 101);
	node(READ, "w", 1, 9);
	go("v", 1, true);
	run_until_told(2);
	leave(1000);			/* nothing is deleted */
	assert_told(2, ETCD_REG_LEFT, "nothing of ours");
	assert_int_equal(polls, 0);
}

/* No answer for so long that the TTL is in danger; then one. */
static void test_adrift(void **state)
{
	(void)state;
	done(CREATE, 7);
	for (int i = 0; i < 3; i++)
		strcpy(BEAT("7")->reply, SILENCE);
	error(BEAT("7"), 412, 101);		/* one of them was done */
	node(READ, "v", 1, 9);
	done(BEAT("9"), 10);
	done(BEAT("10"), 11);
	go("v", 1, false);
	run_until_played();
	assert_int_equal(ntold, 3);
	assert_told(1, ETCD_REG_ADRIFT, "no beat came through for 0.");
	assert_told(2, ETCD_REG_REGISTERED, "beats come through again");
	done(DELETE("11"), 12);
	leave(1000);
	assert_told(3, ETCD_REG_LEFT, "");
}

/* What used to work and no longer does is trouble like any other. */
static void test_never_is_not_for_ever(void **state)
{
	(void)state;
	done(CREATE, 7);
	for (int i = 0; i < 8; i++)
		reply(BEAT("7")->reply, 401, 0, JSON, "{\"errorCode\":110,"
		    "\"message\":\"No\",\"cause\":\"c\",\"index\":0}");
	done(BEAT("7"), 10);
	go("v", 1, false);
	run_until_played();
	assert_int_equal(ntold, 3);
	/* Why: etcd's "No", or that the next is not answered, as it falls. */
	assert_told(1, ETCD_REG_ADRIFT, "no beat came through for 0.");
	assert_told(2, ETCD_REG_REGISTERED, "beats come through again");
}

static void test_lost_beats_are_tried_again_soon(void **state)
{
	mono_t began;

	(void)state;
	done(CREATE, 7);
	BEAT("7")->reply[0] = '\0';
	BEAT("7")->reply[0] = '\0';
	done(BEAT("7"), 10);
	go("v", 1, false);
	run_until_told(1);
	began = clock_mono();
	run_until_played();
	assert_true(mono_since(began, clock_mono()) < 900);
	assert_int_equal(ntold, 1);
}

/* The answer to the second claim is lost as well: what is told stays true. */
static void test_key_goes_and_so_does_the_answer(void **state)
{
	(void)state;
	done(CREATE, 7);
	error(BEAT("7"), 404, 100);
	CREATE->reply[0] = '\0';
	error(CREATE, 412, 105);
	node(READ, "v", 1, 9);
	done(BEAT("9"), 10);
	go("v", 1, false);
	run_until_told(2);
	assert_told(1, ETCD_REG_REGISTERED, "the key had gone");
}

static void test_answer_without_index(void **state)
{
	(void)state;
	done(CREATE, 7);
	done(BEAT("7"), 0);
	error(BEAT("7"), 412, 101);
	node(READ, "v", 1, 9);
	done(BEAT("9"), 10);
	go("v", 1, false);
	run_until_played();
	assert_int_equal(ntold, 1);
}

/* --- leaving --- */

static void test_leave_a_twin_alone(void **state)
{
	(void)state;
	done(CREATE, 7);
	error(BEAT("7"), 412, 101);
	node(READ, "v", 1, 9);
	done(BEAT("9"), 10);
	error(BEAT("10"), 412, 101);
	node(READ, "v", 1, 12);
	done(BEAT("12"), 13);
	go("v", 1, false);
	run_until_played();
	assert_int_equal(ntold, 2);		/* told once */
	assert_told(1, ETCD_REG_REGISTERED, "another process");
	leave(1000);
	assert_told(2, ETCD_REG_LEFT, "another process keeps the key");
}

/* One surprise may be a beat of our own that libcurl sent twice: nobody is told
 * of a twin, and the key is spared all the same. */
static void test_leave_after_one_surprise(void **state)
{
	(void)state;
	done(CREATE, 7);
	error(BEAT("7"), 412, 101);
	node(READ, "v", 1, 9);
	done(BEAT("9"), 10);
	go("v", 1, false);
	run_until_played();
	assert_int_equal(ntold, 1);
	leave(1000);
	assert_told(1, ETCD_REG_LEFT, "another process may keep the key");
}

static void test_leave_what_another_wrote(void **state)
{
	(void)state;
	done(CREATE, 7);
	go("v", 10, false);
	run_until_told(1);
	error(DELETE("7"), 412, 101);
	leave(1000);
	assert_told(1, ETCD_REG_LEFT, "it stays");
}

/* The beat whose answer got lost was done: the index is not the known one. */
static void test_leave_in_doubt(void **state)
{
	(void)state;
	done(CREATE, 7);
	BEAT("7")->reply[0] = '\0';
	go("v", 1, false);
	run_until_played();
	error(DELETE("7"), 412, 101);
	node(READ, "v", 1, 8);
	done(DELETE("8"), 9);
	leave(1000);
	assert_told(1, ETCD_REG_LEFT, "");
}

static void test_leave_in_doubt_once(void **state)
{
	(void)state;
	done(CREATE, 7);
	BEAT("7")->reply[0] = '\0';
	go("v", 1, false);
	run_until_played();
	error(DELETE("7"), 412, 101);
	node(READ, "v", 1, 8);
	error(DELETE("8"), 412, 101);
	leave(1000);
	assert_told(1, ETCD_REG_LEFT, "it stays");
}

static void test_leave_in_doubt_anothers(void **state)
{
	(void)state;
	done(CREATE, 7);
	BEAT("7")->reply[0] = '\0';
	go("v", 1, false);
	run_until_played();
	error(DELETE("7"), 412, 101);
	node(READ, "w", 1, 8);
	leave(1000);
	assert_told(1, ETCD_REG_LEFT, "it stays");
}

static void test_leave_what_has_gone(void **state)
{
	(void)state;
	done(CREATE, 7);
	go("v", 10, false);
	run_until_told(1);
	DELETE("7")->reply[0] = '\0';		/* done, and nobody told */
	error(DELETE("7"), 404, 100);
	leave(1000);
	assert_told(1, ETCD_REG_LEFT, "");
}

static void test_leave_without_answer(void **state)
{
	(void)state;
	done(CREATE, 7);
	go("v", 10, false);
	run_until_told(1);
	for (int i = 0; i < 6; i++)
		strcpy(DELETE("7")->reply, SILENCE);
	etcd_registration_leave(reg, 600);
	run_until_told(2);
	assert_told(1, ETCD_REG_LEFT, "etcd does not answer: the key is left "
	    "to run out in 10 s");
}

/* A claim under way is waited for a moment, and undone. */
static void test_leave_while_claiming(void **state)
{
	struct line *l = CREATE;

	(void)state;
	done(l, 7);
	l->delay_ms = 150;
	go("v", 10, false);
	run_until_played();
	done(DELETE("7"), 8);
	etcd_registration_leave(reg, 1000);
	run_until_told(2);
	assert_told(0, ETCD_REG_REGISTERED, "");
	assert_told(1, ETCD_REG_LEFT, "");
	assert_int_equal(at, nlines);
}

static void test_leave_while_claim_hangs(void **state)
{
	(void)state;
	strcpy(CREATE->reply, SILENCE);
	go("v", 10, false);
	run_until_played();
	node(READ, "v", 10, 8);
	done(DELETE("8"), 9);
	leave(1000);
	assert_told(0, ETCD_REG_LEFT, "");
}

static void test_leave_while_looking(void **state)
{
	(void)state;
	error(CREATE, 412, 105);
	strcpy(READ->reply, SILENCE);
	go("v", 10, false);
	run_until_played();
	leave(1000);
	assert_told(0, ETCD_REG_LEFT, "it never was registered");
}

static void test_leave_at_once(void **state)
{
	(void)state;
	go("v", 10, false);
	leave(1000);
	assert_told(0, ETCD_REG_LEFT, "it never was registered");
	assert_int_equal(server.nrequests, 0);
}

static void test_leave_when_told(void **state)
{
	(void)state;
	done(CREATE, 7);
	done(DELETE("7"), 8);
	leave_when_told = true;
	go("v", 10, false);
	run_until_told(2);
	assert_told(1, ETCD_REG_LEFT, "");
}

static void test_freed_under_way(void **state)
{
	(void)state;
	strcpy(CREATE->reply, SILENCE);
	go("v", 10, false);
	run_until_played();
	etcd_registration_free(NULL);	/* and reg by end_test() */
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin_test, end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_values_shown),
		TEST(test_registers_beats_leaves),
		TEST(test_its_own_from_before),
		TEST(test_taking_comes_too_late),
		TEST(test_answer_to_claim_lost),
		TEST(test_what_will_never_work),
		TEST(test_key_that_is_none),
		TEST(test_directory),
		TEST(test_another_alive),
		TEST(test_another_dead),
		TEST(test_another_expires),
		TEST(test_another_unreadable_for_a_while),
		TEST(test_permanent_untouched),
		TEST(test_permanent_touched),
		TEST(test_takeover),
		TEST(test_key_goes),
		TEST(test_conflict),
		TEST(test_leave_in_conflict),
		TEST(test_adrift),
		TEST(test_never_is_not_for_ever),
		TEST(test_lost_beats_are_tried_again_soon),
		TEST(test_key_goes_and_so_does_the_answer),
		TEST(test_answer_without_index),
		TEST(test_leave_a_twin_alone),
		TEST(test_leave_after_one_surprise),
		TEST(test_leave_what_another_wrote),
		TEST(test_leave_in_doubt),
		TEST(test_leave_in_doubt_once),
		TEST(test_leave_in_doubt_anothers),
		TEST(test_leave_what_has_gone),
		TEST(test_leave_without_answer),
		TEST(test_leave_while_claiming),
		TEST(test_leave_while_claim_hangs),
		TEST(test_leave_while_looking),
		TEST(test_leave_at_once),
		TEST(test_leave_when_told),
		TEST(test_freed_under_way),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
