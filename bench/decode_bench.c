/* What it costs to read what etcd tells; each figure is one line: name value
 * unit.
 *	build/bench/decode		events, and listings of 100,000 keys
 *	KEYS=N build/bench/decode	only listings, of so many
 * Events are decoded by way of a tree, as it was, and as it is.  Listings come
 * over HTTP from a thread of this program, through the real loop and watcher
 * into a registry without sinks: once when all is new, once when nothing has
 * changed, once when all have beaten silently.  Times are CPU time of the
 * thread that does the work, medians over several runs where it is short. */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collectors/watch_impl.h"
#include "core/log.h"
#include "core/pattern.h"
#include "core/table.h"
#include "tests/reference/keys_by_tree.h"
#include "tests/unit/collectors/fixture.h"
#include "tests/unit/http_script.h"

enum { RUNS = 15, EVENTS = 20000, SELDOM = 10 };

static double now_cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v)
{
	qsort(v, RUNS, sizeof(*v), compare);
	return v[RUNS / 2];
}

/* --- events --- */

static const char event[] = "{\"action\":\"set\",\"node\":{\"key\":"
    "\"/login_servers/0001-0042\",\"value\":\"10.0.0.42:8080\",\"expiration"
    "\":\"2026-11-22T07:52:36.455243703Z\",\"ttl\":10,\"modifiedIndex\":"
    "1234567,\"createdIndex\":1234567},\"prevNode\":{\"key\":"
    "\"/login_servers/0001-0042\",\"value\":\"10.0.0.42:8080\",\"expiration"
    "\":\"2026-11-22T07:52:33.455243703Z\",\"ttl\":7,\"modifiedIndex\":"
    "1234321,\"createdIndex\":1234321}}\n";

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void events_ours(void)
{
	struct etcd_result r = { .status = 200 };
	char body[sizeof(event)];

	for (int k = 0; k < EVENTS; k++) {
		struct etcd_decoded *d;

		memcpy(body, event, sizeof(event));
		d = etcd_decode(ETCD_KIND_EVENT, "/login_servers", NULL, body,
		    sizeof(event) - 1, &r);
		check(r.outcome == ETCD_OK);
		etcd_decoded_free(d);
	}
}

static void events_by_tree(void)
{
	struct by_tree t;

	for (int k = 0; k < EVENTS; k++) {
		by_tree_decode(&t, ETCD_KIND_EVENT, "/login_servers", event,
		    sizeof(event) - 1);
		check(t.r.outcome == ETCD_OK);
		by_tree_free(&t, ETCD_KIND_EVENT);
	}
}

static void measure(const char *name, void (*fn)(void))
{
	double v[RUNS];

	for (int k = 0; k < RUNS; k++) {
		double began = now_cpu();

		fn();
		v[k] = (now_cpu() - began) / EVENTS * 1e9;
	}
	printf("%s %.0f ns\n", name, median(v));
}

/* --- listings --- */

struct site {
	struct script script;
	size_t keys;
	unsigned beats;			/* how often all have beaten */
	size_t sent;			/* bytes of the last listing */
};

static size_t print_key(char *to, size_t n, unsigned beats)
{
	return (size_t)sprintf(to, "%s{\"key\":\"/login_servers/service-%03zu/"
	    "instance-%07zu\",\"value\":\"{\\\"host\\\":\\\"10.%zu.%zu.%zu"
	    "\\\"}\",\"expiration\":\"2027-11-22T07:52:36.%09zuZ\",\"ttl\":27,"
	    "\"modifiedIndex\":%zu,\"createdIndex\":%zu}", n ? "," : "",
	    n % 200, n, n % 251, n * 7 % 253, n * 13 % 241,
	    n * 7919 % 1000000000, 100 + n * 31 % 900000 + beats * 1000000,
	    100 + n * 31 % 900000);
}

static void send_listing(struct site *s, int fd)
{
	static char text[64 * 1024 + 1024];
	size_t n = (size_t)sprintf(text, "HTTP/1.0 200 OK\r\nX-Etcd-Index: %u"
	    "\r\n\r\n{\"action\":\"get\",\"node\":{\"key\":\"/login_servers"
	    "\",\"dir\":true,\"nodes\":[", 2000000 + s->beats * 1000000);

	s->sent = 0;
	for (size_t k = 0; k < s->keys; k++) {
		n += print_key(text + n, k, s->beats);
		if (n < 64 * 1024)
			continue;
		script_send(fd, text, n);
		s->sent += n;
		n = 0;
	}
	n += (size_t)sprintf(text + n, "]}}\n");
	script_send(fd, text, n);
	s->sent += n;
}

