#ifndef CORE_LOOP_TRANSFERS_H
#define CORE_LOOP_TRANSFERS_H

#include <curl/curl.h>

#include "core/loop.h"

/* The curl multi handle; for core/fetch.c alone.  fn runs after each
 * curl_multi_perform, free_arg when the loop is freed.  loop_transfers() is
 * the arg, NULL as long as there is none. */
CURLM *loop_multi(struct loop *l);
void loop_on_transfers(struct loop *l, void (*fn)(void *arg),
    void (*free_arg)(void *arg), void *arg);
void *loop_transfers(const struct loop *l);

#endif
