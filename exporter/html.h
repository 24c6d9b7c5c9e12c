#ifndef EXPORTER_HTML_H
#define EXPORTER_HTML_H

struct buf;

/* Appends text so that it shows as itself, in an element or a quoted
 * attribute, whatever it holds. */
void html_text(struct buf *out, const char *text);

/* Appends the value of one label of a rendered set, likewise; nothing if it
 * is not there. */
void html_label(struct buf *out, const char *labels, const char *name);

#endif
