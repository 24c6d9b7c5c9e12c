/* Text into HTML.  Service names, keys and addresses are written by whoever
 * may write to etcd, so nothing reaches the page but through here. */
#include "exporter/html.h"

#include <stddef.h>
#include <string.h>

#include "core/buf.h"
#include "core/rendered.h"
#include "core/utf8.h"

enum { VALUE_MAX = 64 << 10 };

static const char *const escapes[256] = {
	['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;",
	['"'] = "&quot;", ['\''] = "&#39;",
};

/* The character that text begins with.  Returns its bytes. */
static size_t add_character(struct buf *out, const char *text, size_t left)
{
	unsigned char c = (unsigned char)*text;
	size_t n = utf8_len(text, left);

	if (escapes[c] != NULL)
		buf_adds(out, escapes[c]);
	else if (c < ' ' || c == 0x7f)
		buf_addc(out, ' ');
	else if (n == 0)
		buf_adds(out, UTF8_REPLACEMENT);
	else
		buf_add(out, text, n);
	return n > 0 ? n : 1;
}

void html_text(struct buf *out, const char *text)
{
	size_t left = strlen(text), n;

	for (; left > 0; left -= n, text += n)
		n = add_character(out, text, left);
}

void html_label(struct buf *out, const char *labels, const char *name)
{
	struct buf value;

	buf_init(&value, VALUE_MAX);
	if (rendered_get(labels, name, &value))
		html_text(out, buf_str(&value));
	buf_free(&value);
}
