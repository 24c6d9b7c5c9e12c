#ifndef DB_SCHEMA_H
#define DB_SCHEMA_H

/* The numbered steps of the schema, each a list of texts that ends with NULL.
 * A step that was ever released is never edited: a change is a new step at
 * the end. */
extern const char *const schema_1[], *const schema_2[];

/* A column of milliseconds as RFC 3339, in views. */
#define RFC3339(ms) "strftime('%Y-%m-%dT%H:%M:%fZ'," ms "/1000.0,'unixepoch')"

#endif
