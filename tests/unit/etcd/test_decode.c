/* Every recorded answer of etcd, whole, cut at every byte and with bytes
 * flipped; and the answers of which there is no recording. */
#include "etcd/decode.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/reference/keys_by_tree.h"
#include "tests/unit/seeded.h"

#define FIXTURES "tests/fixtures/"

enum { MAX_FILE = 64 * 1024, FLIPS = 60 };

static const char *const kind_names[] = {
	"health", "version", "members", "leader", "stats_self",
	"stats_leader", "stats_store", "index", "listing", "event", "key",
	"member", "done"
};

struct fixture {
	char name[80], kind[20], base[100], outcome[20], detail[40];
	int code;
	enum etcd_kind k;
	long status;
	char content_type[60];
	char bytes[MAX_FILE];
	char *body;
	size_t len;
};

static struct etcd_result result;

static enum etcd_kind kind_of(const char *name)
{
	unsigned i;

	for (i = 0; i < sizeof(kind_names) / sizeof(kind_names[0]); i++)
		if (strcmp(kind_names[i], name) == 0)
			return (enum etcd_kind)i;
	fail_msg("unknown kind %s", name);
	return ETCD_KIND_HEALTH;
}

static void read_head(struct fixture *f)
{
	char *type = strstr(f->bytes, "\nContent-Type: ");

	assert_int_equal(sscanf(f->bytes, "HTTP/1.1 %ld", &f->status), 1);
	f->content_type[0] = '\0';
	if (type)
		sscanf(type + strlen("\nContent-Type: "), "%59[^\n]",
		    f->content_type);
	/* A watcher gets with a 200 what a writer gets with a 201. */
	if (f->status == 201 && f->k == ETCD_KIND_EVENT)
		f->status = 200;
}

static void read_fixture(struct fixture *f)
{
	char path[200];
	size_t n;
	FILE *in;

	snprintf(path, sizeof(path), FIXTURES "%s", f->name);
	in = fopen(path, "r");
	if (!in)
		fail_msg("cannot open %s", path);
	n = fread(f->bytes, 1, sizeof(f->bytes) - 1, in);
	fclose(in);
	f->bytes[n] = '\0';
	f->body = strstr(f->bytes, "\n\n");
	assert_non_null(f->body);
	*f->body = '\0';
	f->body += 2;
	f->len = n - (size_t)(f->body - f->bytes);
	read_head(f);
	/* Where the recording ended the head but no body came. */
	if (f->len == 1 && *f->body == '\n')
		f->len = 0;
}

static bool next_fixture(FILE *list, struct fixture *f)
{
	char line[400];

	while (fgets(line, sizeof(line), list)) {
		if (line[0] == '#')
			continue;
		assert_int_equal(sscanf(line, "%79s %19s %99s %19s %d %39s",
		    f->name, f->kind, f->base, f->outcome, &f->code,
		    f->detail), 6);
		f->k = kind_of(f->kind);
		read_fixture(f);
		return true;
	}
	return false;
}

/* What the last result's strings may live in. */
static char *last_body;

static int free_last_body(void **state)
{
	(void)state;
	free(last_body);
	last_body = NULL;
	return 0;
}

/* Decodes a copy of exactly len bytes, for ASan to watch over. */
static struct etcd_decoded *decode_bytes(enum etcd_kind kind,
    const char *base, long status, const char *type, const char *body,
    size_t len)
{
	free(last_body);
	last_body = malloc(len ? len : 1);
	assert_non_null(last_body);
	memcpy(last_body, body, len);
	memset(&result, 0x5a, sizeof(result));
	result.status = status;
	return etcd_decode(kind, base, type, last_body, len, &result);
}

static struct etcd_decoded *decode_fixture(const struct fixture *f)
{
	return decode_bytes(f->k, f->base, f->status, f->content_type,
	    f->body, f->len);
}

static struct etcd_decoded *from_text(enum etcd_kind kind,
    const char *base, long status, const char *body)
{
	return decode_bytes(kind, base, status, "application/json", body,
	    strlen(body));
}

static void describe_result(enum etcd_kind k, char *out, size_t size)
{
	snprintf(out, size, "-");
	if (result.outcome != ETCD_OK)
		return;
	if (k == ETCD_KIND_LISTING)
		snprintf(out, size, "%zu", result.listing.n);
	else if (k == ETCD_KIND_MEMBERS)
		snprintf(out, size, "%zu", result.members.n);
	else if (k == ETCD_KIND_STATS_LEADER)
		snprintf(out, size, "%zu", result.stats_leader.n);
	else if (k == ETCD_KIND_MEMBER)
		snprintf(out, size, "%s", result.member.id);
	else if (k == ETCD_KIND_EVENT || k == ETCD_KIND_KEY)
		snprintf(out, size, "%s:%" PRIu64,
		    etcd_action_name(result.event.action),
		    result.event.node.modified_index);
}

static void check_fixture(const struct fixture *f)
{
	struct etcd_decoded *d = decode_fixture(f);
	const char *outcome = etcd_outcome_name(result.outcome);
	char detail[40];

	describe_result(f->k, detail, sizeof(detail));
	if (strcmp(outcome, f->outcome) || strcmp(detail, f->detail) ||
	    (f->code != result.error_code && !(f->k == ETCD_KIND_LISTING &&
	    result.listing.missing)))
		fail_msg("%s: %s %d %s (%s), expected %s %d %s", f->name,
		    outcome, result.error_code, detail, result.text,
		    f->outcome, f->code, f->detail);
	if (result.outcome == ETCD_OK)
		assert_string_equal(result.text, "");
	else
		assert_int_equal(result.text[0], '/');
	if (f->k == ETCD_KIND_LISTING && result.outcome == ETCD_OK)
		assert_int_equal(result.listing.bad, 0);
	etcd_decoded_free(d);
}

static void for_each_fixture(void (*fn)(const struct fixture *f))
{
	static struct fixture f;
	FILE *list = fopen(FIXTURES "expected.txt", "r");
	int n = 0;

	if (!list)
		fail_msg("cannot open " FIXTURES "expected.txt: run this in "
		    "the top directory");
	while (next_fixture(list, &f)) {
		fn(&f);
		n++;
	}
	fclose(list);
	assert_true(n > 150);
}

static void test_recorded(void **state)
{
	(void)state;
	for_each_fixture(check_fixture);
}

/* Who asked about one key gets what a watcher gets, and besides what no
 * watcher does: 201, and no node at all where none was wanted. */
static void check_as_key(const struct fixture *f)
{
	static struct fixture key;
	char detail[40];

	if (f->k != ETCD_KIND_EVENT)
		return;
	key = *f;
	key.k = ETCD_KIND_KEY;
	read_fixture(&key);
	etcd_decoded_free(decode_fixture(&key));
	describe_result(ETCD_KIND_KEY, detail, sizeof(detail));
	if (strncmp(f->name, "keys_noValue", 12) == 0) {
		assert_int_equal(result.outcome, ETCD_OK);
	} else {
		assert_string_equal(etcd_outcome_name(result.outcome),
		    f->outcome);
		assert_string_equal(detail, f->detail);
	}
	assert_int_equal(result.error_code, f->code);
}

