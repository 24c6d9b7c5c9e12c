#ifndef ALERTS_ALERT_H
#define ALERTS_ALERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alerts/due.h"
#include "alerts/machine.h"
#include "alerts/rules.h"
#include "core/labels.h"

struct alert_record;
struct am_node;
struct buf;
struct err;
struct group;

/* One alert: a rule and a subject, from the first time its condition holds
 * until it has been resolved long enough.  Owned by the set (alerts/set.h);
 * senders read it, so that what leaves is always its latest state. */
enum { FINGERPRINT_MAX = 17 };

struct alert {
	char *key;			/* rule and subject, unique */
	const struct rule *rule;
	const struct instance *instance;	/* NULL: of another kind,
					   dropped, or not looked at yet */
	struct machine machine;
	struct labels labels;		/* what names it */
	struct labels full;		/* and the external labels */
	struct labels annotations;
	char fingerprint[FINGERPRINT_MAX];	/* of full */
	size_t shown;			/* see set_shown.c; 0: it is not */

	uint64_t unit;			/* that saves its present state */
	bool saved;			/* a row of it exists */
	wall_t last_notified;		/* receivers; ms 0: never */
	mono_t repeat_at;
	mono_t save_at;			/* pending: keep `for` up to date */
	bool told;			/* receivers know that it fires */
	bool muted;			/* fires in maintenance: nobody knows */
	bool untold;			/* it resolved while it was muted */
	bool batched;			/* in a message being made */
	bool former;			/* has external labels that are no
					   more: see set_labels.c */
	bool seen;			/* by the present look at everything */
	struct due due;
	struct group *group;
	struct am_node *nodes;		/* one per Alertmanager, or NULL */
};

/* Appends the table key of a rule and a subject. */
void alert_key(const struct rule *r, const struct subject *s,
    struct buf *out);

/* Takes the labels; computes what follows from them. */
struct alert *alert_new(const struct rule *r, struct labels *labels,
    const struct labels *external);
void alert_free(void *alert);

/* External labels changed: full and fingerprint follow. */
void alert_set_external(struct alert *a, const struct labels *external);

bool alert_firing(const struct alert *a);	/* else resolved or less */

/* --- saved form --- */

/* Fills a record; labels and annotations are rendered into the buffers. */
void alert_to_record(const struct alert *a, struct buf *labels,
    struct buf *annotations, struct alert_record *r_r);

/* The alert a record tells of, frozen until it is looked at.  NULL with e:
 * no such rule, or not readable. */
struct alert *alert_from_record(const struct alert_record *r,
    const struct labels *external, struct machine_now now, struct err *e);

#endif
