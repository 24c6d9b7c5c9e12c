#ifndef ETCD_META_H
#define ETCD_META_H

#include "etcd/result.h"

/* What the headers of an answer tell, wherever they are kept: header() looks
 * one up in `of`, NULL if it is absent. */
void etcd_meta_read(struct etcd_meta *m,
    const char *(*header)(void *of, const char *name), void *of);

#endif
