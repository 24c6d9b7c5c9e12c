/* The last known set, from the database into the registry and the alerts, at
 * the start: one query and one function per kind of thing, in one table.
 * Ids come first, since restoring an instance of a directory that is no
 * longer configured ends its period and so needs a new one.  Deregistered
 * instances are history only: one that returns gets a new row. */
#include "db/restore.h"

#include <stdint.h>
#include <string.h>

#include "core/maintenance.h"
#include "core/registry.h"
#include "db/sql.h"

static void ids(sqlite3_stmt *row, void *arg)
{
	struct restore *r = arg;

	registry_restore_ids(r->registry, sqlite3_column_int64(row, 0),
	    sqlite3_column_int64(row, 1), sqlite3_column_int64(row, 2));
}

static void cluster(sqlite3_stmt *row, void *arg)
{
	struct restore *r = arg;

	registry_restore_cluster(r->registry, &(struct restored_cluster){
		.name = sql_text(row, 0),
		.cluster_id = sql_text_or_null(row, 1),
		.raft_term = (uint64_t)sqlite3_column_int64(row, 2),
		.leader_changes = (uint64_t)sqlite3_column_int64(row, 3),
		.disturbed_until = sql_wall(row, 4),
	});
}

static void service(sqlite3_stmt *row, void *arg)
{
	struct restore *r = arg;
	uint64_t counters[4];

	for (int i = 0; i < 4; i++)
		counters[i] = (uint64_t)sqlite3_column_int64(row, i + 2);
	registry_restore_service(r->registry, sql_text(row, 0),
	    sql_text(row, 1), counters);
}

static void directory(sqlite3_stmt *row, void *arg)
{
	struct restore *r = arg;

	registry_restore_directory(r->registry, &(struct restored_directory){
		.cluster = sql_text(row, 0),
		.path = sql_text(row, 1),
		.watching_id = sqlite3_column_int64(row, 2),
		.watching_from = sql_wall(row, 3),
		.watching_to = sql_wall(row, 4),
		.applied_index = (uint64_t)sqlite3_column_int64(row, 5),
	});
}

static void ended(sqlite3_stmt *row, void *arg)
{
	struct restore *r = arg;

	registry_restore_ended(r->registry, &(struct restored_ended){
		.cluster = sql_text(row, 0),
		.path = sql_text(row, 1),
		.service = sql_text(row, 2),
		.instance_id = sql_text(row, 3),
		.at = sql_wall(row, 4),
	});
}

/* Anybody can write to the file. */
static int64_t within(int64_t v, int64_t most)
{
	if (v < 0)
		return 0;
	return v < most ? v : most;
}

/* False if the row holds what no rollcall of this version wrote. */
static bool period(sqlite3_stmt *row, int column, struct period *p,
    struct notice *noticed)
{
	int64_t state = sqlite3_column_int64(row, column + 1);
	int64_t cause = sqlite3_column_int64(row, column + 2);
	int64_t id = sqlite3_column_int64(row, column);

	if (id < 1 || id >= PERIOD_ID_END ||
	    state < STATE_UP || state > STATE_DEREGISTERED ||
	    cause < CAUSE_REGISTERED || cause >= CAUSE_COUNT)
		return false;
	*p = (struct period){
		.id = id,
		.state = (enum state)state,
		.cause = (enum cause)cause,
		.from = sql_wall(row, column + 3),
	};
	*noticed = (struct notice){
		.earliest = sql_wall(row, column + 4),
		.seen = sql_wall(row, column + 5),
		.index = (uint64_t)sqlite3_column_int64(row, column + 6),
	};
	return true;
}

