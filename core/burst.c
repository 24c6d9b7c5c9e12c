/* Counts lines of a kind, so that a storm does not become one of the log.
 * Writes nothing itself; used by cli/story.c and alerts/. */
#include "core/burst.h"

bool burst_line(struct burst *b, mono_t now)
{
	if (b->lines == 0 || mono_since(b->began, now) >= BURST_MS) {
		b->began = now;
		b->lines = 0;
	}
	if (b->lines < BURST_LINES) {
		b->lines++;
		return true;
	}
	if (b->left_out++ == 0)
		b->left_out_at = now;
	return false;
}

unsigned burst_over(struct burst *b, mono_t now)
{
	unsigned left_out = b->left_out;

	if (left_out == 0 || mono_since(b->left_out_at, now) < BURST_MS)
		return 0;
	b->left_out = 0;
	return left_out;
}
