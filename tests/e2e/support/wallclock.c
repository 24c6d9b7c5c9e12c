/* Somebody sets the system clock, for one program: preloaded, it adds the
 * seconds that stand in the file WALLCLOCK_CONTROL to CLOCK_REALTIME.  Other
 * clocks go on. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long ahead(void)
{
	const char *control = getenv("WALLCLOCK_CONTROL");
	int fd = control ? open(control, O_RDONLY | O_CLOEXEC) : -1;
	char text[32] = "";

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return atol(text);
}

int clock_gettime(clockid_t id, struct timespec *t)
{
	int rc = (int)syscall(SYS_clock_gettime, id, t);

	if (rc == 0 && id == CLOCK_REALTIME)
		t->tv_sec += ahead();
	return rc;
}
