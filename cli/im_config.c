/* The key=value files of the instant-messaging servers, so that what they say
 * need not be said a second time.  The servers read them with a few lines of
 * C that believe everything; here slips are found, with line and column, as
 * many as there are in one go.  A comment may be in any encoding, since such
 * files come from Windows too.  The keys are in cli/im_config_keys.c; what is
 * registered or discovered by them is for the commands that read them. */
#include "cli/im_config_impl.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/file.h"
#include "core/utf8.h"
#include "core/xalloc.h"

enum { MAX_SIZE = 1 << 20, MAX_JSON = 1024, DEFAULT_PORT = 2379 };

/* --- stretches of text --- */

static bool is_blank(char c)
{
	return c != '\0' && strchr(" \t\r\v\f", c) != NULL;
}

static struct im_span trim(struct im_span t)
{
	for (; t.n > 0 && is_blank(t.s[0]); t.n--)
		t.s++;
	while (t.n > 0 && is_blank(t.s[t.n - 1]))
		t.n--;
	return t;
}

struct im_span im_cut(struct im_span *t, char c)
{
	const char *end = memchr(t->s, c, t->n);
	struct im_span part = { t->s, end ? (size_t)(end - t->s) : t->n };
	size_t gone = part.n + (end != NULL);

	t->s += gone;
	t->n -= gone;
	return trim(part);
}

void im_list_add(struct string_list *l, char *text)
{
	l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n++] = text;
}

void im_list_free(struct string_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct string_list){ 0 };
}

/* --- lines --- */

static void read_value(struct im_reader *r, const struct im_key *k,
    struct im_span name, struct im_span value)
{
	size_t *given = &r->given[k - im_keys];

	if (*given) {
		IM_SAY(r->p, r, name.s, "duplicate key \"%s\" (first at line"
		    " %zu)", k->name, *given);
		return;
	}
	*given = r->line;
	im_key_read(r, k, value);
}

