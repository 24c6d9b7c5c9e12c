/* What a scrape of a large registry costs, beside the same bytes served from
 * one buffer in memory by the same library with as many threads (the floor),
 * or, to see what lies in the library, as a list of pieces.  A registry in
 * this process is filled, published and served on loopback; a client in
 * another process reads with plain sockets and takes the time, on one
 * connection after the other as scrapers do, or on a new one each time; CPU is
 * this process's, client and changes excluded.
 *
 *	build/bench/scrape [-i INSTANCES] [-n RUNS] [-c CASE]
 *
 * Prints a table, then the same as lines "name value unit".  Made by `make
 * build/bench/scrape`. */
#include <malloc.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/scrape_client.h"
#include "core/buf.h"
#include "core/config.h"
#include "core/err.h"
#include "core/event.h"
#include "core/log.h"
#include "core/pattern.h"
#include "core/problems.h"
#include "core/registry.h"
#include "core/snapshot.h"
#include "core/xalloc.h"
#include "exporter/exporter.h"

enum { MAX_RUNS = 999, SERVICES = 100, MAX_PIECES = 100 };

struct times {
	double wall[MAX_RUNS], cpu[MAX_RUNS];
};

struct floor {
	char *body;
	size_t n;
	unsigned pieces;	/* in how many it is sent */
	const char *type, *encoding;
};

struct bench {
	struct event_bus *bus;
	struct registry *registry;
	struct directory *directory;
	struct exporter *exporter;
	struct MHD_Daemon *daemon;
	struct floor floor;
	int to_client, from_client;
	int port, floor_port;
	size_t instances, runs;
	const char *only;	/* one of the cases, NULL: all */
	bool anew;		/* scrapes on new connections */
	uint64_t index;
	int64_t turn;		/* publishes, a second apart */
	uint64_t seed;
};

static size_t random_below(struct bench *b, size_t n)
{
	b->seed ^= b->seed << 13;
	b->seed ^= b->seed >> 7;
	b->seed ^= b->seed << 17;
	return (size_t)(b->seed % n);
}

static struct found scrape(struct bench *b, int port, const char *headers,
    struct buf *keep)
{
	struct order o = { .port = port, .keep = keep != NULL,
		.anew = b->anew };
	struct found f;

	snprintf(o.headers, sizeof(o.headers), "%s", headers);
	write_all(b->to_client, &o, sizeof(o));
	read_all(b->from_client, &f, sizeof(f));
	if (keep != NULL) {
		buf_reserve(keep, f.bytes);
		read_all(b->from_client, keep->data, f.bytes);
		keep->len = f.bytes;
	}
	return f;
}

/* --- the registry --- */

static void set_key(size_t n, char key[64])
{
	snprintf(key, 64, "/services/service-%02zu/10.%zu.%zu.%zu:8080",
	    n % SERVICES, n >> 16, n >> 8 & 255, n & 255);
}

static struct moment this_moment(struct bench *b)
{
	struct moment m = { .seen = clock_now(), .now = clock_mono(),
		.index = ++b->index };

	m.earliest = m.seen;
	return m;
}

static void write_key(struct bench *b, size_t n)
{
	struct moment m = this_moment(b);
	char key[64];
	struct key_facts k = {
		.key = key, .has_ttl = true,
		.ttl_s = 30, .expires = wall_add(m.seen, 30000),
		.created_index = m.index, .modified_index = m.index,
		.renewed = true,
	};

	set_key(n, key);
	k.value = strrchr(key, '/') + 1;
	registry_written(b->directory, &k, &m);
}

/* Expires it, or lets it come back. */
static void change(struct bench *b, size_t n)
{
	struct moment m = this_moment(b);
	struct instance *i;
	char key[64];

	set_key(n, key);
	i = registry_find(b->directory, key);
	if (i != NULL && i->period.state == STATE_UP)
		registry_left(b->directory, i, CAUSE_EXPIRE, m.seen, &m,
		    (mono_t){ 0 });
	else
		write_key(b, n);
}

