#ifndef TESTS_UNIT_COLLECTORS_ETCD_SCRIPT_H
#define TESTS_UNIT_COLLECTORS_ETCD_SCRIPT_H

/* A small etcd on tests/unit/http_script.h: one store of keys and events, and
 * members that answer listings and long polls out of it as etcd 3.4 does, or
 * fail as a test wants.  The store is the test's thread's to write; members
 * read it in theirs. */

#include <inttypes.h>
#include <netinet/tcp.h>
#include <time.h>

#include "tests/unit/http_script.h"

enum { STORE_KEYS = 4000, STORE_EVENTS = 256, MEMBER_ASKED = 2048 };

#define ASKED_LISTING UINT64_MAX

struct stored_event {
	uint64_t index;
	char *json;
};

struct etcd_store {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t index, term;
	uint64_t cleared;		/* history reaches back to here + 1 */
	char cluster_id[16];
	struct {
		char key[40];
		int ttl;
		uint64_t index;
	} keys[STORE_KEYS];
	size_t nkeys;
	struct stored_event events[STORE_EVENTS];
	size_t nevents;
	const char *bad_nodes;		/* appended to listings; or NULL */
	bool missing;			/* the directory is not there */
	bool hold_events, hold_listings;	/* not yet told */
	bool stopping;
};

struct etcd_script {
	struct etcd_store *store;
	struct script script;
	bool down;			/* closes every connection */
	bool cut;			/* closes in the middle of an event */
	uint64_t asked[MEMBER_ASKED];	/* waitIndex, or ASKED_LISTING */
	size_t nasked;
};

/* --- the store --- */

static inline void store_init(struct etcd_store *s, uint64_t index)
{
	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	s->index = index;
	s->term = 2;
	snprintf(s->cluster_id, sizeof(s->cluster_id), "cc");
}

static inline void store_fini(struct etcd_store *s)
{
	for (size_t k = 0; k < s->nevents; k++)
		free(s->events[k].json);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->changed);
}

