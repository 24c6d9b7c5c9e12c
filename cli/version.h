#ifndef CLI_VERSION_H
#define CLI_VERSION_H

/* What rollcall_build_info says: "0.1.0", "0ef8d89", "gcc 12.2.0". */
const char *rollcall_version(void);
const char *rollcall_revision(void);
const char *rollcall_compiler(void);

#endif
