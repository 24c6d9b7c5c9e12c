/* The schema, as the numbered steps that lead to it (docs/DESIGN.md, History).
 * A step that was ever released is never edited: a change is a new step at
 * the end.  file.c runs them when it opens the file. */
#include "db/migrations.h"

#include <stdio.h>

#include "core/err.h"
#include "db/sql.h"

/* Times are milliseconds since 1970, in columns that end in _ms.  The primary
 * key comes first in every table WITHOUT ROWID: elsewhere its columns make
 * the checks of sqlite 3.40 see NULLs that are none. */
static const char first[] =
"CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
"CREATE TABLE clusters(name TEXT PRIMARY KEY, cluster_id TEXT,"
" raft_term INTEGER NOT NULL, leader_changes INTEGER NOT NULL,"
" disturbed_ms INTEGER) WITHOUT ROWID;"
"CREATE TABLE services(cluster TEXT NOT NULL, name TEXT NOT NULL,"
" registrations INTEGER NOT NULL, expirations INTEGER NOT NULL,"
" deregistrations INTEGER NOT NULL, losses INTEGER NOT NULL,"
" PRIMARY KEY(cluster, name)) WITHOUT ROWID;"

/* An identity that was forgotten gets a new row when it comes back, so
 * history groups by (cluster, service_name, instance_id), never by id. */
"CREATE TABLE instances(id INTEGER PRIMARY KEY, cluster TEXT NOT NULL,"
" directory TEXT NOT NULL, service_name TEXT NOT NULL,"
" instance_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT, address TEXT,"
" labels TEXT, ttl_s INTEGER NOT NULL, expires_ms INTEGER,"
" last_beat_ms INTEGER, created_index INTEGER NOT NULL,"
" modified_index INTEGER NOT NULL, expirations INTEGER NOT NULL,"
" held_until_ms INTEGER, forgotten INTEGER NOT NULL);"
"CREATE INDEX instances_identity"
" ON instances(cluster, service_name, instance_id);"

/* earliest_ms and seen_ms are NULL where they equal from_ms.  The last row of
 * who deregistered (state 4) stays open for ever, hence the second index. */
"CREATE TABLE periods(id INTEGER PRIMARY KEY, instance INTEGER NOT NULL,"
" state INTEGER NOT NULL, cause INTEGER NOT NULL, from_ms INTEGER NOT NULL,"
" to_ms INTEGER, earliest_ms INTEGER, seen_ms INTEGER, etcd_index INTEGER);"
"CREATE INDEX periods_instance ON periods(instance, from_ms);"
"CREATE INDEX periods_open ON periods(instance)"
" WHERE to_ms IS NULL AND state <> 4;"
"CREATE INDEX periods_seen ON periods(ifnull(seen_ms, from_ms));"

"CREATE TABLE watching(id INTEGER PRIMARY KEY, cluster TEXT NOT NULL,"
" directory TEXT NOT NULL, from_ms INTEGER NOT NULL,"
" to_ms INTEGER NOT NULL, last_index INTEGER NOT NULL);"
"CREATE INDEX watching_directory ON watching(cluster, directory, from_ms);"
"CREATE TABLE expectations(cluster TEXT NOT NULL,"
" service_name TEXT NOT NULL, from_ms INTEGER NOT NULL,"
" min_instances INTEGER NOT NULL, PRIMARY KEY(cluster, service_name, from_ms))"
" WITHOUT ROWID;"
"CREATE TABLE clock_jumps(at_ms INTEGER NOT NULL, jump_ms INTEGER NOT NULL);"

