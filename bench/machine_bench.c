/* How steady the machine is by itself: the same piece of plain work, no memory
 * that is new and no system call in it, over and over.  Where a virtual machine
 * has neighbours it takes many times longer now and then, as CPU time of its
 * own.  The longest turns of the loop are to be read beside that. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BYTES = 500 * 1000, PIECES = 8000 };

static volatile unsigned char memory[BYTES];
static volatile unsigned sum;		/* or nothing would be read */

static double now_cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double one_piece(void)
{
	double began = now_cpu();
	unsigned h = 0;

	for (size_t i = 0; i < BYTES; i++)
		h = h * 31 + memory[i];
	sum = h;
	return now_cpu() - began;
}

static int by_length(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(void)
{
	static double took[PIECES];

	for (size_t n = 0; n < PIECES; n++)
		took[n] = one_piece();
	qsort(took, PIECES, sizeof(took[0]), by_length);
	printf("machine_slowest %.3f ms\n", took[PIECES - 1]);
	printf("machine_work %.3f ms\n", took[PIECES / 2]);
	return 0;
}
