#ifndef CORE_XALLOC_H
#define CORE_XALLOC_H

#include <stddef.h>

/* Allocation that cannot fail: out of memory prints one line on stderr and
 * aborts.  Whatever is sized by input has a limit of its own before it gets
 * here.  Free with free(). */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t size);
void *xreallocarray(void *p, size_t count, size_t size);
char *xstrdup(const char *s);		/* NULL stays NULL */
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
