#ifndef ALERTS_WEBHOOK_H
#define ALERTS_WEBHOOK_H

#include <stdbool.h>
#include <stddef.h>

struct alert;
struct buf;
struct labels;

/* The body of Alertmanager's webhook, payload version 4. */
struct webhook_message {
	const char *receiver, *external_url, *group_key, *reason;
	const struct labels *group;	/* groupLabels */
	struct alert *const *alerts;	/* at least one */
	size_t n;
	size_t max_alerts;		/* 0: all of them */
};

/* Appends the payload. */
void webhook_render(const struct webhook_message *m, struct buf *out);

/* Appends {}:{name="value",...}. */
void webhook_group_key(const struct labels *group, struct buf *out);

#endif
