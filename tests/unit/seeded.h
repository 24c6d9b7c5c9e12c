#ifndef TESTS_UNIT_SEEDED_H
#define TESTS_UNIT_SEEDED_H

/* Random numbers that can be had again: the seed is printed, and taken from
 * the environment variable SEED when that is set.  xorshift64*. */

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

static uint64_t seeded_state;

static inline void seeded_start(void)
{
	const char *text = getenv("SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : 0;

	if (!text && getrandom(&seed, sizeof(seed), 0) < 0)
		abort();
	printf("SEED=%" PRIu64 "\n", seed);
	fflush(stdout);
	seeded_state = seed ? seed : 1;
}

static inline uint64_t seeded(void)
{
	seeded_state ^= seeded_state >> 12;
	seeded_state ^= seeded_state << 25;
	seeded_state ^= seeded_state >> 27;
	return seeded_state * 0x2545f4914f6cdd1du;
}

/* A number in [0, n). */
static inline size_t seeded_below(size_t n)
{
	return (size_t)((seeded() >> 11) % n);
}

#endif
