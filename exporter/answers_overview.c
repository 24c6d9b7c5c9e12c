/* Everything at a glance, over HTTP: how many there are in which state, since
 * and until when anything was looked at, and how rollcall itself does.  Part
 * of answers.c. */
#include "core/buf.h"
#include "core/rendered.h"
#include "core/snapshot.h"
#include "exporter/answers_impl.h"
#include "exporter/summary.h"
#include "exporter/values.h"

enum { TEXT_MAX = 4 << 10 };

struct overview_row {
	wall_t now, looked_since, looked_until;
	bool looking;
	int64_t clusters, clusters_looking;
	int64_t services, services_up, below_minimum, gone, empty, unknown;
	int64_t instances, up, expired, lost, held, maintenance;
	int64_t firing, windows, db_size;
	bool db_up;
	const char *version;
};

#define O(name, type, member) \
	{ name, type, offsetof(struct overview_row, member) }

static const struct row_field overview_fields[] = {
	O("now", ROW_TIME, now),
	O("looked_since", ROW_TIME, looked_since),
	O("looked_until", ROW_TIME, looked_until),
	O("looking", ROW_BOOL, looking),
	O("clusters", ROW_NUMBER, clusters),
	O("clusters_looking", ROW_NUMBER, clusters_looking),
	O("services", ROW_NUMBER, services),
	O("services_up", ROW_NUMBER, services_up),
	O("services_below_minimum", ROW_NUMBER, below_minimum),
	O("services_gone", ROW_NUMBER, gone),
	O("services_empty", ROW_NUMBER, empty),
	O("services_unknown", ROW_NUMBER, unknown),
	O("instances", ROW_NUMBER, instances),
	O("instances_up", ROW_NUMBER, up),
	O("instances_expired", ROW_NUMBER, expired),
	O("instances_lost", ROW_NUMBER, lost),
	O("instances_held", ROW_NUMBER, held),
	O("instances_in_maintenance", ROW_NUMBER, maintenance),
	O("alerts_firing", ROW_NUMBER, firing),
	O("maintenance_windows", ROW_NUMBER, windows),
	O("database_up", ROW_BOOL, db_up),
	O("database_bytes", ROW_NUMBER, db_size),
	O("version", ROW_TEXT, version),
};

static const struct row_table overview_rows = {
	overview_fields, sizeof(overview_fields) / sizeof(overview_fields[0]),
	sizeof(struct overview_row)
};

static void count_instance(const struct snap_instance *i,
    struct overview_row *o)
{
	o->instances++;
	o->up += i->state == STATE_UP;
	o->expired += i->state == STATE_EXPIRED;
	o->lost += i->state == STATE_LOST;
	o->held += i->held;
	o->maintenance += i->maintenance;
}

static void count_instances(const struct snap_set *set,
    struct overview_row *o)
{
	for (size_t b = 0; b < set->n; b++) {
		const struct snap_block *block = snap_block(set, b);

		for (unsigned i = 0; i < block->n; i++)
			if (snap_instance_is_known(&block->instances[i]))
				count_instance(&block->instances[i], o);
	}
}

static void count_service(const struct snap_service *s,
    struct overview_row *o)
{
	enum service_state state = values_service_state(s);

	o->services++;
	o->services_up += state == SERVICE_UP;
	o->below_minimum += state == SERVICE_BELOW_MINIMUM;
	o->gone += state == SERVICE_GONE;
	o->empty += state == SERVICE_EMPTY;
	o->unknown += state == SERVICE_UNKNOWN;
}

static void count_services(const struct snap_set *set,
    struct overview_row *o)
{
	for (size_t b = 0; b < set->n; b++) {
		const struct snap_block *block = snap_block(set, b);

		for (unsigned i = 0; i < block->n; i++)
			if (block->services[i].labels != NULL)
				count_service(&block->services[i], o);
	}
}

static void take_summary(const struct summary *sum, struct overview_row *o)
{
	o->clusters = (int64_t)(sum->looking + sum->not_looking);
	o->clusters_looking = (int64_t)sum->looking;
	o->looking = sum->looking > 0 && sum->not_looking == 0;
	o->firing = (int64_t)sum->firing;
	o->windows = (int64_t)sum->windows;
	o->db_up = sum->db_up;
	o->db_size = (int64_t)sum->db_size;
}

static void write_overview(const struct snapshot *s, struct overview_row *o,
    struct buf *out)
{
	struct summary sum = summary_of(s);
	struct buf version;

	take_summary(&sum, o);
	count_instances(s->instances, o);
	count_services(s->services, o);
	buf_init(&version, TEXT_MAX);
	if (rendered_get(sum.build, "version", &version))
		o->version = buf_str(&version);
	row_json(out, &overview_rows, o);
	buf_addc(out, '\n');
	buf_free(&version);
}

enum history_rc answer_overview(struct asking *a, struct err *e)
{
	struct overview_row o = {
		.now = clock_wall(), .looked_since = a->since,
		.looked_until = a->until,
	};
	struct snapshot *s = snapshot_acquire();

	(void)e;
	if (s == NULL)
		return answer_unavailable(a, ANSWER_STARTING);
	write_overview(s, &o, &a->answer->reply.body);
	snapshot_release(s);
	return HISTORY_OK;
}
