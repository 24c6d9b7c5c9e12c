/* Preloaded, it makes names that begin with "hangs." take as long to resolve
 * as if no name server answered, and then not resolve. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

int getaddrinfo(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **found)
{
	int (*real)(const char *, const char *, const struct addrinfo *,
	    struct addrinfo **);

	if (node != NULL && strncmp(node, "hangs.", 6) == 0) {
		sleep(20);
		return EAI_AGAIN;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(node, service, hints, found);
}
