#ifndef CORE_AWAY_H
#define CORE_AWAY_H

#include <stdbool.h>

/* Who went away in a maintenance window and is not back: a set of
 * instances. */
struct away;

struct away *away_new(void);
void away_free(struct away *a);			/* NULL is a no-op */

void away_add(struct away *a, const char *cluster, const char *service,
    const char *instance);
/* True if it was in. */
bool away_take(struct away *a, const char *cluster, const char *service,
    const char *instance);
bool away_nobody(const struct away *a);

#endif
