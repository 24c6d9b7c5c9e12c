#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "core/clock.h"

/* Logging that never blocks its caller: a line is formatted into a ring and a
 * thread of its own writes the ring to a descriptor.  When the reader of that
 * descriptor is stuck and the ring is full, lines are dropped and counted.
 *
 *	log_info("listing compared", LOG_S("directory", d->path),
 *	    LOG_I("missing", n));
 */
enum log_level { LEVEL_DEBUG, LEVEL_INFO, LEVEL_WARN, LEVEL_ERROR };
enum log_format { LOG_LOGFMT, LOG_JSON };

struct log_field {
	const char *key;
	const char *text;	/* NULL: the number */
	double number;
};

/* NULL is shown as empty (a function: compilers mock tests of arrays). */
static inline const char *log_text(const char *s)
{
	return s ? s : "";
}

#define LOG_S(k, v) ((struct log_field){ (k), log_text(v), 0 })
#define LOG_I(k, v) ((struct log_field){ (k), NULL, (double)(v) })

/* Starts the writer thread on fd.  Before it, and after log_stop(), lines go
 * to fd 2 directly (command-line tools, unit tests). */
void log_start(enum log_level level, enum log_format format, int fd);

/* Writes what is in the ring, waiting at most wait_ms, then ends the thread.
 * A thread stuck in write(2) is left behind; lines written after that go to
 * fd 2 only while it takes them. */
void log_stop(int wait_ms);

void log_set_level(enum log_level level);
bool log_writes(enum log_level level);	/* lines of this level */

/* Parse debug|info|warn|error and logfmt|json; false if it is none. */
bool log_parse_level(const char *text, enum log_level *level_r);
bool log_parse_format(const char *text, enum log_format *format_r);

/* Lines dropped so far because the ring was full, or writing one failed.  Any
 * thread. */
uint64_t log_dropped(void);

/* One line.  Any thread.  fields[0] is unused (see the macro). */
void log_write(enum log_level level, const char *msg,
    const struct log_field *fields, unsigned nfields);

#define LOG_AT_(level, msg, ...) \
	log_write(level, msg, \
	    (const struct log_field[]){ { 0 }, __VA_ARGS__ }, \
	    sizeof((const struct log_field[]){ { 0 }, __VA_ARGS__ }) / \
	    sizeof(struct log_field))
#define log_debug(msg, ...) LOG_AT_(LEVEL_DEBUG, msg, __VA_ARGS__)
#define log_info(msg, ...) LOG_AT_(LEVEL_INFO, msg, __VA_ARGS__)
#define log_warn(msg, ...) LOG_AT_(LEVEL_WARN, msg, __VA_ARGS__)
#define log_error(msg, ...) LOG_AT_(LEVEL_ERROR, msg, __VA_ARGS__)

#endif
