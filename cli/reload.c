/* Reading the configuration that `rollcall serve` runs on, at the start and
 * at each SIGHUP.  All or nothing: with any problem nothing is taken, and all
 * problems of both files are told at once. */
#include "cli/reload.h"

#include <stddef.h>
#include <stdlib.h>

#include "alerts/alerts.h"
#include "alerts/notify_config.h"
#include "cli/serve_flags.h"
#include "core/config.h"
#include "core/log.h"
#include "core/problems.h"

/* With problems perhaps a part of it. */
static struct config *read_config(const struct serve_flags *f,
    struct problems *p)
{
	if (f->config_file != NULL)
		return config_read(f->config_file, p);
	return config_from_flags(&f->etcd_endpoints, &f->directories, p);
}

int reload_read(const struct serve_flags *f, struct config **c_r,
    struct notify_config **n_r, struct problems *p)
{
	struct config *c = read_config(f, p);
	struct notify_config *n = NULL;

	if (c != NULL && c->notify_file != NULL && c->notify_file[0] != '\0')
		n = notify_config_load(c->notify_file, p);
	if (c == NULL || p->count > 0) {
		notify_config_free(n);
		config_unref(c);
		return -1;
	}
	*c_r = c;
	*n_r = n;
	return 0;
}

void reload_log(const char *msg, const struct serve_flags *f,
    const struct config *c, const struct notify_config *n)
{
	const struct receiver_config *r = n == NULL ? NULL :
	    notify_config_receiver(n, n->route.receiver);
	size_t directories = 0;

	for (size_t i = 0; i < c->clusters.n; i++)
		directories += config_cluster(c, i)->directories.n;
	log_info(msg, LOG_S("file", c->file),
	    LOG_S("storage", serve_flags_storage(f, c)),
	    LOG_I("clusters", c->clusters.n),
	    LOG_I("directories", directories),
	    LOG_I("alertmanagers", c->alertmanagers.n),
	    LOG_S("receiver", r == NULL ? "" : r->name),
	    LOG_I("webhooks", r == NULL ? 0 : r->webhooks.n));
}