/* Returns how long it took, in ms. */
static double publish(struct bench *b)
{
	double start = now_ms(CLOCK_MONOTONIC);

	snapshot_publish(b->registry,
	    mono_add(clock_mono(), ++b->turn * 1000));
	return now_ms(CLOCK_MONOTONIC) - start;
}

static void change_some(struct bench *b, size_t n)
{
	while (n-- > 0)
		change(b, random_below(b, b->instances));
	event_flush(b->bus, clock_mono());
	publish(b);
}

static void fill(struct bench *b)
{
	char endpoint[] = "http://127.0.0.1:1", path[] = "/services";
	char *e = endpoint, *d = path;
	struct string_list endpoints = { &e, 1 }, directories = { &d, 1 };
	struct problems problems = { 0 };
	struct config *c = config_from_flags(&endpoints, &directories,
	    &problems);

	b->bus = event_bus_new();
	b->registry = registry_new(b->bus);
	registry_configure(b->registry, c);
	b->directory = b->registry->clusters[0]->directories[0];
	pattern_free(b->directory->config->pattern);
	b->directory->config->pattern =
	    pattern_compile("{service_name}/{instance_id}", NULL);
	for (size_t n = 0; n < b->instances; n++) {
		write_key(b, n);
		if (n % 1000 == 0)
			event_flush(b->bus, clock_mono());
	}
	event_flush(b->bus, clock_mono());
	publish(b);
}

/* --- the floor --- */

static struct MHD_Response *floor_response(const struct floor *f)
{
	struct MHD_IoVec v[MAX_PIECES];
	size_t each = f->n / f->pieces;

	if (f->pieces == 1)
		return MHD_create_response_from_buffer(f->n, f->body,
		    MHD_RESPMEM_PERSISTENT);
	for (unsigned i = 0; i < f->pieces; i++)
		v[i] = (struct MHD_IoVec){ f->body + i * each, each };
	v[f->pieces - 1].iov_len = f->n - (f->pieces - 1) * each;
	return MHD_create_response_from_iovec(v, f->pieces, NULL, NULL);
}

static enum MHD_Result serve_floor(void *arg, struct MHD_Connection *c,
    const char *path, const char *method, const char *version,
    const char *upload, size_t *upload_n, void **state)
{
	static char begun;
	const struct floor *f = arg;
	struct MHD_Response *m;
	enum MHD_Result done;

	(void)path;
	(void)method;
	(void)version;
	(void)upload;
	(void)upload_n;
	if (*state == NULL) {
		*state = &begun;
		return MHD_YES;
	}
	m = floor_response(f);
	MHD_add_response_header(m, "Content-Type", f->type);
	if (f->encoding != NULL)
		MHD_add_response_header(m, "Content-Encoding", f->encoding);
	done = MHD_queue_response(c, 200, m);
	MHD_destroy_response(m);
	return done;
}

static void start_servers(struct bench *b)
{
	char *address = xstrdup("127.0.0.1:0");
	struct exporter_options o = {
		.listen = { &address, 1 }, .telemetry_path = "/metrics"
	};
	struct err e;

	b->exporter = exporter_start(&o, &e);
	if (b->exporter == NULL) {
		fprintf(stderr, "%s\n", e.text);
		exit(1);
	}
	b->port = atoi(strrchr(exporter_address(b->exporter, 0), ':') + 1);
	b->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD |
	    MHD_USE_ITC, 0, NULL, NULL, serve_floor, &b->floor,
	    MHD_OPTION_THREAD_POOL_SIZE, 2u, MHD_OPTION_END);
	if (b->daemon == NULL)
		die("start the floor");
	b->floor_port = MHD_get_daemon_info(b->daemon,
	    MHD_DAEMON_INFO_BIND_PORT)->port;
	free(address);
}

