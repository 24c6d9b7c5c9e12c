/* The process_* metrics every Prometheus client has, measured at the moment
 * of the scrape from /proc/self and getrlimit, with the meanings the client
 * libraries gave them.  /proc is memory, not disk: reading it cannot hang.
 * Called by routes.c. */
#include "exporter/process.h"

#include <assert.h>
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
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

/* Reads a small file whole as text; false if it cannot be read. */
static bool read_file(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t n;

	if (f == NULL)
		return false;
	n = fread(text, 1, size - 1, f);
	fclose(f);
	text[n] = '\0';
	return n > 0;
}

static bool read_stat(double field[STAT_FIELDS])
{
	char text[1024], *at, *save, *word;

	/* The command may hold spaces and brackets: start behind its end. */
	if (!read_file("/proc/self/stat", text, sizeof(text)) ||
	    (at = strrchr(text, ')')) == NULL)
		return false;
	word = strtok_r(at + 1, " ", &save);
	for (int i = 0; i < STAT_FIELDS; i++) {
		if (word == NULL)
			return false;
		if (sscanf(word, "%lf", &field[i]) != 1)
			field[i] = 0;
		word = strtok_r(NULL, " ", &save);
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

static void add_open_fds(struct measures *m)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	if (d == NULL)
		return;
	for (struct dirent *e; (e = readdir(d)) != NULL; )
		n += e->d_name[0] != '.';
	closedir(d);
	add(m, M_process_open_fds, (double)n - 1);	/* without d itself */
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
