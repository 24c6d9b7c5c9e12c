#ifndef CORE_LOOP_H
#define CORE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/clock.h"

struct err;

/* The one loop: curl_multi_poll over all transfers, timers, a few extra
 * descriptors, and functions posted from other threads.  All callbacks run in
 * the thread that called loop_run().  None may block. */
struct loop;
struct timer;

struct loop *loop_new(struct err *e);

/* Frees the loop.  Its users are freed before it (fetches cancelled, timers
 * freed).  Posted functions that have not run are dropped. */
void loop_free(struct loop *l);

/* Runs until loop_stop().  A turn is: wait; call ready descriptors; run
 * due timers and posted functions; advance transfers; run the each-turn
 * functions in the order in which they were registered. */
void loop_run(struct loop *l);

/* Makes loop_run() return at the end of this turn, or at the end of the next
 * one when called from another thread; it may be run again afterwards. */
void loop_stop(struct loop *l);

/* The time at which this turn began; outside loop_run() the time now. */
mono_t loop_now(const struct loop *l);

/* A timer, not yet set.  fn is called once per timer_set(), with the time of
 * the turn.  timer_free(NULL) is a no-op; freeing or setting a timer inside
 * its own callback is fine. */
struct timer *timer_new(struct loop *l, void (*fn)(void *arg, mono_t now),
    void *arg);
void timer_set(struct timer *t, mono_t at);	/* replaces an earlier time */
void timer_clear(struct timer *t);
void timer_free(struct timer *t);

/* Calls fn whenever fd is readable, at its end, or broken; or for what
 * loop_fd_wants() says, broken in any case.  Taken out before fd is closed; any
 * callback may do so, NULL is a no-op, and loop_free() takes out the rest. */
struct loop_fd;
struct loop_fd *loop_watch_fd(struct loop *l, int fd, void (*fn)(void *arg),
    void *arg);
void loop_fd_wants(struct loop_fd *f, bool reads, bool writes);
void loop_unwatch_fd(struct loop_fd *f);

/* Runs fn(arg) on the loop's next turn and wakes the loop.  Any thread. */
void loop_post(struct loop *l, void (*fn)(void *arg), void *arg);

/* Calls fn at the end of every turn.  At most 8. */
void loop_each_turn(struct loop *l, void (*fn)(void *arg, mono_t now),
    void *arg);

/* Runs work(arg) in a thread of its own, then done(arg) on the loop: for what
 * may block (files, names) or take long.  loop_free() does not call done() any
 * more; it waits for threads that still run, but not for ever: one that hangs
 * is left behind, with the loop's memory, which is for an end of the program
 * only. */
void loop_offload(struct loop *l, void (*work)(void *arg),
    void (*done)(void *arg), void *arg);

/* The same; drop(arg) instead of done(arg) when the loop is freed first. */
void loop_offload_or_drop(struct loop *l, void (*work)(void *arg),
    void (*done)(void *arg), void (*drop)(void *arg), void *arg);

/* Turns are meant to be no longer than that, waiting excluded. */
enum { LOOP_TURN_US = 5000 };

/* Longest turn so far, number of turns, and of those that took longer than
 * they should, for metrics. */
int64_t loop_longest_turn_us(const struct loop *l);
uint64_t loop_turns(const struct loop *l);
uint64_t loop_slow_turns(const struct loop *l);

#endif
