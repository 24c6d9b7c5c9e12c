/* Command-line flags by a table, in the style people know from Prometheus.
 * Stops at the first error, since what follows a mistyped flag is anybody's
 * guess.  The help text is in cli/flags_help.c.  Used by every command. */
#include "cli/flags.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/err.h"
#include "core/timefmt.h"
#include "core/xalloc.h"

#define CONFIG_FILE "config.file"

enum { MAX_FLAGS = 64 };

struct parse {
	const struct flag_set *set;
	int argc, at;
	char **argv;
	void *object;
	struct string_list *operands;
	bool given[MAX_FLAGS];
};

int flags_usage(const struct flag_set *set, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "rollcall %s: ", set->command);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nTry 'rollcall %s --help'.\n", set->command);
	return EXIT_USAGE;
}

static void append(struct string_list *l, char *s)
{
	l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n++] = s;
}

/* Each sets the field from text, -1 with e if the text does not do. */
static int set_string(const struct flag *f, const char *text, void *field,
    struct err *e)
{
	(void)f;
	(void)e;
	*(const char **)field = text;
	return 0;
}

static int set_strings(const struct flag *f, const char *text, void *field,
    struct err *e)
{
	(void)f;
	(void)e;
	append(field, xstrdup(text));
	return 0;
}

static int set_bool(const struct flag *f, const char *text, void *field,
    struct err *e)
{
	(void)f;
	(void)e;
	*(bool *)field = strcmp(text, "true") == 0;
	return 0;
}

static int set_int(const struct flag *f, const char *text, void *field,
    struct err *e)
{
	long long v;
	char *end;

	(void)f;
	errno = 0;
	v = strtoll(text, &end, 10);
	if (end == text || *end || errno)
		return err_set(e, "expected a whole number, found \"%s\"",
		    text);
	*(int64_t *)field = v;
	return 0;
}

static int set_duration(const struct flag *f, const char *text, void *field,
    struct err *e)
{
	(void)f;
	if (timefmt_parse_duration(text, field, e) == 0)
		return 0;
	if (text[0] && text[strspn(text, "0123456789")] == '\0')
		err_set(e, "%s: it needs a unit, such as %.20ss", e->text,
		    text);
	return -1;
}

static int unknown_word(const struct flag *f, const char *text,
    struct err *e)
{
	err_set(e, "unknown value \"%s\" (there are:", text);
	for (size_t n = 0; f->words[n]; n++)
		err_set(e, "%s %s%s", e->text, f->words[n],
		    f->words[n + 1] ? "," : ")");
	return -1;
}

static int set_word(const struct flag *f, const char *text, void *field,
    struct err *e)
{
	const char *near;
	int n = 0;

	for (; f->words[n]; n++)
		if (strcmp(text, f->words[n]) == 0) {
			*(int *)field = n;
			return 0;
		}
	near = options_nearest(text, f->words, (size_t)n);
	if (near)
		return err_set(e, "unknown value \"%s\" (did you mean"
		    " \"%s\"?)", text, near);
	return unknown_word(f, text, e);
}

static int (*const setters[])(const struct flag *f, const char *text,
    void *field, struct err *e) = {
	[FLAG_STRING] = set_string,
	[FLAG_STRINGS] = set_strings,
	[FLAG_BOOL] = set_bool,
	[FLAG_INT] = set_int,
	[FLAG_DURATION] = set_duration,
	[FLAG_WORD] = set_word,
};

static int set_flag(const struct flag *f, const char *text, void *object,
    struct err *e)
{
	return setters[f->type](f, text, (char *)object + f->offset, e);
}

static const struct flag *find(const struct flag_set *set, const char *name,
    size_t n)
{
	for (size_t i = 0; i < set->n; i++)
		if (strlen(set->flags[i].name) == n &&
		    memcmp(set->flags[i].name, name, n) == 0)
			return &set->flags[i];
	return NULL;
}

static int unknown(const struct parse *p, const char *name, size_t n)
{
	const char *names[MAX_FLAGS + 1], *near;
	char *text = xstrndup(name, n);

	for (size_t i = 0; i < p->set->n; i++)
		names[i] = p->set->flags[i].name;
	names[p->set->n] = "help";
	near = options_nearest(text, names, p->set->n + 1);
	if (near)
		flags_usage(p->set, "unknown flag --%s (did you mean --%s?)",
		    text, near);
	else
		flags_usage(p->set, "unknown flag --%s", text);
	free(text);
	return EXIT_USAGE;
}

/* The value of a flag: behind the `=`, or the next argument unless that is a
 * flag itself; NULL if there is none. */
static const char *take_value(struct parse *p, const char *equals)
{
	if (equals)
		return equals + 1;
	if (p->at + 1 >= p->argc ||
	    strncmp(p->argv[p->at + 1], "--", 2) == 0)
		return NULL;
	return p->argv[++p->at];
}

