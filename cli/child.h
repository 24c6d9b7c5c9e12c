#ifndef CLI_CHILD_H
#define CLI_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <sys/signalfd.h>
#include <sys/types.h>

struct err;

/* A command that runs as the child of this process, in its process group and
 * with its standard streams and environment. */
struct child {
	pid_t pid;			/* 0: none was started */
	bool ended;
	int status;			/* of waitpid() */
};

/* As env(1) and shells have it. */
enum { CHILD_CANNOT_RUN = 126, CHILD_NOT_FOUND = 127, CHILD_BY_SIGNAL = 128 };

/* How this process itself was started; before anything changes that. */
enum { CHILD_DESCRIPTORS = 1024 };

struct child_start_state {
	sigset_t ignored;		/* as nohup(1) does it */
	bool inherited[CHILD_DESCRIPTORS];	/* was open already */
};
void child_remember(struct child_start_state *s);

/* Starts argv[0], looked for on PATH, with default handling of every signal
 * (what was ignored when we were started stays so), none blocked, and no
 * descriptor of ours.  0, or the exit code with e. */
int child_start(struct child *c, char *const *argv,
    const struct child_start_state *s, struct err *e);

/* On SIGCHLD: true once, when it has ended.  Other children, which are a
 * container's orphans if we are its process 1, are reaped as well. */
bool child_reap(struct child *c);

/* A signal that came by signalfd is passed on, unless the terminal has sent it
 * to the child as well. */
void child_forward(const struct child *c, const struct signalfd_siginfo *s);
void child_signal(const struct child *c, int signo);

/* Once it has ended: the signal that killed it, or 0; and its exit code, which
 * is 128 + N if signal N killed it. */
int child_killed_by(const struct child *c);
int child_exit_code(const struct child *c);

#endif
