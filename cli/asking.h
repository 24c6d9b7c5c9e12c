#ifndef CLI_ASKING_H
#define CLI_ASKING_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/flags.h"
#include "cli/progress.h"
#include "core/history.h"

/* What the commands that ask history have in common: whom they ask, about
 * whom, and about when. */

enum asking_format { ASKING_TABLE, ASKING_JSON, ASKING_CSV };

struct asking {
	const char *storage_path, *config_file, *url, *http_config_file;
	const char *since, *from, *to, *month, *quarter;
	const char *cluster, *service, *instance;
	bool utc;
	int format;			/* enum asking_format */
};

extern const char *const asking_formats[];

/* Rows for a table of flags, for a struct whose member `asking` this is. */
#define ASKING_AT(in_, member) .offset = offsetof(in_, asking.member)
#define ASKING_FLAGS(in_, since_) \
	{ .name = "storage.path", .type = FLAG_STRING, \
	  ASKING_AT(in_, storage_path), .value = "FILE", .not_empty = true, \
	  .help = "The database. By default the one that --config.file" \
	    " names, or rollcall.db." }, \
	{ .name = "config.file", .type = FLAG_STRING, \
	  ASKING_AT(in_, config_file), .value = "FILE", .not_empty = true, \
	  .help = "The configuration that names the database." }, \
	{ .name = "url", .type = FLAG_STRING, ASKING_AT(in_, url), \
	  .value = "URL", .not_empty = true, .help = "Ask the daemon there," \
	    " such as http://127.0.0.1:10379, instead of reading a" \
	    " database." }, \
	{ .name = "http.config.file", .type = FLAG_STRING, \
	  ASKING_AT(in_, http_config_file), .value = "FILE", \
	  .not_empty = true, .help = "How to connect to --url: TLS," \
	    " passwords (Prometheus' http_config)." }, \
	{ .name = "since", .type = FLAG_STRING, ASKING_AT(in_, since), \
	  .value = "TIME", .not_empty = true, .help = "From when on: a" \
	    " duration before now, or before the date of --to, such as 90m" \
	    " or 30d, a date such as 2026-10-01, or a time. 0 means from the" \
	    " beginning. By default " since_ "." }, \
	{ .name = "from", .type = FLAG_STRING, ASKING_AT(in_, from), \
	  .value = "TIME", .not_empty = true, .help = "The same as" \
	    " --since." }, \
	{ .name = "to", .type = FLAG_STRING, ASKING_AT(in_, to), \
	  .value = "TIME", .not_empty = true, .help = "Until when: a" \
	    " duration before now, a date, or a time; this moment itself is" \
	    " not in it. By default now." }, \
	{ .name = "month", .type = FLAG_STRING, ASKING_AT(in_, month), \
	  .value = "MONTH", .not_empty = true, .help = "Of a whole month," \
	    " such as 2026-10, up to now at most." }, \
	{ .name = "quarter", .type = FLAG_STRING, ASKING_AT(in_, quarter), \
	  .value = "QUARTER", .not_empty = true, .help = "Of a whole" \
	    " quarter, such as 2026-Q3, up to now at most." }, \
	{ .name = "utc", .type = FLAG_BOOL, ASKING_AT(in_, utc), \
	  .help = "Dates are those of UTC, not of the local zone." }, \
	{ .name = "service", .type = FLAG_STRING, \
	  ASKING_AT(in_, service), .value = "GLOB", .not_empty = true, \
	  .help = "Only services whose name matches." }, \
	{ .name = "instance", .type = FLAG_STRING, \
	  ASKING_AT(in_, instance), .value = "GLOB", .not_empty = true, \
	  .help = "Only instances whose id matches." }, \
	{ .name = "cluster", .type = FLAG_STRING, \
	  ASKING_AT(in_, cluster), .value = "GLOB", .not_empty = true, \
	  .help = "Only this etcd cluster." }, \
	{ .name = "format", .type = FLAG_WORD, ASKING_AT(in_, format), \
	  .value = "table|json|csv", .words = asking_formats, \
	  .fallback = "table", .help = "table is for reading; json and csv" \
	    " have RFC 3339 times in UTC and more fields." }

/* A question under way. */
struct asked {
	struct history_source source;
	void *session;
	wall_t now;		/* the last proof if that is a moment ago */
	wall_t from, to;	/* from.ms 0: from the beginning */
	wall_t begins;		/* history; ms 0: there is none */
	struct history_who who;
	char *path, *pattern;		/* owned */
	struct progress progress;
};

/* Opens the source and reads the range.  An operand SERVICE[/INSTANCE] is the
 * same as the two flags.  -1 to go on, else the exit code after saying why. */
int asking_open(const struct flag_set *set, const struct asking *a,
    const struct string_list *operands, const char *since,
    struct asked *asked_r);
void asking_close(struct asked *a);

/* Takes the progress line away, before anything is printed. */
void asking_quiet(struct asked *a);

/* EXIT_OK, or says what went wrong on stderr. */
int asking_result(const struct flag_set *set, struct asked *a,
    enum history_rc rc, const struct err *e);

/* After an answer without rows.  HISTORY_OK: nobody was asked for by name, or
 * history knows them all; HISTORY_BAD: e says which it does not, and which
 * there are. */
enum history_rc asking_nobody(struct asked *a, struct err *e);

/* Says below a table where history begins, if that is after the range does. */
void asking_note_beginning(const struct asked *a, bool utc);

#endif
