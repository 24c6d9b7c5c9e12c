#ifndef EXPORTER_PAGE_H
#define EXPORTER_PAGE_H

struct buf;
struct request;

/* Appends the landing page for request q.  Any thread. */
void page_write(const struct request *q, struct buf *out);

#endif
