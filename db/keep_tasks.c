/* What housekeeping does to the tables, as one table.  No code: keep.c runs
 * it.  Every statement can be run again after a kill, and finds its rows by
 * the primary key; the tables have few other indexes.
 *
 * Thinning leaves the last row of a bucket, buckets being whole multiples of
 * their length since 1970.  Of what is left nothing is made up: a row is what
 * one poll told, and counters lose nothing by being looked at less often. */
#include "db/keep_tasks.h"

#define MINUTES_5 300000
#define HOUR 3600000
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

#define NAMES "(SELECT id FROM member_names)"
#define PAIRS "member_names n JOIN member_names f ON f.cluster = n.cluster"

/* Each of them seeks once per member, or per pair of members. */
#define FIRST_MEMBER "SELECT min(at) FROM (SELECT (SELECT min(at_ms)" \
	" FROM members WHERE member = n.id AND at_ms >= ?1) AS at" \
	" FROM member_names n)"
#define FIRST_FOLLOWER "SELECT min(at) FROM (SELECT (SELECT min(at_ms)" \
	" FROM followers WHERE member = n.id AND follower = f.id" \
	" AND at_ms >= ?1) AS at FROM " PAIRS ")"

#define IN_SLICE_MEMBERS "DELETE FROM members AS t WHERE member IN " NAMES \
	" AND at_ms >= ?1 AND at_ms < ?2"
#define IN_SLICE_FOLLOWERS "DELETE FROM followers AS t" \
	" WHERE (member, follower) IN (SELECT n.id, f.id FROM " PAIRS ")" \
	" AND at_ms >= ?1 AND at_ms < ?2"

/* A later row of the same bucket. */
#define LATER(bucket) " n.at_ms > t.at_ms AND n.at_ms <" \
	" (t.at_ms / " TEXT(bucket) " + 1) * " TEXT(bucket) ")"
#define THIN_MEMBERS(bucket) IN_SLICE_MEMBERS " AND EXISTS (SELECT 1" \
	" FROM members n WHERE n.member = t.member AND" LATER(bucket)
#define THIN_FOLLOWERS(bucket) IN_SLICE_FOLLOWERS " AND EXISTS (SELECT 1" \
	" FROM followers n WHERE n.member = t.member" \
	" AND n.follower = t.follower AND" LATER(bucket)

#define FIRST_ID(table) "SELECT min(id) FROM " table " WHERE id >= ?1"
#define IDS " WHERE id >= ?1 AND id < ?2"

/* The newest instance of each service whose present stay began before the
 * cutoff.  It stays, so that a service whose instances all left is missed
 * since then and where it was, and not only since the next one came. */
const char keep_tables[] =
	"PRAGMA temp_store = MEMORY;"
	"CREATE TEMP TABLE kept_for_service(cluster TEXT, service_name TEXT,"
	" directory TEXT, id INTEGER,"
	" PRIMARY KEY(cluster, service_name, directory)) WITHOUT ROWID;";

#define OLD_ROLL " FROM roll t JOIN stays s ON s.id = t.last_stay" \
	" AND s.instance = t.id WHERE t.id >= ?1 AND t.id < ?2" \
	" AND s.from_ms < ?3"

/* Or the service is forgotten. */
#define NOT_MISSED "(t.id < (SELECT id FROM kept_for_service n WHERE" \
	" n.cluster = t.cluster AND n.service_name = t.service_name" \
	" AND n.directory = t.directory)" \
	" OR NOT EXISTS (SELECT 1 FROM service_totals c" \
	" WHERE c.cluster = t.cluster AND c.name = t.service_name))"

