/* etcd/scan.h on any bytes, in place and in pieces whose sizes depend on the
 * bytes: what is taken, what is refused and what comes out must be as
 * json_parse() has it. */
#include "tests/fuzz/fuzz.h"

#include <math.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/json.h"
#include "etcd/scan.h"

enum { MAX_PRINT = 1 << 24 };

/* Both sides are written as the tokens that they amount to. */
static void write_number(struct buf *b, double v)
{
	buf_addf(b, "#%.17g ", v);
}

static void write_tree(struct buf *b, const cJSON *t)
{
	bool object = cJSON_IsObject(t);
	const cJSON *item;

	if (cJSON_IsString(t))
		buf_addf(b, "\"%s\" ", t->valuestring);
	else if (cJSON_IsNumber(t))
		write_number(b, t->valuedouble);
	else if (!object && !cJSON_IsArray(t))
		buf_adds(b, cJSON_IsNull(t) ? "null " :
		    cJSON_IsTrue(t) ? "true " : "false ");
	else
		buf_adds(b, object ? "{ " : "[ ");
	cJSON_ArrayForEach(item, t) {
		if (object)
			buf_addf(b, "%s: ", item->string);
		write_tree(b, item);
	}
	if (object || cJSON_IsArray(t))
		buf_adds(b, ") ");
}

static void write_token(struct buf *b, const struct scan *s,
    enum scan_token t)
{
	static const char *const words[] = {
		[SCAN_OBJECT] = "{ ", [SCAN_ARRAY] = "[ ",
		[SCAN_CLOSE] = ") ", [SCAN_TRUE] = "true ",
		[SCAN_FALSE] = "false ", [SCAN_NULL] = "null ",
	};

	MUST(s->depth <= JSON_MAX_DEPTH);
	if (t == SCAN_NAME || t == SCAN_STRING) {
		const char *text = s->buf + s->start;

		MUST(strlen(text) == s->len && is_text(text));
		MUST(s->has_nul == json_has_nul(text));
		buf_addf(b, t == SCAN_NAME ? "%s: " : "\"%s\" ", text);
	} else if (t == SCAN_NUMBER) {
		write_number(b, scan_double(s));
	} else {
		buf_adds(b, words[t]);
	}
}

/* The tokens there are now; true if it is over. */
static bool write_tokens(struct buf *b, struct scan *s, bool *good_r)
{
	enum scan_token t;

	while ((t = scan_next(s)) > SCAN_END) {
		write_token(b, s, t);
		if (t == SCAN_STRING && s->len % 3 == 0)
			scan_keep(s);
	}
	*good_r = t == SCAN_END;
	return t != SCAN_MORE;
}

static bool in_place(struct buf *b, const uint8_t *data, size_t size)
{
	char *text = exactly(data, size);
	struct scan s;
	bool good;

	scan_in_place(&s, text, size);
	MUST(write_tokens(b, &s, &good));
	MUST(good || (is_one_line(s.why.text) && is_text(s.why.text)));
	scan_free(&s);
	free(text);
	return good;
}

static bool in_pieces(struct buf *b, const uint8_t *data, size_t size)
{
	struct scan s;
	bool good, over = false;
	unsigned seed = 0;
	size_t n;

	for (size_t k = 0; k < size; k++)
		seed = seed * 31 + data[k];
	scan_init(&s);
	for (; size > 0 && !over; data += n, size -= n) {
		char *piece;

		seed = seed * 1103515245u + 12345u;
		n = 1 + (seed >> 16) % (seed >> 30 == 0 ? 40 : 3);
		n = n < size ? n : size;
		piece = exactly(data, n);
		scan_feed(&s, piece, n);
		over = write_tokens(b, &s, &good);
		free(piece);
	}
	scan_finish(&s);
	MUST(write_tokens(b, &s, &good));
	scan_free(&s);
	return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf want, got;
	struct err e;
	char *text = exactly(data, size);
	cJSON *tree = json_parse(text, size, &e);

	buf_init(&want, MAX_PRINT);
	buf_init(&got, MAX_PRINT);
	if (tree)
		write_tree(&want, tree);
	MUST(in_place(&got, data, size) == (tree != NULL));
	MUST(!tree || strcmp(buf_str(&got), buf_str(&want)) == 0);
	buf_reset(&got);
	MUST(in_pieces(&got, data, size) == (tree != NULL));
	MUST(!tree || strcmp(buf_str(&got), buf_str(&want)) == 0);
	cJSON_Delete(tree);
	free(text);
	buf_free(&want);
	buf_free(&got);
	return 0;
}
