/* Runs a command when something has changed.  Nothing here waits: the command
 * reads its input from a file in memory, not from a pipe, and is started by
 * posix_spawn(), which copies no memory.  It is in a process group of its own,
 * so that ^C ends us and not what it is in the middle of, and writes to
 * standard error where we write to standard output.  Used by
 * cli/discover_watch.c. */
#include "discover/on_change.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/xalloc.h"

enum {
	PATIENCE = 10,			/* times quiet_ms, after the first */
	LONG_MS = 30 * 1000,
	RETRY_MS = 3000,
	MAX_INPUT = 1 << 30
};

/* Changes that wait for quiet. */
struct debounce {
	int64_t quiet_ms;
	bool pending;
	mono_t first, last;
};

struct on_change {
	struct loop *loop;
	struct on_change_options o;
	struct debounce changes;
	struct timer *due, *is_long;
	pid_t pid;			/* 0: none runs */
};

/* --- when --- */

static void note(struct debounce *d, mono_t now)
{
	if (!d->pending)
		d->first = now;
	d->pending = true;
	d->last = now;
}

static mono_t due(const struct debounce *d)
{
	mono_t quiet = mono_add(d->last, d->quiet_ms);
	mono_t patience = mono_add(d->first, PATIENCE * d->quiet_ms);

	return mono_due(quiet, patience) ? quiet : patience;
}

/* --- what --- */

/* A file in memory with the input in it, to be read from its beginning; -1
 * with errno. */
static int make_input(const struct on_change *c)
{
	int fd = memfd_create("rollcall-list", MFD_CLOEXEC), reason;
	struct buf b;

	if (fd < 0)
		return -1;
	buf_init(&b, MAX_INPUT);
	c->o.render(c->o.arg, &b);
	errno = EFBIG;
	if (b.failed || file_write_all(fd, buf_str(&b), b.len) != 0 ||
	    lseek(fd, 0, SEEK_SET) != 0) {
		reason = errno;
		close(fd);
		errno = reason;
		fd = -1;
	}
	buf_free(&b);
	return fd;
}

/* Ours, and ROLLCALL_OUTPUT if there is one.  Free the array; variable_r is
 * the string in it that is to be freed as well. */
static char **make_environment(const char *output, char **variable_r)
{
	static const char name[] = "ROLLCALL_OUTPUT=";
	size_t n = 0, used = 0;
	char **v;

	while (environ[n] != NULL)
		n++;
	v = xcalloc(n + 2, sizeof(char *));
	for (size_t i = 0; i < n; i++)
		if (strncmp(environ[i], name, sizeof(name) - 1) != 0)
			v[used++] = environ[i];
	*variable_r = output != NULL ? xasprintf("%s%s", name, output) : NULL;
	v[used] = *variable_r;
	return v;
}

/* As a program expects to be started: no signal blocked or ignored. */
static void set_attributes(posix_spawnattr_t *a)
{
	sigset_t none, ignored;

	sigemptyset(&none);
	sigemptyset(&ignored);
	sigaddset(&ignored, SIGPIPE);
	posix_spawnattr_init(a);
	posix_spawnattr_setsigmask(a, &none);
	posix_spawnattr_setsigdefault(a, &ignored);
	posix_spawnattr_setpgroup(a, 0);
	posix_spawnattr_setflags(a, POSIX_SPAWN_SETSIGMASK |
	    POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

/* 0, or an errno. */
static int spawn(struct on_change *c, int input)
{
	char shell[] = "/bin/sh", flag[] = "-c", *variable;
	char *command = xstrdup(c->o.command);
	char *argv[] = { shell, flag, command, NULL };
	char **environment = make_environment(c->o.output, &variable);
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	int rc;

	set_attributes(&attributes);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&files, STDERR_FILENO,
	    STDOUT_FILENO);
	/* Libraries open descriptors without asking how. */
	posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
	rc = posix_spawn(&c->pid, shell, &files, &attributes, argv,
	    environment);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	free(variable);
	free(environment);
	free(command);
	return rc;
}

static void run(struct on_change *c)
{
	mono_t now = loop_now(c->loop);
	int input = make_input(c);
	int rc = input < 0 ? errno : spawn(c, input);

	if (input >= 0)
		close(input);
	if (rc != 0) {
		c->pid = 0;
		log_error("cannot run the command; trying again",
		    LOG_S("on_change", c->o.command),
		    LOG_S("err", strerror(rc)));
		timer_set(c->due, mono_add(now, RETRY_MS));
		return;
	}
	c->changes.pending = false;
	timer_set(c->is_long, mono_add(now, LONG_MS));
	log_debug("running the command", LOG_S("on_change", c->o.command),
	    LOG_I("pid", c->pid));
}

/* --- on the loop --- */

static void schedule(struct on_change *c)
{
	if (c->pid == 0 && c->changes.pending)
		timer_set(c->due, due(&c->changes));
}

void on_change_changed(struct on_change *c)
{
	note(&c->changes, loop_now(c->loop));
	schedule(c);
}

static void on_due(void *arg, mono_t now)
{
	(void)now;
	run(arg);
}

static void on_long(void *arg, mono_t now)
{
	struct on_change *c = arg;

	(void)now;
	log_warn("the command has been running for 30 s; changes wait for"
	    " its end", LOG_S("on_change", c->o.command),
	    LOG_I("pid", c->pid));
}

static void say_end(const struct on_change *c, int status)
{
	if (WIFSIGNALED(status))
		log_warn("the command was killed",
		    LOG_S("on_change", c->o.command),
		    LOG_I("signal", WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0)
		log_warn("the command failed",
		    LOG_S("on_change", c->o.command),
		    LOG_I("exit_code", WEXITSTATUS(status)));
}

void on_change_reap(struct on_change *c)
{
	int status;

	if (c->pid == 0 || waitpid(c->pid, &status, WNOHANG) != c->pid)
		return;
	c->pid = 0;
	timer_clear(c->is_long);
	say_end(c, status);
	schedule(c);
}

struct on_change *on_change_new(struct loop *l,
    const struct on_change_options *o)
{
	struct on_change *c = xcalloc(1, sizeof(*c));

	c->loop = l;
	c->o = *o;
	c->changes.quiet_ms = o->quiet_ms;
	c->due = timer_new(l, on_due, c);
	c->is_long = timer_new(l, on_long, c);
	return c;
}

void on_change_free(struct on_change *c)
{
	if (c == NULL)
		return;
	timer_free(c->due);
	timer_free(c->is_long);
	free(c);
}
