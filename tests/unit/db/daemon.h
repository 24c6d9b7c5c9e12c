#ifndef TESTS_UNIT_DB_DAEMON_H
#define TESTS_UNIT_DB_DAEMON_H

/* A loop and a bus with the database behind them, driven step by step.
 * BEFORE_START(db), if defined, may change what db_open() made. */

#include "core/loop.h"
#include "db/db.h"
#include "tests/unit/db/world.h"

static struct db *db;
static struct loop *loop;
static struct event_bus *bus;
static uint64_t awaited;
static bool timed_out;

static void on_committed(void *arg, uint64_t unit, mono_t now)
{
	(void)arg;
	(void)now;
	if (unit >= awaited)
		loop_stop(loop);
}

static void on_timeout(void *arg, mono_t now)
{
	(void)arg;
	(void)now;
	timed_out = true;
	loop_stop(loop);
}

/* Runs the loop until the unit is acknowledged; false after ms. */
static bool committed_within(uint64_t unit, int64_t ms)
{
	struct timer *t;

	if (event_committed_unit(bus) >= unit)
		return true;
	awaited = unit;
	timed_out = false;
	t = timer_new(loop, on_timeout, NULL);
	timer_set(t, mono_add(clock_mono(), ms));
	loop_run(loop);
	timer_free(t);
	return !timed_out;
}

static void daemon_start(void)
{
	struct err e;
	struct event_sink sink;

	loop = loop_new(&e);
	assert_non_null(loop);
	bus = event_bus_new();
	event_on_committed(bus, on_committed, NULL);
	db = db_open(path, &e);
	if (db == NULL)
		fail_msg("%s", e.text);
#ifdef BEFORE_START
	BEFORE_START(db);
#endif
	sink = db_sink(db);
	event_bus_add(bus, &sink);
	db_start(db, loop, bus, NULL);
}

static UNUSED bool daemon_stop(int wait_ms)
{
	bool written = db_close(db, wait_ms);

	event_bus_free(bus);
	loop_free(loop);
	return written;
}

static UNUSED void emit(struct event e)
{
	event_emit(bus, &e);
}

static UNUSED uint64_t flush(void)
{
	return event_flush(bus, clock_mono());
}

static UNUSED void flush_and_commit(void)
{
	assert_true(committed_within(flush(), 10000));
}

#endif
