#ifndef CORE_TIMEFMT_H
#define CORE_TIMEFMT_H

#include <stdint.h>

#include "core/clock.h"

struct err;

enum { TIMEFMT_MAX = 40 };	/* room for every text written here, with NUL */

/* Writes `t` as RFC 3339 in UTC with milliseconds, e.g.
 * 2026-11-22T07:45:32.475Z, into out[TIMEFMT_MAX]; returns out. */
char *timefmt_rfc3339(wall_t t, char *out);

/* "2026-11-22 07:45:32.475" in the local zone; free it. */
char *timefmt_local(wall_t t);

/* Reads RFC 3339 with 0-9 fraction digits and `Z` or a +hh:mm offset, as etcd
 * writes it (docs/ETCD.md, Answers).  0, or -1 with the reason in e. */
int timefmt_parse_rfc3339(const char *text, wall_t *t_r, struct err *e);

/* Reads a Go duration such as 872.116848ms, 1m3.2s or 26h3m4s into
 * milliseconds (etcd's leaderInfo.uptime).  0, or -1 with e. */
int timefmt_parse_go_duration(const char *text, int64_t *ms_r, struct err *e);

/* Reads a Prometheus duration (prometheus/common model/time.go): units y w d
 * h m s ms in descending order, no fractions, "0" allowed.  0, or -1 with e
 * worded as Prometheus words it. */
int timefmt_parse_duration(const char *text, int64_t *ms_r, struct err *e);

/* Writes milliseconds as the shortest Prometheus duration, e.g. 1h30m. */
char *timefmt_duration(int64_t ms, char *out);

#endif
