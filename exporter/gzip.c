/* A whole body into gzip format at once.  Level 1: on an exposition it makes
 * a seventh of the size, and level 6 takes three times as long for a tenth
 * less.  Called by routes.c. */
#include "exporter/gzip.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/buf.h"
#include "core/xalloc.h"

enum { GZIP_FORMAT = 31, MEMORY_LEVEL = 8 };	/* windowBits 15 + 16 */

static int deflate_all(z_stream *z, struct buf *b, struct buf *packed)
{
	size_t room = deflateBound(z, b->len);
	Bytef *out;

	if (room > UINT_MAX)
		return -1;
	out = xmalloc(room);
	z->next_in = (Bytef *)b->data;
	z->avail_in = (uInt)b->len;
	z->next_out = out;
	z->avail_out = (uInt)room;
	if (deflate(z, Z_FINISH) != Z_STREAM_END) {
		free(out);
		return -1;
	}
	buf_add(packed, out, z->total_out);
	free(out);
	return packed->failed ? -1 : 0;
}

int gzip_buf(struct buf *b)
{
	z_stream z = { 0 };
	struct buf packed;
	int rc;

	if (b->len > UINT_MAX || deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED,
	    GZIP_FORMAT, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		return -1;
	/* What cannot be compressed grows a little. */
	buf_init(&packed, b->max + b->max / 1000 + 100);
	rc = deflate_all(&z, b, &packed);
	deflateEnd(&z);
	if (rc != 0) {
		buf_free(&packed);
		return -1;
	}
	buf_free(b);
	*b = packed;
	return 0;
}
