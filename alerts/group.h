#ifndef ALERTS_GROUP_H
#define ALERTS_GROUP_H

#include <stdbool.h>
#include <stddef.h>

struct alert;
struct notify_config;
struct outbox;

/* From alerts that changed to messages: those that changed in one unit and
 * share alertname and etcd_cluster go out together. */
struct groups;

enum { GROUP_MESSAGE_MAX = 256 };

enum group_change {
	GROUP_FIRED, GROUP_RESOLVED, GROUP_REPEATED,
	GROUP_INTRODUCED,		/* to groups_send_new() alone */
};

struct groups *groups_new(struct outbox *o);
void groups_free(struct groups *g);

/* n (may be NULL) lives until the next call, and until that has returned.
 * Nothing may wait to be sent. */
void groups_configure(struct groups *g, const struct notify_config *n,
    const char *external_url);

/* Somebody would get a message. */
bool groups_have_receiver(const struct groups *g);

/* The alert changed and is to be told; its state stays as it is until
 * groups_send(). */
void groups_add(struct groups *g, struct alert *a, enum group_change c);

/* An alert that was told of before rollcall was restarted. */
void groups_restore(struct groups *g, struct alert *a);

/* Receivers know no more that it fires, without a message (it was replaced
 * or dropped). */
void groups_forget(struct groups *g, struct alert *a);

/* Makes and queues the messages. */
void groups_send(struct groups *g);

/* The last groups_configure() brought webhooks with URLs that the route did
 * not have before: they have heard of nothing that fires. */
bool groups_have_new(const struct groups *g);

/* Makes and queues messages for these webhooks alone, which are no longer new
 * then. */
void groups_send_new(struct groups *g);

#endif
