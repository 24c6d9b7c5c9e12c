/* From what `rollcall register` was told to what it does: flags go before the
 * file of --config, and what neither says is said to be missing, with both ways
 * to give it.  Reads files; asks nobody anything. */
#include "cli/register_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/im_config.h"
#include "cli/register_flags.h"
#include "core/err.h"
#include "core/problems.h"
#include "core/timefmt.h"
#include "core/xalloc.h"

enum { DEFAULT_TTL_MS = 10 * 1000, MIN_TTL_MS = 1000 };

/* Beyond some 290 years etcd makes the key permanent. */
#define MAX_TTL_MS (INT64_C(10) * 365 * 86400 * 1000)

static void append(struct string_list *l, char *s)
{
	l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n++] = s;
}

static void append_all(struct string_list *to, const struct string_list *from)
{
	for (size_t i = 0; i < from->n; i++)
		append(to, xstrdup(from->v[i]));
}

static void free_list(struct string_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct string_list){ 0 };
}

static int say_problems(struct problems *p)
{
	for (size_t i = 0; i < p->n; i++)
		fprintf(stderr, "%s\n", p->lines[i]);
	fprintf(stderr, "rollcall register: not started: %zu error%s\n",
	    p->count, p->count == 1 ? "" : "s");
	problems_free(p);
	return EXIT_FAILED;
}

/* --- the TTL --- */

static int take_ttl(const struct register_flags *f,
    const struct im_config *im, struct register_plan *p)
{
	bool flag = f->ttl_ms >= 0, of_config = !flag && im &&
	    im->register_ttl_ms > 0, rounded;
	int64_t ms = flag ? f->ttl_ms : of_config ? im->register_ttl_ms :
	    DEFAULT_TTL_MS;
	char text[TIMEFMT_MAX];

	if (flag && ms < MIN_TTL_MS)
		return flags_usage(&register_flag_set, "--ttl: %s is too"
		    " short, etcd counts in seconds: at least 1s",
		    timefmt_duration(ms, text));
	if (ms > MAX_TTL_MS)
		return flags_usage(&register_flag_set, "%s: %s is too long:"
		    " at most %s", flag ? "--ttl" : "RegisterTTL",
		    timefmt_duration(ms, text), "10y");
	p->ttl_s = im_config_seconds(ms, &rounded);
	if (rounded)
		append(&p->warnings, xasprintf("%s%s: %" PRId64 " ms are"
		    " rounded up to %" PRId64 " s, etcd counts in seconds",
		    flag ? "" : im->file, flag ? "--ttl" : ": RegisterTTL",
		    ms, p->ttl_s));
	return -1;
}

/* --- key and value --- */

/* The two ways to say it. */
struct source {
	const char *question, *flag, *in_config;
	char *(*of_config)(const struct im_config *c, struct err *e);
};

static const struct source key_source = {
	"what is to be registered?", "--key=KEY", "ServiceDir and ServiceId",
	im_config_key
};
static const struct source value_source = {
	"with what value?", "--value=VALUE", "HostIp", im_config_value
};

/* A copy of what the flag says, else of what the file does; NULL with e. */
static char *choose(const struct source *s, const char *flag,
    const struct im_config *im, struct err *e)
{
	char *text;

	if (flag)
		return xstrdup(flag);
	if (!im) {
		err_set(e, "%s\nGive %s, or %s in --config=FILE.",
		    s->question, s->flag, s->in_config);
		return NULL;
	}
	text = s->of_config(im, e);
	if (!text)
		err_prefix(e, "give %s, or complete the file", s->flag);
	return text;
}

static int check(const struct register_flags *f, const char *key,
    const char *value, struct err *e)
{
	if (register_keys_check_key(key, e) < 0)
		return err_prefix(e, "%s", f->key ? "--key" : f->config);
	if (register_keys_check_value(value, e) < 0)
		return err_prefix(e, "%s", f->value ? "--value" : f->config);
	return 0;
}

static int take_key(const struct register_flags *f,
    const struct im_config *im, struct register_plan *p)
{
	struct err e;
	char *key = choose(&key_source, f->key, im, &e);
	char *value = key ? choose(&value_source, f->value, im, &e) : NULL;
	int rc = -1;

	if (!value || check(f, key, value, &e) < 0)
		rc = flags_usage(&register_flag_set, "%s", e.text);
	else
		register_keys_add(&p->keys, key, value);
	free(key);
	free(value);
	return rc;
}

static int take_keys(const struct register_flags *f,
    const struct im_config *im, struct register_plan *p)
{
	struct problems problems = { 0 };

	if (!f->keys_from)
		return take_key(f, im, p);
	register_keys_read(&p->keys, f->keys_from, &problems);
	return problems.n == 0 ? -1 : say_problems(&problems);
}

/* --- all of it --- */

static int read_config(const struct register_flags *f,
    struct im_config **im_r)
{
	struct problems problems = { 0 };

	*im_r = NULL;
	if (!f->config)
		return -1;
	*im_r = im_config_load(f->config, &problems);
	return *im_r ? -1 : say_problems(&problems);
}

int register_plan_make(const struct register_flags *f,
    struct register_plan *p)
{
	struct im_config *im;
	int rc = read_config(f, &im);

	*p = (struct register_plan){ .takeover = f->takeover,
	    .ready_tcp = f->ready_tcp, .command = f->command };
	if (rc >= 0)
		return rc;
	if (im) {
		append_all(&p->endpoints, &im->endpoints);
		append_all(&p->warnings, &im->warnings);
	}
	rc = take_ttl(f, im, p);
	if (rc < 0)
		rc = take_keys(f, im, p);
	im_config_free(im);
	if (rc >= 0)
		register_plan_free(p);
	return rc;
}

void register_plan_free(struct register_plan *p)
{
	register_keys_free(&p->keys);
	free_list(&p->endpoints);
	free_list(&p->warnings);
}
