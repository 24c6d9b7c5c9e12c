/* Log lines, taken from any thread without ever making it wait for whoever
 * reads them.  log_write() formats the line on its own stack and puts it into
 * a ring; one thread takes lines out and writes each with a single write(2).
 * When the ring is full, lines are dropped and counted, and the next one that
 * fits is preceded by a line that says how many went missing.
 *
 * A descriptor whose reader has stopped keeps only the writer thread waiting.
 * It waits in poll(2), from which log_stop() can call it back; should it hang
 * in write(2) itself (a terminal stopped with ^S), log_stop() leaves it behind
 * detached, with everything it still needs.  How a line looks is in logline.c.
 * Filtering by level happens here; what is worth a line is up to the caller. */
#include "core/log.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/logline.h"
#include "core/thread.h"
#include "core/xalloc.h"

enum { RING_SIZE = 256 * 1024, CALL_BACK_MS = 100 };

/* The bytes [tail, head) of an endless stream, kept modulo RING_SIZE; every
 * line in it ends with a newline. */
struct logger {
	pthread_t thread;
	pthread_cond_t filled;
	int fd;
	int wake_fd;		/* readable: stop waiting for fd */
	int ended_fd;		/* readable: the thread has come to its end */
	uint64_t head, tail;
	uint64_t missing;	/* dropped and not yet said */
	bool stopping;		/* end when the ring is empty */
	bool called_back;	/* end at once */
	bool abandoned;		/* nobody else knows of this one any more */
	char ring[RING_SIZE];
};

/* Guards `current` and everything in a logger that both sides use. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct logger *current;
static atomic_int threshold = LEVEL_INFO, line_format = LOG_LOGFMT;
static _Atomic uint64_t dropped;
static atomic_bool stuck;	/* log_stop() found the reader not reading */

static void ring_put(struct logger *l, const char *bytes, size_t n)
{
	size_t at = l->head % RING_SIZE, first = RING_SIZE - at;

	if (first > n)
		first = n;
	memcpy(l->ring + at, bytes, first);
	memcpy(l->ring, bytes + first, n - first);
	l->head += n;
}

/* Takes the oldest line out, newline included; returns its length. */
static size_t ring_take_line(struct logger *l, char *line)
{
	size_t n = 0;

	do {
		line[n] = l->ring[l->tail++ % RING_SIZE];
	} while (line[n++] != '\n');
	return n;
}

static size_t format_missing(char *line, uint64_t missing)
{
	const struct log_field field[] = { { 0 }, LOG_I("lines", missing) };

	return logline_format(line, line_format, LEVEL_WARN,
	    "log lines dropped, the reader of the log is too slow", field, 2);
}

/* Puts the line in, and before it what has to be said about missing ones; or
 * nothing, if both do not fit. */
static void enqueue(struct logger *l, const char *line, size_t n)
{
	char notice[LOGLINE_MAX];
	size_t notice_len = 0;

	if (l->missing)
		notice_len = format_missing(notice, l->missing);
	if (l->head - l->tail + notice_len + n > RING_SIZE) {
		l->missing++;
		dropped++;
		return;
	}
	if (l->head == l->tail)		/* use as few pages of it as will do */
		l->head = l->tail = 0;
	ring_put(l, notice, notice_len);
	ring_put(l, line, n);
	l->missing = 0;
	pthread_cond_signal(&l->filled);
}

/* Waits until fd can be written to; false if called back instead. */
static bool wait_writable(const struct logger *l)
{
	struct pollfd p[2] = {
		{ .fd = l->fd, .events = POLLOUT },
		{ .fd = l->wake_fd, .events = POLLIN },
	};

	while (poll(p, 2, -1) < 0 && errno == EINTR)
		;
	return p[1].revents == 0;
}

/* A line is at most PIPE_BUF long and a pipe that polls writable has room for
 * that much: it goes out whole.  Others may take part of it. */
static void write_line(const struct logger *l, const char *line, size_t n)
{
	while (n && wait_writable(l)) {
		ssize_t w = write(l->fd, line, n);

		if (w > 0) {
			line += w;
			n -= (size_t)w;
		} else if (w < 0 && errno != EINTR && errno != EAGAIN) {
			dropped++;
			return;
		}
	}
}

/* The next line to write, or 0 when it is time to end.  Called and returns
 * with the lock held. */
