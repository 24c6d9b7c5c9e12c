#ifndef CLI_REGISTER_KEYS_H
#define CLI_REGISTER_KEYS_H

#include <stddef.h>

struct err;
struct problems;

/* What is to be registered. */
struct register_key {
	char *key, *value;
};

struct register_keys {
	struct register_key *v;
	size_t n;
};

/* Whether etcd has a key of that name, and a value like that.  -1 with e,
 * which quotes it and says what it must be like. */
int register_keys_check_key(const char *key, struct err *e);
int register_keys_check_value(const char *value, struct err *e);

/* Copies both. */
void register_keys_add(struct register_keys *k, const char *key,
    const char *value);

/* Adds what a file says ("-": standard input); all that is wrong with it goes
 * to p, with its line.  Blocks. */
void register_keys_read(struct register_keys *k, const char *path,
    struct problems *p);

/* The same from text, which is modified; file is its name in messages. */
void register_keys_parse(struct register_keys *k, const char *file,
    char *text, size_t len, struct problems *p);
void register_keys_free(struct register_keys *k);

#endif
