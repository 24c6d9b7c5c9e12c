/* The other half of the option tables: freeing what the fields own, and
 * printing an object as YAML that reads back to the same object.  Secrets are
 * never printed. */
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/labels.h"
#include "core/options.h"
#include "core/timefmt.h"

#define SECRET "<secret>"

enum { STEP = 2, MAX_KEY = 100 };

static void free_strings(struct string_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct string_list){ 0 };
}

static void free_objects(const struct option_set *set, struct object_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		options_free(set, (char *)l->v + i * set->size);
	free(l->v);
	*l = (struct object_list){ 0 };
}

static void free_field(const struct option *o, void *field)
{
	switch (o->type) {
	case OPTION_STRING:
	case OPTION_SECRET:
	case OPTION_PATH:
		free(*(char **)field);
		*(char **)field = NULL;
		break;
	case OPTION_STRINGS:
	case OPTION_PATHS:
		free_strings(field);
		break;
	case OPTION_LABELS:
	case OPTION_RULES:
		labels_free(field);
		break;
	case OPTION_OBJECT:
		options_free(o->set, field);
		break;
	case OPTION_OBJECTS:
		free_objects(o->set, field);
		break;
	case OPTION_BOOL:
	case OPTION_INT:
	case OPTION_DURATION:
	case OPTION_WORD:
		break;
	}
}

void options_free(const struct option_set *set, void *object)
{
	if (set->release)
		set->release(object);
	for (size_t i = 0; i < set->n; i++)
		free_field(&set->options[i],
		    (char *)object + set->options[i].offset);
}

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* True if YAML reads the bare text back as text, and as this very text. */
static bool is_plain(const char *s)
{
	static const char *const taken[] = {
		"null", "Null", "NULL", "true", "false", "yes", "no",
	};
	size_t n = strlen(s);

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (strcmp(s, taken[i]) == 0)
			return false;
	return n > 0 && strspn(s, LETTERS "/_") > 0 && s[n - 1] != ':' &&
	    strspn(s, LETTERS "/_.:-") == n;
}

/* The code of a character that YAML does not read back between quotes as it
 * is: a control character above ASCII, a line end, U+FFFE, U+FFFF; else 0. */
static unsigned unreadable(const char *s)
{
	unsigned last = (unsigned char)s[1] ? (unsigned char)s[2] : 0;

	if (s[0] == '\xc2' && (unsigned char)s[1] < 0xa0)
		return (unsigned char)s[1];
	if (strncmp(s, "\xe2\x80", 2) == 0 && (last == 0xa8 || last == 0xa9))
		return 0x1f80 + last;	/* U+2028, U+2029 */
	if (strncmp(s, "\xef\xbf", 2) == 0 && last >= 0xbe)
		return 0xff40 + last;	/* U+FFFE, U+FFFF */
	return 0;
}

/* JSON's escapes are YAML's too; what YAML has them for besides is added. */
static void print_quoted(const char *s, struct buf *out)
{
	struct buf json;
	unsigned code;

	buf_init(&json, 6 * strlen(s) + 2);
	buf_add_json(&json, s);
	for (s = buf_str(&json); *s;) {
		code = unreadable(s);
		if (!code) {
			buf_addc(out, *s++);
			continue;
		}
		buf_addf(out, "\\u%04x", code);
		s += code < 0x100 ? 2 : 3;
	}
	buf_free(&json);
}

static void print_text(const char *s, struct buf *out)
{
	if (is_plain(s))
		buf_adds(out, s);
	else
		print_quoted(s, out);
}

/* YAML reads no key longer than 1024 characters without a mark before it. */
static void print_key(const char *s, struct buf *out, int indent)
{
	bool marked = strlen(s) > MAX_KEY;

	buf_adds(out, marked ? "? " : "");
	print_text(s, out);
	if (marked)
		buf_addf(out, "\n%*s", indent, "");
	buf_adds(out, ": ");
}

/* A URL may carry a password: http://user:password@host. */
static void print_string(const char *s, struct buf *out)
{
	const char *authority = strstr(s, "://"), *at, *colon;
	struct buf b;

	authority = authority ? authority + 3 : s;
	at = authority + strcspn(authority, "@/?#");
	colon = memchr(authority, ':', (size_t)(at - authority));
	if (authority == s || *at != '@' || !colon) {
		print_text(s, out);
		return;
	}
	buf_init(&b, strlen(s) + sizeof(SECRET) + 1);
	buf_add(&b, s, (size_t)(colon + 1 - s));
	buf_adds(&b, SECRET);
	buf_adds(&b, at);
	print_text(buf_str(&b), out);
	buf_free(&b);
}

