/* Tables on a terminal.  Waits for the last row, since columns are as wide as
 * their contents.  Used by the commands that answer with tables. */
#include "cli/columns.h"

#include <assert.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/text.h"
#include "core/timefmt.h"
#include "core/xalloc.h"

enum { GAP = 2, LEAST = 8, DEFAULT_WIDTH = 80, MAX_LINE = 1 << 20 };

struct columns {
	const struct column *specs;
	size_t n, rows, cap;
	char **cells;		/* row by row, the names first */
	bool hidden[COLUMNS_MOST];
};

struct columns *columns_new(const struct column *specs, size_t n)
{
	struct columns *c = xcalloc(1, sizeof(*c));
	char *names[COLUMNS_MOST];

	assert(n <= COLUMNS_MOST);
	c->specs = specs;
	c->n = n;
	for (size_t i = 0; i < n; i++)
		names[i] = xstrdup(specs[i].name);
	columns_add(c, names);
	return c;
}

void columns_free(struct columns *c)
{
	for (size_t i = 0; i < c->rows * c->n; i++)
		free(c->cells[i]);
	free(c->cells);
	free(c);
}

void columns_name(struct columns *c, size_t column, const char *name)
{
	free(c->cells[column]);
	c->cells[column] = xstrdup(name);
}

void columns_unit(struct columns *c, size_t column, const char *unit)
{
	char *name = xasprintf("%s (%s)", c->cells[column], unit);

	free(c->cells[column]);
	c->cells[column] = name;
}

void columns_hide(struct columns *c, size_t column)
{
	c->hidden[column] = true;
}

void columns_qualify(struct columns *c, size_t which, size_t column)
{
	bool differ = false;

	columns_hide(c, which);
	for (size_t r = 2; r < c->rows; r++)
		differ = differ || strcmp(c->cells[r * c->n + which],
		    c->cells[c->n + which]) != 0;
	for (size_t r = 1; r < c->rows && differ; r++) {
		char *cell = c->cells[r * c->n + column];

		c->cells[r * c->n + column] = xasprintf("%s: %s",
		    c->cells[r * c->n + which], cell);
		free(cell);
	}
}

static char *visible(char *s)
{
	struct buf b;

	buf_init(&b, MAX_LINE);
	text_visible(&b, s);
	free(s);
	return buf_take(&b, NULL);
}

void columns_add(struct columns *c, char *const *cells)
{
	if (c->rows == c->cap) {
		c->cap = c->cap ? c->cap * 2 : 32;
		c->cells = xreallocarray(c->cells, c->cap * c->n,
		    sizeof(char *));
	}
	for (size_t i = 0; i < c->n; i++)
		c->cells[c->rows * c->n + i] = visible(cells[i]);
	c->rows++;
}

static void measure(const struct columns *c, size_t *widths)
{
	for (size_t i = 0; i < c->n; i++) {
		widths[i] = 0;
		for (size_t r = 0; r < c->rows && !c->hidden[i]; r++) {
			size_t n = text_columns(c->cells[r * c->n + i]);

			widths[i] = n > widths[i] ? n : widths[i];
		}
	}
}

/* The whole line; `least`: with what is elastic cut to what it keeps. */
static size_t total(const struct columns *c, const size_t *widths, bool least)
{
	size_t sum = 0;

	for (size_t i = 0; i < c->n; i++) {
		size_t keeps = c->specs[i].elastic, w = widths[i];

		if (least && keeps > 0 && w > keeps)
			w = keeps;
		sum += w > 0 ? w + GAP : 0;
	}
	return sum > 0 ? sum - GAP : 0;
}

/* The next to leave out of those there are, or to take back of those left
 * out; n: none. */
static size_t next_drop(const struct columns *c, const size_t *widths,
    const size_t *tried, bool out)
{
	size_t best = c->n;

	for (size_t i = 0; i < c->n; i++) {
		int drop = c->specs[i].drop;

		if (drop == 0 || tried[i] == 0 || (widths[i] > 0) != out)
			continue;
		if (best == c->n || (drop > c->specs[best].drop) == out)
			best = i;
	}
	return best;
}

