/* Reference-counted strings that never change: label texts shared by the
 * registry and every snapshot that shows them.  Any thread may hold one. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/snapshot.h"
#include "core/xalloc.h"

struct rstr *rstr_new(const char *s)
{
	size_t n = strlen(s) + 1;
	struct rstr *r = xmalloc(sizeof(*r) + n);

	atomic_init(&r->refs, 1);
	memcpy(r->s, s, n);
	return r;
}

struct rstr *rstr_ref(struct rstr *r)
{
	if (r != NULL)
		atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
	return r;
}

void rstr_unref(struct rstr *r)
{
	if (r != NULL && atomic_fetch_sub_explicit(&r->refs, 1,
	    memory_order_acq_rel) == 1)
		free(r);
}