"CREATE TABLE alerts(fingerprint TEXT PRIMARY KEY, alertname TEXT NOT NULL,"
" labels TEXT NOT NULL, annotations TEXT NOT NULL, state TEXT NOT NULL,"
" active_at_ms INTEGER, fired_at_ms INTEGER, resolved_at_ms INTEGER,"
" keep_firing_since_ms INTEGER, last_sent_ms INTEGER,"
" last_notified_ms INTEGER) WITHOUT ROWID;"
"CREATE TABLE outbox(id INTEGER PRIMARY KEY, receiver TEXT NOT NULL,"
" integration TEXT NOT NULL, group_key TEXT NOT NULL, payload TEXT NOT NULL,"
" created_ms INTEGER NOT NULL, next_try_ms INTEGER, attempts INTEGER NOT NULL,"
" last_error TEXT);"
"CREATE TABLE silences(id TEXT PRIMARY KEY, matchers TEXT NOT NULL,"
" starts_at_ms INTEGER NOT NULL, ends_at_ms INTEGER NOT NULL,"
" updated_at_ms INTEGER NOT NULL, created_by TEXT NOT NULL,"
" comment TEXT NOT NULL) WITHOUT ROWID;"
"CREATE TABLE maintenance(id INTEGER PRIMARY KEY, cluster TEXT,"
" service_name TEXT, instance_id TEXT, from_ms INTEGER NOT NULL,"
" to_ms INTEGER NOT NULL, end_when_back INTEGER NOT NULL, ended_ms INTEGER,"
" reason TEXT, created_by TEXT, created_ms INTEGER NOT NULL);";

/* One row per member and poll.  The order of the columns is the order of the
 * table in stats.c; a later step adds its columns at the end. */
static const char statistics[] =
"CREATE TABLE member_names(id INTEGER PRIMARY KEY, cluster TEXT NOT NULL,"
" member TEXT NOT NULL, UNIQUE(cluster, member));"
"CREATE TABLE members(member INTEGER, at_ms INTEGER,"
" up INTEGER, healthy INTEGER, is_leader INTEGER, has_leader INTEGER,"
" etcd_index INTEGER, start_s INTEGER, leader_start_s INTEGER,"
" append_received INTEGER, append_sent INTEGER,"
" receive_milli_per_s INTEGER, receive_bytes_per_s INTEGER,"
" send_milli_per_s INTEGER, send_bytes_per_s INTEGER,"
" get_ok INTEGER, set_ok INTEGER, create_ok INTEGER, update_ok INTEGER,"
" delete_ok INTEGER, cas_ok INTEGER, cad_ok INTEGER,"
" get_failed INTEGER, set_failed INTEGER, create_failed INTEGER,"
" update_failed INTEGER, delete_failed INTEGER, cas_failed INTEGER,"
" cad_failed INTEGER, expirations INTEGER, watchers INTEGER,"
" health_us INTEGER, version_us INTEGER, members_us INTEGER,"
" leader_us INTEGER, stats_leader_us INTEGER, stats_self_us INTEGER,"
" stats_store_us INTEGER, keys_us INTEGER,"
" PRIMARY KEY(member, at_ms)) WITHOUT ROWID;"
"CREATE TABLE followers(member INTEGER, follower INTEGER, at_ms INTEGER,"
" latency_us INTEGER, average_us INTEGER, stddev_us INTEGER,"
" min_us INTEGER, max_us INTEGER, successes INTEGER, failures INTEGER,"
" PRIMARY KEY(member, follower, at_ms)) WITHOUT ROWID;";

#define RFC3339(ms) "strftime('%Y-%m-%dT%H:%M:%fZ'," ms "/1000.0,'unixepoch')"