static void test_recorded_as_keys(void **state)
{
	(void)state;
	for_each_fixture(check_as_key);
}

/* Touches all that a result points to, so that ASan sees a dangling one. */
static size_t touch(enum etcd_kind k)
{
	size_t i, sum = strlen(result.text);

	if (result.outcome != ETCD_OK)
		return sum;
	if (k == ETCD_KIND_LISTING)
		for (i = 0; i < result.listing.n; i++)
			sum += strlen(result.listing.v[i].key) +
			    strlen(result.listing.v[i].value);
	if (k == ETCD_KIND_EVENT || k == ETCD_KIND_KEY)
		sum += strlen(result.event.node.key) +
		    strlen(result.event.prev.value);
	if (k == ETCD_KIND_MEMBER)
		sum += strlen(result.member.id) +
		    strlen(result.member.peer_url);
	if (k == ETCD_KIND_MEMBERS)
		for (i = 0; i < result.members.n; i++)
			sum += strlen(result.members.v[i].id) +
			    strlen(result.members.v[i].client_url);
	if (k == ETCD_KIND_STATS_SELF)
		sum += strlen(result.self.leader) + strlen(result.self.id);
	return sum;
}

/* A cut answer is never taken for a whole one, but for white space. */
static void cut_fixture(const struct fixture *f)
{
	size_t whole = f->len, step = f->len > 4096 ? 37 : 1, n;
	struct etcd_decoded *d;

	while (whole > 0 && strchr(" \n", f->body[whole - 1]))
		whole--;
	for (n = 0; n < whole; n += step) {
		d = decode_bytes(f->k, f->base, f->status, f->content_type,
		    f->body, n);
		touch(f->k);
		if (f->status < 300 && f->k != ETCD_KIND_INDEX)
			assert_int_equal(result.outcome,
			    n ? ETCD_BAD : ETCD_EMPTY);
		etcd_decoded_free(d);
	}
}

static void test_cut(void **state)
{
	(void)state;
	for_each_fixture(cut_fixture);
}

static void garble_fixture(const struct fixture *f)
{
	static char body[MAX_FILE];
	struct etcd_decoded *d;
	size_t flips;
	int i;

	for (i = 0; f->len > 0 && i < FLIPS; i++) {
		memcpy(body, f->body, f->len);
		for (flips = 1 + seeded_below(4); flips > 0; flips--)
			body[seeded_below(f->len)] = (char)seeded();
		d = decode_bytes(f->k, f->base, f->status, f->content_type,
		    body, f->len);
		touch(f->k);
		etcd_decoded_free(d);
	}
}

static void test_garbled(void **state)
{
	(void)state;
	seeded_start();
	for_each_fixture(garble_fixture);
}

/* An answer to a question that was not asked is refused, never a crash. */
static void swap_kinds(const struct fixture *f)
{
	unsigned k;

	for (k = ETCD_KIND_HEALTH; k < ETCD_KINDS; k++)
		etcd_decoded_free(decode_bytes((enum etcd_kind)k, f->base,
		    f->status, f->content_type, f->body, f->len));
}

static void test_other_kinds(void **state)
{
	(void)state;
	for_each_fixture(swap_kinds);
}

/* --- compared with the same by way of a tree --- */

static bool is_about_keys(const struct fixture *f)
{
	return f->status == 200 && (f->k == ETCD_KIND_LISTING ||
	    f->k == ETCD_KIND_EVENT || f->k == ETCD_KIND_KEY);
}

static void compare_bytes(const struct fixture *f, enum etcd_kind k,
    const char *body, size_t len)
{
	struct by_tree t;
	struct etcd_decoded *d = decode_bytes(k, f->base, 200,
	    f->content_type, body, len);

	by_tree_decode(&t, k, f->base, body, len);
	if (!by_tree_agrees(&t, k, &result))
		fail_msg("%s: %s, %s by tree: %.*s", f->name,
		    result.text, t.why.text, (int)len, body);
	by_tree_free(&t, k);
	etcd_decoded_free(d);
}

/* Bytes of JSON more often than others. */
static char likely_byte(void)
{
	static const char bytes[] = "{}[]\",:0123456789.-+eE \\ntfu/\xc3\xa9";

	if (seeded_below(4) == 0)
		return (char)seeded();
	return bytes[seeded_below(sizeof(bytes) - 1)];
}

static void compare_fixture(const struct fixture *f)
{
	static char body[MAX_FILE];

	if (!is_about_keys(f))
		return;
	for (int i = 0; i < FLIPS; i++) {
		memcpy(body, f->body, f->len);
		for (size_t n = i ? 1 + seeded_below(4) : 0; n > 0; n--)
			body[seeded_below(f->len)] = likely_byte();
		compare_bytes(f, f->k, body, f->len);
		if (f->k == ETCD_KIND_EVENT)
			compare_bytes(f, ETCD_KIND_KEY, body, f->len);
	}
}

static void test_agrees_with_tree(void **state)
{
	(void)state;
	seeded_start();
	for_each_fixture(compare_fixture);
}

/* What cJSON, our guard before it and the decoders on top are particular
 * about. */
