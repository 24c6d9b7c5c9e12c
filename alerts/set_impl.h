#ifndef ALERTS_SET_IMPL_H
#define ALERTS_SET_IMPL_H

#include "alerts/alert.h"
#include "alerts/due.h"
#include "alerts/group.h"
#include "alerts/set.h"
#include "core/labels.h"

/* What set.c and set_step.c share and nobody else sees. */
enum { SET_LINES_MAX = 100 };

struct alert_set {
	struct alert_set_parts parts;
	struct table *table;
	struct due_list due;
	struct timer *timer;
	struct labels external;
	size_t lines;			/* logged in this round */
	bool started;
};

struct machine_now set_now(void);

/* Each of these may free the alert. */
void set_step(struct alert_set *s, struct alert *a, bool active,
    bool frozen);
void set_step_end(struct alert_set *s, struct alert *a);

/* Takes it out of everything and frees it. */
void set_drop(struct alert_set *s, struct alert *a);

void set_save(struct alert_set *s, struct alert *a);
void set_save_gone(struct alert_set *s, const char *fingerprint);

/* When time alone has to do with the alert next; set_timer() after that. */
void set_schedule(struct alert_set *s, struct alert *a, mono_t now);
void set_timer(struct alert_set *s);
void set_tick(void *set, mono_t now);

/* Makes the alert part of the next messages, if somebody gets them. */
void set_tell_receivers(struct alert_set *s, struct alert *a,
    enum group_change change, struct machine_now now);

#endif
