#ifndef CORE_JSON_H
#define CORE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

struct err;

/* cJSON with the holes closed: what cJSON would take silently and get wrong
 * (NUL in a string, integers above 2^53, deep nesting, bytes behind the end,
 * text that is not UTF-8) is refused or marked here.  So is what is small as
 * text and large as a tree: each value costs some 100 bytes there. */

enum {
	/* A key of etcd costs two levels for each slash in it; cJSON, which
	 * recurses, allows 1000. */
	JSON_MAX_DEPTH = 990,
	/* More values than these, and one more for each so many bytes of the
	 * text, are refused.  The shortest node of a listing has one in 12. */
	JSON_FREE_VALUES = 1000,
	JSON_BYTES_PER_VALUE = 8,
};

/* Parses exactly text[0..len): one value, white space around it.  The escape
 * \u0000 arrives in a string as the two bytes C0 80, which occur in no valid
 * UTF-8, so that it neither truncates the string nor is lost: see
 * json_has_nul().  Modifies text.  NULL with e naming the byte offset. */
cJSON *json_parse(char *text, size_t len, struct err *e);

/* True if the string carried a NUL (bytes C0 80). */
bool json_has_nul(const char *s);

/* Typed access to a member of an object, by exact name.  The string stays
 * owned by the tree.  NULL/false when it is absent or of another type. */
const char *json_str(const cJSON *object, const char *name);
bool json_double(const cJSON *object, const char *name, double *v_r);
bool json_bool(const cJSON *object, const char *name, bool fallback);

/* Whole numbers, exact only to 2^53: 1 and *v_r set; 0 when absent; -1 with e
 * when it is no number, has a fraction, is negative (u64) or is above 2^53.
 * Never undefined behaviour, whatever the number. */
int json_u64(const cJSON *object, const char *name, uint64_t *v_r,
    struct err *e);
int json_i64(const cJSON *object, const char *name, int64_t *v_r,
    struct err *e);
/* The same judgement on a number that is there already: 0 if it is a whole one
 * from min to 2^53, or -1 with e. */
int json_whole(const char *name, double v, double min, struct err *e);
#define JSON_MAX_EXACT 9007199254740992.0	/* 2^53 */

#endif