/* A listing, or a long poll: headers, and then nothing. */
static bool serve(struct script *script, int fd, const char *request,
    void *arg)
{
	struct site *s = arg;
	char head[200];

	(void)script;
	if (strstr(request, "wait=true") == NULL) {
		send_listing(s, fd);
		return false;
	}
	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nX-Etcd-Index: %u\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n",
	    2000000 + s->beats * 1000000);
	script_puts(fd, head);
	return script_silence(fd);
}

struct measured {
	struct fixture f;
	struct loop *loop;
	struct watcher *w;
	size_t begun, arrived, most;	/* bytes in use */
	double turn, longest, total;	/* CPU time */
	double next_look;		/* at what is in use */
	bool running, whole;		/* the last byte is here */
};

static size_t in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

/* To look takes the longer the more was freed: milliseconds among a million
 * keys.  At the end of each turn it would take longer than the listing may, so
 * it is done now and then, and when the last byte is here. */
static void look(struct measured *m)
{
	double began = now_cpu();
	bool arrives = m->w->listing.ready && !m->whole;
	size_t used;

	if (began < m->next_look && !arrives)
		return;
	used = in_use();
	if (used > m->most)
		m->most = used;
	if (!m->whole && used > m->arrived)
		m->arrived = used;
	m->whole = m->whole || arrives;
	m->next_look = now_cpu() + SELDOM * (now_cpu() - began);
}

static void end_of_turn(void *arg, mono_t now)
{
	struct measured *m = arg;
	double took;

	(void)now;
	fixture_flush(&m->f);
	took = now_cpu() - m->turn;
	m->total += took;
	if (took > m->longest)
		m->longest = took;
	look(m);
	m->running = m->running || m->w->list != NULL;
	if (m->running && m->w->list == NULL && !m->w->listing.ready &&
	    m->w->in_sync)
		loop_stop(m->loop);
	m->turn = now_cpu();
}

static void list(struct measured *m, const struct site *s, const char *what)
{
	double body;
	struct timespec a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	m->begun = m->arrived = m->most = in_use();
	m->longest = m->total = 0;
	m->turn = now_cpu();
	m->running = m->whole = false;
	loop_run(m->loop);
	check(m->w->list_failures == 0);
	clock_gettime(CLOCK_MONOTONIC, &b);
	body = (double)s->sent;
	printf("listing_%zu_%s_body %.1f MB\n", s->keys, what, body / 1e6);
	printf("listing_%zu_%s_cpu %.0f ns/key\n", s->keys, what,
	    m->total * 1e9 / (double)s->keys);
	printf("listing_%zu_%s_rate %.0f MB/s\n", s->keys, what,
	    body / 1e6 / ((double)(b.tv_sec - a.tv_sec) +
	    (double)(b.tv_nsec - a.tv_nsec) / 1e9));
	printf("listing_%zu_%s_kept %.3f x\n", s->keys, what,
	    (double)(m->arrived - m->begun) / body);
	printf("listing_%zu_%s_peak %.3f x\n", s->keys, what,
	    m->most > in_use() ? (double)(m->most - in_use()) / body : 0.0);
	printf("listing_%zu_%s_longest_turn %.2f ms\n", s->keys, what,
	    m->longest * 1e3);
	check(table_count(m->f.cluster->directories[0]->by_key) == s->keys);
}

static void again(struct measured *m, struct site *s, const char *what)
{
	sync_list(m->w);
	list(m, s, what);
}

static void listings(size_t keys)
{
	struct site s = { .keys = keys };
	struct measured m = { .loop = loop_new(NULL) };
	struct storm *storm = storm_new();
	const char *url = s.script.url;
	struct directory *d;

	script_start(&s.script, serve, &s);
	fixture_init(&m.f, &url, 1);
	d = m.f.cluster->directories[0];
	pattern_free(d->config->pattern);
	d->config->pattern = pattern_compile("{service_name}/{instance_id}",
	    NULL);
	m.w = watcher_new(m.loop, d, storm);
	loop_each_turn(m.loop, end_of_turn, &m);
	list(&m, &s, "new");
	again(&m, &s, "same");
	s.beats++;
	again(&m, &s, "beaten");
	watcher_free(m.w);
	storm_free(storm);
	loop_free(m.loop);
	fixture_fini(&m.f);
	script_stop(&s.script);
}

int main(void)
{
	const char *keys = getenv("KEYS");

	signal(SIGPIPE, SIG_IGN);
	log_set_level(LEVEL_WARN);
	if (keys == NULL) {
		printf("event_size %zu bytes\n", sizeof(event) - 1);
		measure("event_by_tree", events_by_tree);
		measure("event", events_ours);
	}
	listings(keys != NULL ? strtoul(keys, NULL, 10) : 100000);
	return 0;
}
