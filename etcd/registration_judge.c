/* What a registration decides without asking anybody: what an answer means,
 * how long to wait for one and between two, how another's value is shown.
 * Called by the other files of a registration; keeps nothing. */
#include <string.h>

#include "core/utf8.h"
#include "etcd/registration_impl.h"

enum {
	ATTEMPT_MIN_MS = 500, ATTEMPT_MAX_MS = 3000,
	PAUSE_MIN_MS = 100, PAUSE_MAX_MS = 1000,
	REAP_MS = 1000,			/* etcd's ticks of 500 ms, and that
					   it rounds the TTL */
	SHOWN = REGISTRATION_SHORT - 4	/* bytes, and "..." behind them */
};

static bool will_never_work(int code)
{
	static const int codes[] = {
		ETCD_NOT_A_FILE, ETCD_NOT_A_DIRECTORY, ETCD_ROOT_READ_ONLY,
		ETCD_NO_PERMISSION,
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i] == code)
			return true;
	return code / 100 == 2;		/* the request makes no sense */
}

static enum registration_answer of_error(int code)
{
	if (code == ETCD_KEY_NOT_FOUND)
		return ANSWER_GONE;
	if (code == ETCD_COMPARE_FAILED || code == ETCD_ALREADY_EXISTS)
		return ANSWER_DIFFERS;
	return will_never_work(code) ? ANSWER_NEVER : ANSWER_FAILED;
}

enum registration_answer registration_answer_of(const struct etcd_result *a)
{
	switch (a->outcome) {
	case ETCD_OK:
		return ANSWER_DONE;
	case ETCD_ERROR:
		return of_error(a->error_code);
	case ETCD_UNAUTHORIZED:
	case ETCD_NO_V2:
	case ETCD_INVALID:
		return ANSWER_NEVER;
	default:
		return ANSWER_FAILED;
	}
}

static int64_t clamp(int64_t ms, int64_t min, int64_t max)
{
	return ms < min ? min : ms > max ? max : ms;
}

/* A beat that is lost with the leader, or a member that hangs, leaves time for
 * two more before the TTL is over. */
int64_t registration_attempt_ms(int64_t ttl_ms)
{
	return clamp(ttl_ms / 5, ATTEMPT_MIN_MS, ATTEMPT_MAX_MS);
}

int64_t registration_pause_ms(int64_t ttl_ms, unsigned failures)
{
	int64_t max = clamp(ttl_ms / 6, PAUSE_MIN_MS, PAUSE_MAX_MS);
	unsigned doubled = failures > 4 ? 4 : failures;

	if (failures == 0)
		return 0;
	return clamp((int64_t)PAUSE_MIN_MS << (doubled - 1), 0, max);
}

int64_t registration_adrift_ms(int64_t ttl_ms)
{
	return ttl_ms * 2 / 3;
}

int64_t registration_remaining_ms(const struct etcd_node *n)
{
	return (n->ttl > 0 ? n->ttl * 1000 : 0) + REAP_MS;
}

/* splitmix64: no secret, only so that not all beat at once. */
static uint64_t next(uint64_t *random)
{
	uint64_t z = (*random += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

int64_t registration_spread(uint64_t *random, int64_t ms)
{
	return ms > 0 ? (int64_t)(next(random) % (uint64_t)ms) + 1 : 0;
}

int64_t registration_jitter(uint64_t *random, int64_t ms)
{
	return ms - ms / 10 + registration_spread(random, ms / 5);
}

const char *registration_short(const char *value, char *out)
{
	size_t left = strlen(value), n = 0, len;

	for (; left > 0 && n < SHOWN; value += len, left -= len) {
		len = utf8_len(value, left);
		if (n + len > SHOWN)
			break;
		if (len == 0 || (unsigned char)*value < ' ' ||
		    *value == 0x7f) {
			out[n++] = '?';
			len = 1;
		} else {
			memcpy(out + n, value, len);
			n += len;
		}
	}
	memcpy(out + n, left > 0 ? "..." : "", left > 0 ? 4 : 1);
	return out;
}
