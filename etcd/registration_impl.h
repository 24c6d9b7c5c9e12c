#ifndef ETCD_REGISTRATION_IMPL_H
#define ETCD_REGISTRATION_IMPL_H

#include "core/loop.h"
#include "etcd/registration.h"

/* What the files of a registration share.  At any time it is at one step:
 * either that request is under way, or the timer will start it. */

enum registration_step {
	STEP_CREATE,			/* the key, if there is none */
	STEP_READ,			/* whose value stands there? */
	STEP_TAKE,			/* write over what was read */
	STEP_BEAT,
	STEP_DELETE,			/* leaving, from here on */
	STEP_LAST_READ,
	STEP_END,
	STEPS = STEP_END
};

/* What an answer means for the step. */
enum registration_answer {
	ANSWER_DONE,
	ANSWER_GONE,			/* there is no such key */
	ANSWER_DIFFERS,			/* there is one, of another value or
					   index */
	ANSWER_NEVER,			/* asking again will not help */
	ANSWER_FAILED,			/* it may, and it may have been done */
	ANSWERS
};

struct etcd_registration {
	struct etcd_client *client;
	etcd_registration_fn *fn;
	void *arg;
	char *key, *value;
	int64_t ttl_ms;
	bool takeover;

	enum etcd_registration_state state;
	bool once;			/* has been registered */
	bool troubled;			/* cannot claim, and that was told */
	const char *how;		/* it came to be registered; or NULL */

	enum registration_step step;
	struct etcd_ask *ask;		/* NULL: the timer starts the step */
	struct timer *timer;
	mono_t sent;
	unsigned failures, laps;	/* in a row; round the claim */
	uint64_t random;

	/* Our key. */
	uint64_t index;			/* modifiedIndex of our last write; 0:
					   nothing of ours stands there */
	mono_t beaten;			/* it was sent then */
	mono_t written;			/* and this was the last try */
	bool doubt;			/* a write of ours that nobody has
					   answered may have changed that */
	mono_t twin;			/* until then, another process is taken
					   to keep the same key and value */
	bool twin_told;			/* and that was told */

	/* Another's. */
	uint64_t seen;			/* modifiedIndex when first seen; 0:
					   nobody's */
	mono_t seen_at;
	uint64_t target;		/* modifiedIndex that STEP_TAKE takes */
	struct etcd_call *poll;		/* tells when it goes */

	bool leaving, checked;		/* checked: by STEP_LAST_READ */
	mono_t leave_by;
};

/* --- etcd/registration.c: going from step to step --- */

/* On the next turn, or at that time.  Once it is leaving, what leaving needs is
 * done instead. */
void registration_go(struct etcd_registration *r, enum registration_step s);
void registration_go_at(struct etcd_registration *r, enum registration_step s,
    mono_t at);

/* The step once more, a little later the more often it failed. */
void registration_retry(struct etcd_registration *r, enum registration_step s);

/* Changes the state and tells it. */
void registration_tell(struct etcd_registration *r,
    enum etcd_registration_state s, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for a state that is the last one. */
void registration_end(struct etcd_registration *r,
    enum etcd_registration_state s, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

mono_t registration_now(const struct etcd_registration *r);

/* --- what to do with each answer to each step --- */

typedef void registration_act(struct etcd_registration *r,
    const struct etcd_result *a);

/* etcd/registration_claim.c */
registration_act registration_read, registration_exists, registration_again,
    registration_never;
void registration_unwatch(struct etcd_registration *r);

/* etcd/registration_beat.c */
registration_act registration_entered, registration_beaten,
    registration_gone, registration_moved, registration_failed;
void registration_judge_adrift(struct etcd_registration *r, const char *why);

/* etcd/registration_leave.c */
registration_act registration_deleted, registration_delete_gone,
    registration_delete_differs, registration_delete_never,
    registration_delete_failed, registration_last_read;

/* What leaving begins with; STEP_END if it has ended with that. */
enum registration_step registration_leave_step(struct etcd_registration *r);

/* The time for it is over. */
void registration_leave_late(struct etcd_registration *r);

/* --- etcd/registration_judge.c: without any I/O --- */

enum registration_answer registration_answer_of(const struct etcd_result *a);

/* In milliseconds, for that TTL: how long to wait for an answer; how long to
 * pause after so many failures in a row; how long without a beat is adrift. */
int64_t registration_attempt_ms(int64_t ttl_ms);
int64_t registration_pause_ms(int64_t ttl_ms, unsigned failures);
int64_t registration_adrift_ms(int64_t ttl_ms);

/* How long the key can stay there untouched, by the answer that shows it. */
int64_t registration_remaining_ms(const struct etcd_node *n);

/* ms, give or take a tenth; or anything up to ms. */
int64_t registration_jitter(uint64_t *random, int64_t ms);
int64_t registration_spread(uint64_t *random, int64_t ms);

/* A value of anybody's as part of a line: without control characters, and not
 * long. */
enum { REGISTRATION_SHORT = 96 };
const char *registration_short(const char *value, char *out);

#endif
