#ifndef CLI_STORY_H
#define CLI_STORY_H

#include "core/event.h"

/* The sink that tells the log what happens on the roll: one line for each
 * instance that comes or goes, as long as they are not too many at once. */
struct event_sink story_sink(void);

#endif
