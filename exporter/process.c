/* The process_* metrics every Prometheus client has, measured at the moment
 * of the scrape from /proc/self and getrlimit, with the meanings the client
 * libraries gave them.  /proc is memory, not disk: reading it cannot hang.
 * Called by routes.c. */
#include "exporter/process.h"

#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"

/* The fields of /proc/self/stat behind the command, from `state` on. */
enum {
	STAT_UTIME = 11, STAT_STIME = 12, STAT_THREADS = 17,
	STAT_START = 19, STAT_VSIZE = 20, STAT_RSS = 21, STAT_FIELDS = 22
};

struct measures {
	struct snap_sample *out;
	size_t n;
};

static void add(struct measures *m, enum metric_id id, double value)
{
	assert(m->n < PROCESS_MAX_SAMPLES);
	m->out[m->n++] = (struct snap_sample){ id, NULL, value };
}

/* The numbers behind the command in /proc/self/stat; negative ones as 0. */
static bool read_stat(double field[STAT_FIELDS])
{
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	ssize_t n;
	char text[1024], *at;

	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	/* The command may hold spaces and brackets: start behind its end. */
	at = strrchr(text, ')');
	for (int i = 0; i < STAT_FIELDS; i++) {
		at = at != NULL ? strchr(at + 1, ' ') : NULL;
		if (at == NULL)
			return false;
		field[i] = isdigit((unsigned char)at[1]) ?
		    (double)strtoull(at + 1, NULL, 10) : 0;
	}
	return true;
}

static pthread_once_t boot_once = PTHREAD_ONCE_INIT;
static double boot_time;

/* When the machine was booted, Unix time.  The kernel's answer moves with the
 * wall clock, and a start time that moves looks like a restart: so it is
 * asked once.  A hardened service may not see it, then the clocks tell. */
static void find_boot_time(void)
{
	char line[256];
	long long at;
	FILE *f = fopen("/proc/stat", "re");

	boot_time = (double)(clock_wall().ms - clock_mono().ms) / 1000;
	if (f == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "btime %lld", &at) == 1)
			boot_time = (double)at;
	fclose(f);
}

static bool count_open_fds(size_t *n_r)
{
	struct stat s;
	DIR *d;

	/* Linux 6.2 and later know without naming each. */
	if (stat("/proc/self/fd", &s) == 0 && s.st_size > 0) {
		*n_r = (size_t)s.st_size;
		return true;
	}
	if ((d = opendir("/proc/self/fd")) == NULL)
		return false;
	*n_r = 0;
	for (struct dirent *e; (e = readdir(d)) != NULL; )
		*n_r += e->d_name[0] != '.';
	closedir(d);
	--*n_r;		/* without d itself */
	return true;
}

static void add_open_fds(struct measures *m)
{
	size_t n;

	if (count_open_fds(&n))
		add(m, M_process_open_fds, (double)n);
}

static void add_max_fds(struct measures *m)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	    limit.rlim_cur != RLIM_INFINITY)
		add(m, M_process_max_fds, (double)limit.rlim_cur);
}

size_t process_samples(struct snap_sample *out)
{
	struct measures m = { out, 0 };
	double field[STAT_FIELDS], ticks = (double)sysconf(_SC_CLK_TCK);
	bool stat = read_stat(field);

	pthread_once(&boot_once, find_boot_time);
	if (stat)
		add(&m, M_process_cpu,
		    (field[STAT_UTIME] + field[STAT_STIME]) / ticks);
	add_open_fds(&m);
	add_max_fds(&m);
	if (!stat)
		return m.n;
	add(&m, M_process_virtual_memory, field[STAT_VSIZE]);
	add(&m, M_process_resident_memory,
	    field[STAT_RSS] * (double)sysconf(_SC_PAGESIZE));
	add(&m, M_process_start_time, boot_time + field[STAT_START] / ticks);
	add(&m, M_process_threads, field[STAT_THREADS]);
	return m.n;
}
