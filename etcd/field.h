#ifndef ETCD_FIELD_H
#define ETCD_FIELD_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "core/clock.h"

struct err;

/* Members of etcd's JSON objects, each with its type checked.  All return 0,
 * or -1 with e naming the member and what is wrong with it.  Strings stay
 * owned by the tree. */

int field_str(const cJSON *o, const char *name, const char **v_r,
    struct err *e);
int field_u64(const cJSON *o, const char *name, uint64_t *v_r, struct err *e);
int field_double(const cJSON *o, const char *name, double *v_r,
    struct err *e);
int field_time(const cJSON *o, const char *name, wall_t *v_r, struct err *e);
int field_object(const cJSON *o, const char *name, const cJSON **v_r,
    struct err *e);
int field_array(const cJSON *o, const char *name, const cJSON **v_r,
    struct err *e);

/* The same for what etcd leaves out when it is empty: absent or null gives "",
 * 0, false or NULL. */
int field_opt_str(const cJSON *o, const char *name, const char **v_r,
    struct err *e);
int field_opt_bool(const cJSON *o, const char *name, bool *v_r,
    struct err *e);
int field_opt_double(const cJSON *o, const char *name, double *v_r,
    struct err *e);
int field_opt_array(const cJSON *o, const char *name, const cJSON **v_r,
    struct err *e);

/* True when the member is there and not null. */
bool field_has(const cJSON *o, const char *name);

#endif
