#ifndef ALERTS_NOTIFY_CONFIG_H
#define ALERTS_NOTIFY_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/http_config.h"
#include "core/options.h"

/* The notify file as a struct.  Immutable once read; notify_config_load() and
 * notify_config_free() are in alerts/alerts.h. */
struct webhook_config {
	char *url, *url_file;
	bool send_resolved;		/* true */
	int64_t max_alerts;		/* 0: no limit */
	int64_t timeout_ms;		/* 10s */
	struct http_config http_config;
};

struct receiver_config {
	char *name;
	struct object_list webhooks;	/* struct webhook_config */
};

struct notify_config {
	struct {
		char *receiver;
	} route;
	struct object_list receivers;	/* struct receiver_config */
};

static inline struct webhook_config *receiver_webhook(
    const struct receiver_config *r, size_t i)
{
	return (struct webhook_config *)r->webhooks.v + i;
}

/* The receiver of that name, or NULL. */
const struct receiver_config *notify_config_receiver(
    const struct notify_config *n, const char *name);

#endif
