#ifndef ALERTS_SET_H
#define ALERTS_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "alerts/rules.h"
#include "core/clock.h"

struct alert_record;
struct alertmanagers;
struct directory;
struct event_bus;
struct gate;
struct groups;
struct labels;
struct maintenance;
struct loop;
struct sample_sink;

/* All alerts there are: steps them when their subject was touched or their
 * time has come, saves them, and hands what changed to the senders. */
struct alert_set;

enum {
	REPEAT_INTERVAL_MS = 4 * 60 * 60 * 1000,
	SAVE_PENDING_MS = 5000,
};

struct alert_set_parts {
	struct loop *loop;
	struct event_bus *bus;
	struct gate *gate;
	struct alertmanagers *alertmanagers;
	struct groups *groups;
	const struct maintenance *maintenance;
};

struct alert_set *set_new(const struct alert_set_parts *parts);
void set_free(struct alert_set *s);		/* NULL is a no-op */

/* Looks at one subject with all rules of its kind. */
void set_judge(struct alert_set *s, const struct subject *sub);

/* The subject is no more; forgotten: because somebody said so. */
void set_end(struct alert_set *s, const struct subject *sub, bool forgotten);

/* The directory is looked at, or no longer: freezes or thaws the alerts of
 * its instances, where they are many in the turns that follow. */
void set_thaw(struct alert_set *s, const struct directory *d);

/* A maintenance window began or is over: who is muted no longer and still fires
 * is told of now, where they are many in the turns that follow. */
void set_unmute(struct alert_set *s);

/* A look at everything: what was not judged between the two calls has no
 * subject any more and ends. */
void set_look_begin(struct alert_set *s);
void set_look_end(struct alert_set *s);

/* An alert as it was saved; nothing is told before set_start(). */
void set_restore(struct alert_set *s, const struct alert_record *r);

/* Tells the Alertmanagers of all that was restored, and receivers of what
 * they were not told of before. */
void set_start(struct alert_set *s);

/* There may be webhooks that were not told of anything yet (groups_have_new()):
 * tells these of all that fires.  Nothing may wait in the groups. */
void set_introduce(struct alert_set *s);

/* There may be a receiver now where there was none. */
void set_tell_new_receivers(struct alert_set *s);

/* The Alertmanagers are others than before: tells them everything. */
void set_tell_all(struct alert_set *s);

/* Under other labels all alerts are others: what fires resolves under the old
 * ones.  Before receivers and Alertmanagers change. */
void set_external_labels(struct alert_set *s, const struct labels *external);

/* All changes of this round are in: makes the messages. */
void set_send(struct alert_set *s);

/* A unit is over: tells the log of alerts that it was not told of. */
void set_flushed(struct alert_set *s, mono_t now);

void set_samples(const struct alert_set *s, struct sample_sink *to);
size_t set_count(const struct alert_set *s);

#endif
