/* The first version of the schema (docs/DESIGN.md, History).  Texts alone, run
 * by migrations.c. */
#include "db/schema.h"

#include <stddef.h>

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

const char *const schema_1[] = { first, statistics, views, NULL };
