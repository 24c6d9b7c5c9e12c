/* The first sink of the event bus: comings and goings as log lines, in the
 * words an engineer on call searches for.  Of many of a kind within a second
 * the first are told one by one, the others by their number; --log.level=debug
 * tells all.  What the cluster and the watch do is logged where it is found
 * out; alerts are logged by alerts/. */
#include "cli/story.h"

#include <stdio.h>
#include <string.h>

#include "core/burst.h"
#include "core/log.h"
#include "core/timefmt.h"
#include "core/window.h"

enum kind {
	REGISTERED, BACK, EXPIRED, EXPIRED_HELD, LOST, LOST_HELD,
	DEREGISTERED, KINDS
};

static const struct {
	const char *one, *more;
	enum log_level level;
} sentences[KINDS] = {
	[REGISTERED] = { "instance registered", "more instances registered",
	    LEVEL_INFO },
	[BACK] = { "instance is back", "more instances are back",
	    LEVEL_INFO },
	[EXPIRED] = { "instance expired", "more instances expired",
	    LEVEL_WARN },
	[EXPIRED_HELD] = { "instance expired, held",
	    "more instances expired, held", LEVEL_WARN },
	[LOST] = { "instance lost", "more instances lost", LEVEL_WARN },
	[LOST_HELD] = { "instance lost, held", "more instances lost, held",
	    LEVEL_WARN },
	[DEREGISTERED] = { "instance deregistered",
	    "more instances deregistered", LEVEL_INFO },
};

/* Those left out; the service, while it is the same of all. */
struct crowd {
	struct burst burst;
	char service[128];
};

static enum kind kind_of(const struct event *e)
{
	bool held = e->instance.instance->held;

	switch (e->instance.begun.state) {
	case STATE_UP:
		return e->instance.was == 0 ? REGISTERED : BACK;
	case STATE_EXPIRED:
		return held ? EXPIRED_HELD : EXPIRED;
	case STATE_LOST:
		return held ? LOST_HELD : LOST;
	default:
		return DEREGISTERED;
	}
}

static void tell(const struct event *e, enum kind kind, enum log_level level)
{
	const struct instance *i = e->instance.instance;
	char since[TIMEFMT_MAX];

	LOG_AT_(level, sentences[kind].one,
	    LOG_S("etcd_cluster", i->service->cluster->name),
	    LOG_S("service_name", i->service->name),
	    LOG_S("instance_id", names_instance_id(i->names)),
	    LOG_S("cause", cause_name(e->instance.begun.cause)),
	    LOG_S("since", timefmt_rfc3339(e->instance.begun.from, since)),
	    LOG_S("key", names_key(i->names)),
	    LOG_S("address", names_address(i->names)));
}

static void leave_out(struct crowd *c, const struct event *e, enum kind kind)
{
	const char *service = e->instance.instance->service->name;

	if (c->burst.left_out == 1)
		snprintf(c->service, sizeof(c->service), "%s", service);
	else if (strcmp(c->service, service) != 0)
		snprintf(c->service, sizeof(c->service), "several");
	if (log_writes(LEVEL_DEBUG))
		tell(e, kind, LEVEL_DEBUG);
}

static void tell_window(const struct window *w)
{
	char until[TIMEFMT_MAX];

	log_info(w->ended.ms != 0 ? "maintenance is over" :
	    "maintenance begins",
	    LOG_I("id", w->id), LOG_S("etcd_cluster", w->cluster),
	    LOG_S("service_name", w->service),
	    LOG_S("instance_id", w->instance),
	    LOG_S(w->ended.ms != 0 ? "ended" : "until", timefmt_rfc3339(
	    w->ended.ms != 0 ? w->ended : w->to, until)),
	    LOG_S("comment", w->comment), LOG_S("by", w->created_by));
}

static void on_event(void *arg, const struct event *e)
{
	struct crowd *c = arg;
	enum kind kind;

	if (e->type == EVENT_MAINTENANCE)
		tell_window(e->window);
	if (e->type != EVENT_INSTANCE)
		return;
	kind = kind_of(e);
	/* The first listing of a large registry is told by one line of the
	 * watcher. */
	if (e->instance.first && e->instance.begun.state == STATE_UP) {
		if (log_writes(LEVEL_DEBUG))
			tell(e, kind, LEVEL_DEBUG);
	} else if (burst_line(&c[kind].burst, e->at)) {
		tell(e, kind, sentences[kind].level);
	} else {
		leave_out(&c[kind], e, kind);
	}
}

static void on_unit(void *arg, uint64_t unit, mono_t now)
{
	struct crowd *c = arg;

	(void)unit;
	for (int k = 0; k < KINDS; k++) {
		unsigned more = burst_over(&c[k].burst, now);

		if (more > 0)
			LOG_AT_(sentences[k].level, sentences[k].more,
			    LOG_I("instances", more),
			    LOG_S("service_name", c[k].service));
	}
}

struct event_sink story_sink(void)
{
	static struct crowd crowds[KINDS];

	return (struct event_sink){
		.name = "log", .on_event = on_event, .on_unit = on_unit,
		.arg = crowds,
	};
}
