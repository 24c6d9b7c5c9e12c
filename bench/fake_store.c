/* The made-up store behind fake-etcd: a window of numbered keys, the last 1000
 * events, and both in etcd's JSON.  Nothing runs out by itself; what happens
 * is what the server asks for with store_do().  Single-threaded. */
#include "bench/fake_store.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/xalloc.h"

const char *const action_names[ACTION_COUNT] = {
	[ACTION_BEAT] = "beat",
	[ACTION_REFRESH] = "refresh",
	[ACTION_REGISTER] = "register",
	[ACTION_DEREGISTER] = "deregister",
	[ACTION_EXPIRE] = "expire",
	[ACTION_TURNOVER] = "turnover",
	[ACTION_LAPSE] = "lapse",
};

int64_t store_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- what happens --- */

static void record(struct store *s, enum action a, uint64_t number,
    const struct key *node, const struct key *prev)
{
	struct event *e = &s->history[s->index % HISTORY];

	*e = (struct event){ .index = s->index, .action = a,
	    .number = number, .node = *node, .prev = *prev };
	s->counts[a]++;
	if (s->on_event && a != ACTION_REFRESH)
		s->on_event(e, s->arg);
}

static bool renew(struct store *s, enum action a)
{
	struct key *k, before;

	if (s->first == s->end)
		return false;
	if (s->beaten < s->first || s->beaten >= s->end)
		s->beaten = s->first;
	k = &s->keys[s->beaten];
	before = *k;
	k->modified = ++s->index;
	if (a == ACTION_BEAT)	/* a set makes the key anew */
		k->created = s->index;
	k->renewed_ms = store_now();
	record(s, a, s->beaten++, k, &before);
	return true;
}

static struct key *add(struct store *s, int64_t renewed_ms)
{
	struct key *k;

	if (s->end == s->room) {
		s->room = s->room ? s->room * 2 : 1024;
		s->keys = xreallocarray(s->keys, s->room, sizeof(*s->keys));
	}
	k = &s->keys[s->end++];
	k->modified = k->created = ++s->index;
	k->renewed_ms = renewed_ms;
	return k;
}

static bool come(struct store *s)
{
	static const struct key none;
	const struct key *k = add(s, store_now());

	record(s, ACTION_REGISTER, s->end - 1, k, &none);
	return true;
}

static bool go(struct store *s, enum action a)
{
	struct key node, prev;

	if (s->first == s->end)
		return false;
	prev = node = s->keys[s->first];
	node.modified = ++s->index;
	if (a == ACTION_EXPIRE)	/* its last beat was one TTL ago */
		prev.renewed_ms = store_now() - s->ttl_s * 1000;
	record(s, a, s->first++, &node, &prev);
	return true;
}

bool store_do(struct store *s, enum action a)
{
	switch (a) {
	case ACTION_BEAT:
	case ACTION_REFRESH:
		return renew(s, a);
	case ACTION_REGISTER:
		return come(s);
	case ACTION_DEREGISTER:
	case ACTION_EXPIRE:
		return go(s, a);
	case ACTION_TURNOVER:
		return come(s) && go(s, ACTION_DEREGISTER);
	case ACTION_LAPSE:
		return come(s) && go(s, ACTION_EXPIRE);
	case ACTION_COUNT:
		break;
	}
	abort();
}

void store_init(struct store *s, const char *directory, uint64_t keys,
    int64_t ttl_s)
{
	int64_t now = store_now();

	*s = (struct store){ .directory = directory, .ttl_s = ttl_s,
	    .index = 3 };
	s->history = xcalloc(HISTORY, sizeof(*s->history));
	for (uint64_t n = 0; n < keys; n++) {
		const struct key *k =
		    add(s, now - (int64_t)n * ttl_s * 333 / (int64_t)keys);
		const struct key none = { 0 };

		record(s, ACTION_REGISTER, n, k, &none);
	}
}

