#ifndef ALERTS_PEER_H
#define ALERTS_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alerts/tally.h"
#include "core/clock.h"

struct alert;
struct alertmanager_config;
struct gate;
struct loop;
struct sample_sink;

/* One Alertmanager: its queue, its one request under way, its retries.  Used
 * by alertmanager.c alone, which has one for each that is configured. */
struct am_list;

struct am_node {
	struct alert *alert;
	struct am_node *prev, *next;
	struct am_list *list;		/* NULL: in none */
	mono_t sent_at;
	bool first;			/* an edge not delivered yet */
	bool tried;			/* the edge was sent at least once */
	bool changed;			/* since the request left */
};

struct am_list {
	struct am_node *head, *tail;
	size_t n;
};

/* What is the same for all of them. */
struct peer_shared {
	struct loop *loop;
	struct gate *gate;
	char *generator_url;
	int64_t lifetime_ms;
};

struct peer {
	const struct peer_shared *shared;
	char *url, *name;		/* name: host:port, for people */
	const struct alertmanager_config *config;
	struct am_list edges, sent, inflight;
	struct fetch *fetch;
	struct timer *timer;
	mono_t not_before;		/* the next try after a failure */
	mono_t floor;			/* nor before this, new edge or not */
	int64_t backoff_ms;
	size_t untried;			/* edges never sent */
	bool failing;
	struct tally tally;
};

/* name and tally are set; the rest is zero.  p stays where it is. */
void peer_init(struct peer *p, const struct peer_shared *s);
void peer_configure(struct peer *p, const struct alertmanager_config *c);
void peer_fini(struct peer *p);

/* See alertmanagers_tell(), _forget(), _pump(). */
void peer_tell(struct peer *p, struct am_node *n, bool first);
void peer_forget(struct peer *p, struct am_node *n);
void peer_pump(struct peer *p, mono_t now);

#endif
