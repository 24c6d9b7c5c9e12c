#ifndef CORE_DESCRIPTORS_H
#define CORE_DESCRIPTORS_H

#include <stddef.h>

#include <curl/curl.h>

/* The descriptors of one loop; for core/loop.c alone, everybody else uses
 * loop_watch_fd() and its like of core/loop.h. */
struct loop_fd;

struct descriptors {
	struct loop_fd **v;		/* all, in the order of `waits` */
	struct curl_waitfd *waits;	/* what curl_multi_poll is given */
	size_t n, cap;
	size_t gone;			/* taken out, still in v */
};

void descriptors_fini(struct descriptors *d);

/* Before the wait: what is waited for, d->n of them. */
struct curl_waitfd *descriptors_waits(struct descriptors *d);

/* After it: calls those that are ready, once each. */
void descriptors_run(struct descriptors *d);

/* In core/loop.c. */
struct loop;
struct descriptors *loop_descriptors(struct loop *l);

#endif
