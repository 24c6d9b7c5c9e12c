/* Whether history knows the names that were asked for, once an answer turned
 * out to be without rows: a name that is mistyped must not pass for one that is
 * well.  Part of asking.h, used by the commands that ask history. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cli/asking.h"
#include "core/buf.h"
#include "core/err.h"
#include "core/options.h"
#include "core/text.h"
#include "core/xalloc.h"

enum { SHOWN = 8, MAX_TEXT = 1 << 20 };

/* From the widest to the narrowest: each is looked for among those that the
 * ones before it leave. */
static const struct part {
	const char *what;
	size_t asked, row;		/* offsets of the name */
	enum history_of of;
} parts[] = {
	{ "etcd cluster", offsetof(struct history_who, cluster),
	  offsetof(struct history_uptime, cluster), HISTORY_SERVICES },
	{ "service", offsetof(struct history_who, service),
	  offsetof(struct history_uptime, service), HISTORY_SERVICES },
	{ "instance", offsetof(struct history_who, instance),
	  offsetof(struct history_uptime, instance), HISTORY_INSTANCES },
};

enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

static const char **name_in(struct history_who *who, const struct part *p)
{
	return (const char **)(void *)((char *)who + p->asked);
}

struct names {
	const struct part *part;
	char **v;
	size_t n, cap;
};

static bool add_name(const struct history_uptime *row, void *names)
{
	struct names *l = names;
	const char *name;

	memcpy(&name, (const char *)row + l->part->row, sizeof(name));
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 64;
		l->v = xreallocarray(l->v, l->cap, sizeof(*l->v));
	}
	l->v[l->n++] = xstrdup(name);
	return true;
}

static bool see_anybody(const struct history_uptime *row, void *any)
{
	(void)row;
	*(bool *)any = true;
	return false;
}

/* Whoever was there at any time, whatever range was asked for, be it behind
 * what was noted as watched. */
static enum history_rc ask(struct asked *a, const struct history_who *who,
    enum history_of of,
    bool (*fn)(const struct history_uptime *row, void *arg), void *arg,
    struct err *e)
{
	const wall_t edges[] = { { 1 }, wall_add(clock_wall(), 1) };
	const struct history_uptime_query q = {
		.who = *who, .of = of, .edges = edges, .nedges = 2,
		.min_instances = -1,
	};
	enum history_rc rc = a->source.uptime(a->session, &q, fn, arg, e);

	return rc == HISTORY_ENDED ? HISTORY_OK : rc;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Several clusters may have services of one name. */
static void sort_out(struct names *l)
{
	size_t n = 0;

	if (l->n > 0)
		qsort(l->v, l->n, sizeof(*l->v), by_text);
	for (size_t i = 0; i < l->n; i++)
		if (n == 0 || strcmp(l->v[i], l->v[n - 1]) != 0)
			l->v[n++] = l->v[i];
		else
			free(l->v[i]);
	l->n = n;
}

/* Those there are; of many the one that may have been meant. */
static void suggest(const struct names *l, const char *name, struct buf *b)
{
	const char *near = options_nearest(name, (const char *const *)l->v,
	    l->n);

	for (size_t i = 0; i < l->n && l->n <= SHOWN; i++) {
		buf_adds(b, i == 0 ? " (there are: " : ", ");
		text_visible(b, l->v[i]);
	}
	if (l->n == 0) {
		buf_adds(b, ", nor any other yet");
	} else if (l->n <= SHOWN) {
		buf_addc(b, ')');
	} else if (near != NULL) {
		buf_adds(b, " (did you mean \"");
		text_visible(b, near);
		buf_adds(b, "\"?)");
	} else {
		buf_addf(b, " (there are %zu: 'rollcall uptime%s' lists them)",
		    l->n, l->part->of == HISTORY_INSTANCES ? " --instances" :
		    "");
	}
}

/* `who`: without the name that nobody has. */
static enum history_rc unknown(struct asked *a, const struct part *p,
    const struct history_who *who, const char *name, struct err *e)
{
	struct names l = { .part = p };
	enum history_rc rc = ask(a, who, p->of, add_name, &l, e);
	struct buf b;

	sort_out(&l);
	buf_init(&b, MAX_TEXT);
	buf_addf(&b, "history knows no %s \"", p->what);
	text_visible(&b, name);
	buf_addc(&b, '"');
	if (p->of == HISTORY_INSTANCES && who->service != NULL) {
		buf_adds(&b, " of ");
		text_visible(&b, who->service);
	}
	suggest(&l, name, &b);
	if (rc == HISTORY_OK) {
		err_set(e, "%s", buf_str(&b));
		rc = HISTORY_BAD;
	}
	buf_free(&b);
	for (size_t i = 0; i < l.n; i++)
		free(l.v[i]);
	free(l.v);
	return rc;
}

enum history_rc asking_nobody(struct asked *a, struct err *e)
{
	struct history_who who = { NULL, NULL, NULL };
	enum history_rc rc = HISTORY_OK;

	for (size_t i = 0; i < PARTS && rc == HISTORY_OK; i++) {
		const struct history_who before = who;
		const char *name = *name_in(&a->who, &parts[i]);
		bool any = false;

		if (name == NULL)
			continue;
		*name_in(&who, &parts[i]) = name;
		rc = ask(a, &who, parts[i].of, see_anybody, &any, e);
		if (rc == HISTORY_OK && !any)
			rc = unknown(a, &parts[i], &before, name, e);
	}
	asking_quiet(a);
	return rc;
}