/* For people at the sqlite3 prompt.  Times are RFC 3339 in UTC. */
static const char views[] =
"CREATE TABLE states(id INTEGER PRIMARY KEY, name TEXT NOT NULL);"
"INSERT INTO states VALUES(1,'up'),(2,'expired'),(3,'lost'),"
" (4,'deregistered');"
"CREATE TABLE causes(id INTEGER PRIMARY KEY, name TEXT NOT NULL);"
"INSERT INTO causes VALUES(1,'registered'),(2,'expire'),(3,'delete'),"
" (4,'dir_expire'),(5,'dir_delete'),(6,'diff'),(7,'etcd_outage'),"
" (8,'forgotten'),(9,'unwatched');"
"CREATE VIEW events AS SELECT p.id, " RFC3339("p.from_ms") " AS time,"
" i.cluster, i.service_name AS service, i.instance_id AS instance,"
" s.name AS state, c.name AS cause,"
" " RFC3339("p.to_ms") " AS until, (p.to_ms - p.from_ms)/1000.0 AS seconds,"
" " RFC3339("ifnull(p.seen_ms, p.from_ms)") " AS seen,"
" i.address, i.key, p.etcd_index"
" FROM periods p JOIN instances i ON i.id = p.instance"
" JOIN states s ON s.id = p.state JOIN causes c ON c.id = p.cause;"
"CREATE VIEW instances_now AS SELECT i.cluster, i.service_name AS service,"
" i.instance_id AS instance, s.name AS state, c.name AS cause,"
" " RFC3339("p.from_ms") " AS since, i.address, i.ttl_s, i.expirations,"
" i.directory, i.key, i.value"
" FROM periods p JOIN instances i ON i.id = p.instance"
" JOIN states s ON s.id = p.state JOIN causes c ON c.id = p.cause"
" WHERE p.to_ms IS NULL AND p.state <> 4 AND i.forgotten = 0;"
"CREATE VIEW outages_raw AS SELECT i.cluster, i.service_name AS service,"
" i.instance_id AS instance, s.name AS state, c.name AS cause,"
" " RFC3339("p.from_ms") " AS began, " RFC3339("p.to_ms") " AS ended,"
" (p.to_ms - p.from_ms)/1000.0 AS seconds, i.address"
" FROM periods p JOIN instances i ON i.id = p.instance"
" JOIN states s ON s.id = p.state JOIN causes c ON c.id = p.cause"
" WHERE p.state IN (2, 3);"
"CREATE VIEW looked_at AS SELECT cluster, directory,"
" " RFC3339("from_ms") " AS began, " RFC3339("to_ms") " AS ended,"
" (to_ms - from_ms)/1000.0 AS seconds FROM watching;";

/* Version 2: a stay takes a third of the room of a period, and is written
 * without a search.  Ids grow with the time seen, so that they are the index
 * of time; `back` is how many ids before it the stay before lies, so that an
 * instance's history is walked from roll.last_stay backwards.  The tables
 * instances and services leave their names to views.
 *
 *	what		4 * (cause - 1) + state - 1, plus 64 if when it began is
 *			in doubt: anywhere in [from - early, from + late]
 *	length_ms	NULL: it goes on
 *	early_ms	from the last sign of the state before
 *	late_ms		until it was seen
 *
 * An instance that was not written has no history either. */
#define TIMED "(2, 4, 7)"	/* etcd says when: expire, dir_expire, etcd_outage */
#define WHAT(state, cause, early, late) \
	"4 * (" cause " - 1) + " state " - 1 + 64 * ((" early ") + (" late \
	") > 0 AND " cause " NOT IN " TIMED ")"

static const char stays[] =
"CREATE TABLE stays(id INTEGER PRIMARY KEY, instance INTEGER NOT NULL,"
" what INTEGER NOT NULL, from_ms INTEGER NOT NULL, length_ms INTEGER,"
" early_ms INTEGER NOT NULL, late_ms INTEGER NOT NULL, back INTEGER,"
" etcd_index INTEGER);"
"INSERT INTO stays SELECT p.id, instance,"
" " WHAT("state", "cause", "from_ms - ifnull(earliest_ms, from_ms)",
	"ifnull(seen_ms, from_ms) - from_ms") ","
" from_ms, to_ms - from_ms, from_ms - ifnull(earliest_ms, from_ms),"
" ifnull(seen_ms, from_ms) - from_ms,"
" p.id - lag(p.id) OVER (PARTITION BY instance ORDER BY p.id), etcd_index"
" FROM periods p JOIN instances i ON i.id = p.instance ORDER BY p.id;"
"DROP VIEW events; DROP VIEW instances_now; DROP VIEW outages_raw;"
"DROP TABLE periods;"
"ALTER TABLE services RENAME TO service_totals;"
"ALTER TABLE instances RENAME TO roll;"
"ALTER TABLE roll ADD COLUMN last_stay INTEGER;"
"UPDATE roll SET last_stay = m.id FROM (SELECT instance, max(id) AS id"
" FROM stays GROUP BY instance) m WHERE m.instance = roll.id;"
"CREATE TRIGGER stays_last AFTER INSERT ON stays BEGIN"
" UPDATE roll SET last_stay = new.id WHERE id = new.instance; END;"
"CREATE VIEW periods AS SELECT id, instance, (what & 3) + 1 AS state,"
" (what >> 2 & 15) + 1 AS cause, from_ms, from_ms + length_ms AS to_ms,"
" CASE WHEN early_ms <> 0 THEN from_ms - early_ms END AS earliest_ms,"
" CASE WHEN late_ms <> 0 THEN from_ms + late_ms END AS seen_ms, etcd_index"
" FROM stays;";