/* Another kind of answer than was asked for would be measured in its name. */
static bool is_of_kind(const char *head, const struct floor *f)
{
	char type[80];

	snprintf(type, sizeof(type), "\r\nContent-Type: %s;", f->type);
	return strncmp(head, "HTTP/1.1 200", 12) == 0 &&
	    strstr(head, type) != NULL && (f->encoding != NULL) ==
	    (strstr(head, "\r\nContent-Encoding: gzip\r\n") != NULL);
}

/* Gives the floor what we answer now. */
static void set_floor(struct bench *b, const char *headers)
{
	struct buf all;
	char *body;

	b->floor.type = strstr(headers, "openmetrics") ?
	    "application/openmetrics-text" : "text/plain";
	b->floor.encoding = strstr(headers, "gzip") ? "gzip" : NULL;
	buf_init(&all, (size_t)4 << 30);
	scrape(b, b->port, headers, &all);
	body = strstr(buf_str(&all), "\r\n\r\n");
	if (body != NULL)
		body[2] = '\0';		/* the headers as a string */
	if (body == NULL || !is_of_kind(buf_str(&all), &b->floor)) {
		fprintf(stderr, "asked with \"%s\": %.400s\n", headers,
		    buf_str(&all));
		exit(1);
	}
	body += 4;
	free(b->floor.body);
	b->floor.n = (size_t)(all.data + all.len - body);
	b->floor.body = xmalloc(b->floor.n);
	memcpy(b->floor.body, body, b->floor.n);
	buf_free(&all);
}

/* --- measuring --- */

static void measure(struct bench *b, int port, const char *headers,
    struct times *t, size_t i)
{
	double cpu = now_ms(CLOCK_PROCESS_CPUTIME_ID);
	struct found f = scrape(b, port, headers, NULL);