static void test_agrees_on_forms(void **state)
{
	static const char *const members[] = {
		"\"key\":\"/a\",\"key\":\"/b\"",
		"\"key\":null,\"key\":\"/b\"",
		"\"k\\u0065y\":\"/a\"", "\"key\\u0000\":\"/a\"",
		"\"key\":\"/a\",\"Key\":3", "\"key\":\"\"",
		"\"key\":\"/a\\ud83d\\ude00\\u00e9\\u0000\"",
		"\"key\":\"/a\\ud83d\"", "\"key\":\"/a\\ude00\"",
		"\"key\":\"/\xf4\x8f\xbf\xbf\xe2\x82\xac\x7f\"",
		"\"key\":\"/\xed\xa0\x80\"", "\"key\":\"/\xc0\x80\"",
		"\"key\":\"/\x1f\"", "\"key\":\"/\\/\\b\\f\\n\\r\\t\\\"\"",
		"\"key\":\"/\\x\"", "\"key\":\"/a\",\"dir\":0",
		"\"key\":\"/a\",\"dir\":true,\"dir\":false",
		"\"key\":\"/a\",\"ttl\":null", "\"key\":\"/a\",\"ttl\":-7",
		"\"key\":\"/a\",\"ttl\":1e2", "\"key\":\"/a\",\"ttl\":1.50",
		"\"key\":\"/a\",\"ttl\":01", "\"key\":\"/a\",\"ttl\":1.",
		"\"key\":\"/a\",\"ttl\":-", "\"key\":\"/a\",\"ttl\":+1",
		"\"key\":\"/a\",\"ttl\":1e999", "\"key\":\"/a\",\"ttl\":-0",
		"\"key\":\"/a\",\"ttl\":9007199254740992",
		"\"key\":\"/a\",\"ttl\":9007199254740993",
		"\"key\":\"/a\",\"ttl\":-9007199254740993",
		"\"key\":\"/a\",\"ttl\":9007199254740993.0",
		"\"key\":\"/a\",\"ttl\":9007199254740991.9999999",
		"\"key\":\"/a\",\"ttl\":0.99999999999999999999",
		"\"key\":\"/a\",\"x\":111111111122222222223333333333"
		    "444444444455555555556666666666",
		"\"key\":\"/a\",\"x\":1111111111222222222233333333334444444"
		    "4445555555555666666666.6", "\"key\":\"/a\",\"x\":[1,,2]",
		"\"key\":\"/a\",\"x\":[1,]", "\"key\":\"/a\",",
		"\"key\":\"/a\" \"x\":1", "\"key\":\"/a\",\"x\":nulll",
		"\"key\":\"/a\",\"x\":[{},[],{\"key\":\"/q\"}]",
		"\"key\":\"/a\",\"x\":{\"nodes\":[{}]}", "\"key\":{}",
		"\"key\":\"/a\",\"expiration\":null",
		"\"key\":\"/a\",\"expiration\":7",
		"\"key\":\"/a\",\"expiration\":\"soon\"",
		"\"nodes\":[{\"key\":\"/a/b\",\"createdIndex\":1,"
		    "\"modifiedIndex\":2}],\"nodes\":[{}],\"key\":\"/a\"",
		"\"nodes\":null,\"nodes\":[{}],\"key\":\"/a\"",
		"\"nodes\":[1,[],null,{},[{}],\"x\",{\"nodes\":3}],"
		    "\"key\":\"/a\",\"dir\":true",
	};
	static const char *const forms[] = {
		"{\"action\":\"get\",\"node\":{%s,\"createdIndex\":1,"
		    "\"modifiedIndex\":2}}",
		"{\"node\":{\"dir\":true,\"nodes\":[{%s,\"createdIndex\":1,"
		    "\"modifiedIndex\":2}]},\"action\":\"get\"}",
		"{\"prevNode\":{\"createdIndex\":1,\"modifiedIndex\":2,%s},"
		    "\"action\":\"set\",\"action\":\"get\",\"node\":{\"key\":"
		    "\"/a\",\"modifiedIndex\":3,\"createdIndex\":1.0}}",
		"{\"action\":\"get\",\"node\":null,\"node\":{%s},"
		    "\"prevNode\":[{%s}]}",
		"[{%s}]", "{%s}", "{\"action\":\"get\",\"node\":{%s}} x",
		"\xef\xbb\xbf{\"action\":\"get\",\"node\":{%s}}",
	};
	static const enum etcd_kind kinds_tried[] = { ETCD_KIND_LISTING,
		ETCD_KIND_EVENT, ETCD_KIND_KEY };
	struct fixture *f = calloc(1, sizeof(*f));
	char body[1000];
	int n;

	(void)state;
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		for (size_t k = 0; k < sizeof(forms) / sizeof(forms[0]); k++)
			for (size_t j = 0; j < 3; j++) {
				n = snprintf(body, sizeof(body), forms[k],
				    members[i], members[i]);
				compare_bytes(f, kinds_tried[j], body,
				    (size_t)n);
			}
	free(f);
}

/* --- a listing that comes in pieces --- */

/* The listing of body in two pieces, or in pieces of random sizes. */
static struct etcd_decoded *decode_pieces(const char *base, const char *body,
    size_t len, size_t cut)
{
	struct etcd_arriving *a = etcd_arriving_new(base, NULL, NULL);
	size_t at = 0, n;

	while (at < len) {
		char *piece;

		n = cut ? (at < cut ? cut : len) - at :
		    seeded_below(at % 2 ? 700 : 4);
		if (n > len - at)
			n = len - at;
		piece = malloc(n ? n : 1);
		memcpy(piece, body + at, n);
		etcd_arriving_feed(a, piece, n);
		free(piece);
		at += n;
	}
	memset(&result, 0x5a, sizeof(result));
	result.status = 200;
	return etcd_arriving_end(a, base, &result);
}

static void compare_pieces(const struct fixture *f, size_t cut)
{
	struct by_tree t;
	struct etcd_decoded *d = decode_pieces(f->base, f->body, f->len, cut);

	by_tree_decode(&t, ETCD_KIND_LISTING, f->base, f->body, f->len);
	if (!by_tree_agrees(&t, ETCD_KIND_LISTING, &result))
		fail_msg("%s cut at %zu: %s, %s by tree", f->name, cut,
		    result.text, t.why.text);
	by_tree_free(&t, ETCD_KIND_LISTING);
	etcd_decoded_free(d);
}

static void cut_listing(const struct fixture *f)
{
	if (f->status != 200 || f->len == 0)
		return;
	if (f->k == ETCD_KIND_LISTING || f->k == ETCD_KIND_EVENT)
		for (size_t cut = 1; cut < f->len; cut += 1 + cut / 1000)
			compare_pieces(f, cut);
	for (int i = 0; i < 5; i++)
		compare_pieces(f, 0);
}

static void test_in_pieces(void **state)
{
	(void)state;
	seeded_start();
	for_each_fixture(cut_listing);
}

struct told {
	char keys[16][40], values[16][80];
	size_t n;
};

static void on_told(const struct etcd_node *n, void *arg)
{
	struct told *t = arg;

	assert_true(t->n < 16);
	snprintf(t->keys[t->n], 40, "%s", n->key);
	snprintf(t->values[t->n++], 80, "%s", n->value);
}

#define NODE "\"modifiedIndex\":2,\"createdIndex\":1}"
#define LEAF(key) "{\"key\":\"" key "\",\"value\":\"v" key "\"," NODE

/* Each node as soon as it is whole, a directory behind what is in it. */
static void test_told_one_by_one(void **state)
{
	static const char body[] = "{\"action\":\"get\",\"node\":{\"dir\":"
	    "true,\"key\":\"/s\",\"nodes\":[" LEAF("/s/a") ",{\"key\":"
	    "\"/s/d\",\"dir\":true,\"nodes\":[" LEAF("/s/d/x") ",7,"
	    LEAF("/s/d/y") "],\"value\":\"late\"," NODE "," LEAF("/s/b")
	    "]}}";
	static const char *const keys[] = { "/s/a", "/s/d/x", "/s/d/y",
		"/s/d", "/s/b" };
	struct told t = { .n = 0 };
	struct etcd_arriving *a = etcd_arriving_new("/s", on_told, &t);
	struct etcd_decoded *d;

	(void)state;
	for (size_t k = 0; k < sizeof(body) - 1; k++) {
		const char *end = strstr(body, "}");

		etcd_arriving_feed(a, body + k, 1);
		assert_int_equal(t.n > 0, k >= (size_t)(end - body));
	}
	memset(&result, 0x5a, sizeof(result));
	result.status = 200;
	d = etcd_arriving_end(a, "/s", &result);
	assert_int_equal(result.outcome, ETCD_OK);
	assert_int_equal(result.listing.bad, 1);
	assert_int_equal(result.listing.n, 0);
	assert_null(result.listing.v);
	assert_int_equal(t.n, 5);
	for (size_t k = 0; k < 5; k++)
		assert_string_equal(t.keys[k], keys[k]);
	assert_string_equal(t.values[0], "v/s/a");
	assert_string_equal(t.values[2], "v/s/d/y");
	assert_string_equal(t.values[3], "late");
	etcd_decoded_free(d);
}

