/* The second version of the schema: history in a third of the room, and views
 * with plain names.  Texts alone, run by migrations.c. */
#include "db/schema.h"

#include <stddef.h>

/* A column of milliseconds as RFC 3339 stands between the two. */
#define UTC "strftime('%Y-%m-%dT%H:%M:%fZ',"
#define ENDUTC "/1000.0,'unixepoch')"
#define NAMES \
	"i.cluster, i.service_name AS service, i.instance_id AS instance"
#define WORDS \
	" JOIN roll i ON i.id = p.instance JOIN states s ON s.id = p.state" \
	" JOIN causes c ON c.id = p.cause"

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
"DROP VIEW looked_at;"
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

/* For people at the sqlite3 prompt (docs/HISTORY.md).  Times are RFC 3339 in
 * UTC. */
static const char plain_views[] =
"CREATE VIEW events AS SELECT p.id, " UTC "p.from_ms" ENDUTC " AS time,"
" " NAMES ", s.name AS state, c.name AS cause,"
" " UTC "p.to_ms" ENDUTC " AS until, (p.to_ms - p.from_ms)/1000.0 AS seconds,"
" " UTC "ifnull(p.seen_ms, p.from_ms)" ENDUTC " AS seen,"
" i.address, i.key, p.etcd_index FROM periods p" WORDS ";"

"CREATE VIEW outages AS SELECT " NAMES ", " UTC "p.from_ms" ENDUTC " AS began,"
" " UTC "p.to_ms" ENDUTC " AS ended, (p.to_ms - p.from_ms)/1000.0 AS seconds,"
" (SELECT sum(min(w.to_ms, ifnull(p.to_ms, w.to_ms)) -"
"   max(w.from_ms, p.from_ms))/1000.0 FROM watching w"
"  WHERE w.cluster = i.cluster AND w.directory = i.directory"
"  AND w.from_ms < ifnull(p.to_ms, w.to_ms) AND w.to_ms > p.from_ms)"
"  AS seconds_seen, s.name AS state, c.name AS cause,"
" (ifnull(p.seen_ms, p.from_ms) - p.from_ms)/1000.0 AS detected_after,"
" i.address FROM periods p" WORDS " WHERE p.state IN (2, 3);"

"CREATE VIEW instances AS SELECT " NAMES ", s.name AS state,"
" c.name AS cause, " UTC "p.from_ms" ENDUTC " AS since, i.address, i.ttl_s,"
" i.expirations, i.directory, i.key, i.value"
" FROM roll i JOIN periods p ON p.id = i.last_stay"
" JOIN states s ON s.id = p.state JOIN causes c ON c.id = p.cause"
" WHERE p.state <> 4 AND i.forgotten = 0;"

"CREATE VIEW services AS SELECT t.cluster, t.name AS service,"
" count(i.instance) FILTER (WHERE i.state = 'up') AS up,"
" count(i.instance) FILTER (WHERE i.state <> 'up') AS vanished,"
" nullif((SELECT e.min_instances FROM expectations e"
"  WHERE e.cluster = t.cluster AND e.service_name = t.name"
"  ORDER BY e.from_ms DESC LIMIT 1), -1) AS min_instances,"
" t.registrations, t.expirations, t.deregistrations, t.losses"
" FROM service_totals t LEFT JOIN instances i ON i.cluster = t.cluster"
" AND i.service = t.name GROUP BY t.cluster, t.name;"

"CREATE VIEW looked_at AS SELECT cluster, directory,"
" " UTC "from_ms" ENDUTC " AS began, " UTC "to_ms" ENDUTC " AS ended,"
" (to_ms - from_ms)/1000.0 AS seconds FROM watching;";

/* Maintenance per row of the roll, what overlaps joined to one. */
static const char maintenance_view[] =
"CREATE VIEW maintenance_times AS WITH windows AS (SELECT i.id, m.from_ms,"
" min(m.to_ms, ifnull(m.ended_ms, m.to_ms)) AS to_ms"
" FROM maintenance m JOIN roll i ON i.cluster = ifnull(m.cluster, i.cluster)"
" AND i.service_name = ifnull(m.service_name, i.service_name)"
" AND i.instance_id = ifnull(m.instance_id, i.instance_id)),"
"reached AS (SELECT *, max(to_ms) OVER (PARTITION BY id"
" ORDER BY from_ms ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reach"
" FROM windows WHERE from_ms < to_ms),"
"numbered AS (SELECT *, count(*) FILTER (WHERE reach IS NULL"
" OR from_ms > reach) OVER (PARTITION BY id ORDER BY from_ms) AS n"
" FROM reached)"
"SELECT id, min(from_ms) AS from_ms, max(to_ms) AS to_ms FROM numbered"
" GROUP BY id, n;";

/* Up and down of instances while they were watched and not in maintenance. */
#define UPTIME(name, days) \
"CREATE VIEW " name " AS WITH" \
" bounds AS MATERIALIZED (SELECT now - " days " * 86400000 AS since, now" \
"  FROM (SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)" \
"   AS now))," \
" seen AS (SELECT p.instance, p.state, w.from_ms AS wf, w.to_ms AS wt," \
"  max(p.from_ms, w.from_ms, since) AS f," \
"  min(ifnull(p.to_ms, now), w.to_ms, now) AS t" \
"  FROM bounds, periods p JOIN roll i ON i.id = p.instance" \
"  JOIN watching w ON w.cluster = i.cluster AND w.directory = i.directory" \
"   AND w.from_ms < ifnull(p.to_ms, now) AND w.to_ms > p.from_ms" \
"  WHERE p.state < 4 AND ifnull(p.to_ms, now) > since AND p.from_ms < now" \
"   AND w.to_ms > since)," \
" counted AS (SELECT instance, state, t - f - ifnull((SELECT" \
"  sum(max(min(m.to_ms, t) - max(m.from_ms, f), 0)) FROM maintenance_times m" \
"  WHERE m.id = instance), 0) AS ms FROM seen WHERE f < t)," \
" watched AS MATERIALIZED (SELECT cluster, directory," \
"  sum(min(to_ms, now) - max(from_ms, since)) AS ms FROM watching, bounds" \
"  WHERE to_ms > since AND from_ms < now GROUP BY cluster, directory)" \
" SELECT " NAMES "," \
" sum(ms) FILTER (WHERE state = 1) * 1.0 / nullif(sum(ms), 0) AS uptime," \
" (SELECT w.ms FROM watched w WHERE w.cluster = i.cluster" \
"  AND w.directory = i.directory) / " days " / 86400000.0 AS coverage," \
" ifnull(sum(ms) FILTER (WHERE state = 1), 0)/1000.0 AS up_seconds," \
" ifnull(sum(ms) FILTER (WHERE state > 1), 0)/1000.0 AS down_seconds" \
" FROM counted JOIN roll i ON i.id = instance" \
" GROUP BY i.cluster, i.service_name, i.instance_id;"

static const char uptime_views[] =
UPTIME("uptime_24h", "1") UPTIME("uptime_7d", "7") UPTIME("uptime_30d", "30")
UPTIME("uptime_90d", "90") UPTIME("uptime_365d", "365");

const char *const schema_2[] = {
	stays, plain_views, maintenance_view, uptime_views, NULL };
