#ifndef CLI_STORAGE_PATH_H
#define CLI_STORAGE_PATH_H

/* The path given (--storage.path), or the one that a configuration names, or
 * rollcall.db.  Both may be NULL.  Free the result; NULL after saying on
 * stderr what is wrong with the configuration. */
char *storage_path(const char *given, const char *config_file);

#endif