/* As long as nothing is at its end, nothing is known. */
static void test_pieces_that_end_early(void **state)
{
	struct told t = { .n = 0 };
	struct etcd_arriving *a = etcd_arriving_new("/s", on_told, &t);
	static const char begun[] = "{\"action\":\"get\",\"node\":{\"key\":"
	    "\"/s\",\"dir\":true,\"nodes\":[" LEAF("/s/a") ",";

	(void)state;
	etcd_arriving_feed(a, begun, sizeof(begun) - 1);
	assert_int_equal(t.n, 1);
	memset(&result, 0x5a, sizeof(result));
	result.status = 200;
	etcd_decoded_free(etcd_arriving_end(a, "/s", &result));
	assert_int_equal(result.outcome, ETCD_BAD);
	assert_string_equal(result.text, "/v2/keys/s: invalid JSON: bracket "
	    "without end at byte 121");
	a = etcd_arriving_new("/s", on_told, &t);
	etcd_decoded_free(etcd_arriving_end(a, "/s", &result));
	assert_int_equal(result.outcome, ETCD_EMPTY);
	a = etcd_arriving_new("/s", NULL, NULL);
	etcd_arriving_feed(a, begun, 50);
	etcd_arriving_free(a);
	etcd_arriving_free(NULL);
}

/* --- what each struct gets --- */

static struct etcd_decoded *decode_named(const char *name,
    enum etcd_kind kind, const char *base)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	snprintf(f.name, sizeof(f.name), "%s", name);
	snprintf(f.base, sizeof(f.base), "%s", base);
	f.k = kind;
	read_fixture(&f);
	return decode_fixture(&f);
}

static void test_status_answers(void **state)
{
	struct etcd_decoded *d;

	(void)state;
	d = decode_named("single_health_ok", ETCD_KIND_HEALTH, "");
	assert_true(result.health.healthy);
	etcd_decoded_free(d);
	d = decode_named("health_alarm_nospace_503", ETCD_KIND_HEALTH, "");
	assert_int_equal(result.outcome, ETCD_REFUSED);
	assert_false(result.health.healthy);
	etcd_decoded_free(d);
	d = decode_named("cluster_version", ETCD_KIND_VERSION, "");
	assert_string_equal(result.version.server, "3.4.23");
	assert_string_equal(result.version.cluster, "3.4.0");
	etcd_decoded_free(d);
	d = decode_named("cluster_members", ETCD_KIND_MEMBERS, "");
	assert_string_equal(result.members.v[0].id, "dff1200338587dc");
	assert_string_equal(result.members.v[1].name, "m3");
	assert_string_equal(result.members.v[2].client_url,
	    "http://127.0.0.1:42102");
	assert_string_equal(result.members.v[2].peer_url,
	    "http://127.0.0.1:42112");
	etcd_decoded_free(d);
	d = decode_named("cluster_members_leader_from_follower",
	    ETCD_KIND_LEADER, "");
	assert_int_equal(result.outcome, ETCD_OK);
	assert_true(*result.leader.id);
	etcd_decoded_free(d);
}

