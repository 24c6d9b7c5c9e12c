/* The text of a failure, built from the inside out: the place that fails says
 * what went wrong, each caller that knows more puts its part in front.  Never
 * allocates, so that it also works where memory is what failed.  Logging the
 * text is the business of whoever decides what happens next. */
#include "core/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A text cut in the middle of a character is no longer UTF-8 and would spoil
 * the JSON it may end up in: take the torn character away too. */
static void trim_torn_character(char *text, size_t len)
{
	size_t i = len;

	while (i > 0 && ((unsigned char)text[i - 1] & 0xc0) == 0x80)
		i--;
	if (i > 0 && (unsigned char)text[i - 1] >= 0xc0)
		text[i - 1] = '\0';
}

static void copy_text(struct err *e, const char *text, size_t len)
{
	if (len < sizeof(e->text)) {
		memcpy(e->text, text, len + 1);
		return;
	}
	len = sizeof(e->text) - 1;
	memcpy(e->text, text, len);
	e->text[len] = '\0';
	if (((unsigned char)text[len] & 0xc0) == 0x80)
		trim_torn_character(e->text, len);
}

int err_set(struct err *e, const char *fmt, ...)
{
	/* A text of its own: the arguments may point into e. */
	char text[sizeof(e->text) + 1];
	va_list ap;

	if (!e)
		return -1;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	copy_text(e, text, strlen(text));
	return -1;
}

int err_prefix(struct err *e, const char *fmt, ...)
{
	char prefix[sizeof(e->text)], text[2 * sizeof(e->text) + 2];
	va_list ap;

	if (!e)
		return -1;
	va_start(ap, fmt);
	vsnprintf(prefix, sizeof(prefix), fmt, ap);
	va_end(ap);
	snprintf(text, sizeof(text), "%s: %s", prefix, e->text);
	copy_text(e, text, strlen(text));
	return -1;
}