static bool same_letter(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* True if nothing but a slip of the pen lies between the two: the case, one
 * or two letters too many or too few, one replaced, two swapped.  Servers
 * have keys of their own that are further off (HttpListenIP), and series of
 * keys that end in a digit (ListenPort1). */
static bool is_slip(struct im_span a, const char *b)
{
	size_t i = 0, n = a.n, m = strlen(b);

	if (isdigit((unsigned char)a.s[n - 1]))
		return false;
	for (; i < n && i < m && same_letter(a.s[i], b[i]); i++)
		;
	for (; n > i && m > i && same_letter(a.s[n - 1], b[m - 1]); n--)
		m--;
	if (n - i == 2 && m - i == 2)
		return same_letter(a.s[i], b[i + 1]) &&
		    same_letter(a.s[i + 1], b[i]);
	return n - i + m - i <= 2;
}

static void unknown(struct im_reader *r, struct im_span name)
{
	for (size_t i = 0; i < IM_KEYS; i++)
		if (is_slip(name, im_keys[i].name) && utf8_is(name.s, name.n)) {
			IM_SAY(&r->warnings, r, name.s, "unknown key \"%.*s\""
			    " (did you mean \"%s\"?)", (int)name.n, name.s,
			    im_keys[i].name);
			return;
		}
}

static void read_pair(struct im_reader *r, struct im_span name,
    struct im_span value)
{
	for (size_t i = 0; i < IM_KEYS; i++)
		if (strlen(im_keys[i].name) == name.n &&
		    memcmp(im_keys[i].name, name.s, name.n) == 0) {
			read_value(r, &im_keys[i], name, value);
			return;
		}
	unknown(r, name);
}

static void read_line(struct im_reader *r, struct im_span line)
{
	const char *nul = memchr(line.s, '\0', line.n);
	struct im_span rest = im_cut(&line, '#'), name;

	if (nul) {
		IM_SAY(r->p, r, nul, "a NUL byte: this is no text");
		return;
	}
	if (rest.n == 0)
		return;
	if (!memchr(rest.s, '=', rest.n)) {
		IM_SAY(r->p, r, rest.s, "expected KEY=VALUE");
		return;
	}
	name = im_cut(&rest, '=');
	if (name.n == 0)
		IM_SAY(r->p, r, name.s, "expected a key before the =");
	else
		read_pair(r, name, trim(rest));
}

static void read_lines(struct im_reader *r, struct im_span text)
{
	const char *end;

	while (text.n > 0) {
		end = memchr(text.s, '\n', text.n);
		r->line++;
		r->line_start = text.s;
		read_line(r, (struct im_span){ text.s,
		    end ? (size_t)(end - text.s) : text.n });
		im_cut(&text, '\n');
	}
}

/* --- the whole --- */

static void make_endpoints(struct im_whole *w)
{
	struct string_list *l = &w->config.endpoints;
	int64_t port = w->center_port ? w->center_port : DEFAULT_PORT;
	bool v6;
	char *host;

	for (size_t i = 0; i < l->n; i++) {
		host = l->v[i];
		v6 = strchr(host, ':') != NULL;
		l->v[i] = xasprintf("http://%s%s%s:%" PRId64, v6 ? "[" : "",
		    host, v6 ? "]" : "", port);
		free(host);
	}
}

static void keep_warnings(struct im_reader *r)
{
	for (size_t i = 0; i < r->warnings.n; i++)
		im_list_add(&r->whole->config.warnings,
		    xstrdup(r->warnings.lines[i]));
	problems_free(&r->warnings);
}

static bool begins_with(struct im_span t, const char *bytes)
{
	size_t n = strlen(bytes);

	return t.n >= n && memcmp(t.s, bytes, n) == 0;
}

/* Windows begins a text with a mark of its encoding. */
static void read_text(struct im_reader *r, struct im_span text)
{
	const char *file = r->whole->config.file;

	if (text.n > MAX_SIZE) {
		problems_add(r->p, file, 0, 0, "larger than %d bytes",
		    MAX_SIZE);
	} else if (begins_with(text, "\xff\xfe") ||
	    begins_with(text, "\xfe\xff")) {
		problems_add(r->p, file, 0, 0, "in UTF-16: save it as UTF-8");
	} else {
		if (begins_with(text, "\xef\xbb\xbf")) {
			text.s += 3;
			text.n -= 3;
		}
		read_lines(r, text);
	}
}

struct im_config *im_config_parse(const char *file, const char *text,
    size_t len, struct problems *p)
{
	struct im_whole *w = xcalloc(1, sizeof(*w));
	struct im_reader r = { .whole = w, .p = p };
	size_t before = p->count;

	w->config.file = xstrdup(file);
	read_text(&r, (struct im_span){ text, len });
	make_endpoints(w);
	keep_warnings(&r);
	if (p->count == before)
		return &w->config;
	im_config_free(&w->config);
	return NULL;
}

struct im_config *im_config_load(const char *path, struct problems *p)
{
	struct im_config *c;
	struct err e;
	size_t len;
	char *text = file_read(path, MAX_SIZE, &len, &e);

	if (!text) {
		problems_add(p, NULL, 0, 0, "%s", e.text);
		return NULL;
	}
	c = im_config_parse(path, text, len, p);
	free(text);
	return c;
}

void im_config_free(struct im_config *c)
{
	if (!c)
		return;
	free(c->file);
	im_list_free(&c->endpoints);
	free(c->service_id);
	free(c->service_dir);
	free(c->host_ip);
	free(c->login_service_dir);
	im_list_free(&c->warnings);
	free(c);
}

/* --- what a server makes of it --- */

int64_t im_config_seconds(int64_t ms, bool *rounded_r)
{
	int64_t s = ms > 0 ? ms / 1000 + (ms % 1000 > 0) : 1;

	*rounded_r = ms <= 0 || ms % 1000 > 0;
	return s;
}

static int need(const struct im_config *c, const char *value,
    const char *name, struct err *e)
{
	return value ? 0 : err_set(e, "%s: %s is missing", c->file, name);
}

char *im_config_key(const struct im_config *c, struct err *e)
{
	const char *dir = c->service_dir;

	if (need(c, dir, "ServiceDir", e) < 0 ||
	    need(c, c->service_id, "ServiceId", e) < 0)
		return NULL;
	return xasprintf("%s/%s", dir[1] ? dir : "", c->service_id);
}

static void add_port(struct buf *b, const char *name, int64_t port)
{
	if (port > 0)
		buf_addf(b, ",\"%s\":%" PRId64, name, port);
}

char *im_config_value(const struct im_config *c, struct err *e)
{
	struct buf b;

	if (need(c, c->host_ip, "HostIp", e) < 0)
		return NULL;
	buf_init(&b, MAX_JSON);
	buf_adds(&b, "{\"ip\":");
	buf_add_json(&b, c->host_ip);
	add_port(&b, "port", c->client_port);
	add_port(&b, "http_port", c->http_port);
	add_port(&b, "msg_server_port", c->msg_server_port);
	buf_addc(&b, '}');
	return buf_take(&b, NULL);
}
