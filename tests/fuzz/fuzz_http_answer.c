/* core/http_answer.c on anything at all, twice: all at once, and in pieces that
 * the first byte of the input decides.  Both must read the same. */
#include "tests/fuzz/fuzz.h"

#include "core/http_answer.h"

enum { MAX_BODY = 1000, MAX_SEEN = 4 * 1024 * 1024 };

static void note(struct buf *seen, const struct http_answer *a,
    enum http_step step)
{
	const char *index;

	buf_addf(seen, "%d %ld %d ", (int)step, a->status, a->last);
	if (step == HTTP_BAD) {
		MUST(a->why && is_one_line(a->why));
		buf_adds(seen, a->why);
		return;
	}
	index = http_answer_header(a, "X-Etcd-Index");
	MUST(a->status >= 100 && a->status <= 999 && a->status != 101);
	MUST(a->body.len <= MAX_BODY);
	MUST(!index || strlen(index) < a->head.len);
	buf_adds(seen, index ? index : "-");
	if (step == HTTP_WHOLE)
		buf_add(seen, a->body.data, a->body.len);
	else
		MUST(a->body.len == 0);
}

/* False: there is no way on. */
static bool feed(struct buf *seen, struct http_answer *a,
    const uint8_t *data, size_t n)
{
	char *bytes = exactly(data, n);
	enum http_step step;
	size_t at = 0, used;

	do {
		step = http_answer_read(a, bytes + at, n - at, &used);
		MUST(used <= n - at);
		at += used;
		if (step != HTTP_MORE)
			note(seen, a, step);
	} while (step != HTTP_MORE && step != HTTP_BAD);
	MUST(step == HTTP_BAD || at == n);
	free(bytes);
	return step == HTTP_MORE;
}

static void read_in_pieces(struct buf *seen, const uint8_t *data,
    size_t size, size_t piece)
{
	struct http_answer a;
	bool more = true;

	buf_init(seen, MAX_SEEN);
	http_answer_init(&a, MAX_BODY);
	while (size > 0 && more) {
		size_t n = piece < size ? piece : size;

		more = feed(seen, &a, data, n);
		data += n;
		size -= n;
	}
	if (more) {
		enum http_step step = http_answer_end(&a);

		if (step != HTTP_MORE)
			note(seen, &a, step);
	}
	http_answer_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole, cut;

	if (size < 2)
		return 0;
	read_in_pieces(&whole, data + 1, size - 1, size);
	read_in_pieces(&cut, data + 1, size - 1, 1 + data[0] % 64);
	MUST(!whole.failed && whole.len == cut.len);
	MUST(whole.len == 0 || memcmp(whole.data, cut.data, cut.len) == 0);
	buf_free(&whole);
	buf_free(&cut);
	return 0;
}
