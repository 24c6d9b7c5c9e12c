/* Whom and what `rollcall uptime`, `outages` and `events` ask: the database of
 * a file or of a configuration, or a daemon by its API; from when to when; and
 * a line on a terminal that tells how far a long answer is. */
#include "cli/asking.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/calendar.h"
#include "cli/remote.h"
#include "cli/storage_path.h"
#include "core/err.h"
#include "core/timefmt.h"
#include "core/xalloc.h"
#include "db/history.h"

enum {
	FRESH_MS = 10000,	/* a daemon that runs notes it every 5 s */
};

const char *const asking_formats[] = { "table", "json", "csv", NULL };

/* --- whom --- */

static int complain(const struct flag_set *set, const struct err *e)
{
	fprintf(stderr, "rollcall %s: %s\n", set->command, e->text);
	return EXIT_FAILED;
}

static int open_source(const struct flag_set *set, const struct asking *a,
    struct asked *asked)
{
	struct err e;

	if (a->url != NULL && (a->storage_path != NULL ||
	    a->config_file != NULL))
		return flags_usage(set, "--url and %s exclude each other: one"
		    " of them is asked", a->storage_path != NULL ?
		    "--storage.path" : "--config.file");
	if (a->url == NULL && a->http_config_file != NULL)
		return flags_usage(set, "--http.config.file is for --url");
	if (a->url != NULL) {
		asked->source = remote_history(a->url, a->http_config_file,
		    &e);
		if (asked->source.open == NULL)
			return complain(set, &e);
	} else {
		asked->path = storage_path(a->storage_path, a->config_file);
		if (asked->path == NULL)
			return EXIT_FAILED;
		asked->source = history_of_file(asked->path);
	}
	asked->session = asked->source.open(asked->source.arg, &e);
	if (asked->session != NULL)
		return -1;
	complain(set, &e);
	if (a->storage_path == NULL && a->config_file == NULL)
		fprintf(stderr, "Say which database: --storage.path, or"
		    " --config.file; or which daemon: --url.\n");
	return EXIT_FAILED;
}

void asking_quiet(struct asked *a)
{
	progress_clear(&a->progress);
}

/* --- when --- */

/* What has not been yet would be unknown. */
static int read_months(const struct flag_set *set, const struct asking *a,
    struct asked *asked)
{
	bool quarter = a->quarter != NULL;
	struct err e;

	if ((quarter && a->month != NULL) || a->from != NULL ||
	    a->since != NULL || a->to != NULL)
		return flags_usage(set, "--%s is a whole range: no other goes"
		    " with it", quarter ? "quarter" : "month");
	if (calendar_months(quarter ? a->quarter : a->month, quarter ?
	    CALENDAR_QUARTER : CALENDAR_ONE_MONTH, a->utc, &asked->from,
	    &asked->to, &e) != 0)
		return flags_usage(set, "--%s: %s", quarter ? "quarter" :
		    "month", e.text);
	if (asked->from.ms >= asked->now.ms)
		return flags_usage(set, "--%s: it has not begun yet", quarter ?
		    "quarter" : "month");
	if (asked->to.ms > asked->now.ms)
		asked->to = asked->now;
	return -1;
}

/* What a duration counts back from: the end, so that it is how long the range
 * is; but now, as the end itself does, where both are durations. */
static wall_t back_from(const struct asking *a, const char *from,
    const struct asked *asked)
{
	int64_t ms;

	return from != NULL && a->to != NULL &&
	    timefmt_parse_duration(a->to, &ms, NULL) == 0 ? asked->now :
	    asked->to;
}

