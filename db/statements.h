#ifndef DB_STATEMENTS_H
#define DB_STATEMENTS_H

#include <stdbool.h>

/* Every statement the writer runs.  Values are bound in the order of the
 * parameters; record.c is where they are put together. */
enum statement_id {
	SQL_INSTANCE, SQL_PERIOD_BEGIN, SQL_PERIOD_END, SQL_SERVICE,
	SQL_SERVICE_GONE, SQL_EXPECTATION, SQL_WATCHING, SQL_CLUSTER,
	SQL_MEMBER_NAME, SQL_MEMBER, SQL_FOLLOWER, SQL_ALERT, SQL_ALERT_GONE,
	SQL_OUTBOX, SQL_OUTBOX_DONE, SQL_CLOCK_JUMP, SQL_MAINTENANCE, SQL_COUNT
};

struct statement {
	const char *sql;
	const char *table;	/* whose row it writes whole; NULL: adds one */
	unsigned keys;		/* leading values that name the row */
	bool statistics;	/* may be dropped */
};

extern const struct statement statements[SQL_COUNT];

#endif
