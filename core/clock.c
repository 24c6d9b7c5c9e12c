/* The only place that asks the kernel what time it is.  Three times come out
 * of it: monotonic (durations and deadlines), wall (what the system clock
 * says) and history (wall at the start plus monotonic since, so that stored
 * intervals never overlap or run backwards).  For tests and simulations all
 * of it can be set and moved by hand.  Any thread may read; everything is an
 * atomic, so readers never wait. */
#include "core/clock.h"

#include <stdatomic.h>
#include <pthread.h>
#include <time.h>

/* history = base + monotonic, one for the real clock, one for the set one */
static _Atomic int64_t real_base, set_base;
static pthread_once_t real_base_once = PTHREAD_ONCE_INIT;

static atomic_bool is_set;
static _Atomic int64_t set_mono, set_wall;

static int64_t read_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* Time before 1970 is as good as any other: round down, not towards 0. */
static int64_t floor_ms(int64_t us)
{
	return us / 1000 - (us % 1000 < 0);
}

static void take_real_base(void)
{
	real_base = floor_ms(read_us(CLOCK_REALTIME) -
	    read_us(CLOCK_MONOTONIC));
}

/* History starts with the process, not with whoever asks first. */
static void __attribute__((constructor)) start_history(void)
{
	pthread_once(&real_base_once, take_real_base);
}

static int64_t base(void)
{
	if (is_set)
		return set_base;
	pthread_once(&real_base_once, take_real_base);
	return real_base;
}

mono_t clock_mono(void)
{
	return (mono_t){ clock_mono_us() / 1000 };
}

int64_t clock_mono_us(void)
{
	return is_set ? set_mono * 1000 : read_us(CLOCK_MONOTONIC);
}

wall_t clock_wall(void)
{
	return (wall_t){
		is_set ? set_wall : floor_ms(read_us(CLOCK_REALTIME))
	};
}

wall_t clock_history(mono_t at)
{
	return (wall_t){ base() + at.ms };
}

wall_t clock_now(void)
{
	return clock_history(clock_mono());
}

int64_t clock_drift(void)
{
	return clock_wall().ms - clock_now().ms;
}

int64_t clock_rebase(void)
{
	int64_t moved = clock_drift();

	if (is_set)
		set_base += moved;
	else
		real_base += moved;
	return moved;
}

void clock_set(mono_t mono, wall_t wall)
{
	set_mono = mono.ms;
	set_wall = wall.ms;
	set_base = wall.ms - mono.ms;
	is_set = true;
}

void clock_advance(int64_t ms)
{
	set_mono += ms;
	set_wall += ms;
}

void clock_step(int64_t ms)
{
	set_wall += ms;
}

void clock_use_real(void)
{
	is_set = false;
}