static void test_health_forms(void **state)
{
	static const struct {
		long status;
		const char *body;
		enum etcd_outcome outcome;
		bool healthy;
	} forms[] = {
		{ 200, "{\"health\":\"true\"}", ETCD_OK, true },
		{ 200, "{\"health\":true}", ETCD_OK, true },
		{ 200, "{\"health\":\"false\"}", ETCD_OK, false },
		{ 200, "{\"health\":\"true\",\"reason\":\"\"}", ETCD_OK,
		    true },
		{ 503, "{\"health\":\"false\",\"reason\":\"x\"}",
		    ETCD_REFUSED, false },
		{ 200, "{\"health\":\"maybe\"}", ETCD_BAD, false },
		{ 200, "{\"health\":1}", ETCD_BAD, false },
		{ 200, "[]", ETCD_BAD, false },
		{ 200, "ok", ETCD_BAD, false },
		{ 200, "", ETCD_EMPTY, false },
		{ 503, "<html>no server is available</html>", ETCD_BAD,
		    false },
		{ 503, "{\"message\":\"x\"}", ETCD_BAD, false },
		{ 302, "", ETCD_BAD, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		etcd_decoded_free(from_text(ETCD_KIND_HEALTH, NULL,
		    forms[i].status, forms[i].body));
		if (result.outcome != forms[i].outcome)
			fail_msg("%s: %s", forms[i].body,
			    etcd_outcome_name(result.outcome));
		assert_int_equal(result.health.healthy, forms[i].healthy);
	}
}

static void test_members_forms(void **state)
{
	struct etcd_decoded *d;

	(void)state;
	d = from_text(ETCD_KIND_MEMBERS, NULL, 200, "{\"members\":["
	    "{\"id\":\"a\",\"name\":\"\",\"peerURLs\":[\"http://p\"],"
	    "\"clientURLs\":[]},{\"id\":7},\"x\",{\"id\":\"b\","
	    "\"clientURLs\":null},{\"id\":\"c\",\"clientURLs\":[3]}]}");
	assert_int_equal(result.outcome, ETCD_OK);
	assert_int_equal(result.members.n, 2);
	assert_int_equal(result.members.bad, 3);
	assert_string_equal(result.members.v[0].client_url, "");
	assert_string_equal(result.members.v[0].peer_url, "http://p");
	assert_string_equal(result.members.v[1].name, "");
	etcd_decoded_free(d);
	d = from_text(ETCD_KIND_MEMBERS, NULL, 200, "{\"members\":[1]}");
	assert_int_equal(result.outcome, ETCD_BAD);
	etcd_decoded_free(d);
	d = from_text(ETCD_KIND_MEMBERS, NULL, 200, "{\"members\":{}}");
	assert_int_equal(result.outcome, ETCD_BAD);
	assert_string_equal(result.text,
	    "/v2/members: \"members\" is not an array");
	etcd_decoded_free(d);
}

static void test_stats_self(void **state)
{
	struct etcd_decoded *d;

	(void)state;
	d = decode_named("cluster_stats_self_follower_idle",
	    ETCD_KIND_STATS_SELF, "");
	assert_string_equal(result.self.name, "m2");
	assert_string_equal(result.self.id, "eaf45437acdac831");
	assert_string_equal(result.self.state, "StateFollower");
	assert_string_equal(result.self.leader, "dff1200338587dc");
	assert_int_equal(result.self.start.ms % 60000, 32475);
	assert_int_equal(result.self.leader_start.ms -
	    result.self.start.ms, 204);
	assert_int_equal(result.self.leader_uptime_ms, 1011);
	assert_int_equal(result.self.recv_appends, 8);
	assert_true(result.self.recv_pkg_rate == 0);
	etcd_decoded_free(d);
	d = decode_named("cluster_stats_self_follower_busy",
	    ETCD_KIND_STATS_SELF, "");
	assert_true(result.self.recv_pkg_rate > 0);
	assert_true(result.self.recv_bandwidth_rate > 0);
	etcd_decoded_free(d);
	/* 17:09:24.851 in Tokyo. */
	d = decode_named("single_stats_self_tz_offset", ETCD_KIND_STATS_SELF,
	    "");
	assert_int_equal(result.outcome, ETCD_OK);
	assert_true(result.self.start.ms % 86400000 ==
	    (8 * 3600 + 9 * 60 + 24) * 1000 + 851);
	etcd_decoded_free(d);
}

#define SELF(extra) "{\"name\":\"m\",\"id\":\"1\",\"state\":" \
	"\"StateFollower\",\"startTime\":\"2026-11-22T16:45:32+09:00\"," \
	"\"recvAppendRequestCnt\":0,\"sendAppendRequestCnt\":0," extra "}"

static void test_stats_self_forms(void **state)
{
	struct etcd_decoded *d;

	(void)state;
	d = from_text(ETCD_KIND_STATS_SELF, NULL, 200, SELF("\"leaderInfo\":"
	    "{\"leader\":\"\",\"uptime\":\"0s\",\"startTime\":"
	    "\"0001-01-01T00:00:00Z\"}"));
	assert_int_equal(result.outcome, ETCD_OK);
	assert_string_equal(result.self.leader, "");
	assert_int_equal(result.self.leader_start.ms, 0);
	assert_true(result.self.start.ms == 1795333532000);
	etcd_decoded_free(d);
	d = from_text(ETCD_KIND_STATS_SELF, NULL, 200, SELF("\"leaderInfo\":"
	    "{\"leader\":\"1\",\"uptime\":\"soon\",\"startTime\":"
	    "\"2026-11-22T16:45:32Z\"}"));
	assert_int_equal(result.outcome, ETCD_BAD);
	assert_non_null(strstr(result.text, "uptime"));
	etcd_decoded_free(d);
	d = from_text(ETCD_KIND_STATS_SELF, NULL, 200, SELF("\"leaderInfo\":"
	    "{\"leader\":\"\"},\"recvPkgRate\":\"fast\""));
	assert_int_equal(result.outcome, ETCD_BAD);
	etcd_decoded_free(d);
}

#define FOLLOWER(min, success) "{\"latency\":{\"current\":0.9," \
	"\"average\":1.5,\"standardDeviation\":1,\"minimum\":" min "," \
	"\"maximum\":4},\"counts\":{\"fail\":1,\"success\":" success "}}"

static void test_stats_leader(void **state)
{
	const struct etcd_stats_leader *s = &result.stats_leader;
	struct etcd_decoded *d;

	(void)state;
	d = from_text(ETCD_KIND_STATS_LEADER, NULL, 200,
	    "{\"leader\":\"a\",\"followers\":{\"b\":"
	    FOLLOWER("9223372036854775808", "0") ",\"c\":"
	    FOLLOWER("0.5", "6") ",\"d\":7,\"e\":" FOLLOWER("0.5", "-1")
	    "}}");
	assert_int_equal(result.outcome, ETCD_OK);
	assert_int_equal(s->n, 2);
	assert_int_equal(s->bad, 2);
	assert_string_equal(s->v[0].id, "b");
	assert_false(s->v[0].sampled);
	assert_true(s->v[0].minimum == 0);
	assert_string_equal(s->v[1].id, "c");
	assert_true(s->v[1].sampled);
	assert_true(s->v[1].minimum == 0.0005);
	assert_true(s->v[1].maximum == 0.004);
	assert_int_equal(s->v[1].success, 6);
	assert_int_equal(s->v[1].fail, 1);
	etcd_decoded_free(d);
	d = from_text(ETCD_KIND_STATS_LEADER, NULL, 200,
	    "{\"leader\":\"a\",\"followers\":null}");
	assert_int_equal(result.outcome, ETCD_OK);
	assert_int_equal(s->n, 0);
	etcd_decoded_free(d);
	d = from_text(ETCD_KIND_STATS_LEADER, NULL, 200,
	    "{\"leader\":\"a\",\"followers\":{\"b\":"
	    FOLLOWER("1e999", "0") "}}");
	assert_int_equal(result.outcome, ETCD_BAD);
	etcd_decoded_free(d);
}

static void test_stats_store(void **state)
{
	struct etcd_decoded *d;

	(void)state;
	d = decode_named("keys_stats_store_after_use", ETCD_KIND_STATS_STORE,
	    "");
	assert_int_equal(result.outcome, ETCD_OK);
	assert_int_not_equal(result.store.get_success, 0);
	assert_int_not_equal(result.store.expire_count, 0);
	etcd_decoded_free(d);
	d = from_text(ETCD_KIND_STATS_STORE, NULL, 200,
	    "{\"getsSuccess\":1}");
	assert_int_equal(result.outcome, ETCD_BAD);
	assert_string_equal(result.text,
	    "/v2/stats/store: \"getsFail\" is missing");
	etcd_decoded_free(d);
}

/* --- keys --- */

static void test_event(void **state)
{
	const struct etcd_event *v = &result.event;
	struct etcd_decoded *d;

	(void)state;
	d = from_text(ETCD_KIND_EVENT, "/s", 200, "{\"action\":\"expire\","
	    "\"node\":{\"key\":\"/s/a\",\"modifiedIndex\":9,"
	    "\"createdIndex\":7},\"prevNode\":{\"key\":\"/s/a\",\"value\":"
	    "\"v\",\"expiration\":\"2026-11-22T07:52:36.455243703Z\","
	    "\"ttl\":-6,\"modifiedIndex\":8,\"createdIndex\":7}}\n");
	assert_int_equal(result.outcome, ETCD_OK);
	assert_int_equal(v->action, ETCD_EXPIRE);
	assert_string_equal(v->node.key, "/s/a");
	assert_string_equal(v->node.value, "");
	assert_false(v->node.has_expiration);
	assert_int_equal(v->node.ttl, 0);
	assert_true(v->has_prev);
	assert_true(v->prev.has_expiration);
	assert_true(v->prev.ttl == -6);
	assert_int_equal(v->prev.expiration.ms % 1000, 455);
	assert_int_equal(v->prev.modified_index, 8);
	assert_int_equal(v->prev.created_index, 7);
	etcd_decoded_free(d);
	d = decode_named("keys_ttl_huge_64bit", ETCD_KIND_EVENT, "/e2");
	assert_true(v->node.ttl == -1);
	etcd_decoded_free(d);
	d = decode_named("keys_nul_key", ETCD_KIND_EVENT, "/uni");
	assert_true(v->node.key_has_nul);
	etcd_decoded_free(d);
	d = decode_named("keys_delete_dir_recursive", ETCD_KIND_EVENT, "/d");
	assert_int_equal(v->action, ETCD_DELETE);
	assert_true(v->node.dir);
	etcd_decoded_free(d);
}

static void test_event_refused(void **state)
{
	static const char *const bodies[] = {
		"{\"action\":\"set\"}",
		"{\"action\":\"jump\",\"node\":{\"key\":\"/a\"," NODE "}",
		"{\"action\":7,\"node\":{\"key\":\"/a\"," NODE "}",
		"{\"node\":{\"key\":\"/a\"," NODE "}",
		"{\"action\":\"set\",\"node\":[]}",
		"{\"action\":\"set\",\"node\":{" NODE "}",
		"{\"action\":\"set\",\"node\":{\"key\":\"a\"," NODE "}",
		"{\"action\":\"set\",\"node\":{\"key\":1," NODE "}",
		"{\"action\":\"set\",\"node\":{\"key\":\"/a\"}}",
		"{\"action\":\"set\",\"node\":{\"key\":\"/a\",\"value\":1,"
		    NODE "}",
		"{\"action\":\"set\",\"node\":{\"key\":\"/a\",\"dir\":1,"
		    NODE "}",
		"{\"action\":\"set\",\"node\":{\"key\":\"/a\",\"ttl\":\"9\","
		    NODE "}",
		"{\"action\":\"set\",\"node\":{\"key\":\"/a\",\"ttl\":1.5,"
		    NODE "}",
		"{\"action\":\"set\",\"node\":{\"key\":\"/a\",\"expiration\":"
		    "\"tomorrow\"," NODE "}",
		"{\"action\":\"set\",\"node\":{\"key\":\"/a\","
		    "\"modifiedIndex\":-1,\"createdIndex\":1}}",
		"{\"action\":\"set\",\"node\":{\"key\":\"/a\","
		    "\"modifiedIndex\":18446744073709551615,"
		    "\"createdIndex\":1}}",
		"{\"action\":\"set\",\"node\":{\"key\":\"/a\"," NODE
		    ",\"prevNode\":3}",
		"{\"action\":\"set\",\"node\":{\"key\":\"/a\"," NODE
		    ",\"prevNode\":{\"key\":\"/a\"}}",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		etcd_decoded_free(from_text(ETCD_KIND_EVENT, "/a", 200,
		    bodies[i]));
		if (result.outcome != ETCD_BAD)
			fail_msg("taken: %s", bodies[i]);
		assert_memory_equal(result.text, "/v2/keys/a: ", 12);
	}
}

/* Watches may bring what lies outside the watched path: not judged here. */
static void test_event_elsewhere(void **state)
{
	(void)state;
	etcd_decoded_free(from_text(ETCD_KIND_EVENT, "/prefix2", 200,
	    "{\"action\":\"delete\",\"node\":{\"key\":\"/pre\",\"dir\":true,"
	    NODE "}"));
	assert_int_equal(result.outcome, ETCD_OK);
	assert_true(result.event.node.dir);
}

static void test_listing(void **state)
{
	const struct etcd_listing *l = &result.listing;
	struct etcd_decoded *d;

	(void)state;
	d = decode_named("keys_dir_recursive_sorted", ETCD_KIND_LISTING,
	    "/services");
	assert_int_equal(l->n, 7);
	assert_string_equal(l->v[0].key, "/services/db");
	assert_true(l->v[0].dir);
	assert_string_equal(l->v[1].key, "/services/ttldir");
	assert_int_equal(l->v[1].ttl, 55);
	assert_string_equal(l->v[3].key, "/services/ttldir/b");
	assert_string_equal(l->v[3].value, "2");
	assert_true(l->v[3].has_expiration);
	assert_string_equal(l->v[5].key, "/services/ttldir/sub/c");
	assert_false(l->v[5].has_expiration);
	etcd_decoded_free(d);
}

static void test_listing_bad_nodes(void **state)
{
	const struct etcd_listing *l = &result.listing;
	struct etcd_decoded *d;

	(void)state;
	d = from_text(ETCD_KIND_LISTING, "/s", 200, "{\"action\":\"get\","
	    "\"node\":{\"key\":\"/s\",\"dir\":true,\"nodes\":["
	    "{\"key\":\"/s/a\",\"value\":[]," NODE ","
	    "{\"key\":\"/s/b\"," NODE ","
	    "7,{\"key\":\"/t/x\"," NODE ",{\"key\":\"/s\"," NODE ","
	    "{\"key\":\"/sx/y\"," NODE ","
	    "{\"dir\":true,\"nodes\":[{\"key\":\"/s/c/d\"," NODE "]},"
	    "{\"key\":\"/s/e\",\"dir\":true,\"nodes\":5," NODE "]," NODE
	    "}");
	assert_int_equal(result.outcome, ETCD_OK);
	assert_int_equal(l->n, 3);
	assert_string_equal(l->v[0].key, "/s/b");
	assert_string_equal(l->v[1].key, "/s/c/d");
	assert_string_equal(l->v[2].key, "/s/e");
	assert_int_equal(l->bad, 7);
	assert_string_equal(l->first_bad,
	    "key /s/a: \"value\" is not a string");
	etcd_decoded_free(d);
}

static void test_listing_refused(void **state)
{
	struct etcd_decoded *d;

	(void)state;
	d = decode_named("keys_get", ETCD_KIND_LISTING, "/services/web/n1");
	assert_int_equal(result.outcome, ETCD_BAD);
	assert_string_equal(result.text, "/v2/keys/services/web/n1: "
	    "/services/web/n1 is a key, not a directory");
	etcd_decoded_free(d);
	d = decode_named("keys_dir_list", ETCD_KIND_LISTING, "/other");
	assert_int_equal(result.outcome, ETCD_BAD);
	etcd_decoded_free(d);
	d = decode_named("keys_get_missing_404", ETCD_KIND_LISTING, "/gone");
	assert_int_equal(result.outcome, ETCD_OK);
	assert_true(result.listing.missing);
	assert_int_equal(result.listing.n, 0);
	etcd_decoded_free(d);
	d = decode_named("keys_dir_list", ETCD_KIND_LISTING,
	    "/services/ttldir");
	assert_false(result.listing.missing);
	etcd_decoded_free(d);
}

/* A listing with one chain of directories, between two keys of no depth. */
static void decode_chain(int levels)
{
	static char body[40000];
	size_t n = 0;
	int i;

	n = (size_t)sprintf(body, "{\"action\":\"get\",\"node\":{\"dir\":"
	    "true,\"nodes\":[{\"key\":\"/a\"," NODE ",");
	for (i = 0; i < levels; i++)
		n += (size_t)sprintf(body + n, "{\"dir\":true,"
		    "\"modifiedIndex\":1,\"createdIndex\":1,"
		    "\"key\":\"/k\",\"nodes\":[");
	for (i = 0; i < levels; i++)
		n += (size_t)sprintf(body + n, "]}");
	sprintf(body + n, ",{\"key\":\"/z\"," NODE "]}}");
	etcd_decoded_free(from_text(ETCD_KIND_LISTING, "/", 200, body));
}

/* As deep as JSON may be: a listing, and one level more: refused. */
static void test_listing_deep(void **state)
{
	static const int depths[] = { 1, 63, 70, 200,
		JSON_MAX_DEPTH / 2 - 2 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(depths) / sizeof(depths[0]); i++) {
		decode_chain(depths[i]);
		assert_int_equal(result.outcome, ETCD_OK);
		assert_int_equal(result.listing.n, depths[i] + 2);
		assert_int_equal(result.listing.bad, 0);
	}
	decode_chain(JSON_MAX_DEPTH / 2 - 1);
	assert_int_equal(result.outcome, ETCD_BAD);
	assert_int_equal(result.listing.n, 0);
	assert_non_null(strstr(result.text, "/v2/keys: invalid JSON: nested "
	    "too deeply at byte "));
}

static void test_index(void **state)
{
	(void)state;
	etcd_decoded_free(decode_bytes(ETCD_KIND_INDEX, NULL, 200,
	    "application/json", "", 0));
	assert_int_equal(result.outcome, ETCD_OK);
	etcd_decoded_free(decode_bytes(ETCD_KIND_INDEX, NULL, 404,
	    "text/plain; charset=utf-8", "", 0));
	assert_int_equal(result.outcome, ETCD_NO_V2);
	etcd_decoded_free(decode_bytes(ETCD_KIND_INDEX, NULL, 401,
	    "application/json", "", 0));
	assert_int_equal(result.outcome, ETCD_UNAUTHORIZED);
}

/* Anything that speaks HTTP answers 200 to something. */
static void test_index_of_no_etcd(void **state)
{
	char body[] = "<html>";
	struct etcd_decoded *d;

	(void)state;
	memset(&result, 0, sizeof(result));
	result.status = 200;
	d = etcd_decode(ETCD_KIND_INDEX, NULL, "text/html", body,
	    strlen(body), &result);
	assert_null(d->root);
	assert_int_equal(result.outcome, ETCD_BAD);
	assert_string_equal(result.text, "/v2/keys: HTTP 200 without "
	    "X-Etcd-Index: this is no etcd");
	etcd_decoded_free(d);
}

/* --- what only writers and askers get --- */

static void test_key(void **state)
{
	const struct etcd_event *v = &result.event;
	struct etcd_decoded *d;

	(void)state;
	d = from_text(ETCD_KIND_KEY, "/a", 201, "{\"action\":\"create\","
	    "\"node\":{\"key\":\"/a/10\",\"value\":\"v\"," NODE "}");
	assert_int_equal(result.outcome, ETCD_OK);
	assert_int_equal(result.kind, ETCD_KIND_KEY);
	assert_int_equal(v->action, ETCD_CREATE);
	assert_string_equal(v->node.key, "/a/10");
	assert_string_equal(v->node.value, "v");
	assert_false(v->has_prev);
	assert_string_equal(v->prev.key, "");
	assert_string_equal(v->prev.value, "");
	etcd_decoded_free(d);
	etcd_decoded_free(from_text(ETCD_KIND_KEY, "/a", 201, ""));
	assert_int_equal(result.outcome, ETCD_EMPTY);
	assert_string_equal(result.text, "/v2/keys/a: HTTP 201 without a "
	    "body");
	etcd_decoded_free(from_text(ETCD_KIND_KEY, "/a", 202, "{}"));
	assert_int_equal(result.outcome, ETCD_BAD);
	etcd_decoded_free(from_text(ETCD_KIND_EVENT, "/a", 201, "{}"));
	assert_int_equal(result.outcome, ETCD_BAD);
}

/* A directory is told without what is in it. */
static void test_key_is_directory(void **state)
{
	struct etcd_decoded *d = decode_named("keys_dir_list", ETCD_KIND_KEY,
	    "/services/ttldir");

	(void)state;
	assert_int_equal(result.outcome, ETCD_OK);
	assert_int_equal(result.event.action, ETCD_GET);
	assert_string_equal(result.event.node.key, "/services/ttldir");
	assert_true(result.event.node.dir);
	assert_string_equal(result.event.node.value, "");
	etcd_decoded_free(d);
}

static void test_key_is_root(void **state)
{
	const struct etcd_node *n = &result.event.node;
	struct etcd_decoded *d;

	(void)state;
	d = decode_named("single_keys_root_empty", ETCD_KIND_KEY, "");
	assert_int_equal(result.outcome, ETCD_OK);
	assert_string_equal(n->key, "/");
	assert_string_equal(n->value, "");
	assert_true(n->dir);
	assert_int_equal(n->modified_index, 0);
	etcd_decoded_free(d);
	d = decode_named("single_keys_root_empty", ETCD_KIND_KEY, "/a");
	assert_int_equal(result.outcome, ETCD_BAD);
	etcd_decoded_free(d);
	etcd_decoded_free(from_text(ETCD_KIND_KEY, "/", 200,
	    "{\"action\":\"get\",\"node\":{\"dir\":1}}"));
	assert_int_equal(result.outcome, ETCD_BAD);
	etcd_decoded_free(from_text(ETCD_KIND_KEY, "", 200,
	    "{\"action\":\"get\",\"node\":[]}"));
	assert_int_equal(result.outcome, ETCD_BAD);
}

static void test_key_without_value(void **state)
{
	const struct etcd_event *v = &result.event;
	struct etcd_decoded *d;

	(void)state;
	d = decode_named("keys_noValueOnSuccess_set", ETCD_KIND_KEY,
	    "/services/web/r1");
	assert_int_equal(result.outcome, ETCD_OK);
	assert_int_equal(v->action, ETCD_SET);
	assert_string_equal(v->node.key, "");
	assert_string_equal(v->node.value, "");
	assert_string_equal(v->prev.key, "");
	assert_false(v->has_prev);
	etcd_decoded_free(d);
	etcd_decoded_free(from_text(ETCD_KIND_KEY, "/a", 200, "{}"));
	assert_int_equal(result.outcome, ETCD_BAD);
	etcd_decoded_free(from_text(ETCD_KIND_KEY, "/a", 200,
	    "{\"action\":\"jump\"}"));
	assert_int_equal(result.outcome, ETCD_BAD);
}

static void test_nul(void **state)
{
	const struct etcd_node *n = &result.event.node;
	struct etcd_decoded *d;
	size_t len;
	char *bytes;

	(void)state;
	d = from_text(ETCD_KIND_KEY, "/a", 200, "{\"action\":\"set\","
	    "\"node\":{\"key\":\"/a\",\"value\":\"x\\u0000y\\u0000\","
	    NODE ",\"prevNode\":{\"key\":\"/a\",\"value\":\"x\"," NODE
	    "}");
	assert_int_equal(result.outcome, ETCD_OK);
	assert_false(n->key_has_nul);
	assert_true(n->value_has_nul);
	assert_false(result.event.prev.value_has_nul);
	bytes = etcd_unescape_nul(n->value, &len);
	assert_int_equal(len, 4);
	assert_memory_equal(bytes, "x\0y\0", 5);
	free(bytes);
	etcd_decoded_free(d);
	d = decode_named("keys_newline_nul_value", ETCD_KIND_KEY, "/val/nl");
	assert_true(n->value_has_nul);
	assert_false(n->key_has_nul);
	etcd_decoded_free(d);
}

static void test_member_changes(void **state)
{
	struct etcd_decoded *d;

	(void)state;
	d = decode_named("members_add_201", ETCD_KIND_MEMBER, "");
	assert_string_equal(result.member.id, "cb8f7e6e36eda7ae");
	assert_string_equal(result.member.name, "");
	assert_string_equal(result.member.client_url, "");
	assert_string_equal(result.member.peer_url, "http://127.0.0.1:25476");
	etcd_decoded_free(d);
	etcd_decoded_free(from_text(ETCD_KIND_MEMBER, NULL, 201,
	    "{\"id\":\"\"}"));
	assert_int_equal(result.outcome, ETCD_BAD);
	etcd_decoded_free(from_text(ETCD_KIND_MEMBER, NULL, 201, ""));
	assert_int_equal(result.outcome, ETCD_EMPTY);
	etcd_decoded_free(from_text(ETCD_KIND_DONE, "1", 204, ""));
	assert_int_equal(result.outcome, ETCD_OK);
	etcd_decoded_free(decode_bytes(ETCD_KIND_DONE, "1", 404,
	    "text/plain; charset=utf-8", "404 page not found\n", 19));
	assert_int_equal(result.outcome, ETCD_NO_V2);
}

/* Members' errors have a message and no code. */
static void test_member_errors(void **state)
{
	static const struct {
		const char *name, *message;
		long status;
	} all[] = {
		{ "members_add_exists_409", "membership: ID exists", 409 },
		{ "members_update_exists_409", "membership: peerURL exists",
		    409 },
		{ "members_update_unknown_404", "No such member: 1234", 404 },
		{ "members_remove_again_410", "Member permanently removed: "
		    "cb8f7e6e36eda7ae", 410 },
		{ "members_add_bad_url_400", "URL scheme must be http, "
		    "https, unix, or unixs: nonsense", 400 },
	};
	struct etcd_decoded *d;
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		d = decode_named(all[i].name, ETCD_KIND_DONE, "ab");
		assert_int_equal(result.outcome, ETCD_ERROR);
		assert_int_equal(result.error_code, 0);
		assert_string_equal(result.error.message, all[i].message);
		assert_string_equal(result.error.cause, "");
		assert_int_equal(result.error.index, 0);
		snprintf(text, sizeof(text), "/v2/members/ab: HTTP %ld, %s",
		    all[i].status, all[i].message);
		assert_string_equal(result.text, text);
		etcd_decoded_free(d);
	}
	d = decode_named("auth_guest_members_post_401", ETCD_KIND_MEMBER, "");
	assert_int_equal(result.outcome, ETCD_UNAUTHORIZED);
	assert_string_equal(result.error.message, "Insufficient credentials");
	etcd_decoded_free(d);
}