static void start_line(struct buf *out, int indent)
{
	buf_addf(out, "%*s", indent, "");
}

static void print_strings(const struct string_list *l, struct buf *out,
    int indent)
{
	buf_addc(out, '\n');
	for (size_t i = 0; i < l->n; i++) {
		start_line(out, indent);
		buf_adds(out, "- ");
		print_string(l->v[i], out);
		buf_addc(out, '\n');
	}
}

static void print_labels(const struct labels *l, struct buf *out, int indent)
{
	buf_addc(out, '\n');
	for (size_t i = 0; i < l->n; i++) {
		start_line(out, indent);
		print_key(l->v[i].name, out, indent);
		print_text(l->v[i].value, out);
		buf_addc(out, '\n');
	}
}

/* Each element is printed indented, then the dash is put in front of its
 * first key. */
static void print_objects(const struct option_set *set,
    const struct object_list *l, struct buf *out, int indent)
{
	size_t start;

	buf_addc(out, '\n');
	for (size_t i = 0; i < l->n; i++) {
		start = out->len;
		options_print(set, (const char *)l->v + i * set->size, out,
		    indent + STEP);
		if (out->failed)
			return;
		if (out->len > start) {
			out->data[start + (size_t)indent] = '-';
			continue;
		}
		start_line(out, indent);
		buf_adds(out, "- {}\n");
	}
}

static void print_scalar(const struct option *o, const void *field,
    struct buf *out)
{
	char text[TIMEFMT_MAX];

	switch (o->type) {
	case OPTION_SECRET:
		buf_adds(out, SECRET);
		break;
	case OPTION_BOOL:
		buf_adds(out, *(const bool *)field ? "true" : "false");
		break;
	case OPTION_INT:
		buf_addf(out, "%lld", (long long)*(const int64_t *)field);
		break;
	case OPTION_DURATION:
		buf_adds(out, timefmt_duration(*(const int64_t *)field, text));
		break;
	case OPTION_WORD:
		buf_adds(out, o->words[*(const int *)field]);
		break;
	default:
		print_string(*(char *const *)field, out);
	}
	buf_addc(out, '\n');
}

static void print_field(const struct option *o, const void *field,
    struct buf *out, int indent)
{
	switch (o->type) {
	case OPTION_STRINGS:
	case OPTION_PATHS:
		print_strings(field, out, indent + STEP);
		break;
	case OPTION_LABELS:
	case OPTION_RULES:
		print_labels(field, out, indent + STEP);
		break;
	case OPTION_OBJECT:
		buf_addc(out, '\n');
		options_print(o->set, field, out, indent + STEP);
		break;
	case OPTION_OBJECTS:
		print_objects(o->set, field, out, indent + STEP);
		break;
	default:
		buf_addc(out, ' ');
		print_scalar(o, field, out);
	}
}

static bool anything_set(const struct option_set *set, const void *object);

static bool is_set(const struct option *o, const void *field)
{
	switch (o->type) {
	case OPTION_STRING:
	case OPTION_SECRET:
	case OPTION_PATH:
		return *(char *const *)field != NULL;
	case OPTION_STRINGS:
	case OPTION_PATHS:
		return ((const struct string_list *)field)->n > 0;
	case OPTION_LABELS:
	case OPTION_RULES:
		return ((const struct labels *)field)->n > 0;
	case OPTION_OBJECT:
		return anything_set(o->set, field);
	case OPTION_OBJECTS:
		return ((const struct object_list *)field)->n > 0;
	default:
		return true;
	}
}

static bool anything_set(const struct option_set *set, const void *object)
{
	for (size_t i = 0; i < set->n; i++)
		if (is_set(&set->options[i],
		    (const char *)object + set->options[i].offset))
			return true;
	return false;
}

/* Its value was read from the file that the option NAME_file names. */
static bool from_file(const struct option_set *set, const struct option *o,
    const void *object)
{
	const struct option *twin;
	size_t n = strlen(o->name);

	for (size_t i = 0; i < set->n; i++) {
		twin = &set->options[i];
		if (strncmp(twin->name, o->name, n) == 0 &&
		    strcmp(twin->name + n, "_file") == 0)
			return is_set(twin,
			    (const char *)object + twin->offset);
	}
	return false;
}

void options_print(const struct option_set *set, const void *object,
    struct buf *out, int indent)
{
	const struct option *o;
	const void *field;

	for (size_t i = 0; i < set->n; i++) {
		o = &set->options[i];
		field = (const char *)object + o->offset;
		if (!is_set(o, field) || from_file(set, o, object))
			continue;
		start_line(out, indent);
		buf_adds(out, o->name);
		buf_addc(out, ':');
		print_field(o, field, out, indent);
	}
}
