#ifndef EXPORTER_SENDING_H
#define EXPORTER_SENDING_H

struct pieces;
struct segments;

/* The long answers on their way to readers: each may take a limited time, so
 * that no reader holds on to what it reads for ever, however slowly it reads;
 * and all together a limited memory beside what is kept for the next ones.
 * (Who reads nothing at all is cut off by libmicrohttpd.)  A thread looks at
 * them every second and meanwhile lets go of segments nobody asks for. */
struct sendings;

/* NULL: there can be no more threads. */
struct sendings *sendings_new(struct segments *c, unsigned limit_s);
void sendings_free(struct sendings *s);	/* none is on its way any more */

/* One answer on socket fd, which stays open until it ends.  Takes the
 * pieces. */
struct sending *sending_new(struct sendings *s, int fd, struct pieces *p);

/* It ended, well or not: libmicrohttpd's callback. */
void sending_free(void *sending);

#endif
