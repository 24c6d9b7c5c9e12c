#ifndef CORE_TRANSPORT_H
#define CORE_TRANSPORT_H

#include <stdint.h>

/* How every connection of ours is made, on a curl handle (a CURL *): no
 * signals, HTTP/1.1, connected within connect_ms, a silent peer noticed. */
void transport_apply(void *curl, int64_t connect_ms);

#endif
