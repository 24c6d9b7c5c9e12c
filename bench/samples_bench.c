/* The registrations of a history as the samples that Prometheus would have
 * scraped: `up` of each instance every 15 s, 1 while it is up and 0 while it
 * is not, from its first registration on.
 *	build/bench/samples DATABASE FROM TO OPENMETRICS PLAIN
 * writes those of [FROM, TO), in Unix seconds, into two files: in OpenMetrics
 * for promtool, and in the older format, with milliseconds, for whom
 * bench/history_peers.py loads it into. */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { STEP_S = 15, MAX_CHANGES = 4096 };

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static FILE *create(const char *name)
{
	FILE *out = fopen(name, "w");

	if (out == NULL)
		die(name);
	setvbuf(out, NULL, _IOFBF, 1 << 20);
	return out;
}

/* The changes of one instance. */
struct changes {
	char name[128];
	int64_t at[MAX_CHANGES];
	int up[MAX_CHANGES];
	size_t n;
};

static void write_samples(const struct changes *c, int64_t from, int64_t to,
    FILE *open, FILE *plain)
{
	size_t k = 0;

	for (int64_t t = from; t < to; t += STEP_S) {
		while (k + 1 < c->n && c->at[k + 1] <= t * 1000)
			k++;
		if (c->n == 0 || c->at[k] > t * 1000)
			continue;
		fprintf(open, "up{instance=\"%s\"} %d %" PRId64 "\n", c->name,
		    c->up[k], t);
		fprintf(plain, "up{instance=\"%s\"} %d %" PRId64 "\n",
		    c->name, c->up[k], t * 1000);
	}
}

int main(int argc, char **argv)
{
	struct changes *c = calloc(1, sizeof(*c));
	int64_t from, to, last = -1;
	FILE *open, *plain;
	sqlite3_stmt *s;
	sqlite3 *db;

	if (argc != 6 || c == NULL)
		return 2;
	from = atoll(argv[2]);
	to = atoll(argv[3]);
	open = create(argv[4]);
	plain = create(argv[5]);
	if (sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READONLY, NULL) != 0 ||
	    sqlite3_prepare_v2(db, "SELECT p.instance, i.service_name || '/'"
	    " || i.instance_id, p.from_ms, p.state = 1 FROM periods p"
	    " JOIN roll i ON i.id = p.instance ORDER BY p.instance, p.id", -1,
	    &s, NULL) != SQLITE_OK) {
		fprintf(stderr, "%s: %s\n", argv[1], sqlite3_errmsg(db));
		return 1;
	}
	fprintf(open, "# TYPE up gauge\n");
	while (sqlite3_step(s) == SQLITE_ROW) {
		if (sqlite3_column_int64(s, 0) != last) {
			write_samples(c, from, to, open, plain);
			c->n = 0;
			last = sqlite3_column_int64(s, 0);
			snprintf(c->name, sizeof(c->name), "%s",
			    (const char *)sqlite3_column_text(s, 1));
		}
		if (c->n == MAX_CHANGES)
			return 1;
		c->at[c->n] = sqlite3_column_int64(s, 2);
		c->up[c->n++] = sqlite3_column_int(s, 3);
	}
	write_samples(c, from, to, open, plain);
	fprintf(open, "# EOF\n");
	if (fclose(open) != 0 || fclose(plain) != 0)
		die("write");
	sqlite3_finalize(s);
	sqlite3_close(db);
	free(c);
	return 0;
}
