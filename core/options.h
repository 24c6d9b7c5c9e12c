#ifndef CORE_OPTIONS_H
#define CORE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct labels;
struct problems;
struct yaml_node;

/* From a YAML tree to a C struct by a table, one line per key.  The same
 * table reads, frees and prints, so a printed configuration parses again. */
enum option_type {
	OPTION_STRING,		/* char * */
	OPTION_SECRET,		/* char *; prints as <secret> */
	OPTION_PATH,		/* char *; made relative to the file's folder */
	OPTION_BOOL,		/* bool */
	OPTION_INT,		/* int64_t, within [min, max] */
	OPTION_DURATION,	/* int64_t ms, Prometheus syntax, [min, max] */
	OPTION_STRINGS,		/* struct string_list */
	OPTION_PATHS,		/* struct string_list of OPTION_PATH */
	OPTION_LABELS,		/* struct labels */
	OPTION_RULES,		/* the same, in the order of the file */
	OPTION_WORD,		/* int: index into words[] */
	OPTION_OBJECT,		/* a struct in place, described by set */
	OPTION_OBJECTS,		/* struct object_list, each described by set */
};

struct string_list {
	char **v;
	size_t n;
};

struct object_list {
	void *v;		/* n elements of set->size bytes */
	size_t n;
};

struct option_set;

struct option {
	const char *name;
	enum option_type type;
	size_t offset;
	bool required;
	int64_t min, max;		/* both 0: no limit */
	bool or_zero;			/* a duration of 0 is one, too */
	const char *const *words;	/* OPTION_WORD, NULL-terminated */
	const struct option_set *set;	/* OPTION_OBJECT(S) */
};

struct option_set {
	const char *name;		/* for messages: "directory" */
	size_t size;
	const struct option *options;
	size_t n;
	void (*defaults)(void *object);		/* before reading; or NULL */
	void (*check)(void *object, const struct yaml_node *node,
	    struct problems *p);		/* after reading; or NULL */
	void (*release)(void *object);		/* before freeing; or NULL */
};

#define OPTION_SET(name_, type_, options_, ...) \
	{ .name = (name_), .size = sizeof(type_), .options = (options_), \
	  .n = sizeof(options_) / sizeof((options_)[0]), __VA_ARGS__ }

/* Fills object (zeroed by the caller) from node: first the defaults, of the
 * objects inside it too, then what is given; null counts as not given.
 * Everything wrong is added to p, with the position, what was expected, and
 * for an unknown key the nearest known one; reading goes on behind it. */
void options_read(const struct option_set *set, const struct yaml_node *node,
    void *object, struct problems *p);

/* Frees what the fields own (not object itself). */
void options_free(const struct option_set *set, void *object);

/* Appends the object as YAML, indented by `indent`.  Secrets and passwords in
 * URLs are hidden; an option whose value came from the file its twin X_file
 * names is left out. */
void options_print(const struct option_set *set, const void *object,
    struct buf *out, int indent);

/* The word of words[] nearest to text if it is near enough to be meant, else
 * NULL (did you mean ...?). */
const char *options_nearest(const char *text, const char *const *words,
    size_t n);

#endif
