/* Answers about the members themselves: /health, /version, /v2/members (the
 * list, and a member just added) and /v2/members/leader.  Called by
 * etcd/decode.c. */
#include "etcd/decode_impl.h"

#include <string.h>

#include "etcd/field.h"

/* A string up to 3.5 ("true"), which may well become a boolean one day. */
int decode_health(const cJSON *root, struct etcd_result *r, struct err *e)
{
	const char *text;

	if (cJSON_IsBool(cJSON_GetObjectItemCaseSensitive(root, "health")))
		return field_opt_bool(root, "health", &r->health.healthy, e);
	if (field_str(root, "health", &text, e) < 0)
		return -1;
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return err_set(e, "\"health\" is neither \"true\" nor "
		    "\"false\" but \"%.40s\"", text);
	r->health.healthy = strcmp(text, "true") == 0;
	return 0;
}

int decode_version(const cJSON *root, struct etcd_result *r, struct err *e)
{
	if (field_str(root, "etcdserver", &r->version.server, e) < 0)
		return -1;
	return field_str(root, "etcdcluster", &r->version.cluster, e);
}

/* The first of an array of strings, "" if there is none. */
static int first_url(const cJSON *o, const char *name, const char **v_r,
    struct err *e)
{
	const cJSON *urls;

	*v_r = "";
	if (field_opt_array(o, name, &urls, e) < 0)
		return -1;
	if (!urls || !urls->child)
		return 0;
	if (!cJSON_IsString(urls->child))
		return err_set(e, "\"%s\" holds what is not a string", name);
	*v_r = urls->child->valuestring;
	return 0;
}

static int read_member(const cJSON *o, struct etcd_member *m, struct err *e)
{
	if (!cJSON_IsObject(o))
		return err_set(e, "a member is not an object");
	if (field_str(o, "id", &m->id, e) < 0 ||
	    field_opt_str(o, "name", &m->name, e) < 0 ||
	    first_url(o, "clientURLs", &m->client_url, e) < 0 ||
	    first_url(o, "peerURLs", &m->peer_url, e) < 0)
		return -1;
	if (!*m->id)
		return err_set(e, "\"id\" is empty");
	return 0;
}

int decode_leader(const cJSON *root, struct etcd_result *r, struct err *e)
{
	return read_member(root, &r->leader, e);
}

/* A member that makes no sense is counted and left out. */
int decode_members(const cJSON *root, struct etcd_result *r, struct err *e)
{
	struct etcd_members *all = &r->members;
	const cJSON *list, *o;
	struct err why;

	if (field_array(root, "members", &list, e) < 0)
		return -1;
	cJSON_ArrayForEach(o, list) {
		if (all->n == ETCD_MAX_MEMBERS)
			return err_set(e, "more than %d members",
			    ETCD_MAX_MEMBERS);
		if (read_member(o, &all->v[all->n], &why) == 0)
			all->n++;
		else
			all->bad++;
	}
	if (all->n == 0 && all->bad > 0)
		return err_set(e, "no member makes sense: %s", why.text);
	return 0;
}

int decode_added(const cJSON *root, struct etcd_result *r, struct err *e)
{
	return read_member(root, &r->member, e);
}