const struct event *store_since(const struct store *s, uint64_t index,
    bool *cleared_r)
{
	*cleared_r = index + HISTORY <= s->index;
	if (*cleared_r)
		return NULL;
	for (; index <= s->index; index++) {
		const struct event *e = &s->history[index % HISTORY];

		if (e->index == index && e->action != ACTION_REFRESH)
			return e;
	}
	return NULL;
}

/* --- as etcd writes it --- */

static void add_padded(struct buf *out, uint64_t v, unsigned digits)
{
	char text[20];

	for (unsigned k = digits; k > 0; k--, v /= 10)
		text[k - 1] = (char)('0' + v % 10);
	buf_add(out, text, digits);
}

/* With the nine digits that etcd's mostly have.  Keys that stand together
 * mostly expire in the same second. */
static void add_time(struct buf *out, int64_t ms, uint64_t number)
{
	static char text[24];
	static time_t of = -1;
	time_t s = ms / 1000;
	struct tm tm;

	if (s != of) {
		gmtime_r(&s, &tm);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.", &tm);
		of = s;
	}
	buf_adds(out, text);
	add_padded(out, (uint64_t)(ms % 1000), 3);
	add_padded(out, number % 100000, 5);
	buf_adds(out, "7Z");
}

static void add_key(const struct store *s, uint64_t number, struct buf *out)
{
	buf_adds(out, "{\"key\":\"");
	buf_adds(out, s->directory);
	buf_addc(out, '/');
	add_padded(out, number, 7);
	buf_addc(out, '"');
}

static void add_value(uint64_t number, struct buf *out)
{
	buf_adds(out, ",\"value\":\"{\\\"host\\\":\\\"10.");
	for (unsigned shift = 16; ; shift -= 8) {
		buf_addu(out, number >> shift & 255);
		if (shift == 0)
			break;
		buf_addc(out, '.');
	}
	buf_adds(out, "\\\",\\\"port\\\":8080,\\\"zone\\\":\\\"a\\\","
	    "\\\"weight\\\":100}\"");
}

static void add_ttl(const struct store *s, uint64_t number,
    const struct key *k, struct buf *out)
{
	int64_t expires = k->renewed_ms + s->ttl_s * 1000, left;

	if (s->ttl_s == 0)
		return;
	buf_adds(out, ",\"expiration\":\"");
	add_time(out, expires, number);
	buf_addc(out, '"');
	left = (expires - store_now() + 999) / 1000;
	if (left == 0)		/* omitted, like all that is empty */
		return;
	buf_adds(out, left < 0 ? ",\"ttl\":-" : ",\"ttl\":");
	buf_addu(out, (uint64_t)(left < 0 ? -left : left));
}

static void add_indexes(const struct key *k, struct buf *out)
{
	buf_adds(out, ",\"modifiedIndex\":");
	buf_addu(out, k->modified);
	buf_adds(out, ",\"createdIndex\":");
	buf_addu(out, k->created);
	buf_addc(out, '}');
}

void store_write_node(const struct store *s, uint64_t number,
    const struct key *k, struct buf *out)
{
	add_key(s, number, out);
	add_value(number, out);
	add_ttl(s, number, k, out);
	add_indexes(k, out);
}

void store_write_event(const struct store *s, const struct event *e,
    struct buf *out)
{
	static const char *const names[] = {
		[ACTION_BEAT] = "set", [ACTION_REGISTER] = "set",
		[ACTION_DEREGISTER] = "delete", [ACTION_EXPIRE] = "expire",
	};

	buf_adds(out, "{\"action\":\"");
	buf_adds(out, names[e->action]);
	buf_adds(out, "\",\"node\":");
	if (e->action == ACTION_DEREGISTER || e->action == ACTION_EXPIRE) {
		add_key(s, e->number, out);
		add_indexes(&e->node, out);
	} else {
		store_write_node(s, e->number, &e->node, out);
	}
	if (e->prev.created != 0) {
		buf_adds(out, ",\"prevNode\":");
		store_write_node(s, e->number, &e->prev, out);
	}
	buf_adds(out, "}\n");
}
