/* Text into HTML.  Service names, keys and addresses are written by whoever
 * may write to etcd, so nothing reaches the page but through here. */
#include "exporter/html.h"

#include <stddef.h>

#include "core/buf.h"
#include "exporter/rendered.h"

enum { VALUE_MAX = 64 << 10 };

static const char *const escapes[256] = {
	['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;",
	['"'] = "&quot;", ['\''] = "&#39;",
};

void html_text(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (escapes[c] != NULL)
			buf_adds(out, escapes[c]);
		else if (c < ' ' || c == 0x7f)
			buf_addc(out, ' ');
		else
			buf_addc(out, *text);
	}
}

void html_label(struct buf *out, const char *labels, const char *name)
{
	struct buf value;

	buf_init(&value, VALUE_MAX);
	if (rendered_get(labels, name, &value))
		html_text(out, buf_str(&value));
	buf_free(&value);
}