static int read_range(const struct flag_set *set, const struct asking *a,
    const char *since, struct asked *asked)
{
	const char *from = a->from != NULL ? a->from : a->since;
	struct err e;

	if (a->month != NULL || a->quarter != NULL)
		return read_months(set, a, asked);
	if (a->from != NULL && a->since != NULL)
		return flags_usage(set, "--since and --from are the same: give"
		    " one of them");
	asked->to = asked->now;
	if (a->to != NULL && calendar_parse(a->to, a->utc, asked->now,
	    &asked->to, &e) != 0)
		return flags_usage(set, "--to: %s", e.text);
	if (calendar_parse(from != NULL ? from : since, a->utc,
	    back_from(a, from, asked), &asked->from, &e) != 0)
		return flags_usage(set, "--%s: %s",
		    a->from != NULL ? "from" : "since", e.text);
	if (asked->to.ms <= asked->from.ms)
		return flags_usage(set, "the range is empty: it begins when it"
		    " ends or later");
	return -1;
}

static int look(const struct flag_set *set, struct asked *asked)
{
	wall_t until;
	struct err e;

	if (asked->source.looked(asked->session, &asked->begins, &until,
	    &e) != HISTORY_OK)
		return complain(set, &e);
	asked->now = clock_wall();
	/* The last seconds would else be unknown, though a daemon looks. */
	if (until.ms < asked->now.ms &&
	    until.ms >= asked->now.ms - FRESH_MS)
		asked->now = until;
	return -1;
}

/* --- about whom --- */

/* An empty part of it is none: SERVICE/ is all of the service. */
static int read_operand(const struct flag_set *set, const char *operand,
    struct asked *asked)
{
	char *slash;

	asked->pattern = xstrdup(operand);
	slash = strchr(asked->pattern, '/');
	if (slash != NULL)
		*slash++ = '\0';
	if (asked->pattern[0] != '\0' && asked->who.service != NULL)
		return flags_usage(set, "SERVICE is given twice");
	if (asked->pattern[0] != '\0')
		asked->who.service = asked->pattern;
	if (slash == NULL || *slash == '\0')
		return -1;
	if (asked->who.instance != NULL)
		return flags_usage(set, "INSTANCE is given twice");
	asked->who.instance = slash;
	return -1;
}

static int read_who(const struct flag_set *set, const struct asking *a,
    const struct string_list *operands, struct asked *asked)
{
	asked->who = (struct history_who){ a->cluster, a->service,
	    a->instance };
	if (operands == NULL || operands->n == 0)
		return -1;
	if (operands->n > 1)
		return flags_usage(set, "unexpected argument \"%s\"",
		    operands->v[1]);
	return read_operand(set, operands->v[0], asked);
}

int asking_open(const struct flag_set *set, const struct asking *a,
    const struct string_list *operands, const char *since,
    struct asked *asked_r)
{
	struct asked *asked = asked_r;
	int rc;

	memset(asked, 0, sizeof(*asked));
	rc = read_who(set, a, operands, asked);
	if (rc < 0)
		rc = open_source(set, a, asked);
	if (rc < 0)
		rc = look(set, asked);
	if (rc < 0)
		rc = read_range(set, a, since, asked);
	if (rc >= 0) {
		asking_close(asked);
		return rc;
	}
	progress_begin(&asked->progress, "reading history");
	asked->source.limits(asked->session, 0, progress_show,
	    &asked->progress);
	return -1;
}

void asking_close(struct asked *a)
{
	asking_quiet(a);
	if (a->session != NULL)
		a->source.close(a->session);
	remote_history_free(&a->source);
	free(a->path);
	free(a->pattern);
}

int asking_result(const struct flag_set *set, struct asked *a,
    enum history_rc rc, const struct err *e)
{
	asking_quiet(a);
	return rc == HISTORY_OK ? EXIT_OK : complain(set, e);
}

void asking_note_beginning(const struct asked *a, bool utc)
{
	char date[CALENDAR_MAX], *zone = calendar_zone(utc);

	if (a->begins.ms == 0)
		printf("\nNothing was watched yet.\n");
	else if (a->from.ms < a->begins.ms)
		printf("\nHistory begins at %s %s: before that nothing is"
		    " known.\n", calendar_date(a->begins, utc, date), zone);
	free(zone);
}
