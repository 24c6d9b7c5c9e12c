/* cli/maintenance.c, of an answer of the daemon:
 *	the same columns on 80 columns as in a pipe, with the zone of the times
 *	who did it, with a comment and without; windows that are over */
#include "cli/maintenance.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <cmocka.h>

#include "tests/unit/cli/printed.h"

#define TIMES \
	"\"from\":\"2026-11-26T17:44:44.065Z\"," \
	"\"to\":\"2026-11-26T18:44:44.065Z\""

static const char answer[] =
	"[{\"id\":12,\"service_name\":\"login_server\","
	"\"instance_id\":\"0001-0001\"," TIMES ",\"ended\":null,"
	"\"end_when_back\":true,\"comment\":\"a new system, by hand\","
	"\"created_by\":\"root\"},"
	"{\"id\":9,\"service_name\":\"msg_server\",\"instance_id\":null,"
	TIMES ",\"ended\":\"2026-11-26T18:14:44.065Z\","
	"\"end_when_back\":false,\"comment\":\"\",\"created_by\":\"ann\"}]";

static char printed[4096];

static void show(const char *columns, bool all)
{
	cJSON *windows = cJSON_Parse(answer);
	struct printing_to to;

	assert_non_null(windows);
	setenv("TZ", "UTC", 1);
	tzset();
	if (columns != NULL)
		setenv("COLUMNS", columns, 1);
	else
		unsetenv("COLUMNS");
	to = printed_begin(true);
	print_windows(windows, all);
	printed_end(&to, printed, sizeof(printed));
	cJSON_Delete(windows);
}

static void test_in_a_pipe(void **state)
{
	(void)state;
	show(NULL, true);
	assert_string_equal(printed,
	    "ID  SERVICE/INSTANCE        FROM (UTC)        UNTIL (UTC)     "
	    "  ENDS       COMMENT (BY)\n"
	    "12  login_server/0001-0001  2026-11-26 17:44  2026-11-26 18:44"
	    "  when back  a new system, by hand (root)\n"
	    " 9  msg_server              2026-11-26 17:44  2026-11-26 18:14"
	    "  over       (ann)\n");
}

/* Until when it is and what for says more than since when. */
static void test_on_80_columns(void **state)
{
	(void)state;
	show("80", true);
	assert_string_equal(printed,
	    "ID  SERVICE/INSTANCE        UNTIL (UTC)       ENDS     "
	    "  COMMENT (BY)\n"
	    "12  login_server/0001-0001  2026-11-26 18:44  when back"
	    "  a new syste\u2026hand (root)\n"
	    " 9  msg_server              2026-11-26 18:14  over     "
	    "  (ann)\n");
	show("100", true);
	assert_non_null(strstr(printed, "FROM (UTC)"));
	show("80", false);
	assert_null(strstr(printed, "msg_server"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_a_pipe),
		cmocka_unit_test(test_on_80_columns),
	};

	return cmocka_run_group_tests_name("cli/maintenance", tests, NULL,
	    NULL);
}
