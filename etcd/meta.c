/* The headers of etcd's answers.  What is absent or makes no sense is 0 or "".
 * Called by etcd/call.c and etcd/ahead.c. */
#include "etcd/meta.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <curl/curl.h>

static uint64_t number(const char *text)
{
	char *end;
	uint64_t v;

	if (!text || *text < '0' || *text > '9')
		return 0;
	v = strtoull(text, &end, 10);
	return *end ? 0 : v;
}

static wall_t date(const char *text)
{
	time_t t = text ? curl_getdate(text, NULL) : -1;

	return (wall_t){ t > 0 ? (int64_t)t * 1000 : 0 };
}

void etcd_meta_read(struct etcd_meta *m,
    const char *(*header)(void *of, const char *name), void *of)
{
	const char *id = header(of, "X-Etcd-Cluster-Id");

	*m = (struct etcd_meta){ 0 };
	m->etcd_index = number(header(of, "X-Etcd-Index"));
	m->raft_index = number(header(of, "X-Raft-Index"));
	m->raft_term = number(header(of, "X-Raft-Term"));
	m->date = date(header(of, "Date"));
	snprintf(m->cluster_id, sizeof(m->cluster_id), "%s", id ? id : "");
}
