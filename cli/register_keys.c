/* The keys that `rollcall register` keeps, and the file of --keys-from with
 * many of them: one per line, the key, then a tab or a blank, then the value to
 * the end of the line.  A key may hold blanks where a tab ends it.  Everything
 * wrong is said in one go.  Called by cli/register_plan.c. */
#include "cli/register_keys.h"

#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/file.h"
#include "core/keypath.h"
#include "core/problems.h"
#include "core/table.h"
#include "core/utf8.h"
#include "core/xalloc.h"

enum { MAX_FILE = 64 << 20 };

struct reading {
	struct register_keys *keys;
	struct table *lines;		/* key -> size_t *, where it stands */
	const char *file;
	size_t line, column;
	struct problems *problems;
};

/* --- one key, one value --- */

static const char *wrong_with_key(const char *key)
{
	size_t n = strlen(key);

	if (!utf8_is(key, n))
		return "is not UTF-8";
	if (n > 0 && key[n - 1] == '/')
		return "has no name behind its last slash";
	return keypath_fault(key);
}

int register_keys_check_key(const char *key, struct err *e)
{
	const char *wrong = wrong_with_key(key);

	if (!wrong)
		return 0;
	return err_set(e, "\"%.200s\" %s; a key is such as"
	    " /login_servers/0001-0001", key, wrong);
}

/* Other bytes cannot be compared: etcd tells them as U+FFFD. */
int register_keys_check_value(const char *value, struct err *e)
{
	if (utf8_is(value, strlen(value)))
		return 0;
	return err_set(e, "the value must be UTF-8");
}

void register_keys_add(struct register_keys *k, const char *key,
    const char *value)
{
	if ((k->n & (k->n - 1)) == 0)		/* 0, 1, 2, 4, 8... */
		k->v = xreallocarray(k->v, k->n ? 2 * k->n : 1,
		    sizeof(*k->v));
	k->v[k->n++] = (struct register_key){ xstrdup(key), xstrdup(value) };
}

void register_keys_free(struct register_keys *k)
{
	for (size_t i = 0; i < k->n; i++) {
		free(k->v[i].key);
		free(k->v[i].value);
	}
	free(k->v);
	*k = (struct register_keys){ 0 };
}

/* --- a file of them --- */

/* Cuts the key off in place and returns the value, NULL if there is none. */
static char *cut_value(char *line)
{
	char *end = strchr(line, '\t');

	if (end) {
		*end = '\0';
		return end + 1;
	}
	end = strchr(line, ' ');
	if (!end)
		return NULL;
	*end++ = '\0';
	return end + strspn(end, " ");
}

#define complain(r, ...) problems_add((r)->problems, (r)->file, (r)->line, \
	(r)->column, __VA_ARGS__)

static int check(const char *key, const char *value, struct err *e)
{
	if (register_keys_check_key(key, e) < 0)
		return -1;
	if (!value)
		return err_set(e, "there is no value behind \"%.200s\": KEY,"
		    " a blank or a tab, VALUE", key);
	return register_keys_check_value(value, e);
}

static void take(struct reading *r, const char *key, const char *value)
{
	const size_t *first = table_get(r->lines, key);
	size_t *line;

	if (first) {
		complain(r, "\"%.200s\" stands in line %zu already", key,
		    *first);
		return;
	}
	register_keys_add(r->keys, key, value);
	line = xmalloc(sizeof(*line));
	*line = r->line;
	table_put(r->lines, r->keys->v[r->keys->n - 1].key, line);
}

static void read_line(struct reading *r, char *line, size_t len)
{
	size_t blank = strspn(line, " \t");
	struct err e;
	char *value;

	r->column = blank + 1;
	if (strlen(line) < len) {
		complain(r, "there is a NUL in this line");
		return;
	}
	if (len > 0 && line[len - 1] == '\r')
		line[len - 1] = '\0';
	line += blank;
	if (line[0] == '\0' || line[0] == '#')
		return;
	value = cut_value(line);
	if (check(line, value, &e) < 0)
		complain(r, "%s", e.text);
	else
		take(r, line, value);
}

void register_keys_parse(struct register_keys *k, const char *file,
    char *text, size_t len, struct problems *p)
{
	struct reading r = { .keys = k, .file = file, .problems = p,
	    .lines = table_new(free) };
	char *end = text + len, *newline;

	for (; text < end; text = newline + 1) {
		newline = memchr(text, '\n', (size_t)(end - text));
		if (!newline)
			newline = end;
		*newline = '\0';	/* there is one behind the end */
		r.line++;
		read_line(&r, text, (size_t)(newline - text));
	}
	table_free(r.lines);
	if (k->n == 0 && p->n == 0)
		problems_add(p, file, 0, 0, "there is no registration in it");
}

void register_keys_read(struct register_keys *k, const char *path,
    struct problems *p)
{
	bool standard = strcmp(path, "-") == 0;
	struct err e;
	size_t len;
	char *text = file_read(standard ? "/dev/stdin" : path, MAX_FILE,
	    &len, &e);

	if (!text) {
		problems_add(p, "--keys-from", 0, 0, "%s", e.text);
		return;
	}
	register_keys_parse(k, standard ? "standard input" : path, text, len,
	    p);
	free(text);
}