static const char events_views[] =
"CREATE VIEW events AS SELECT p.id, " RFC3339("p.from_ms") " AS time,"
" i.cluster, i.service_name AS service, i.instance_id AS instance,"
" s.name AS state, c.name AS cause,"
" " RFC3339("p.to_ms") " AS until, (p.to_ms - p.from_ms)/1000.0 AS seconds,"
" " RFC3339("ifnull(p.seen_ms, p.from_ms)") " AS seen,"
" i.address, i.key, p.etcd_index"
" FROM periods p JOIN roll i ON i.id = p.instance"
" JOIN states s ON s.id = p.state JOIN causes c ON c.id = p.cause;"
"CREATE VIEW instances_now AS SELECT i.cluster, i.service_name AS service,"
" i.instance_id AS instance, s.name AS state, c.name AS cause,"
" " RFC3339("p.from_ms") " AS since, i.address, i.ttl_s, i.expirations,"
" i.directory, i.key, i.value"
" FROM periods p JOIN roll i ON i.id = p.instance"
" JOIN states s ON s.id = p.state JOIN causes c ON c.id = p.cause"
" WHERE p.to_ms IS NULL AND p.state <> 4 AND i.forgotten = 0;"
"CREATE VIEW outages_raw AS SELECT i.cluster, i.service_name AS service,"
" i.instance_id AS instance, s.name AS state, c.name AS cause,"
" " RFC3339("p.from_ms") " AS began, " RFC3339("p.to_ms") " AS ended,"
" (p.to_ms - p.from_ms)/1000.0 AS seconds, i.address"
" FROM periods p JOIN roll i ON i.id = p.instance"
" JOIN states s ON s.id = p.state JOIN causes c ON c.id = p.cause"
" WHERE p.state IN (2, 3);";

/* Step n brings version n-1 to version n; a step is up to four texts. */
static const char *const steps[][4] = {
	{ first, statistics, views },
	{ stays, events_views },
};

int64_t migrations_latest(void)
{
	return sizeof(steps) / sizeof(steps[0]);
}

static int run_texts(sqlite3 *db, int64_t version, struct err *e)
{
	char mark[80];

	for (size_t i = 0; i < 4 && steps[version - 1][i] != NULL; i++)
		if (sql_exec(db, steps[version - 1][i], e) != 0)
			return -1;
	snprintf(mark, sizeof(mark), "PRAGMA application_id=%d;"
	    " PRAGMA user_version=%d", APPLICATION_ID, (int)version);
	return sql_exec(db, mark, e);
}

static int run_step(sqlite3 *db, int64_t version, struct err *e)
{
	if (sql_exec(db, "BEGIN IMMEDIATE", e) == 0 &&
	    run_texts(db, version, e) == 0 &&
	    sql_exec(db, "COMMIT", e) == 0)
		return 0;
	if (!sqlite3_get_autocommit(db))
		sql_exec(db, "ROLLBACK", NULL);
	return err_prefix(e, "bring the schema to version %d", (int)version);
}

int migrations_run(sqlite3 *db, struct err *e)
{
	int64_t version = 0;

	if (sql_int(db, "PRAGMA user_version", &version, e) != 0)
		return -1;
	while (version < migrations_latest())
		if (run_step(db, ++version, e) != 0)
			return -1;
	return 0;
}

enum db_kind migrations_look(sqlite3 *db, int64_t *version_r, struct err *e)
{
	int64_t id = 0, tables = 0;

	*version_r = 0;
	if (sql_int(db, "SELECT count(*) FROM sqlite_schema", &tables,
	    e) != 0 ||
	    sql_int(db, "PRAGMA application_id", &id, e) != 0 ||
	    sql_int(db, "PRAGMA user_version", version_r, e) != 0)
		return sql_is_corrupt(sqlite3_errcode(db)) ? DB_CORRUPT :
		    DB_UNREADABLE;
	if (id != APPLICATION_ID)
		return tables == 0 && id == 0 && *version_r == 0 ? DB_EMPTY :
		    DB_FOREIGN;
	return *version_r > migrations_latest() ? DB_NEWER : DB_OURS;
}
