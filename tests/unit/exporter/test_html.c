/* exporter/html.c: what anybody may write to etcd, as text of a page:
 *	what has a meaning in HTML, or none anywhere, is harmless
 *	bytes that are not UTF-8 are U+FFFD, each */
#include "exporter/html.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
	const char *text, *html;
} texts[] = {
	{ "", "" },
	{ "0001-0001", "0001-0001" },
	{ "<i>&\"'", "&lt;i&gt;&amp;&quot;&#39;" },
	{ "a\tb\nc\x7f", "a b c " },
	{ "呼叫", "呼叫" },
	{ "a\xff" "b", "a\xef\xbf\xbd" "b" },
	{ "\xe5\x91", "\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },
};

static void text_is_harmless(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++) {
		struct buf b;

		buf_init(&b, 1000);
		html_text(&b, texts[k].text);
		assert_string_equal(buf_str(&b), texts[k].html);
		buf_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_harmless),
	};

	return cmocka_run_group_tests_name("exporter/html", tests, NULL, NULL);
}
