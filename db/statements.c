/* The writer's statements, as one table.  No code: the schema they write to
 * is in migrations.c, the values come from record.c and stats.c, writer.c
 * runs them. */
#include "db/statements.h"

#include <stddef.h>

#define Q10 "?,?,?,?,?,?,?,?,?,?"
#define NAME_ID "(SELECT id FROM member_names WHERE cluster=? AND member=?)"

const struct statement statements[SQL_COUNT] = {
	[SQL_INSTANCE] = {
		.table = "roll", .keys = 1,
		.sql = "INSERT INTO roll VALUES(" Q10
		    ",?,?,?,?,?,?,?,NULL)"
		    " ON CONFLICT(id) DO UPDATE SET key=excluded.key,"
		    " value=excluded.value, address=excluded.address,"
		    " labels=excluded.labels, ttl_s=excluded.ttl_s,"
		    " expires_ms=excluded.expires_ms,"
		    " last_beat_ms=excluded.last_beat_ms,"
		    " created_index=excluded.created_index,"
		    " modified_index=excluded.modified_index,"
		    " expirations=excluded.expirations,"
		    " held_until_ms=excluded.held_until_ms,"
		    " forgotten=excluded.forgotten"
	},
	/* id, instance, state, cause, from, earliest, seen, etcd_index: how
	 * they are kept is told in migrations.c. */
	[SQL_PERIOD_BEGIN] = {
		.table = "stays", .keys = 1,
		.sql = "INSERT INTO stays SELECT ?1, ?2, 4 * (?4 - 1) + ?3 - 1"
		    " + 64 * (ifnull(?7, ?5) > ifnull(?6, ?5)"
		    "  AND ?4 NOT IN (2, 4, 7)),"
		    " ?5, NULL, ?5 - ifnull(?6, ?5), ifnull(?7, ?5) - ?5,"
		    " ?1 - last_stay, ?8 FROM roll WHERE id = ?2"
	},
	/* An end before the beginning can only come from a clock that was
	 * rebased in between: the stay had no length then. */
	[SQL_PERIOD_END] = {
		.table = "stays", .keys = 1,
		.sql = "UPDATE stays SET length_ms = max(0, ?2 - from_ms)"
		    " WHERE id = ?1"
	},
	[SQL_SERVICE] = {
		.table = "service_totals", .keys = 2,
		.sql = "REPLACE INTO service_totals VALUES(?,?,?,?,?,?)"
	},
	[SQL_SERVICE_GONE] = {
		.table = "service_totals", .keys = 2,
		.sql = "DELETE FROM service_totals"
		    " WHERE cluster = ? AND name = ?"
	},
	[SQL_EXPECTATION] = {
		.sql = "REPLACE INTO expectations(cluster, service_name,"
		    " min_instances, from_ms) VALUES(?,?,?,?)"
	},
	[SQL_WATCHING] = {
		.table = "watching", .keys = 1,
		.sql = "INSERT INTO watching VALUES(?,?,?,?,?,?)"
		    " ON CONFLICT(id) DO UPDATE SET to_ms=excluded.to_ms,"
		    " last_index=excluded.last_index"
	},
	[SQL_CLUSTER] = {
		.table = "clusters", .keys = 1,
		.sql = "REPLACE INTO clusters VALUES(?,?,?,?,?)"
	},
	[SQL_MEMBER_NAME] = {
		.table = "member_names", .keys = 2,
		.sql = "INSERT INTO member_names(cluster, member) SELECT ?1, ?2"
		    " WHERE NOT EXISTS (SELECT 1 FROM member_names"
		    " WHERE cluster = ?1 AND member = ?2)"
	},
	[SQL_MEMBER] = {
		.statistics = true,
		.sql = "REPLACE INTO members VALUES(" NAME_ID ",?,"
		    Q10 "," Q10 "," Q10 ",?,?,?,?,?,?,?)"
	},
	[SQL_FOLLOWER] = {
		.statistics = true,
		.sql = "REPLACE INTO followers VALUES(" NAME_ID "," NAME_ID
		    ",?,?,?,?,?,?,?,?)"
	},
	[SQL_ALERT] = {
		.table = "alerts", .keys = 1,
		.sql = "REPLACE INTO alerts VALUES(" Q10 ",?)"
	},
	[SQL_ALERT_GONE] = {
		.table = "alerts", .keys = 1,
		.sql = "DELETE FROM alerts WHERE fingerprint = ?"
	},
	[SQL_OUTBOX] = {
		.table = "outbox", .keys = 1,
		.sql = "REPLACE INTO outbox VALUES(?,?,?,?,?,?,?,?,?)"
	},
	[SQL_OUTBOX_DONE] = {
		.table = "outbox", .keys = 1,
		.sql = "DELETE FROM outbox WHERE id = ?"
	},
	[SQL_CLOCK_JUMP] = {
		.sql = "INSERT INTO clock_jumps VALUES(?,?)"
	},
};