static bool is_room(const struct columns *c, const size_t *widths,
    size_t column, size_t width)
{
	bool luxury = c->specs[column].drop >= COLUMNS_LUXURY;

	return total(c, widths, !luxury) <= width;
}

/* A width of 0 leaves a column out. */
static void leave_out(const struct columns *c, size_t *widths, size_t width)
{
	size_t whole[COLUMNS_MOST], i;

	memcpy(whole, widths, c->n * sizeof(*widths));
	while ((i = next_drop(c, widths, whole, true)) != c->n &&
	    !is_room(c, widths, i, width))
		widths[i] = 0;
	/* A narrow one may fit where a wide one went after it. */
	while ((i = next_drop(c, widths, whole, false)) != c->n) {
		widths[i] = whole[i];
		if (!is_room(c, widths, i, width))
			widths[i] = 0;
		whole[i] = 0;
	}
}

static void fit(const struct columns *c, size_t *widths, size_t width)
{
	measure(c, widths);
	if (width == 0)
		return;
	leave_out(c, widths, width);
	for (size_t i = c->n; i-- > 0; ) {
		size_t over = total(c, widths, false);

		over = over > width ? over - width : 0;
		if (c->specs[i].elastic == 0 || widths[i] <= LEAST)
			continue;
		widths[i] = widths[i] > over + LEAST ? widths[i] - over :
		    LEAST;
	}
}

/* Names differ at their ends as often as at their beginnings. */
static void add_cell(struct buf *line, const char *text, size_t width,
    bool right)
{
	struct buf cut;
	size_t n;

	buf_init(&cut, MAX_LINE);
	text_cut_middle(&cut, text, width);
	n = text_columns(buf_str(&cut));
	for (; right && n < width; n++)
		buf_addc(line, ' ');
	buf_adds(line, buf_str(&cut));
	for (; !right && n < width; n++)
		buf_addc(line, ' ');
	buf_free(&cut);
}

void columns_print(const struct columns *c, FILE *out, size_t width)
{
	size_t widths[COLUMNS_MOST];
	struct buf line;

	fit(c, widths, width);
	buf_init(&line, MAX_LINE);
	for (size_t r = 0; r < c->rows; r++) {
		buf_reset(&line);
		for (size_t i = 0; i < c->n; i++) {
			if (widths[i] == 0)
				continue;
			if (line.len > 0)
				buf_adds(&line, "  ");
			add_cell(&line, c->cells[r * c->n + i], widths[i],
			    c->specs[i].right);
		}
		while (line.len > 0 && line.data[line.len - 1] == ' ')
			line.data[--line.len] = '\0';
		fprintf(out, "%s\n", buf_str(&line));
	}
	buf_free(&line);
}

bool columns_shows(const struct columns *c, size_t column, size_t width)
{
	size_t widths[COLUMNS_MOST];

	fit(c, widths, width);
	return widths[column] > 0;
}

size_t columns_width(void)
{
	const char *text = getenv("COLUMNS");
	int n = text != NULL ? atoi(text) : 0;
	struct winsize size;

	if (n > 0)
		return (size_t)n;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return isatty(STDOUT_FILENO) ? DEFAULT_WIDTH : 0;
}

bool columns_unicode(void)
{
	setlocale(LC_CTYPE, "");
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static int64_t round_down(int64_t ms)
{
	static const struct {
		int64_t from, to;
	} steps[] = {
		{ 86400000, 3600000 }, { 3600000, 60000 }, { 10000, 1000 },
		{ 1000, 100 },
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (ms >= steps[i].from)
			return ms - ms % steps[i].to;
	return ms;
}

char *columns_length(int64_t ms)
{
	char text[TIMEFMT_MAX];

	if (ms >= 1000 && ms < 10000 && ms % 1000 >= 100)
		return xasprintf("%d.%ds", (int)(ms / 1000),
		    (int)(ms % 1000 / 100));
	return xstrdup(ms < 0 ? "-" : timefmt_duration(round_down(ms), text));
}
