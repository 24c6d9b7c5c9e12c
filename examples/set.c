/* Writes a key, with a TTL if one is given.
 *	set ENDPOINT[,ENDPOINT...] KEY VALUE [TTL-SECONDS] */
#include <stdio.h>
#include <stdlib.h>

#include <rollcall/etcd.h>

int main(int argc, char **argv)
{
	struct err e;
	struct etcd_client *c;
	struct etcd_request q;
	const struct etcd_result *r;
	int rc;

	if (argc < 4 || argc > 5) {
		fprintf(stderr, "usage: set ENDPOINT[,ENDPOINT...] KEY VALUE"
		    " [TTL-SECONDS]\n");
		return 2;
	}
	c = etcd_open(argv[1], NULL, &e);
	if (!c) {
		fprintf(stderr, "%s\n", e.text);
		return 2;
	}
	q = etcd_set(argv[2], argv[3]);
	q.ttl_s = argc == 5 ? atol(argv[4]) : 0;
	r = etcd_do(c, q);
	rc = r->outcome == ETCD_OK ? 0 : 1;
	if (rc == 0)
		printf("%s at index %llu\n", r->event.node.key,
		    (unsigned long long)r->event.node.modified_index);
	else
		fprintf(stderr, "%s: %s\n", r->endpoint, r->text);
	etcd_close(c);
	return rc;
}
