/* Tables on a terminal.  Waits for the last row, since columns are as wide as
 * their contents.  Used by the commands that answer with tables. */
#include "cli/columns.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/text.h"
#include "core/xalloc.h"

enum { GAP = 2, LEAST = 8, DEFAULT_WIDTH = 80, MAX_LINE = 1 << 20 };

struct columns {
	const struct column *specs;
	size_t n, rows, cap;
	char **cells;		/* row by row, the names first */
};

struct columns *columns_new(const struct column *specs, size_t n)
{
	struct columns *c = xcalloc(1, sizeof(*c));
	char *names[16];

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
		for (size_t r = 0; r < c->rows; r++) {
			size_t n = text_columns(c->cells[r * c->n + i]);

			widths[i] = n > widths[i] ? n : widths[i];
		}
	}
}

static size_t total(const struct columns *c, const size_t *widths)
{
	size_t sum = 0;

	for (size_t i = 0; i < c->n; i++)
		sum += widths[i] > 0 ? widths[i] + GAP : 0;
	return sum > 0 ? sum - GAP : 0;
}

/* A width of 0 leaves a column out. */
static void fit(const struct columns *c, size_t *widths, size_t width)
{
	while (total(c, widths) > width) {
		size_t worst = c->n;

		for (size_t i = 0; i < c->n; i++)
			if (c->specs[i].drop > 0 && widths[i] > 0 &&
			    (worst == c->n || c->specs[i].drop >
			    c->specs[worst].drop))
				worst = i;
		if (worst == c->n)
			break;
		widths[worst] = 0;
	}
	for (size_t i = 0; i < c->n; i++) {
		size_t over = total(c, widths);

		over = over > width ? over - width : 0;
		if (!c->specs[i].elastic || widths[i] <= LEAST)
			continue;
		widths[i] = widths[i] > over + LEAST ? widths[i] - over :
		    LEAST;
	}
}

static void add_cell(struct buf *line, const char *text, size_t width,
    bool right)
{
	size_t n = text_columns(text);

	for (; right && n < width; n++)
		buf_addc(line, ' ');
	text_cut(line, text, width);
	for (; !right && n < width; n++)
		buf_addc(line, ' ');
}

void columns_print(const struct columns *c, FILE *out, size_t width)
{
	size_t widths[16];
	struct buf line;

	measure(c, widths);
	if (width > 0)
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

size_t columns_width(void)
{
	const char *text = getenv("COLUMNS");
	int n = text != NULL ? atoi(text) : 0;
	struct winsize size;

	if (n > 0)
		return (size_t)n;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return DEFAULT_WIDTH;
}
