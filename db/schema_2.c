/* The second version of the schema: history in a third of the room, and views
 * with plain names.  Texts alone, run by migrations.c. */
#include "db/schema.h"

#include <stddef.h>

/* Version 2: a stay takes a third of the room of a period, and is written
 * without a search.  Ids grow with the time seen, so that they are the index
 * of time; `back` is how many ids before it the stay before lies, so that an
 * instance's history is walked from roll.last_stay backwards.  The tables
 * instances and services leave their names to views.
 *
 *	what		4 * (cause - 1) + state - 1, plus 64 if when it began is
 *			in doubt: anywhere in [from - early, from + late];
 *			etcd tells of expire, dir_expire and etcd_outage
 *	length_ms	NULL: it goes on
 *	early_ms	from the last sign of the state before
 *	late_ms		until it was seen
 *
 * An instance that was not written has no history either. */
static const char stays[] =
"CREATE TABLE stays(id INTEGER PRIMARY KEY, instance INTEGER NOT NULL,"
" what INTEGER NOT NULL, from_ms INTEGER NOT NULL, length_ms INTEGER,"
" early_ms INTEGER NOT NULL, late_ms INTEGER NOT NULL, back INTEGER,"
" etcd_index INTEGER);"
"INSERT INTO stays SELECT p.id, instance,"
" 4 * (cause - 1) + state - 1 + 64 * (ifnull(seen_ms, from_ms) >"
"  ifnull(earliest_ms, from_ms) AND cause NOT IN (2, 4, 7)),"
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

const char *const schema_2[] = { stays, events_views, NULL };
