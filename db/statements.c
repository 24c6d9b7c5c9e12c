/* The writer's statements, as one table.  No code: the schema they write to
 * is in migrations.c, the values come from record.c and stats.c, writer.c
 * runs them. */
#include "db/statements.h"

#include <stddef.h>

#define Q10 "?,?,?,?,?,?,?,?,?,?"
#define NAME_ID "(SELECT id FROM member_names WHERE cluster=? AND member=?)"

const struct statement statements[SQL_COUNT] = {
	[SQL_INSTANCE] = {
		.table = "instances", .keys = 1,
		.sql = "INSERT INTO instances VALUES(" Q10 ",?,?,?,?,?,?,?)"
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
	[SQL_PERIOD_BEGIN] = {
		.table = "periods", .keys = 1,
		.sql = "INSERT INTO periods(id, instance, state, cause,"
		    " from_ms, earliest_ms, seen_ms, etcd_index)"
		    " VALUES(?,?,?,?,?,?,?,?)"
	},
	/* An end before the beginning can only come from a clock that was
	 * rebased in between: the stay had no length then. */
	[SQL_PERIOD_END] = {
		.table = "periods", .keys = 1,
		.sql = "UPDATE periods SET to_ms = max(from_ms, ?2)"
		    " WHERE id = ?1"
	},
	[SQL_SERVICE] = {
		.table = "services", .keys = 2,
		.sql = "REPLACE INTO services VALUES(?,?,?,?,?,?)"
	},
	[SQL_SERVICE_GONE] = {
		.table = "services", .keys = 2,
		.sql = "DELETE FROM services WHERE cluster = ? AND name = ?"
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
	[SQL_MAINTENANCE] = {
		.table = "maintenance", .keys = 1,
		.sql = "REPLACE INTO maintenance VALUES(" Q10 ",?)"
	},
};