static void test_errors(void **state)
{
	struct etcd_decoded *d;

	(void)state;
	d = decode_named("keys_cas_both_fail_101", ETCD_KIND_KEY, "/a");
	assert_int_equal(result.outcome, ETCD_ERROR);
	assert_int_equal(result.error_code, ETCD_COMPARE_FAILED);
	assert_string_equal(etcd_error_name(result.error_code),
	    "compare_failed");
	assert_string_equal(result.error.message, "Compare failed");
	assert_true(*result.error.cause);
	assert_true(result.error.index > 0);
	etcd_decoded_free(d);
	d = decode_named("auth_guest_put_401", ETCD_KIND_KEY, "/foo");
	assert_int_equal(result.outcome, ETCD_UNAUTHORIZED);
	assert_int_equal(result.error_code, ETCD_NO_PERMISSION);
	assert_string_equal(result.error.cause, "Insufficient credentials");
	etcd_decoded_free(d);
	/* What is said amiss is left out, and the error stays one. */
	d = from_text(ETCD_KIND_KEY, "/a", 400, "{\"errorCode\":105,"
	    "\"message\":7,\"cause\":[],\"index\":-1}");
	assert_int_equal(result.outcome, ETCD_ERROR);
	assert_string_equal(result.error.message, "");
	assert_string_equal(result.error.cause, "");
	assert_int_equal(result.error.index, 0);
	etcd_decoded_free(d);
	assert_string_equal(etcd_error_name(0), "unknown");
	assert_string_equal(etcd_error_name(301), "unknown");
}