static void instance(sqlite3_stmt *row, void *arg)
{
	struct restore *r = arg;
	struct restored_instance i = {
		.id = sqlite3_column_int64(row, 0),
		.cluster = sql_text(row, 1),
		.directory = sql_text(row, 2),
		.service = sql_text(row, 3),
		.instance_id = sql_text(row, 4),
		.key = sql_text(row, 5),
		.value = sql_text(row, 6),
		.ttl_s = within(sqlite3_column_int64(row, 7), INT32_MAX),
		.expires = sql_wall(row, 8),
		.last_beat = sql_wall(row, 9),
		.created_index = (uint64_t)sqlite3_column_int64(row, 10),
		.modified_index = (uint64_t)sqlite3_column_int64(row, 11),
		.expirations = (uint64_t)within(sqlite3_column_int64(row, 12),
		    UINT32_MAX),
		.held_until = sql_wall(row, 13),
	};

	if (period(row, 14, &i.period, &i.noticed))
		registry_restore_instance(r->registry, &i);
}

static void feed(sqlite3_stmt *row, void *arg)
{
	struct restore *r = arg;

	registry_restore_feed(r->registry, sql_text(row, 0), sql_text(row, 1),
	    sql_text(row, 2), sql_wall(row, 3));
}

static void alert(sqlite3_stmt *row, void *arg)
{
	struct restore *r = arg;

	r->on_alert(&(struct alert_record){
		.fingerprint = sql_text(row, 0),
		.alertname = sql_text(row, 1),
		.labels = sql_text(row, 2),
		.annotations = sql_text(row, 3),
		.state = sql_text(row, 4),
		.active_at = sql_wall(row, 5),
		.fired_at = sql_wall(row, 6),
		.resolved_at = sql_wall(row, 7),
		.keep_firing_since = sql_wall(row, 8),
		.last_sent = sql_wall(row, 9),
		.last_notified = sql_wall(row, 10),
	}, r->arg);
}

static void outbox(sqlite3_stmt *row, void *arg)
{
	struct restore *r = arg;

	r->on_outbox(&(struct outbox_record){
		.id = sqlite3_column_int64(row, 0),
		.receiver = sql_text(row, 1),
		.integration = sql_text(row, 2),
		.group_key = sql_text(row, 3),
		.payload = sql_text(row, 4),
		.created = sql_wall(row, 5),
		.next_try = sql_wall(row, 6),
		.attempts = sqlite3_column_int64(row, 7),
		.last_error = sql_text_or_null(row, 8),
	}, r->arg);
}

/* Text that is the row's, where the struct has it for writing. */
static char *borrowed(sqlite3_stmt *row, int column)
{
	return (char *)(uintptr_t)sql_text_or_null(row, column);
}

static void window(sqlite3_stmt *row, void *arg)
{
	struct restore *r = arg;

	maintenance_restore(r->registry->maintenance, &(struct window){
		.id = sqlite3_column_int64(row, 0),
		.cluster = borrowed(row, 1),
		.service = borrowed(row, 2),
		.instance = borrowed(row, 3),
		.from = sql_wall(row, 4),
		.to = sql_wall(row, 5),
		.end_when_back = sqlite3_column_int64(row, 6) != 0,
		.ended = sql_wall(row, 7),
		.comment = borrowed(row, 8),
		.created_by = borrowed(row, 9),
		.created = sql_wall(row, 10),
	});
}

static void away(sqlite3_stmt *row, void *arg)
{
	struct restore *r = arg;

	maintenance_restore_away(r->registry->maintenance,
	    sqlite3_column_int64(row, 0), sql_text(row, 1), sql_text(row, 2),
	    sql_text(row, 3));
}

