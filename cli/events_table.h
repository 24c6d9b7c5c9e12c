#ifndef CLI_EVENTS_TABLE_H
#define CLI_EVENTS_TABLE_H

#include <stdint.h>
#include <stdio.h>

#include "core/clock.h"
#include "core/history.h"

/* The table of `rollcall events`. */
struct events_table;

struct events_table *events_table_new(void);
void events_table_free(struct events_table *t);

void events_table_add(struct events_table *t, const struct history_event *ev);

/* At most `width` columns where that is possible. */
void events_table_print(struct events_table *t, FILE *out, int width);

/* No finer than anybody reads: 3h12m, 5m9s, 12s, 1s200ms. */
int64_t events_round_down(int64_t ms);

#endif
