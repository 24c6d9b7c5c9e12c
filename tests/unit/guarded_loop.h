#ifndef TESTS_UNIT_GUARDED_LOOP_H
#define TESTS_UNIT_GUARDED_LOOP_H

/* A real loop for a test, which fails rather than run for ever.  Behind
 * core/loop.h and cmocka.h. */

static struct loop *loop;
static struct timer *guard;

static void guard_too_late(void *arg, mono_t now)
{
	(void)arg;
	(void)now;
	fail_msg("the loop ran 20 s");
}

static void guarded_loop_begin(void)
{
	loop = loop_new(NULL);
	guard = timer_new(loop, guard_too_late, NULL);
	timer_set(guard, mono_add(clock_mono(), 20000));
}

static void guarded_loop_end(void)
{
	timer_free(guard);
	loop_free(loop);
}

#endif
