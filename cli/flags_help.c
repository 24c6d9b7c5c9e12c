/* The help text of a command, from the same table that parses its flags, 80
 * columns wide at most. */
#include <stdlib.h>
#include <string.h>

#include "cli/flags.h"
#include "core/xalloc.h"

enum { WIDTH = 79, COLUMN = 32 };

/* Prints words from column `at` on, later lines indented by `indent`. */
static void wrap(FILE *out, const char *text, int at, int indent)
{
	int n;

	while (*text) {
		n = (int)strcspn(text, " \n");
		if (at > indent && at + 1 + n > WIDTH) {
			fprintf(out, "\n%*s", indent, "");
			at = indent;
		} else if (at > indent) {
			fputc(' ', out);
			at++;
		}
		fprintf(out, "%.*s", n, text);
		at += n;
		text += n;
		while (*text == ' ' || *text == '\n')
			text++;
	}
	fputc('\n', out);
}

static void entry(FILE *out, const char *left, const char *text)
{
	int n = fprintf(out, "  %s", left);

	if (n > COLUMN - 2) {
		fputc('\n', out);
		n = 0;
	}
	fprintf(out, "%*s", COLUMN - n, "");
	wrap(out, text, COLUMN, COLUMN);
}

/* What can be written behind the `=`: the words, or the table's word. */
static char *placeholder(const struct flag *f)
{
	char *text, *longer;

	if (f->type != FLAG_WORD)
		return xstrdup(f->value);
	text = xstrdup(f->words[0]);
	for (size_t i = 1; f->words[i]; i++) {
		longer = xasprintf("%s|%s", text, f->words[i]);
		free(text);
		text = longer;
	}
	return text;
}

static char *left_of(const struct flag *f)
{
	char *value, *text;

	if (f->type == FLAG_BOOL)
		return xasprintf("    --[no-]%s", f->name);
	value = placeholder(f);
	text = xasprintf("    --%s=%s%s", f->name, value,
	    f->type == FLAG_STRINGS ? " ..." : "");
	free(value);
	return text;
}

static char *right_of(const struct flag *f)
{
	const char *more = f->type == FLAG_STRINGS ?
	    " May be given repeatedly." : "";

	if (f->required)
		return xasprintf("%s%s Required.", f->help, more);
	if (f->fallback && f->type != FLAG_BOOL)
		return xasprintf("%s%s Default: %s.", f->help, more,
		    f->fallback);
	return xasprintf("%s%s", f->help, more);
}

void flags_help(const struct flag_set *set, FILE *out)
{
	char *left, *right;

	fprintf(out, "usage: rollcall %s [<flags>]%s%s\n\n", set->command,
	    set->operands ? " " : "", set->operands ? set->operands : "");
	wrap(out, set->summary, 0, 0);
	fprintf(out, "\nFlags:\n");
	entry(out, "-h, --help", "Show this help.");
	for (size_t i = 0; i < set->n; i++) {
		left = left_of(&set->flags[i]);
		right = right_of(&set->flags[i]);
		entry(out, left, right);
		free(left);
		free(right);
	}
	if (set->example)
		fprintf(out, "\nExample:\n  %s\n", set->example);
}
