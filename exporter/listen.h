#ifndef EXPORTER_LISTEN_H
#define EXPORTER_LISTEN_H

struct err;

/* Opens a listening socket at "host:port", ":port" (every address, IPv4 and
 * IPv6) or "[::1]:port"; port 0 takes a free one.  Returns the descriptor and
 * sets *address_r (to be freed) to the address with its real port; or -1 with
 * e naming the address and the reason.  A host name is resolved: blocks. */
int listen_open(const char *address, char **address_r, struct err *e);

#endif
