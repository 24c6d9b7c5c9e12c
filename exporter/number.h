#ifndef EXPORTER_NUMBER_H
#define EXPORTER_NUMBER_H

#include <stddef.h>

enum { NUMBER_MAX = 40 };

/* Writes a value as both formats have it: whole numbers without decimals,
 * others with the fewest digits that read back as the same double.  Returns
 * how many bytes; whether there is a NUL behind them is not said. */
size_t number_write(char out[NUMBER_MAX], double v);

#endif
