#ifndef CLI_EVENTS_PRINT_H
#define CLI_EVENTS_PRINT_H

#include <stdio.h>

#include "core/clock.h"
#include <stdbool.h>

#include "core/history.h"

/* The ways in which `rollcall events` writes what it is told. */
struct events_printer;

enum events_format { EVENTS_TABLE, EVENTS_JSON, EVENTS_CSV };

/* width: columns of the table, 80 where it is not known. */
struct events_printer *events_printer_new(FILE *out,
    enum events_format format, int width);

/* One event, oldest first: for a history_source. */
bool events_print(const struct history_event *ev, void *printer);

/* Writes what is still to be written and frees.  since is named where there
 * was no event; ms 0: none is. */
void events_printer_end(struct events_printer *p, wall_t since);

/* Frees without writing more: reading failed. */
void events_printer_free(struct events_printer *p);

#endif