static size_t next_line(struct logger *l, char *line)
{
	size_t n;

	while (l->head == l->tail && !l->stopping)
		pthread_cond_wait(&l->filled, &lock);
	if (l->called_back)
		return 0;
	if (l->head != l->tail)
		return ring_take_line(l, line);
	n = l->missing ? format_missing(line, l->missing) : 0;
	l->missing = 0;
	return n;
}

static void logger_free(struct logger *l)
{
	close(l->wake_fd);
	close(l->ended_fd);
	pthread_cond_destroy(&l->filled);
	free(l);
}

static void *writer(void *arg)
{
	struct logger *l = arg;
	char line[LOGLINE_MAX];
	bool abandoned;
	size_t n;

	pthread_mutex_lock(&lock);
	while ((n = next_line(l, line)) > 0) {
		pthread_mutex_unlock(&lock);
		write_line(l, line, n);
		pthread_mutex_lock(&lock);
	}
	abandoned = l->abandoned;
	if (!abandoned)
		eventfd_write(l->ended_fd, 1);
	pthread_mutex_unlock(&lock);
	if (abandoned)
		logger_free(l);
	return NULL;
}

/* A thread that takes no signals: a reader that went away must be an error of
 * write(2) and not SIGPIPE. */
static void start_thread(struct logger *l)
{
	if (thread_start(&l->thread, "log", writer, l) != 0)
		abort();
}

void log_start(enum log_level level, enum log_format format, int fd)
{
	struct logger *l = xcalloc(1, sizeof(*l));

	assert(!current);
	threshold = level;
	line_format = format;
	l->fd = fd;
	l->wake_fd = eventfd(0, EFD_CLOEXEC);
	l->ended_fd = eventfd(0, EFD_CLOEXEC);
	if (l->wake_fd < 0 || l->ended_fd < 0)
		abort();
	pthread_cond_init(&l->filled, NULL);
	start_thread(l);
	pthread_mutex_lock(&lock);
	current = l;
	pthread_mutex_unlock(&lock);
}

static bool wait_ended(const struct logger *l, int wait_ms)
{
	struct pollfd p = { .fd = l->ended_fd, .events = POLLIN };
	int n;

	while ((n = poll(&p, 1, wait_ms)) < 0 && errno == EINTR)
		;
	return n > 0;
}

/* Called back from poll(2), the thread ends at once; one stuck in write(2) is
 * let go and frees what is its own when it comes to its end, if ever.  True
 * if it has ended. */
static bool call_back(struct logger *l)
{
	bool ended;

	stuck = true;
	pthread_mutex_lock(&lock);
	l->called_back = true;
	eventfd_write(l->wake_fd, 1);
	pthread_mutex_unlock(&lock);
	if (wait_ended(l, CALL_BACK_MS))
		return true;
	pthread_mutex_lock(&lock);
	ended = wait_ended(l, 0);
	if (!ended) {
		l->abandoned = true;
		pthread_detach(l->thread);
	}
	pthread_mutex_unlock(&lock);
	return ended;
}

void log_stop(int wait_ms)
{
	struct logger *l;

	pthread_mutex_lock(&lock);
	l = current;
	current = NULL;
	if (l) {
		l->stopping = true;
		pthread_cond_signal(&l->filled);
	}
	pthread_mutex_unlock(&lock);
	if (!l)
		return;
	if (wait_ended(l, wait_ms) || call_back(l)) {
		pthread_join(l->thread, NULL);
		logger_free(l);
	}
}

void log_set_level(enum log_level level)
{
	threshold = level;
}

bool log_writes(enum log_level level)
{
	return (int)level >= threshold;
}

uint64_t log_dropped(void)
{
	return dropped;
}

static void write_direct(const char *line, size_t n)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (stuck && poll(&p, 1, 0) <= 0) {
		dropped++;
		return;
	}
	while (n) {
		ssize_t w = write(STDERR_FILENO, line, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return;
		line += w;
		n -= (size_t)w;
	}
}

void log_write(enum log_level level, const char *msg,
    const struct log_field *fields, unsigned nfields)
{
	char line[LOGLINE_MAX];
	bool queued;
	size_t n;

	if ((int)level < threshold)
		return;
	n = logline_format(line, line_format, level, msg, fields, nfields);
	pthread_mutex_lock(&lock);
	queued = current != NULL;
	if (queued)
		enqueue(current, line, n);
	pthread_mutex_unlock(&lock);
	if (!queued)
		write_direct(line, n);
}
