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
#include <string.h>

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

/* A line of each kind, of which only the digits change from sample to sample:
 * formatting 170 million lines would take minutes. */
struct line {
	char text[192], *value, *second;	/* its last digit */
	size_t n;
};

static void line_begin(struct line *l, const char *name, int64_t t,
    const char *behind)
{
	int n = snprintf(l->text, sizeof(l->text), "up{instance=\"%s\"} 0 %"
	    PRId64, name, t);

	l->second = l->text + n - 1;
	l->value = strstr(l->text, "} ") + 2;
	l->n = (size_t)n + strlen(behind);
	strcpy(l->text + n, behind);
}

static void line_write(struct line *l, int up, FILE *out)
{
	*l->value = up ? '1' : '0';
	fwrite_unlocked(l->text, 1, l->n, out);
	for (int i = 0; i < STEP_S; i++) {
		char *digit = l->second;

		while (++*digit > '9')
			*digit-- = '0';
	}
}

static void write_samples(const struct changes *c, int64_t from, int64_t to,
    FILE *open, FILE *plain)
{
	struct line of_open, of_plain;
	int64_t t = from;
	size_t k = 0;

	if (c->n == 0)
		return;
	while (t * 1000 < c->at[0])
		t += STEP_S;
	line_begin(&of_open, c->name, t, "\n");
	line_begin(&of_plain, c->name, t, "000\n");
	for (; t < to; t += STEP_S) {
		while (k + 1 < c->n && c->at[k + 1] <= t * 1000)
			k++;
		line_write(&of_open, c->up[k], open);
		line_write(&of_plain, c->up[k], plain);
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
