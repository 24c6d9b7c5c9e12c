/* Writes to standard output in a thread, one run of bytes at a time; what is
 * added meanwhile follows.  A reader that stands still (less, a terminal after
 * ^S) keeps the thread waiting, and nobody else.  Used by
 * cli/discover_watch.c. */
#include "discover/stdout.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/loop.h"
#include "core/xalloc.h"

enum { MAX_WAITING = 64 << 20, MAX_TEXT = 1 << 30 };

struct job;

struct discover_stdout {
	struct loop *loop;
	void (*ended)(void *arg, const char *why);
	void *arg;
	struct buf waiting;
	struct job *job;		/* under way */
	bool over;
};

/* The thread's. */
struct job {
	struct discover_stdout *out;	/* not the thread's */
	struct buf bytes;
	int error;			/* errno, 0 if it went well */
};

static void job_free(void *arg)
{
	struct job *j = arg;

	buf_free(&j->bytes);
	free(j);
}

/* Another program may have made it non-blocking, if it is a terminal. */
static int wait_writable(void)
{
	struct pollfd p = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return poll(&p, 1, -1) < 0 && errno != EINTR ? -1 : 0;
}

static int write_all(const char *bytes, size_t len)
{
	ssize_t n;

	for (; len > 0; bytes += n, len -= (size_t)n) {
		n = write(STDOUT_FILENO, bytes, len);
		if (n >= 0)
			continue;
		n = 0;
		if (errno == EAGAIN ? wait_writable() != 0 : errno != EINTR)
			return errno;
	}
	return 0;
}

static void work(void *arg)
{
	struct job *j = arg;

	j->error = write_all(buf_str(&j->bytes), j->bytes.len);
}

static void over(struct discover_stdout *s, int error)
{
	if (s->over)
		return;
	s->over = true;
	s->ended(s->arg, error == EPIPE ?
	    "standard output was closed: nobody reads it any more" :
	    strerror(error));
}

static void start(struct discover_stdout *s);

static void done(void *arg)
{
	struct job *j = arg;
	struct discover_stdout *s = j->out;
	int error = j->error;

	job_free(j);
	if (s == NULL)			/* freed meanwhile */
		return;
	s->job = NULL;
	if (error != 0)
		over(s, error);
	else if (s->waiting.len > 0)
		start(s);
}

static void start(struct discover_stdout *s)
{
	struct job *j = xcalloc(1, sizeof(*j));

	*j = (struct job){ .out = s, .bytes = s->waiting };
	buf_init(&s->waiting, MAX_TEXT);
	s->job = j;
	loop_offload_or_drop(s->loop, work, done, job_free, j);
}

void discover_stdout_add(struct discover_stdout *s, const struct buf *bytes)
{
	if (s->over || bytes->len == 0)
		return;
	buf_add(&s->waiting, bytes->data, bytes->len);
	if (s->job == NULL) {
		start(s);
	} else if (s->waiting.failed || s->waiting.len > MAX_WAITING) {
		s->over = true;
		s->ended(s->arg, "standard output is not being read: 64 MiB"
		    " are waiting");
	}
}

bool discover_stdout_idle(const struct discover_stdout *s)
{
	return s->job == NULL;
}

static void on_closed(void *arg)
{
	over(arg, EPIPE);
}

/* The end to write to of a pipe is never readable: what makes it so is that
 * the other end is gone. */
static bool is_pipe(void)
{
	struct stat st;

	return fstat(STDOUT_FILENO, &st) == 0 && S_ISFIFO(st.st_mode) &&
	    (fcntl(STDOUT_FILENO, F_GETFL) & O_ACCMODE) == O_WRONLY;
}

struct discover_stdout *discover_stdout_new(struct loop *l,
    void (*ended)(void *arg, const char *why), void *arg)
{
	struct discover_stdout *s = xcalloc(1, sizeof(*s));

	*s = (struct discover_stdout){ .loop = l, .ended = ended,
	    .arg = arg };
	buf_init(&s->waiting, MAX_TEXT);
	if (is_pipe())
		loop_watch_fd(l, STDOUT_FILENO, on_closed, s);
	return s;
}

void discover_stdout_free(struct discover_stdout *s)
{
	if (s == NULL)
		return;
	if (s->job != NULL)
		s->job->out = NULL;
	buf_free(&s->waiting);
	free(s);
}
