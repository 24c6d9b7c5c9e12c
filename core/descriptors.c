/* Descriptors that the loop watches beside curl's: signals, pipes, sockets of
 * pipelined connections.  One that is taken out while the ready ones are called
 * is only marked, and swept before the next wait, so that any callback may take
 * out any of them.  core/loop.c waits and calls. */
#include "core/descriptors.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "core/loop.h"
#include "core/xalloc.h"

struct loop_fd {
	struct descriptors *all;
	size_t place;			/* in all->v */
	void (*fn)(void *arg);
	void *arg;
	bool gone;
};

static void sweep(struct descriptors *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++) {
		if (d->v[i]->gone) {
			free(d->v[i]);
			continue;
		}
		d->v[n] = d->v[i];
		d->waits[n] = d->waits[i];
		d->v[n]->place = n;
		n++;
	}
	d->n = n;
	d->gone = 0;
}

void descriptors_fini(struct descriptors *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->v[i]);
	free(d->v);
	free(d->waits);
	*d = (struct descriptors){ 0 };
}

struct curl_waitfd *descriptors_waits(struct descriptors *d)
{
	if (d->gone > 0)
		sweep(d);
	for (size_t i = 0; i < d->n; i++)
		d->waits[i].revents = 0;
	return d->waits;
}

/* One that was added meanwhile has not been waited for. */
void descriptors_run(struct descriptors *d)
{
	size_t n = d->n;

	for (size_t i = 0; i < n; i++)
		if (d->waits[i].revents && !d->v[i]->gone)
			d->v[i]->fn(d->v[i]->arg);
}

struct loop_fd *loop_watch_fd(struct loop *l, int fd, void (*fn)(void *arg),
    void *arg)
{
	struct descriptors *d = loop_descriptors(l);
	struct loop_fd *f = xmalloc(sizeof(*f));

	assert(fn);
	if (d->n == d->cap) {
		d->cap = d->cap ? d->cap * 2 : 8;
		d->v = xreallocarray(d->v, d->cap, sizeof(*d->v));
		d->waits = xreallocarray(d->waits, d->cap,
		    sizeof(*d->waits));
	}
	*f = (struct loop_fd){ .all = d, .place = d->n, .fn = fn, .arg = arg };
	d->waits[d->n] = (struct curl_waitfd){ .fd = fd,
	    .events = CURL_WAIT_POLLIN };
	d->v[d->n++] = f;
	return f;
}

void loop_fd_wants(struct loop_fd *f, bool reads, bool writes)
{
	f->all->waits[f->place].events = (short)(
	    (reads ? CURL_WAIT_POLLIN : 0) | (writes ? CURL_WAIT_POLLOUT : 0));
}

void loop_unwatch_fd(struct loop_fd *f)
{
	if (!f)
		return;
	assert(!f->gone);
	f->gone = true;
	f->all->gone++;
}
