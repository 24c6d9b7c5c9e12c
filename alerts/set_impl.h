#ifndef ALERTS_SET_IMPL_H
#define ALERTS_SET_IMPL_H

#include "alerts/alert.h"
#include "alerts/due.h"
#include "alerts/group.h"
#include "alerts/set.h"
#include "core/buf.h"
#include "core/burst.h"
#include "core/labels.h"

/* What set.c and set_step.c share and nobody else sees. */
struct alert_set {
	struct alert_set_parts parts;
	struct table *table;
	size_t of_rule[RULES];		/* how many alerts it has */
	struct buf key;			/* of the one looked for */
	struct due_list due;
	struct timer *timer;
	struct labels external;
	struct burst fired, resolved;	/* log lines */
	struct shown *shown;		/* see set_shown.c */
	size_t nshown, shown_cap;
	size_t nmuted;
	bool started;
};

struct machine_now set_now(void);

/* Each of these may free the alert. */
void set_step(struct alert_set *s, struct alert *a, bool active,
    bool frozen);
void set_step_end(struct alert_set *s, struct alert *a);

/* Looks at one alert again, whose time has come. */
void set_again(struct alert_set *s, struct alert *a);

/* All alerts there are come in, and go, by these. */
void set_enter(struct alert_set *s, struct alert *a);
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

/* set_muted.c: a maintenance window is in force about what it is about; nobody
 * is told of it from here on; it was muted and is to be told now; it is one
 * like any other; was it muted when it was saved? */
bool set_in_maintenance(const struct alert_set *s, const struct alert *a);
void set_mute(struct alert_set *s, struct alert *a);
bool set_mute_is_over(const struct alert_set *s, const struct alert *a);
void set_end_mute(struct alert_set *s, struct alert *a);
void set_restore_mute(struct alert_set *s, struct alert *a);

/* set_shown.c: its state is another one; it goes. */
void set_show(struct alert_set *s, struct alert *a);
void set_hide(struct alert_set *s, struct alert *a);
void set_free_shown(struct alert_set *s);

#endif
