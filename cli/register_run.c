/* `rollcall register` while it runs: the command is started, then, once it is
 * ready, what the plan says is registered, and taken out again when a signal or
 * the end of the command says so.  Leaving takes two seconds at most, whatever
 * etcd does; the command may take as long as it likes to end, that is for
 * whoever supervises us.  Called by cli/register.c. */
#include "cli/register_run.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/child.h"
#include "cli/etcd_access.h"
#include "cli/ready.h"
#include "cli/register_keep.h"
#include "cli/register_plan.h"
#include "core/err.h"
#include "core/log.h"
#include "core/loop.h"

enum { LEAVE_MS = 1500 };		/* of the two seconds */

struct run {
	const struct register_plan *plan;
	struct etcd_access *access;
	struct loop *loop;
	struct register_keep *keep;	/* NULL until it is time */
	struct ready *ready;
	struct timer *begin;
	struct child child;
	int signals;
	bool leaving, refused;
};

/* --- the end --- */

static bool has_child(const struct run *r)
{
	return r->child.pid > 0 && !r->child.ended;
}

static void end_if_done(struct run *r)
{
	bool kept = r->keep && register_keep_alive(r->keep) > 0;

	if (!has_child(r) && !kept && (r->leaving || r->keep))
		loop_stop(r->loop);
}

static void leave(struct run *r)
{
	if (r->leaving)
		return;
	r->leaving = true;
	ready_free(r->ready);
	r->ready = NULL;
	timer_clear(r->begin);
	if (r->keep)
		register_keep_leave(r->keep, LEAVE_MS);
	end_if_done(r);
}

/* A command that is not registered must not be there.  Without one, the other
 * registrations need not suffer. */
static void on_changed(void *arg)
{
	struct run *r = arg;

	if (register_keep_refused(r->keep) > 0 && !r->refused) {
		r->refused = true;
		if (has_child(r)) {
			log_error("stopping the command: it could not be"
			    " registered", LOG_I("pid", r->child.pid));
			child_signal(&r->child, SIGTERM);
			leave(r);
		}
	}
	end_if_done(r);
}

/* --- the beginning --- */

static void begin(struct run *r)
{
	r->keep = register_keep_new(r->access->client, r->plan, on_changed,
	    r);
}

static void on_begin(void *arg, mono_t now)
{
	(void)now;
	begin(arg);
}

static void on_ready(void *arg)
{
	struct run *r = arg;

	log_info("it accepts connections", LOG_S("address",
	    r->plan->ready_tcp));
	ready_free(r->ready);
	r->ready = NULL;
	begin(r);
}

/* The end of a command that fails at once is read before timers are run. */
static void prepare(struct run *r)
{
	if (!r->plan->ready_tcp) {
		timer_set(r->begin, clock_mono());
		return;
	}
	log_info("waiting for it to accept connections",
	    LOG_S("address", r->plan->ready_tcp));
	r->ready = ready_new(r->loop, r->plan->ready_tcp, on_ready, r);
}

/* --- signals --- */

static const struct {
	int signo;
	const char *name;
} signals[] = {
	{ SIGHUP, "SIGHUP" }, { SIGINT, "SIGINT" }, { SIGQUIT, "SIGQUIT" },
	{ SIGTERM, "SIGTERM" }, { SIGUSR1, "SIGUSR1" },
	{ SIGUSR2, "SIGUSR2" },
};

static const char *name_of(int signo)
{
	size_t i = 0;

	while (signals[i].signo != signo)
		i++;
	return signals[i].name;
}

/* Asked for, or with 0, that is as it should be. */
static void say_end(const struct run *r, int signo, int code)
{
	enum log_level level = r->leaving || (signo == 0 && code == 0) ?
	    LEVEL_INFO : LEVEL_WARN;

	if (signo)
		LOG_AT_(level, "a signal has killed the command",
		    LOG_S("signal", strsignal(signo)));
	else
		LOG_AT_(level, "the command has ended", LOG_I("code", code));
}

static void on_child(struct run *r)
{
	if (!child_reap(&r->child))
		return;
	say_end(r, child_killed_by(&r->child), child_exit_code(&r->child));
	leave(r);
	end_if_done(r);
}

static void stop(struct run *r, int signo)
{
	if (r->leaving && !has_child(r)) {	/* asked twice: at once */
		loop_stop(r->loop);
		return;
	}
	if (!r->leaving)
		log_info("stopping", LOG_S("signal", name_of(signo)));
	leave(r);
}

/* Those for the command alone mean nothing where there is none, except that
 * HUP and QUIT end what does not care for them. */
static void on_other(struct run *r, const struct signalfd_siginfo *s)
{
	int signo = (int)s->ssi_signo;
	bool ends = signo == SIGTERM || signo == SIGINT;

	if (!has_child(r))
		ends = signo != SIGUSR1 && signo != SIGUSR2;
	child_forward(&r->child, s);
	if (ends)
		stop(r, signo);
}

static void on_signal(void *arg)
{
	struct run *r = arg;
	struct signalfd_siginfo s;

	while (read(r->signals, &s, sizeof(s)) == (ssize_t)sizeof(s)) {
		if (s.ssi_signo == SIGCHLD)
			on_child(r);
		else
			on_other(r, &s);
	}
}

/* Blocked by etcd_access_open().  Whatever was ignored when we were started
 * stays so, as nohup(1) and shells want it. */
static int watch_signals(struct run *r, const struct child_start_state *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigismember(&s->ignored, signals[i].signo) != 1 ||
		    signals[i].signo == SIGTERM)
			sigaddset(&set, signals[i].signo);
	r->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (r->signals < 0) {
		log_error("not started: signalfd",
		    LOG_S("err", strerror(errno)));
		return EXIT_FAILED;
	}
	loop_watch_fd(r->loop, r->signals, on_signal, r);
	return EXIT_OK;
}

/* --- all of it --- */

static int start_command(struct run *r, const struct child_start_state *s)
{
	char *const *command = r->plan->command;
	struct err e;
	int rc;

	if (!command)
		return EXIT_OK;
	rc = child_start(&r->child, command, s, &e);
	if (rc != 0)
		log_error("the command cannot be run",
		    LOG_S("command", command[0]), LOG_S("err", e.text));
	else
		log_debug("command started", LOG_S("command", command[0]),
		    LOG_I("pid", r->child.pid));
	return rc;
}

static int exit_code(const struct run *r)
{
	if (r->refused)
		return EXIT_FAILED;
	return r->child.pid > 0 ? child_exit_code(&r->child) : EXIT_OK;
}

int register_run(const struct register_plan *p, struct etcd_access *a,
    const struct child_start_state *s)
{
	struct run r = { .plan = p, .access = a, .loop = a->loop };
	int rc = watch_signals(&r, s);

	if (rc != EXIT_OK)
		return rc;
	rc = start_command(&r, s);
	if (rc == EXIT_OK) {
		r.begin = timer_new(r.loop, on_begin, &r);
		prepare(&r);
		loop_run(r.loop);
		rc = exit_code(&r);
	}
	register_keep_free(r.keep);
	ready_free(r.ready);
	timer_free(r.begin);
	close(r.signals);
	return rc;
}