static void test_texts(void **state)
{
	(void)state;
	etcd_decoded_free(decode_named("watch_401_cleared", ETCD_KIND_EVENT,
	    "/w"));
	assert_int_equal(result.outcome, ETCD_ERROR);
	assert_int_equal(result.error_code, ETCD_INDEX_CLEARED);
	assert_string_equal(result.text, "/v2/keys/w: HTTP 400, errorCode "
	    "401, The event in requested index is outdated and cleared "
	    "(the requested history has been cleared [458/318])");
	etcd_decoded_free(from_text(ETCD_KIND_EVENT, "/w", 500,
	    "{\"errorCode\":300,\"message\":\"a\\nb\\u0000c\"}"));
	assert_string_equal(result.text,
	    "/v2/keys/w: HTTP 500, errorCode 300, a b??c");
	etcd_decoded_free(from_text(ETCD_KIND_LISTING, "/w", 500, "oops"));
	assert_string_equal(result.text, "/v2/keys/w: HTTP 500");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recorded),
		cmocka_unit_test(test_recorded_as_keys),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_garbled),
		cmocka_unit_test(test_other_kinds),
		cmocka_unit_test(test_agrees_with_tree),
		cmocka_unit_test(test_agrees_on_forms),
		cmocka_unit_test(test_in_pieces),
		cmocka_unit_test(test_told_one_by_one),
		cmocka_unit_test(test_pieces_that_end_early),
		cmocka_unit_test(test_status_answers),
		cmocka_unit_test(test_health_forms),
		cmocka_unit_test(test_members_forms),
		cmocka_unit_test(test_stats_self),
		cmocka_unit_test(test_stats_self_forms),
		cmocka_unit_test(test_stats_leader),
		cmocka_unit_test(test_stats_store),
		cmocka_unit_test(test_event),
		cmocka_unit_test(test_event_refused),
		cmocka_unit_test(test_event_elsewhere),
		cmocka_unit_test(test_listing),
		cmocka_unit_test(test_listing_bad_nodes),
		cmocka_unit_test(test_listing_refused),
		cmocka_unit_test(test_listing_deep),
		cmocka_unit_test(test_index),
		cmocka_unit_test(test_index_of_no_etcd),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_key_is_directory),
		cmocka_unit_test(test_key_is_root),
		cmocka_unit_test(test_key_without_value),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_member_changes),
		cmocka_unit_test(test_member_errors),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, free_last_body);
}
