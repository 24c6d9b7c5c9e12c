/* etcd_decode() on any answer to any question.  The input is three lines and
 * the body:
 *
 *	i 200 7			the kind (a: the first), status, X-Etcd-Index
 *	application/json	the content type, or nothing
 *	/login_servers		what was asked about, or nothing
 *	{"action":"get", ...
 *
 * What is about keys is compared with the same by way of a tree. */
#include "tests/fuzz/fuzz.h"

#include <inttypes.h>
#include <math.h>

#include "etcd/decode.h"
#include "tests/reference/keys_by_tree.h"

enum { MAX_LINE = 200 };

struct answer {
	char first[MAX_LINE], type[MAX_LINE], base[MAX_LINE];
	const char *body;
	size_t len;
};

static struct etcd_result r;

/* Takes a line off the answer, without its end. */
static void take_line(struct answer *a, char *line)
{
	const char *end = memchr(a->body, '\n', a->len);
	size_t n = end ? (size_t)(end - a->body) : a->len;

	snprintf(line, MAX_LINE, "%.*s", (int)n, a->body);
	n += end != NULL;
	a->body += n;
	a->len -= n;
}

static void check_text(const char *s)
{
	MUST(s && is_text(s));
}

/* A key or value, whose bytes have as many NULs as are told. */
static void check_bytes(const char *s, bool has_nul)
{
	size_t len = 0;
	char *bytes;

	check_text(s);
	bytes = etcd_unescape_nul(s, &len);
	MUST(len <= strlen(s) && bytes[len] == '\0');
	MUST((strlen(bytes) < len) == has_nul);
	MUST(has_nul || strcmp(bytes, s) == 0);
	free(bytes);
}

static void check_node(const struct etcd_node *n)
{
	check_bytes(n->key, n->key_has_nul);
	check_bytes(n->value, n->value_has_nul);
	MUST(n->has_expiration || n->expiration.ms == 0);
}

static void check_member(const struct etcd_member *m)
{
	check_text(m->id);
	check_text(m->name);
	check_text(m->client_url);
	check_text(m->peer_url);
	MUST(m->id[0]);
}

static void check_members(const struct etcd_members *m)
{
	MUST(m->n <= ETCD_MAX_MEMBERS);
	for (size_t i = 0; i < m->n; i++)
		check_member(&m->v[i]);
}

static void check_self(const struct etcd_stats_self *s)
{
	check_text(s->name);
	check_text(s->id);
	check_text(s->state);
	check_text(s->leader);
	MUST(isfinite(s->recv_pkg_rate) && isfinite(s->send_pkg_rate));
}

static void check_followers(const struct etcd_stats_leader *s)
{
	MUST(s->n <= ETCD_MAX_MEMBERS);
	check_text(s->leader);
	for (size_t i = 0; i < s->n; i++) {
		check_text(s->v[i].id);
		MUST(s->v[i].id[0]);
		MUST(isfinite(s->v[i].current) && isfinite(s->v[i].minimum));
		MUST(s->v[i].sampled || s->v[i].minimum == 0);
	}
}

static void check_listing(const struct etcd_listing *l, const char *base)
{
	size_t n = strcmp(base, "/") == 0 ? 0 : strlen(base);

	MUST(!l->missing || (l->n == 0 && l->bad == 0 && !l->v));
	for (size_t i = 0; i < l->n; i++) {
		check_node(&l->v[i]);
		MUST(strncmp(l->v[i].key, base, n) == 0);
		MUST(l->v[i].key[n] == '/' && l->v[i].key[n + 1]);
	}
	MUST((l->bad > 0) == (l->first_bad[0] != '\0'));
	MUST(is_one_line(l->first_bad) && is_text(l->first_bad));
}

static void check_event(const struct etcd_event *v, enum etcd_kind kind)
{
	MUST(strcmp(etcd_action_name(v->action), "unknown") != 0);
	check_node(&v->node);
	check_node(&v->prev);
	MUST(v->node.key[0] == '/' ||
	    (kind == ETCD_KIND_KEY && v->node.key[0] == '\0'));
	MUST(v->prev.key[0] == (v->has_prev ? '/' : '\0'));
}

static void check_good(enum etcd_kind kind, const char *base)
{
	switch (kind) {
	case ETCD_KIND_VERSION:
		check_text(r.version.server);
		check_text(r.version.cluster);
		break;
	case ETCD_KIND_MEMBERS:
		check_members(&r.members);
		break;
	case ETCD_KIND_LEADER:
	case ETCD_KIND_MEMBER:
		check_member(&r.leader);
		break;
	case ETCD_KIND_STATS_SELF:
		check_self(&r.self);
		break;
	case ETCD_KIND_STATS_LEADER:
		check_followers(&r.stats_leader);
		break;
	case ETCD_KIND_LISTING:
		check_listing(&r.listing, base);
		break;
	case ETCD_KIND_EVENT:
	case ETCD_KIND_KEY:
		check_event(&r.event, kind);
		break;
	default:
		break;
	}
}

static bool is_zero(const char *bytes, size_t n)
{
	return n == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) ==
	    0);
}

/* Nothing is left over from an answer that made no sense. */
static void check_bad(void)
{
	size_t from = offsetof(struct etcd_result, error);

	MUST(r.text[0] == '/' && is_one_line(r.text) && is_text(r.text));
	if (r.outcome == ETCD_ERROR || r.outcome == ETCD_UNAUTHORIZED) {
		check_text(r.error.message);
		check_text(r.error.cause);
		MUST(strcmp(etcd_error_name(r.error_code), "") != 0);
	} else {
		MUST(is_zero((char *)&r + from, sizeof(r) - from));
	}
	MUST(r.outcome != ETCD_FAILED && r.outcome != ETCD_INVALID);
	MUST(strcmp(etcd_outcome_name(r.outcome), "unknown") != 0);
}

static void check_by_tree(enum etcd_kind kind, const struct answer *a)
{
	struct by_tree t;
	bool writes = kind == ETCD_KIND_KEY &&
	    (r.status == 201 || r.status == 204);

	if ((r.status != 200 && !writes) || (kind != ETCD_KIND_LISTING &&
	    kind != ETCD_KIND_EVENT && kind != ETCD_KIND_KEY))
		return;
	by_tree_decode(&t, kind, a->base, a->body, a->len);
	MUST(by_tree_agrees(&t, kind, &r));
	by_tree_free(&t, kind);
}

static void decode_as(enum etcd_kind kind, const struct answer *a)
{
	char *body = exactly(a->body, a->len);
	struct etcd_decoded *d;

	memset(&r, 0x5a, sizeof(r));
	r.meta = (struct etcd_meta){ 0 };
	sscanf(a->first + 1, "%9ld %" SCNu64, &r.status, &r.meta.etcd_index);
	d = etcd_decode(kind, a->base[0] ? a->base : NULL,
	    a->type[0] ? a->type : NULL, body, a->len, &r);
	MUST(r.kind == kind);
	MUST(r.error_code >= 0 && r.error_code < 10000);
	if (r.outcome == ETCD_OK) {
		MUST(r.text[0] == '\0');
		check_good(kind, a->base);
	} else {
		check_bad();
	}
	check_by_tree(kind, a);
	etcd_decoded_free(d);
	free(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct answer a = { .body = (const char *)data, .len = size };

	take_line(&a, a.first);
	if (!a.first[0])
		return 0;
	take_line(&a, a.type);
	take_line(&a, a.base);
	decode_as((enum etcd_kind)((uint8_t)(a.first[0] - 'a') % ETCD_KINDS),
	    &a);
	return 0;
}
