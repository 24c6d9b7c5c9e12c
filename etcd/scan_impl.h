#ifndef ETCD_SCAN_IMPL_H
#define ETCD_SCAN_IMPL_H

/* What etcd/scan*.c share and nobody else sees. */

#include "etcd/scan.h"

enum expect { VALUE, FIRST_VALUE, NAME, FIRST_NAME, COLON, NEXT, NO_MORE };
enum part { BETWEEN, STRING, NUMBER, WORD };

enum scan_token scan_fail(struct scan *s, const char *what);

/* A string, from its opening quote on: SCAN_NAME, SCAN_STRING, SCAN_MORE or
 * SCAN_ERROR. */
enum scan_token scan_begin_string(struct scan *s);
enum scan_token scan_go_on_string(struct scan *s);

#endif
