/* The first sink of the event bus: comings and goings as log lines, in the
 * words an engineer on call searches for.  What the cluster and the watch do
 * is logged where it is found out; alerts are logged by alerts/. */
#include "cli/story.h"

#include "core/log.h"
#include "core/timefmt.h"

static const char *sentence(const struct instance *i, enum state state,
    enum state was)
{
	switch (state) {
	case STATE_UP:
		return was == 0 ? "instance registered" : "instance is back";
	case STATE_EXPIRED:
		return i->held ? "instance expired, held" :
		    "instance expired";
	case STATE_LOST:
		return i->held ? "instance lost, held" : "instance lost";
	default:
		return "instance deregistered";
	}
}

/* The first listing of a large registry is told by one line of the watcher;
 * one for each instance would only fill the ring. */
static enum log_level level_of(const struct event *e)
{
	switch (e->instance.begun.state) {
	case STATE_EXPIRED:
	case STATE_LOST:
		return LEVEL_WARN;
	case STATE_UP:
		return e->instance.first ? LEVEL_DEBUG : LEVEL_INFO;
	default:
		return LEVEL_INFO;
	}
}

static void on_event(void *arg, const struct event *e)
{
	const struct instance *i;
	char since[TIMEFMT_MAX];

	(void)arg;
	if (e->type != EVENT_INSTANCE)
		return;
	i = e->instance.instance;
	LOG_AT_(level_of(e),
	    sentence(i, e->instance.begun.state, e->instance.was),
	    LOG_S("etcd_cluster", i->service->cluster->name),
	    LOG_S("service_name", i->service->name),
	    LOG_S("instance_id", i->instance_id),
	    LOG_S("cause", cause_name(e->instance.begun.cause)),
	    LOG_S("since", timefmt_rfc3339(e->instance.begun.from, since)),
	    LOG_S("key", i->key),
	    LOG_S("address", i->address));
}

struct event_sink story_sink(void)
{
	return (struct event_sink){ .name = "log", .on_event = on_event };
}
