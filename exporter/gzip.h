#ifndef EXPORTER_GZIP_H
#define EXPORTER_GZIP_H

struct buf;

/* Replaces the bytes of b by the same in gzip format.  0, or -1 with b as it
 * was (the caller sends it plain). */
int gzip_buf(struct buf *b);

#endif
