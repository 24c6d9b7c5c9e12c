#ifndef CORE_LABELS_H
#define CORE_LABELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* A set of name=value pairs, sorted by name, each name once. */
struct label {
	char *name, *value;
};

struct labels {
	struct label *v;
	size_t n;
};

/* Sets or replaces one pair; both strings are copied.  An empty value removes
 * the name, since in Prometheus' data model both mean the same. */
void labels_set(struct labels *l, const char *name, const char *value);
/* Puts a pair behind the others as it is: for what is held to one after the
 * other and is no set.  Of what is here only labels_free() is for that, too. */
void labels_append(struct labels *l, const char *name, const char *value);
const char *labels_get(const struct labels *l, const char *name); /* or NULL */
void labels_copy(struct labels *to, const struct labels *from);	/* adds all */
void labels_free(struct labels *l);
bool labels_equal(const struct labels *a, const struct labels *b);

/* True for [a-zA-Z_][a-zA-Z0-9_]*. */
bool labels_valid_name(const char *name);

/* FNV-1a-64 over name,0xFF,value,0xFF: the fingerprint of Prometheus and
 * Alertmanager (LabelSet.Fingerprint() in prometheus/common,
 * model/signature.go). */
uint64_t labels_fingerprint(const struct labels *l);

/* Appends name="value",name2="value2" with the exposition formats' escapes
 * (\\ \" \n); bytes that are not UTF-8 become U+FFFD, since one bad label
 * would make Prometheus refuse the whole scrape. */
void labels_render(const struct labels *l, struct buf *out);
void labels_render_pair(struct buf *out, const char *name, const char *value);

/* Adds what labels_render() wrote. */
void labels_read(struct labels *l, const char *s);

/* Appends {"name":"value",...}. */
void labels_json(const struct labels *l, struct buf *out);

#endif