const struct keep_task keep_tasks[] = {
	{ .name = "members to 5 min", .cursor = "thinned_members_5m",
	  .first = FIRST_MEMBER, .remove = THIN_MEMBERS(MINUTES_5),
	  .grain = MINUTES_5, .by_time = true,
	  .age = AGE_RAW, .reason = KEEP_THINNED },
	{ .name = "followers to 5 min", .cursor = "thinned_followers_5m",
	  .first = FIRST_FOLLOWER, .remove = THIN_FOLLOWERS(MINUTES_5),
	  .grain = MINUTES_5, .by_time = true,
	  .age = AGE_RAW, .reason = KEEP_THINNED },
	{ .name = "members to 1 h", .cursor = "thinned_members_1h",
	  .first = FIRST_MEMBER, .remove = THIN_MEMBERS(HOUR),
	  .grain = HOUR, .by_time = true,
	  .age = AGE_FINE, .reason = KEEP_THINNED },
	{ .name = "followers to 1 h", .cursor = "thinned_followers_1h",
	  .first = FIRST_FOLLOWER, .remove = THIN_FOLLOWERS(HOUR),
	  .grain = HOUR, .by_time = true,
	  .age = AGE_FINE, .reason = KEEP_THINNED },
	{ .name = "members", .first = FIRST_MEMBER,
	  .remove = IN_SLICE_MEMBERS, .grain = HOUR, .by_time = true,
	  .age = AGE_STATISTICS, .reason = KEEP_RETENTION },
	{ .name = "followers", .first = FIRST_FOLLOWER,
	  .remove = IN_SLICE_FOLLOWERS, .grain = HOUR, .by_time = true,
	  .age = AGE_STATISTICS, .reason = KEEP_RETENTION },
	/* Members that went long ago, so that the seeks above stay few. */
	{ .name = "member_names", .first = FIRST_ID("member_names"),
	  .daily = true,
	  .remove = "DELETE FROM member_names AS t" IDS
	      " AND NOT EXISTS (SELECT 1 FROM members WHERE member = t.id)"
	      " AND NOT EXISTS (SELECT 1 FROM followers WHERE member = t.id)"
	      " AND NOT EXISTS (SELECT 1 FROM member_names n"
	      "  CROSS JOIN followers f ON f.member = n.id"
	      "  AND f.follower = t.id WHERE n.cluster = t.cluster)",
	  .grain = 16, .age = AGE_STATISTICS, .reason = KEEP_RETENTION },

	/* Ids grow with the time a stay was seen, so behind a slice of nothing
	 * but newer ones there are no old ones.  The largest id there is stays:
	 * the next start goes on counting from it. */
	{ .name = "stays", .first = FIRST_ID("stays"),
	  .stop = "SELECT 1 FROM stays" IDS " AND from_ms < ?3 LIMIT 1",
	  .remove = "DELETE FROM stays" IDS " AND length_ms IS NOT NULL"
	      " AND from_ms + length_ms < ?3"
	      " AND id < (SELECT max(id) FROM stays)",
	  .grain = 256, .age = AGE_HISTORY, .reason = KEEP_RETENTION },
	{ .name = "services", .first = FIRST_ID("roll"), .daily = true,
	  .remove = "INSERT INTO kept_for_service SELECT cluster,"
	      " service_name, directory, t.id" OLD_ROLL
	      " ON CONFLICT DO UPDATE SET id = max(id, excluded.id)",
	  .grain = 64, .age = AGE_HISTORY, .reason = KEEP_NOTED },
	/* Who deregistered is in a stay without an end, which says no more
	 * than that nobody is there: it goes together with its instance. */
	{ .name = "roll", .first = FIRST_ID("roll"), .daily = true,
	  .also = "DELETE FROM stays WHERE id IN (SELECT s.id" OLD_ROLL
	      " AND s.what & 3 = 3 AND s.length_ms IS NULL"
	      " AND " NOT_MISSED ")"
	      " AND id < (SELECT max(id) FROM stays)",
	  .remove = "DELETE FROM roll AS t" IDS
	      " AND NOT EXISTS (SELECT 1 FROM stays WHERE id = t.last_stay)"
	      " AND id < (SELECT max(id) FROM roll)",
	  .grain = 64, .age = AGE_HISTORY, .reason = KEEP_RETENTION },

	/* The last one of a directory from before the cutoff says since when
	 * it is known, and where to go on from. */
	{ .name = "watching", .first = FIRST_ID("watching"),
	  .stop = "SELECT 1 FROM watching" IDS " AND to_ms < ?3",
	  .remove = "DELETE FROM watching AS t" IDS " AND to_ms < ?3"
	      " AND EXISTS (SELECT 1 FROM watching n"
	      "  WHERE n.cluster = t.cluster AND n.directory = t.directory"
	      "  AND n.from_ms > t.from_ms AND n.from_ms < ?3)",
	  .grain = 256, .age = AGE_HISTORY, .reason = KEEP_RETENTION },
	/* The one in force at the cutoff stays. */
	{ .name = "expectations",
	  .remove = "DELETE FROM expectations AS t WHERE from_ms < ?3"
	      " AND EXISTS (SELECT 1 FROM expectations n"
	      "  WHERE n.cluster = t.cluster"
	      "  AND n.service_name = t.service_name"
	      "  AND n.from_ms > t.from_ms AND n.from_ms <= ?3)",
	  .age = AGE_HISTORY, .reason = KEEP_RETENTION },
	{ .name = "clock_jumps",
	  .remove = "DELETE FROM clock_jumps WHERE at_ms < ?3",
	  .age = AGE_HISTORY, .reason = KEEP_RETENTION },
	{ .name = "maintenance",
	  .remove = "DELETE FROM maintenance"
	      " WHERE min(to_ms, ifnull(ended_ms, to_ms)) < ?3",
	  .age = AGE_HISTORY, .reason = KEEP_RETENTION },
};

const size_t keep_ntasks = sizeof(keep_tasks) / sizeof(keep_tasks[0]);
