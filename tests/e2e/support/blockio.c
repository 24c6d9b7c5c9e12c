/* A disk that hangs, is full or fails, for one program: preloaded, it stands
 * between the program and the C library for the files whose names begin with
 * BLOCKIO_FILES.  What the disk does is said by the first letter of the file
 * BLOCKIO_CONTROL: h(angs), d(ead: reads hang, too), n(o space), r(ead-only),
 * i(/o errors); without that file it works.  Looked at before each call, and
 * while one hangs. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int is_ours(int fd)
{
	const char *files = getenv("BLOCKIO_FILES");
	char link[40], path[4096];
	ssize_t n;

	if (files == NULL || fd < 0)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	return strncmp(path, files, strlen(files)) == 0;
}

static char what(void)
{
	const char *control = getenv("BLOCKIO_CONTROL");
	int fd = control ? open(control, O_RDONLY | O_CLOEXEC) : -1;
	char c = '\0';

	if (fd >= 0) {
		if (syscall(SYS_read, fd, &c, 1) != 1)
			c = '\0';
		close(fd);
	}
	return c;
}

/* 0, or -1 with errno: what the disk does to a call about fd. */
static int disk(int fd)
{
	const struct timespec moment = { .tv_nsec = 2000000 };
	char c;

	if (!is_ours(fd))
		return 0;
	while ((c = what()) == 'h' || c == 'd')
		nanosleep(&moment, NULL);
	if (c == '\0')
		return 0;
	errno = c == 'n' ? ENOSPC : c == 'r' ? EROFS : EIO;
	return -1;
}

ssize_t write(int fd, const void *data, size_t n)
{
	return disk(fd) ? -1 : syscall(SYS_write, fd, data, n);
}

ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at)
{
	return disk(fd) ? -1 : syscall(SYS_pwrite64, fd, data, n, at);
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t at)
{
	return pwrite64(fd, data, n, at);
}

int ftruncate64(int fd, off64_t to)
{
	return disk(fd) ? -1 : (int)syscall(SYS_ftruncate, fd, to);
}

int ftruncate(int fd, off_t to)
{
	return ftruncate64(fd, to);
}

int fdatasync(int fd)
{
	return disk(fd) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
	return disk(fd) ? -1 : (int)syscall(SYS_fsync, fd);
}

/* What the kernel has in memory is still read while a disk hangs: so reads do,
 * unless it is dead. */
static void await_read(int fd)
{
	const struct timespec moment = { .tv_nsec = 2000000 };

	while (is_ours(fd) && what() == 'd')
		nanosleep(&moment, NULL);
}

ssize_t read(int fd, void *data, size_t n)
{
	await_read(fd);
	return syscall(SYS_read, fd, data, n);
}

ssize_t pread64(int fd, void *data, size_t n, off64_t at)
{
	await_read(fd);
	return syscall(SYS_pread64, fd, data, n, at);
}

ssize_t pread(int fd, void *data, size_t n, off_t at)
{
	return pread64(fd, data, n, at);
}
