/* From an answer's bytes to a result, without any I/O.  What all answers have
 * in common is decided here: which status means what, what an empty body is,
 * which refusals are answers; the bodies of a 200 are read by
 * etcd/decode_*.c.  Called by etcd/call.c, in a thread of its own where the
 * body is large, by etcd/ahead.c, and by the tests. */
#include "etcd/decode_impl.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/json.h"
#include "core/utf8.h"
#include "core/xalloc.h"
#include "etcd/field.h"

struct kind {
	const char *path;		/* what was asked, for texts */
	decode_fn *decode;		/* NULL: it needs no tree */
	long refusal;			/* status of a documented refusal */
	const char *refusal_has;	/* and the member its body has */
	bool v2;
	bool writes;			/* 201 and 204 are success too */
	bool members;			/* errors are a message, no code */
	decode_body_fn *decode_body;	/* NULL, too: there is none */
};

static const struct kind kinds[ETCD_KINDS] = {
	[ETCD_KIND_HEALTH] = { "/health", decode_health, 503, "health",
	    .v2 = false },
	[ETCD_KIND_VERSION] = { "/version", decode_version, .v2 = false },
	[ETCD_KIND_MEMBERS] = { "/v2/members", decode_members, .v2 = true,
	    .members = true },
	[ETCD_KIND_LEADER] = { "/v2/members/leader", decode_leader, 503,
	    "message", .v2 = true },
	[ETCD_KIND_STATS_SELF] = { "/v2/stats/self", decode_stats_self,
	    .v2 = true },
	[ETCD_KIND_STATS_LEADER] = { "/v2/stats/leader", decode_stats_leader,
	    403, "message", .v2 = true },
	[ETCD_KIND_STATS_STORE] = { "/v2/stats/store", decode_stats_store,
	    .v2 = true },
	[ETCD_KIND_INDEX] = { "/v2/keys", .v2 = true },
	[ETCD_KIND_LISTING] = { "/v2/keys", .v2 = true },
	[ETCD_KIND_EVENT] = { "/v2/keys", .decode_body = decode_event,
	    .v2 = true },
	[ETCD_KIND_KEY] = { "/v2/keys", .decode_body = decode_key,
	    .v2 = true, .writes = true },
	[ETCD_KIND_MEMBER] = { "/v2/members", decode_added, .v2 = true,
	    .writes = true, .members = true },
	[ETCD_KIND_DONE] = { "/v2/members/", .v2 = true, .writes = true,
	    .members = true },
};

/* One answer on its way. */
struct answer {
	const struct kind *kind;
	const char *base;
	struct etcd_decoded *d;
	struct etcd_result *r;
	struct err parse;		/* why the body is no JSON object */
};

void decode_text(char *to, size_t size, const char *text)
{
	size_t i, n;

	snprintf(to, size, "%s", text);
	for (i = 0; to[i]; i += n) {
		n = utf8_len(to + i, strlen(to + i));
		if (n == 0 || (unsigned char)to[i] < 0x20 || to[i] == 0x7f) {
			to[i] = n == 0 ? '?' : ' ';
			n = 1;
		}
	}
}

static void conclude(struct answer *a, enum etcd_outcome outcome,
    const char *text)
{
	struct err line;

	err_set(&line, "%s%s: %s", a->kind->path, a->base, text);
	a->r->outcome = outcome;
	decode_text(a->r->text, sizeof(a->r->text), line.text);
}

static void clear_union(struct etcd_result *r)
{
	size_t from = offsetof(struct etcd_result, error);

	memset((char *)r + from, 0, sizeof(*r) - from);
}

/* The body as an object in a->d->root; NULL with a->parse otherwise. */
static const cJSON *parse(struct answer *a, char *body, size_t len)
{
	cJSON *root = json_parse(body, len, &a->parse);

	if (root && !cJSON_IsObject(root)) {
		err_set(&a->parse, "the answer is not a JSON object");
		cJSON_Delete(root);
		root = NULL;
	}
	a->d->root = root;
	return root;
}

/* Only the headers of an index are asked for, so they have to be etcd's. */
static void decode_headers(struct answer *a)
{
	if (a->r->kind == ETCD_KIND_INDEX && a->r->meta.etcd_index == 0)
		conclude(a, ETCD_BAD, "HTTP 200 without X-Etcd-Index: "
		    "this is no etcd");
	else
		a->r->outcome = ETCD_OK;
}

static int decode_listing(struct answer *a, const char *body, size_t len,
    struct err *why)
{
	struct etcd_arriving *l = etcd_arriving_new(a->base, NULL, NULL);
	int rc;

	etcd_arriving_feed(l, body, len);
	rc = decode_arrived(l, a->d, a->r, why);
	etcd_arriving_free(l);
	return rc;
}

static int decode_body(struct answer *a, char *body, size_t len,
    struct err *why)
{
	if (a->r->kind == ETCD_KIND_LISTING)
		return decode_listing(a, body, len, why);
	if (a->kind->decode_body)
		return a->kind->decode_body(body, len, a->base, a->r, why);
	if (!parse(a, body, len)) {
		*why = a->parse;
		return -1;
	}
	return a->kind->decode(a->d->root, a->r, why);
}

static void decode_empty(struct answer *a)
{
	struct err why;

	err_set(&why, "HTTP %ld without a body", a->r->status);
	conclude(a, ETCD_EMPTY, why.text);
}