static inline void store_set(struct etcd_store *s, bool *flag, bool on)
{
	pthread_mutex_lock(&s->lock);
	*flag = on;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

/* Other people's writes. */
static inline void store_others(struct etcd_store *s, uint64_t n)
{
	pthread_mutex_lock(&s->lock);
	s->index += n;
	pthread_mutex_unlock(&s->lock);
}

/* An event as it goes over the wire: "%N" in it stands for its index. */
static inline uint64_t store_event(struct etcd_store *s, const char *json)
{
	struct stored_event *e = &s->events[s->nevents];
	char text[2048], *to = text;

	pthread_mutex_lock(&s->lock);
	e->index = ++s->index;
	for (; *json != '\0'; json++) {
		if (json[0] == '%' && json[1] == 'N') {
			to += sprintf(to, "%" PRIu64, e->index);
			json++;
		} else {
			*to++ = *json;
		}
	}
	*to = '\0';
	e->json = strdup(text);
	s->nevents++;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	return s->index;
}

static inline void store_date(char *to, size_t size, int ahead_s)
{
	time_t t = time(NULL) + ahead_s;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(to, size, "%Y-%m-%dT%H:%M:%S.5Z", &tm);
}

/* Writes a key: an event, unless it is silent. */
static inline void store_put(struct etcd_store *s, const char *key, int ttl)
{
	char json[512], date[40];

	store_date(date, sizeof(date), ttl);
	snprintf(json, sizeof(json), "{\"action\":\"set\",\"node\":{\"key\":"
	    "\"%s\",\"value\":\"127.0.0.1:80\",\"expiration\":\"%s\","
	    "\"ttl\":%d,\"modifiedIndex\":%%N,\"createdIndex\":%%N}}", key,
	    date, ttl);
	pthread_mutex_lock(&s->lock);
	snprintf(s->keys[s->nkeys].key, sizeof(s->keys[0].key), "%s", key);
	s->keys[s->nkeys].ttl = ttl;
	s->keys[s->nkeys++].index = s->index + 1;
	pthread_mutex_unlock(&s->lock);
	store_event(s, json);
}

static inline void store_drop(struct etcd_store *s, const char *key)
{
	pthread_mutex_lock(&s->lock);
	for (size_t k = 0; k < s->nkeys; k++)
		if (strcmp(s->keys[k].key, key) == 0)
			s->keys[k--] = s->keys[--s->nkeys];
	pthread_mutex_unlock(&s->lock);
}

/* Takes a key away; action is delete or expire. */
static inline void store_gone(struct etcd_store *s, const char *action,
    const char *key)
{
	char json[640], date[40];

	store_date(date, sizeof(date), -1);
	snprintf(json, sizeof(json), "{\"action\":\"%s\",\"node\":{\"key\":"
	    "\"%s\",\"modifiedIndex\":%%N,\"createdIndex\":5},\"prevNode\":{"
	    "\"key\":\"%s\",\"value\":\"127.0.0.1:80\",\"expiration\":\"%s\","
	    "\"modifiedIndex\":5,\"createdIndex\":5}}", action, key, key,
	    date);
	store_drop(s, key);
	store_event(s, json);
}

/* --- a member --- */

static inline void member_headers(const struct etcd_store *s, char *to,
    size_t size, const char *status, const char *length)
{
	snprintf(to, size, "HTTP/1.1 %s\r\nContent-Type: application/json\r\n"
	    "X-Etcd-Cluster-Id: %s\r\nX-Etcd-Index: %" PRIu64 "\r\n"
	    "X-Raft-Index: %" PRIu64 "\r\nX-Raft-Term: %" PRIu64 "\r\n"
	    "%s\r\n\r\n", status, s->cluster_id, s->index, s->index + 50,
	    s->term, length);
}

static inline bool member_answer(struct etcd_store *s, int fd,
    const char *status, const char *body)
{
	char head[512], length[64];

	snprintf(length, sizeof(length), "Content-Length: %zu",
	    strlen(body));
	member_headers(s, head, sizeof(head), status, length);
	pthread_mutex_unlock(&s->lock);
	script_puts(fd, head);
	script_puts(fd, body);
	return true;
}

/* As the store is now; told when listings are not held. */
static inline bool member_listing(struct etcd_store *s, int fd)
{
	char *body = malloc(STORE_KEYS * 200), *to = body;
	char head[512], length[64], date[40];

	if (s->missing) {
		free(body);
		return member_answer(s, fd, "404 Not Found",
		    "{\"errorCode\":100,\"message\":\"Key not found\","
		    "\"cause\":\"/login_servers\",\"index\":1}\n");
	}
	to += sprintf(to, "{\"action\":\"get\",\"node\":{\"key\":"
	    "\"/login_servers\",\"dir\":true,\"nodes\":[");
	for (size_t k = 0; k < s->nkeys; k++) {
		store_date(date, sizeof(date), s->keys[k].ttl);
		to += sprintf(to, "%s{\"key\":\"%s\",\"value\":"
		    "\"127.0.0.1:80\",\"expiration\":\"%s\",\"ttl\":%d,"
		    "\"modifiedIndex\":%" PRIu64 ",\"createdIndex\":%" PRIu64
		    "}", k > 0 ? "," : "", s->keys[k].key, date,
		    s->keys[k].ttl, s->keys[k].index, s->keys[k].index);
	}
	to += sprintf(to, "%s],\"modifiedIndex\":4,\"createdIndex\":4}}\n",
	    s->bad_nodes ? s->bad_nodes : "");
	snprintf(length, sizeof(length), "Content-Length: %zu",
	    (size_t)(to - body));
	member_headers(s, head, sizeof(head), "200 OK", length);
	while (s->hold_listings && !s->stopping)
		pthread_cond_wait(&s->changed, &s->lock);
	pthread_mutex_unlock(&s->lock);
	script_puts(fd, head);
	script_puts(fd, body);
	free(body);
	return true;
}

static inline const struct stored_event *member_next(
    const struct etcd_store *s, uint64_t index)
{
	if (s->hold_events)
		return NULL;
	for (size_t k = 0; k < s->nevents; k++)
		if (s->events[k].index >= index)
			return &s->events[k];
	return NULL;
}

static inline bool member_poll(struct etcd_script *m, int fd,
    uint64_t index)
{
	struct etcd_store *s = m->store;
	const struct stored_event *e;
	char head[512], chunk[2200];

	if (index != 0 && index <= s->cleared)
		return member_answer(s, fd, "400 Bad Request",
		    "{\"errorCode\":401,\"message\":\"The event in requested "
		    "index is outdated and cleared\",\"cause\":\"\","
		    "\"index\":1}\n");
	if (index == 0)
		index = s->index + 1;
	member_headers(s, head, sizeof(head), "200 OK",
	    "Transfer-Encoding: chunked");
	script_puts(fd, head);
	while (!s->stopping && !m->down && !(e = member_next(s, index)))
		pthread_cond_wait(&s->changed, &s->lock);
	if (s->stopping || m->down) {
		pthread_mutex_unlock(&s->lock);
		return false;
	}
	snprintf(chunk, sizeof(chunk), "%zx\r\n%s\n\r\n0\r\n\r\n",
	    strlen(e->json) + 1, e->json);
	if (m->cut)
		chunk[strlen(chunk) / 2] = '\0';
	pthread_mutex_unlock(&s->lock);
	script_puts(fd, chunk);
	return !m->cut;
}

static inline bool member_serve(struct script *script, int fd,
    const char *request, void *arg)
{
	struct etcd_script *m = arg;
	struct etcd_store *s = m->store;
	const char *wait = strstr(request, "waitIndex=");
	int yes = 1;

	(void)script;
	/* Headers and event are written apart, as etcd does. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	pthread_mutex_lock(&s->lock);
	if (m->down || m->nasked == MEMBER_ASKED) {
		pthread_mutex_unlock(&s->lock);
		return false;
	}
	m->asked[m->nasked++] = wait ? strtoull(wait + 10, NULL, 10) :
	    ASKED_LISTING;
	if (wait)
		return member_poll(m, fd, strtoull(wait + 10, NULL, 10));
	return member_listing(s, fd);
}

static inline void member_start(struct etcd_script *m, struct etcd_store *s)
{
	*m = (struct etcd_script){ .store = s };
	script_start(&m->script, member_serve, m);
}

static inline size_t member_asked(struct etcd_script *m)
{
	size_t n;

	pthread_mutex_lock(&m->store->lock);
	n = m->nasked;
	pthread_mutex_unlock(&m->store->lock);
	return n;
}

static inline void member_stop(struct etcd_script *m)
{
	store_set(m->store, &m->store->stopping, true);
	script_stop(&m->script);
}

#endif
