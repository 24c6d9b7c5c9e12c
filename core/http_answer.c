/* HTTP/1.1 answers out of a stream of bytes that may be cut anywhere.  Knows no
 * connection: core/lane.c reads and hands over.  What is not clearly an answer
 * is refused, since on a connection with several under way a wrong length would
 * make events out of bodies. */
#include "core/http_answer.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

enum {
	MAX_HEAD = 64 * 1024,		/* of one answer, in bytes */
	MAX_LINE = 16 * 1024,
	MAX_SIZE_DIGITS = 15,		/* fits size_t */
	FIRST_LINE = 12			/* "HTTP/1.1 200" */
};

enum state {
	STATUS,				/* the first line, or nothing yet */
	HEADERS,
	LENGTH,				/* a body of so many bytes */
	CHUNK_SIZE, CHUNK, CHUNK_END, TRAILER,
	UNTIL_END,			/* a body that ends the connection */
	WHOLE				/* told; the next one follows */
};

void http_answer_init(struct http_answer *a, size_t max_body)
{
	*a = (struct http_answer){ .state = STATUS };
	buf_init(&a->head, MAX_HEAD);
	buf_init(&a->body, max_body);
	buf_init(&a->line, MAX_LINE);
}

void http_answer_fini(struct http_answer *a)
{
	buf_free(&a->head);
	buf_free(&a->body);
	buf_free(&a->line);
}

static enum http_step bad(struct http_answer *a, const char *why)
{
	a->why = why;
	return HTTP_BAD;
}

static enum http_step too_large(struct http_answer *a, const char *why)
{
	a->too_large = true;
	return bad(a, why);
}

static void begin(struct http_answer *a)
{
	buf_reset(&a->head);
	buf_reset(&a->body);
	buf_reset(&a->line);
	a->status = 0;
	a->last = false;
	a->left = a->trailer = 0;
	a->state = STATUS;
}

/* --- lines --- */

/* Takes bytes up to the end of a line.  True once it is there, in a->line and
 * without its end. */
static bool take_line(struct http_answer *a, const char **p, const char *end)
{
	const char *nl = memchr(*p, '\n', (size_t)(end - *p));
	const char *stop = nl ? nl + 1 : end;

	buf_add(&a->line, *p, (size_t)(stop - *p));
	*p = stop;
	return nl != NULL;
}

/* Ends in CR LF and has no NUL in it; cuts the end off. */
static bool is_line(struct buf *line)
{
	if (line->len < 2 || line->data[line->len - 2] != '\r')
		return false;
	line->len -= 2;
	line->data[line->len] = '\0';
	return strlen(line->data) == line->len;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static enum http_step status_line(struct http_answer *a)
{
	const char *s = a->line.data;

	if (a->line.len < FIRST_LINE || strncmp(s, "HTTP/1.", 7) != 0 ||
	    (s[7] != '0' && s[7] != '1') || s[8] != ' ' || s[9] < '1' ||
	    s[9] > '9' || !is_digit(s[10]) || !is_digit(s[11]) ||
	    (s[12] != ' ' && s[12] != '\0'))
		return bad(a, "the answer is not HTTP/1.1");
	a->status = (s[9] - '0') * 100 + (s[10] - '0') * 10 + s[11] - '0';
	a->last = s[7] == '0';
	a->state = HEADERS;
	return HTTP_MORE;
}

/* "Name: value" goes into the head. */
static enum http_step header_line(struct http_answer *a)
{
	const char *s = a->line.data, *end = s + a->line.len;
	const char *colon = strchr(s, ':'), *value;

	if (!colon || colon == s || strcspn(s, " \t") < (size_t)(colon - s))
		return bad(a, "a header makes no sense");
	for (value = colon + 1; *value == ' ' || *value == '\t'; value++)
		;
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	buf_add(&a->head, s, (size_t)(colon - s));
	buf_addc(&a->head, '\0');
	buf_add(&a->head, value, (size_t)(end - value));
	buf_addc(&a->head, '\0');
	return a->head.failed ? too_large(a, "the headers are too long") :
	    HTTP_MORE;
}

/* The next one of that name behind `value`, or the first. */
static const char *next_header(const struct http_answer *a,
    const char *name, const char *value)
{
	const char *p = a->head.data, *end;

	if (!p || a->head.len == 0)
		return NULL;
	end = p + a->head.len;
	if (value)
		p = value + strlen(value) + 1;
	for (; p < end; p = value + strlen(value) + 1) {
		value = p + strlen(p) + 1;
		if ((*p | 0x20) == (*name | 0x20) && strcasecmp(p, name) == 0)
			return value;
	}
	return NULL;
}

const char *http_answer_header(const struct http_answer *a,
    const char *name)
{
	return next_header(a, name, NULL);
}

/* --- how long the body is --- */

/* Digits only, to the end of the text. */
static bool read_length(const char *text, size_t *v_r)
{
	size_t n = strspn(text, "0123456789");

	if (n == 0 || n > MAX_SIZE_DIGITS || text[n] != '\0')
		return false;
	for (*v_r = 0; *text; text++)
		*v_r = *v_r * 10 + (size_t)(*text - '0');
	return true;
}

static enum http_step body_of_length(struct http_answer *a,
    const char *length)
{
	const char *again = next_header(a, "Content-Length", length);

	if (!read_length(length, &a->left) || again)
		return bad(a, "its Content-Length makes no sense");
	if (a->left > a->body.max)
		return too_large(a, "the body is too large");
	a->state = LENGTH;
	return HTTP_HEAD;
}

static enum http_step no_body(struct http_answer *a)
{
	a->left = 0;
	a->state = LENGTH;
	return HTTP_HEAD;
}

static void look_at_connection(struct http_answer *a)
{
	const char *text = http_answer_header(a, "Connection");

	if (!text)
		return;
	if (strcasecmp(text, "close") == 0)
		a->last = true;
	else if (strcasecmp(text, "keep-alive") == 0)
		a->last = false;
}

static enum http_step end_of_head(struct http_answer *a)
{
	const char *coding = http_answer_header(a, "Transfer-Encoding");
	const char *length = http_answer_header(a, "Content-Length");

	if (a->status == 101)
		return bad(a, "it changes to another protocol");
	if (a->status / 100 == 1) {
		begin(a);
		return HTTP_MORE;
	}
	look_at_connection(a);
	if (a->status == 204 || a->status == 304)
		return no_body(a);
	if (coding) {
		if (length || strcasecmp(coding, "chunked") != 0)
			return bad(a, "its Transfer-Encoding makes no sense");
		a->state = CHUNK_SIZE;
		return HTTP_HEAD;
	}
	if (length)
		return body_of_length(a, length);
	a->last = true;
	a->state = UNTIL_END;
	return HTTP_HEAD;
}

/* --- chunks --- */

static int hex(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c | 0x20) : NULL;

	return at && (is_digit(c) || (c | 0x20) >= 'a') ?
	    (int)(at - digits) : -1;
}

