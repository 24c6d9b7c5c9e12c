#ifndef DISCOVER_OUTPUT_H
#define DISCOVER_OUTPUT_H

struct buf;
struct loop;

/* The --output of a discover that watches: a file kept as the list is.  The
 * disk is touched in a thread, never on the loop. */
struct discover_output;

struct discover_output_source {
	void (*render)(void *arg, struct buf *out);	/* the list, now */
	/* The file holds the list: when that is so for the first time, and
	 * whenever it holds another one since. */
	void (*written)(void *arg);
	void *arg;
};

struct discover_output *discover_output_new(struct loop *l, const char *path,
    const struct discover_output_source *s);

/* Before the loop is freed; what is being written is finished by then.  NULL
 * is a no-op. */
void discover_output_free(struct discover_output *o);

/* The list is another one.  A file that cannot be written is tried again at
 * the next change, and every few seconds. */
void discover_output_changed(struct discover_output *o);

#endif
