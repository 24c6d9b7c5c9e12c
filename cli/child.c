/* A command as a child: started, signalled, waited for; by posix_spawn(), so
 * that the memory of this process is not in the way.  When it is started, and
 * what its end means, is up to the caller, who blocks SIGCHLD and reads it from
 * a descriptor.  Used by cli/register_run.c. */
#include "cli/child.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/err.h"

extern char **environ;

/* --- what must not reach the child --- */

void child_remember(struct child_start_state *s)
{
	struct sigaction was;

	sigemptyset(&s->ignored);
	for (int n = 1; n < NSIG; n++)
		if (sigaction(n, NULL, &was) == 0 && was.sa_handler == SIG_IGN)
			sigaddset(&s->ignored, n);
	for (int fd = 0; fd < CHILD_DESCRIPTORS; fd++)
		s->inherited[fd] = fcntl(fd, F_GETFD) >= 0;
	/* Ignored, it would leave no child to wait for. */
	sigdelset(&s->ignored, SIGCHLD);
	signal(SIGCHLD, SIG_DFL);
}

/* Libraries open descriptors without asking how. */
static void keep_ours(const struct child_start_state *s)
{
	for (int fd = 0; fd < CHILD_DESCRIPTORS; fd++) {
		int flags = s->inherited[fd] ? -1 : fcntl(fd, F_GETFD);

		if (flags >= 0)
			fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
	}
}

static void signals_as_they_were(const struct child_start_state *s,
    posix_spawnattr_t *a)
{
	sigset_t none, defaults;

	sigemptyset(&none);
	sigfillset(&defaults);
	for (int n = 1; n < NSIG; n++)
		if (sigismember(&s->ignored, n) == 1)
			sigdelset(&defaults, n);
	posix_spawnattr_setsigmask(a, &none);
	posix_spawnattr_setsigdefault(a, &defaults);
	posix_spawnattr_setflags(a,
	    POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

/* --- its life --- */

int child_start(struct child *c, char *const *argv,
    const struct child_start_state *s, struct err *e)
{
	posix_spawnattr_t a;
	int error;

	*c = (struct child){ 0 };
	posix_spawnattr_init(&a);
	signals_as_they_were(s, &a);
	keep_ours(s);
	error = posix_spawnp(&c->pid, argv[0], NULL, &a, argv, environ);
	posix_spawnattr_destroy(&a);
	if (error == 0)
		return 0;
	c->pid = 0;
	err_set(e, "%s%s", strerror(error), error == ENOEXEC ?
	    " (a script begins with #!/bin/sh or the like)" : "");
	return error == ENOENT ? CHILD_NOT_FOUND : CHILD_CANNOT_RUN;
}

bool child_reap(struct child *c)
{
	int status;
	pid_t pid;
	bool ended = false;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != c->pid || c->ended)
			continue;
		c->ended = ended = true;
		c->status = status;
	}
	return ended;
}

void child_signal(const struct child *c, int signo)
{
	if (c->pid > 0 && !c->ended)
		kill(c->pid, signo);
}

/* What the kernel itself sends comes from the terminal, for the whole group in
 * its foreground; but that it hung up only the leader of the session learns,
 * and the group when that has ended. */
static bool is_told(const struct child *c, const struct signalfd_siginfo *s)
{
	bool leader = getsid(0) == getpid();

	return s->ssi_code == SI_KERNEL && c->pid > 0 &&
	    getpgid(c->pid) == getpgrp() &&
	    !(leader && s->ssi_signo == SIGHUP);
}

void child_forward(const struct child *c, const struct signalfd_siginfo *s)
{
	if (is_told(c, s))
		return;
	child_signal(c, (int)s->ssi_signo);
}

int child_killed_by(const struct child *c)
{
	return WIFSIGNALED(c->status) ? WTERMSIG(c->status) : 0;
}

int child_exit_code(const struct child *c)
{
	int signo = child_killed_by(c);

	return signo ? CHILD_BY_SIGNAL + signo : WEXITSTATUS(c->status);
}