static void decode_sense(struct answer *a, int rc, const struct err *why)
{
	if (rc < 0) {
		clear_union(a->r);
		conclude(a, ETCD_BAD, why->text);
	} else {
		a->r->outcome = ETCD_OK;
	}
}

static void decode_success(struct answer *a, char *body, size_t len)
{
	bool has_body = a->kind->decode || a->kind->decode_body ||
	    a->r->kind == ETCD_KIND_LISTING;
	struct err why;

	if (!has_body)
		decode_headers(a);
	else if (len == 0)
		decode_empty(a);
	else
		decode_sense(a, decode_body(a, body, len, &why), &why);
}

/* What an error answer says for itself: errorCode, message, cause. */
static struct etcd_error read_complaint(const cJSON *root, int *code_r)
{
	struct etcd_error c = { .message = "", .cause = "" };
	int64_t code = 0;

	*code_r = 0;
	if (!root)
		return c;
	if (json_i64(root, "errorCode", &code, NULL) == 1 &&
	    code > 0 && code < 10000)
		*code_r = (int)code;
	if (json_u64(root, "index", &c.index, NULL) < 0)
		c.index = 0;
	if (field_opt_str(root, "message", &c.message, NULL) < 0)
		c.message = "";
	if (field_opt_str(root, "cause", &c.cause, NULL) < 0)
		c.cause = "";
	return c;
}

static void describe(const struct answer *a, const struct etcd_error *c,
    struct err *e)
{
	err_set(e, "HTTP %ld", a->r->status);
	if (a->r->error_code)
		err_set(e, "%s, errorCode %d", e->text, a->r->error_code);
	if (*c->message)
		err_set(e, "%s, %.150s", e->text, c->message);
	if (*c->cause)
		err_set(e, "%s (%.150s)", e->text, c->cause);
}

static bool is_plain_text(const char *content_type)
{
	return content_type && strncasecmp(content_type, "text/plain",
	    strlen("text/plain")) == 0;
}

static enum etcd_outcome classify(const struct answer *a,
    const char *content_type)
{
	const struct kind *k = a->kind;
	long status = a->r->status;

	if (status == 401)
		return ETCD_UNAUTHORIZED;
	if (a->r->error_code != 0)
		return ETCD_ERROR;
	if (status == 404 && k->v2 && is_plain_text(content_type))
		return ETCD_NO_V2;
	if (status == k->refusal && a->d->root &&
	    field_has(a->d->root, k->refusal_has))
		return ETCD_REFUSED;
	if (k->members && a->d->root && field_has(a->d->root, "message"))
		return ETCD_ERROR;
	return ETCD_BAD;
}

/* True if that a key is not there is an answer. */
static bool not_there(struct answer *a)
{
	bool listing = a->r->kind == ETCD_KIND_LISTING;
	bool index = a->r->kind == ETCD_KIND_INDEX && a->r->meta.etcd_index;

	if (a->r->error_code != ETCD_KEY_NOT_FOUND || a->r->status != 404 ||
	    (!listing && !index))
		return false;
	a->r->outcome = ETCD_OK;
	a->r->listing.missing = listing;
	return true;
}

static void decode_failure(struct answer *a, const char *content_type,
    char *body, size_t len)
{
	const cJSON *root = parse(a, body, len);
	struct etcd_error c = read_complaint(root, &a->r->error_code);
	enum etcd_outcome outcome = classify(a, content_type);
	struct err text;

	if (outcome == ETCD_ERROR && not_there(a))
		return;
	if (outcome == ETCD_ERROR || outcome == ETCD_UNAUTHORIZED)
		a->r->error = c;
	if (outcome == ETCD_NO_V2)
		err_set(&text, "v2 is switched off: start etcd with "
		    "--enable-v2=true (etcd 3.4 and 3.5; 3.6 has no v2)");
	else
		describe(a, &c, &text);
	conclude(a, outcome, text.text);
}

static bool succeeded(const struct answer *a)
{
	long status = a->r->status;

	return status == 200 ||
	    (a->kind->writes && (status == 201 || status == 204));
}

static void begin(struct answer *a, enum etcd_kind kind, const char *base,
    struct etcd_result *r)
{
	assert((unsigned)kind < ETCD_KINDS);
	a->kind = &kinds[kind];
	a->base = base && strcmp(base, "/") != 0 ? base : "";
	a->r = r;
	a->d = xcalloc(1, sizeof(*a->d));
	clear_union(r);
	r->kind = kind;
	r->error_code = 0;
	r->text[0] = '\0';
}

struct etcd_decoded *etcd_decode(enum etcd_kind kind, const char *base,
    const char *content_type, char *body, size_t len, struct etcd_result *r)
{
	struct answer a = { 0 };

	begin(&a, kind, base, r);
	if (succeeded(&a))
		decode_success(&a, body, len);
	else
		decode_failure(&a, content_type, body, len);
	return a.d;
}

struct etcd_decoded *etcd_arriving_end(struct etcd_arriving *l,
    const char *base, struct etcd_result *r)
{
	struct answer a = { 0 };
	struct err why;

	begin(&a, ETCD_KIND_LISTING, base, r);
	if (!decode_arrived_any(l))
		decode_empty(&a);
	else
		decode_sense(&a, decode_arrived(l, a.d, r, &why), &why);
	etcd_arriving_free(l);
	return a.d;
}

void etcd_decoded_free(struct etcd_decoded *d)
{
	if (!d)
		return;
	cJSON_Delete(d->root);
	free(d->nodes);
	decode_free_blocks(d->blocks);
	free(d);
}
