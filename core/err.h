#ifndef CORE_ERR_H
#define CORE_ERR_H

/* The reason of a failure, as one line of text for a person: what was being
 * done, to what, why it failed, and what to do where that is not plain. */
struct err {
	char text[512];
};

/* Sets the text, printf-like; truncated to fit.  Returns -1 so that a
 * function may `return err_set(e, ...)`.  e may be NULL. */
int err_set(struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Puts "prefix: " in front of the text that is there.  Returns -1. */
int err_prefix(struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