/* "1a", maybe with extensions behind a semicolon. */
static enum http_step chunk_size(struct http_answer *a)
{
	const char *s = a->line.data;
	size_t v = 0, digits = 0;

	for (; digits < MAX_SIZE_DIGITS && hex(s[digits]) >= 0; digits++)
		v = v * 16 + (size_t)hex(s[digits]);
	s += digits;
	s += strspn(s, " \t");
	if (digits == 0 || (*s != '\0' && *s != ';'))
		return bad(a, "a chunk has no size");
	if (v > a->body.max - a->body.len)
		return too_large(a, "the body is too large");
	a->left = v;
	a->state = v > 0 ? CHUNK : TRAILER;
	return HTTP_MORE;
}

static enum http_step trailer_line(struct http_answer *a)
{
	a->trailer += a->line.len;
	if (a->trailer > MAX_HEAD)
		return too_large(a, "the trailer is too long");
	if (a->line.len > 0)
		return HTTP_MORE;
	a->state = WHOLE;
	return HTTP_WHOLE;
}

static enum http_step chunk_end(struct http_answer *a)
{
	if (a->line.len > 0)
		return bad(a, "a chunk is longer than its size");
	a->state = CHUNK_SIZE;
	return HTTP_MORE;
}

/* --- all of it --- */

static enum http_step whole_line(struct http_answer *a)
{
	static enum http_step (*const on_line[])(struct http_answer *a) = {
		[STATUS] = status_line, [HEADERS] = header_line,
		[CHUNK_SIZE] = chunk_size, [CHUNK_END] = chunk_end,
		[TRAILER] = trailer_line,
	};
	enum http_step step;

	if (!is_line(&a->line))
		return bad(a, "a line of it does not end as in HTTP");
	if (a->state == HEADERS && a->line.len == 0)
		step = end_of_head(a);
	else
		step = on_line[a->state](a);
	buf_reset(&a->line);
	return step;
}

static void take_bytes(struct http_answer *a, const char **p,
    const char *end)
{
	size_t n = (size_t)(end - *p);

	if (a->state != UNTIL_END && n > a->left)
		n = a->left;
	buf_add(&a->body, *p, n);
	*p += n;
	if (a->state != UNTIL_END)
		a->left -= n;
}

static bool in_body(const struct http_answer *a)
{
	return a->state == LENGTH || a->state == CHUNK ||
	    a->state == UNTIL_END;
}

/* The body is complete, or this chunk of it. */
static enum http_step end_of_bytes(struct http_answer *a)
{
	if (a->body.failed)
		return too_large(a, "the body is too large");
	if (a->state == UNTIL_END || a->left > 0)
		return HTTP_MORE;
	if (a->state == CHUNK) {
		a->state = CHUNK_END;
		return HTTP_MORE;
	}
	a->state = WHOLE;
	return HTTP_WHOLE;
}

static enum http_step step(struct http_answer *a, const char **p,
    const char *end)
{
	if (in_body(a)) {
		take_bytes(a, p, end);
		return end_of_bytes(a);
	}
	if (!take_line(a, p, end) && !a->line.failed)
		return HTTP_MORE;
	return a->line.failed ? too_large(a, "a line of it is too long") :
	    whole_line(a);
}

enum http_step http_answer_read(struct http_answer *a, const char *bytes,
    size_t n, size_t *used_r)
{
	const char *p = bytes, *end = bytes + n;
	enum http_step s = HTTP_MORE;

	if (a->state == WHOLE)
		begin(a);
	/* A body of nothing is whole without another byte. */
	while (s == HTTP_MORE && (p < end || (a->state == LENGTH &&
	    a->left == 0)))
		s = step(a, &p, end);
	*used_r = (size_t)(p - bytes);
	return s;
}

enum http_step http_answer_end(struct http_answer *a)
{
	if (a->state == WHOLE || (a->state == STATUS && a->line.len == 0))
		return HTTP_MORE;
	if (a->state != UNTIL_END)
		return bad(a, "closed before the end of the answer");
	a->state = WHOLE;
	return HTTP_WHOLE;
}