static const struct {
	const char *sql;
	void (*fn)(sqlite3_stmt *row, void *arg);
} parts[] = {
	{ "SELECT 1 + ifnull((SELECT max(id) FROM roll), 0),"
	  " 1 + ifnull((SELECT max(id) FROM stays WHERE id < 1 << 55), 0),"
	  " 1 + ifnull((SELECT max(id) FROM watching), 0)", ids },
	{ "SELECT name, cluster_id, raft_term, leader_changes, disturbed_ms"
	  " FROM clusters", cluster },
	{ "SELECT cluster, name, registrations, expirations,"
	  " deregistrations, losses FROM service_totals", service },
	{ "SELECT cluster, directory, id, from_ms, to_ms, last_index"
	  " FROM watching"
	  " WHERE id IN (SELECT max(id) FROM watching"
	  "  GROUP BY cluster, directory)", directory },
	/* What was deregistered by a replay that a kill cut short is among the
	 * last that was written. */
	{ "SELECT i.cluster, i.directory, i.service_name, i.instance_id,"
	  " p.from_ms FROM periods p JOIN roll i ON i.id = p.instance"
	  " WHERE p.state = 4 AND p.id > (SELECT max(id) FROM stays) - 10000"
	  " ORDER BY p.id", ended },
	{ "SELECT i.id, i.cluster, i.directory, i.service_name,"
	  " i.instance_id, i.key, i.value, i.ttl_s, i.expires_ms,"
	  " i.last_beat_ms, i.created_index, i.modified_index,"
	  " i.expirations, i.held_until_ms, p.id, p.state, p.cause, p.from_ms,"
	  " ifnull(p.earliest_ms, p.from_ms), ifnull(p.seen_ms, p.from_ms),"
	  " p.etcd_index FROM roll i JOIN periods p ON p.id = i.last_stay"
	  " WHERE p.to_ms IS NULL AND p.state <> 4 AND i.forgotten = 0"
	  " ORDER BY p.id", instance },
	/* A service whose instances all left is missed where they were.  By
	 * the index the table would be read in any order. */
	{ "SELECT g.cluster, g.directory, g.service_name,"
	  " (SELECT from_ms FROM stays WHERE id = g.last_stay)"
	  " FROM (SELECT cluster, directory, service_name, max(id) AS id,"
	  "  last_stay FROM roll NOT INDEXED"
	  "  GROUP BY cluster, directory, service_name) g"
	  " JOIN service_totals s ON s.cluster = g.cluster"
	  "  AND s.name = g.service_name", feed },
	/* Before the alerts, which may be muted by them. */
	{ "SELECT id, cluster, service_name, instance_id, from_ms, to_ms,"
	  " end_when_back, ended_ms, reason, created_by, created_ms"
	  " FROM maintenance WHERE ended_ms IS NULL"
	  "  OR id > (SELECT max(id) FROM maintenance) - 100 ORDER BY id",
	  window },
	/* Who left in it for an end that can be followed by a return, and has
	 * no later row of the same identity.  There are few windows, and
	 * perhaps a million rows in the roll: the order of the two is ours. */
	{ "SELECT m.id, i.cluster, i.service_name, i.instance_id"
	  " FROM maintenance m CROSS JOIN roll i ON i.cluster = m.cluster"
	  "  AND i.service_name = m.service_name"
	  "  AND (m.instance_id IS NULL OR i.instance_id = m.instance_id)"
	  " JOIN periods p ON p.id = i.last_stay AND p.to_ms IS NULL"
	  " WHERE m.ended_ms IS NULL AND m.end_when_back <> 0"
	  "  AND p.state <> 1 AND p.cause NOT IN (8, 9)"
	  "  AND p.from_ms >= m.from_ms AND NOT EXISTS (SELECT 1"
	  "   FROM roll j WHERE j.cluster = i.cluster"
	  "   AND j.service_name = i.service_name"
	  "   AND j.instance_id = i.instance_id AND j.id > i.id)", away },
	{ "SELECT fingerprint, alertname, labels, annotations, state,"
	  " active_at_ms, fired_at_ms, resolved_at_ms, keep_firing_since_ms,"
	  " last_sent_ms, last_notified_ms FROM alerts", alert },
	{ "SELECT id, receiver, integration, group_key, payload, created_ms,"
	  " next_try_ms, attempts, last_error FROM outbox ORDER BY id",
	  outbox },
};

int restore_run(sqlite3 *db, struct restore *r, struct err *e)
{
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (sql_each(db, parts[i].sql, parts[i].fn, r, e) != 0)
			return -1;
	return 0;
}

int restore_probe(sqlite3 *db, struct err *e)
{
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (sql_each(db, parts[i].sql, NULL, NULL, e) != 0)
			return -1;
	return 0;
}