	usleep(2000);		/* what is done behind the last byte */
	t->wall[i] = f.wall_ms;
	t->cpu[i] = now_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	if (f.bytes < b->floor.n / 2)
		die("a short answer");
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double at(double *v, size_t n, double part)
{
	qsort(v, n, sizeof(*v), compare);
	return v[(size_t)((double)(n - 1) * part)];
}

/* The same twice: for people, then for programs, which come last. */
static struct buf lines;

static void report(const char *name, struct times *ours, struct times *floor,
    size_t n)
{
	struct {
		const char *what;
		double *ours, *floor;
	} both[] = {
		{ "wall", ours->wall, floor->wall },
		{ "cpu", ours->cpu, floor->cpu },
	};

	for (int k = 0; k < 2; k++) {
		double o = at(both[k].ours, n, 0.5);
		double f = at(both[k].floor, n, 0.5);

		printf("# %-28s %-4s %8.2f %8.2f %6.2f  %7.2f %7.2f\n", name,
		    both[k].what, o, f, o / f, both[k].ours[0],
		    both[k].floor[0]);
		buf_addf(&lines, "scrape_%s_%s %.3f ms\n"
		    "scrape_%s_%s_floor %.3f ms\n", name, both[k].what, o,
		    name, both[k].what, f);
	}
	fflush(stdout);
}

static void compare_with_floor(struct bench *b, const char *name,
    const char *headers, size_t changed)
{
	static struct times ours, floor;

	set_floor(b, headers);
	for (size_t i = 0; i < b->runs; i++) {
		if (changed > 0)
			change_some(b, changed);
		measure(b, b->port, headers, &ours, i);
		measure(b, b->floor_port, headers, &floor, i);
	}
	report(name, &ours, &floor, b->runs);
	buf_addf(&lines, "scrape_%s_size %.2f MB\n", name,
	    (double)b->floor.n / 1e6);
}

static void measure_publishing(struct bench *b)
{
	static double v[MAX_RUNS];

	for (size_t i = 0; i < b->runs; i++) {
		change(b, random_below(b, b->instances));
		event_flush(b->bus, clock_mono());
		v[i] = publish(b) * 1000;
	}
	printf("# %-33s %8.1f us\n", "publish, one changed",
	    at(v, b->runs, 0.5));
	buf_addf(&lines, "publish_one_changed %.1f us\n",
	    at(v, b->runs, 0.5));
}

/* What the C library has given out, an instance. */
static void report_memory(struct bench *b, const char *name)
{
	struct mallinfo2 m = mallinfo2();
	double each = (double)(m.uordblks + m.hblkhd - b->floor.n) /
	    (double)b->instances;

	printf("# %-33s %8.0f bytes an instance\n", name, each);
	buf_addf(&lines, "scrape_%s_memory %.0f B\n", name, each);
}

/* Without the version it would be one that rollcall does not write. */
#define OPENMETRICS "Accept: application/openmetrics-text;version=1.0.0\r\n"
#define GZIP "Accept-Encoding: gzip\r\n"

static const struct {
	const char *name, *headers;
	int changed;			/* percent */
	bool anew;
	unsigned pieces;		/* of the floor, 0: one */
} cases[] = {
	{ "gzip", GZIP, 0, false, 0 },
	{ "gzip_anew", GZIP, 0, true, 0 },
	{ "gzip_anew_pieces", GZIP, 0, true, 52 },
	{ "gzip_openmetrics", GZIP OPENMETRICS, 0, false, 0 },
	{ "gzip_1pct_changed", GZIP, 1, false, 0 },
	{ "gzip_openmetrics_1pct_changed", GZIP OPENMETRICS, 1, false, 0 },
	{ "plain", "", 0, false, 0 },	/* from here on both are kept */
	{ "plain_anew", "", 0, true, 0 },
	{ "plain_openmetrics", OPENMETRICS, 0, false, 0 },
	{ "plain_1pct_changed", "", 1, false, 0 },
	{ "plain_openmetrics_1pct_changed", OPENMETRICS, 1, false, 0 },
};

static void run(struct bench *b)
{
	fill(b);
	report_memory(b, "registry");
	start_servers(b);
	measure_publishing(b);
	printf("# %-33s %8s %8s %6s  %7s %7s\n", "ms a scrape (medians)",
	    "ours", "floor", "ratio", "least", "floor's");
	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		if (b->only != NULL && strcmp(b->only, cases[k].name) != 0)
			continue;
		b->anew = cases[k].anew;
		b->floor.pieces = cases[k].pieces > 0 ? cases[k].pieces : 1;
		compare_with_floor(b, cases[k].name, cases[k].headers,
		    b->instances * (size_t)cases[k].changed / 100);
		report_memory(b, cases[k].name);
	}
	fputs(buf_str(&lines), stdout);
	MHD_stop_daemon(b->daemon);
	exporter_stop(b->exporter);
	registry_free(b->registry);
	event_bus_free(b->bus);
	free(b->floor.body);
}

int main(int argc, char **argv)
{
	struct bench b = { .instances = 100000, .runs = 31, .seed = 4711 };

	for (int o; (o = getopt(argc, argv, "c:i:n:")) != -1; )
		if (o == 'i')
			b.instances = strtoul(optarg, NULL, 10);
		else if (o == 'c')
			b.only = optarg;
		else if (o == 'n')
			b.runs = strtoul(optarg, NULL, 10);
		else
			return 2;
	if (b.instances < 100 || b.runs < 1 || b.runs > MAX_RUNS) {
		fprintf(stderr, "at least 100 instances, 1 to %d runs\n",
		    MAX_RUNS);
		return 2;
	}
	log_set_level(LEVEL_ERROR);
	buf_init(&lines, 1 << 20);
	start_client(&b.to_client, &b.from_client);
	run(&b);
	close(b.to_client);
	wait(NULL);
	buf_free(&lines);
	return 0;
}
