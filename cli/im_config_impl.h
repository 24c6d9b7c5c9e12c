#ifndef CLI_IM_CONFIG_IMPL_H
#define CLI_IM_CONFIG_IMPL_H

#include "cli/im_config.h"
#include "core/problems.h"

/* Shared by the reader of the lines (cli/im_config.c) and that of the values
 * (cli/im_config_keys.c); for these two alone. */

/* A stretch of the text. */
struct im_span {
	const char *s;
	size_t n;
};

/* The port is in the end a part of the endpoints, which are hosts before. */
struct im_whole {
	struct im_config config;
	int64_t center_port;
};

enum im_type {
	IM_HOST,	/* char *: the first of a list of hosts */
	IM_HOSTS,	/* struct string_list */
	IM_ID,		/* char *: one part of a path */
	IM_NUMBER,	/* int64_t, from 1 to max */
	IM_PATH		/* char * */
};

struct im_key {
	const char *name;
	enum im_type type;
	size_t offset;		/* in struct im_whole */
	int64_t max;
};

enum { IM_KEYS = 11 };
extern const struct im_key im_keys[IM_KEYS];

/* Where the reading is. */
struct im_reader {
	struct im_whole *whole;
	size_t line;
	const char *line_start;
	size_t given[IM_KEYS];	/* the line each stood in; 0: none yet */
	struct problems *p, warnings;
};

/* Adds to a list of problems, at the place in the line. */
#define IM_SAY(list_, r_, at_, ...) \
	problems_add(list_, (r_)->whole->config.file, (r_)->line, \
	    (size_t)((at_) - (r_)->line_start) + 1, __VA_ARGS__)

/* Reads the value of a key into its field, or says what is wrong. */
void im_key_read(struct im_reader *r, const struct im_key *k,
    struct im_span value);

/* Cuts off what stands before the first c, which goes too, or all if there is
 * no c.  Returns it without the blanks around it. */
struct im_span im_cut(struct im_span *t, char c);


void im_list_add(struct string_list *l, char *text);	/* takes text */
void im_list_free(struct string_list *l);

#endif
