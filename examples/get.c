/* Prints the value of a key.
 *	get ENDPOINT[,ENDPOINT...] KEY */
#include <stdio.h>

#include <rollcall/etcd.h>

int main(int argc, char **argv)
{
	struct err e;
	struct etcd_client *c;
	const struct etcd_result *r;

	if (argc != 3) {
		fprintf(stderr, "usage: get ENDPOINT[,ENDPOINT...] KEY\n");
		return 2;
	}
	c = etcd_open(argv[1], NULL, &e);
	if (!c) {
		fprintf(stderr, "%s\n", e.text);
		return 2;
	}
	r = etcd_do(c, etcd_get(argv[2]));
	if (r->outcome == ETCD_OK)
		printf("%s\n", r->event.node.value);
	else
		fprintf(stderr, "%s: %s\n", r->endpoint, r->text);
	argc = r->outcome == ETCD_OK ? 0 : 1;
	etcd_close(c);
	return argc;
}
