#ifndef CLI_SYSTEMD_H
#define CLI_SYSTEMD_H

#include <stdint.h>

/* Tells systemd a line such as "READY=1" through $NOTIFY_SOCKET; does nothing
 * where there is none.  Never blocks.  Protocol: sd_notify(3), "Notes". */
void systemd_notify(const char *state);

/* How often WATCHDOG=1 is to be sent, in milliseconds: half of
 * $WATCHDOG_USEC; 0: not at all.  sd_watchdog_enabled(3). */
int64_t systemd_watchdog_ms(void);

#endif
