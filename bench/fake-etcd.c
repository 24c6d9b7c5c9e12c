/* An etcd member for measuring: as many keys as are asked for, and events as
 * fast as they are read, which no real one has.
 *
 *	fake-etcd --port=P [--keys=N] [--directory=/bench] [--ttl=S]
 *
 * It speaks as much of the v2 API as rollcall asks for (fake_api.c), is told
 * what should happen over HTTP (fake_control.c), and runs until a signal ends
 * it. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/fake_api.h"

struct options {
	long long port, keys, ttl;
	const char *directory;
};

enum { MAX_KEYS = 10 * 1000 * 1000 };	/* names have seven digits */

static const struct option flags[] = {
	{ "port", required_argument, NULL, 'p' },
	{ "keys", required_argument, NULL, 'k' },
	{ "directory", required_argument, NULL, 'd' },
	{ "ttl", required_argument, NULL, 't' },
	{ NULL, 0, NULL, 0 },
};

static long long number(const char *flag, const char *text, long long max)
{
	char *end;
	long long v = strtoll(text, &end, 10);

	if (end == text || *end || v < 0 || v > max) {
		fprintf(stderr, "fake-etcd: --%s=%s is not within 0..%lld\n",
		    flag, text, max);
		exit(2);
	}
	return v;
}

static struct options read_options(int argc, char **argv)
{
	struct options o = { .directory = "/bench", .keys = 1000,
	    .ttl = 600 };
	int flag;

	while ((flag = getopt_long(argc, argv, "", flags, NULL)) != -1) {
		if (flag == 'p')
			o.port = number("port", optarg, 65535);
		else if (flag == 'k')
			o.keys = number("keys", optarg, MAX_KEYS);
		else if (flag == 't')
			o.ttl = number("ttl", optarg, 1000000);
		else if (flag == 'd')
			o.directory = optarg;
		else
			exit(2);
	}
	if (o.port == 0 || optind < argc || o.directory[0] != '/' ||
	    strlen(o.directory) > 60) {
		fprintf(stderr, "usage: fake-etcd --port=P [--keys=N] "
		    "[--directory=/D] [--ttl=SECONDS, 0: none]\n");
		exit(2);
	}
	return o;
}

int main(int argc, char **argv)
{
	static struct fake f;
	struct options o = read_options(argc, argv);

	signal(SIGPIPE, SIG_IGN);
	f.port = (int)o.port;
	store_init(&f.store, o.directory, (uint64_t)o.keys, o.ttl);
	api_init(&f);
	if (http_listen(&f.http, f.port) < 0) {
		fprintf(stderr, "fake-etcd: port %d: %s\n", f.port,
		    strerror(errno));
		return 1;
	}
	for (;;) {
		int wait_ms = jobs_run(&f.jobs);

		api_feed_readers(&f);
		http_turn(&f.http, wait_ms);
	}
}