static int take_flag(struct parse *p, const struct flag *f,
    const char *equals)
{
	size_t i = (size_t)(f - p->set->flags);
	const char *value;
	struct err e;

	if (p->given[i] && f->type != FLAG_STRINGS)
		return flags_usage(p->set, "--%s is given twice", f->name);
	p->given[i] = true;
	value = take_value(p, equals);
	if (!value)
		return flags_usage(p->set, "--%s needs a value: --%s=%s",
		    f->name, f->name, f->value);
	if (f->not_empty && !value[0])
		return flags_usage(p->set, "--%s: must not be empty",
		    f->name);
	if (set_flag(f, value, p->object, &e) < 0)
		return flags_usage(p->set, "--%s: %s", f->name, e.text);
	return -1;
}

static int take_bool(struct parse *p, const struct flag *f, bool value,
    const char *equals)
{
	size_t i = (size_t)(f - p->set->flags);

	if (equals)
		return flags_usage(p->set, "--%s takes no value (--%s or"
		    " --no-%s)", f->name, f->name, f->name);
	if (p->given[i])
		return flags_usage(p->set, "--%s is given twice", f->name);
	p->given[i] = true;
	return set_flag(f, value ? "true" : "false", p->object, NULL) < 0 ?
	    EXIT_USAGE : -1;
}

/* An argument that begins with two dashes. */
static int take_long(struct parse *p, const char *name)
{
	const char *equals = strchr(name, '=');
	size_t n = equals ? (size_t)(equals - name) : strlen(name);
	const struct flag *f = find(p->set, name, n);

	if (f && f->type == FLAG_BOOL)
		return take_bool(p, f, true, equals);
	if (f)
		return take_flag(p, f, equals);
	if (strncmp(name, "no-", 3) == 0) {
		f = find(p->set, name + 3, n - 3);
		if (f && f->type == FLAG_BOOL)
			return take_bool(p, f, false, equals);
	}
	return unknown(p, name, n);
}

/* A file that is there, and could have been named by the flag. */
static bool is_config(const struct parse *p, const char *arg)
{
	const struct flag *f = find(p->set, CONFIG_FILE, strlen(CONFIG_FILE));
	struct stat st;

	return f != NULL && !p->given[f - p->set->flags] &&
	    stat(arg, &st) == 0 && S_ISREG(st.st_mode);
}

static int take_operand(struct parse *p, char *arg)
{
	if (!p->operands && is_config(p, arg))
		return flags_usage(p->set, "unexpected argument \"%s\" (did"
		    " you mean --" CONFIG_FILE "=%s?)", arg, arg);
	if (!p->operands)
		return flags_usage(p->set, "unexpected argument \"%s\"", arg);
	append(p->operands, arg);
	return -1;
}

static int take_argument(struct parse *p, char *arg, bool *only_operands)
{
	if (*only_operands || arg[0] != '-' || !arg[1])
		return take_operand(p, arg);
	if (strcmp(arg, "--") == 0) {
		*only_operands = true;
		return -1;
	}
	if (strcmp(arg, "-h") == 0 || strcmp(arg, "--help") == 0) {
		flags_help(p->set, stdout);
		return EXIT_OK;
	}
	if (strncmp(arg, "--", 2) == 0)
		return take_long(p, arg + 2);
	return flags_usage(p->set, "unknown flag %s", arg);
}

/* Fallbacks for what was not given, and complaints about what must be. */
static int finish(struct parse *p)
{
	const struct flag *f;
	int rc;

	for (size_t i = 0; i < p->set->n; i++) {
		f = &p->set->flags[i];
		if (p->given[i])
			continue;
		if (f->required)
			return flags_usage(p->set, "--%s=%s is missing",
			    f->name, f->value);
		if (!f->fallback)
			continue;
		rc = set_flag(f, f->fallback, p->object, NULL);
		assert(rc == 0);	/* the table's own text */
		(void)rc;
	}
	return -1;
}

int flags_parse(const struct flag_set *set, int argc, char **argv,
    void *object, struct string_list *operands_r)
{
	struct parse p = {
		.set = set, .argc = argc, .argv = argv, .object = object,
		.operands = operands_r,
	};
	bool only_operands = false;
	int rc = -1;

	assert(set->n <= MAX_FLAGS);
	for (p.at = 1; p.at < argc && rc < 0; p.at++)
		rc = take_argument(&p, argv[p.at], &only_operands);
	if (rc < 0)
		rc = finish(&p);
	if (rc < 0)
		return -1;
	flags_free(set, object);
	if (operands_r) {
		free(operands_r->v);
		*operands_r = (struct string_list){ 0 };
	}
	return rc;
}

void flags_free(const struct flag_set *set, void *object)
{
	struct string_list *l;

	for (size_t i = 0; i < set->n; i++) {
		if (set->flags[i].type != FLAG_STRINGS)
			continue;
		l = (void *)((char *)object + set->flags[i].offset);
		for (size_t j = 0; j < l->n; j++)
			free(l->v[j]);
		free(l->v);
		*l = (struct string_list){ 0 };
	}
}
