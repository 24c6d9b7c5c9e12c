/* Follows a directory for ever: what is in it, then what happens to it.
 *	watch ENDPOINT[,ENDPOINT...] DIRECTORY */
#include <stdio.h>

#include <rollcall/etcd.h>

static void show(const char *what, const struct etcd_node *n)
{
	printf("%s %s %s\n", what, n->key, n->value);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct err e;
	struct etcd_client *c = argc == 3 ? etcd_open(argv[1], NULL, &e) : NULL;
	struct etcd_reader *d;
	enum etcd_news news;

	if (!c) {
		fprintf(stderr, "%s\n", argc == 3 ? e.text :
		    "usage: watch ENDPOINT[,ENDPOINT...] DIRECTORY");
		return 2;
	}
	d = etcd_reader_open(c, argv[2], NULL);
	for (;;) {
		const struct etcd_result *r = etcd_reader_next(d, -1, &news);

		if (news == ETCD_NEWS_TROUBLE)
			fprintf(stderr, "%s\n", r->text);
		for (size_t i = 0; news == ETCD_NEWS_LISTING &&
		    i < r->listing.n; i++)
			show("is", &r->listing.v[i]);
		if (news == ETCD_NEWS_EVENT)
			show(etcd_action_name(r->event.action),
			    &r->event.node);
	}
}
