#ifndef TESTS_UNIT_DB_FAULTY_VFS_H
#define TESTS_UNIT_DB_FAULTY_VFS_H

/* A VFS over the default one whose writes can be made to fail or to block:
 * a full, a broken and a hung disk on demand.  faulty_install() makes it the
 * default, so that the code under test opens its files through it. */

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	int fail;		/* result of every write; 0: they work */
	int fail_after;		/* writes that still work before that */
	int die_after;		/* > 0: writes until kill -9, that one left */
	bool block;		/* writes wait */
	int blocked;		/* how many wait now */
	int writes;
	sqlite3_vfs *real;
	sqlite3_vfs vfs;
} faulty = { .mutex = PTHREAD_MUTEX_INITIALIZER,
	.cond = PTHREAD_COND_INITIALIZER };

struct faulty_file {
	sqlite3_file base;
	sqlite3_file *real;
};

static sqlite3_file *real_of(sqlite3_file *f)
{
	return ((struct faulty_file *)f)->real;
}

/* What a write, truncation or sync must come through. */
static int faulty_gate(void)
{
	int rc = SQLITE_OK;

	pthread_mutex_lock(&faulty.mutex);
	faulty.writes++;
	if (faulty.die_after > 0 && --faulty.die_after == 0)
		raise(SIGKILL);
	while (faulty.block) {
		faulty.blocked++;
		pthread_cond_broadcast(&faulty.cond);
		pthread_cond_wait(&faulty.cond, &faulty.mutex);
		faulty.blocked--;
	}
	if (faulty.fail != SQLITE_OK && faulty.fail_after-- <= 0)
		rc = faulty.fail;
	pthread_mutex_unlock(&faulty.mutex);
	return rc;
}

static int f_close(sqlite3_file *f)
{
	int rc = real_of(f)->pMethods->xClose(real_of(f));

	free(real_of(f));
	return rc;
}

static int f_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	return real_of(f)->pMethods->xRead(real_of(f), p, n, at);
}

static int f_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	int rc = faulty_gate();

	return rc != SQLITE_OK ? rc :
	    real_of(f)->pMethods->xWrite(real_of(f), p, n, at);
}

static int f_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	int rc = faulty_gate();

	return rc != SQLITE_OK ? rc :
	    real_of(f)->pMethods->xTruncate(real_of(f), n);
}

static int f_sync(sqlite3_file *f, int flags)
{
	int rc = faulty_gate();

	return rc != SQLITE_OK ? rc :
	    real_of(f)->pMethods->xSync(real_of(f), flags);
}

static int f_size(sqlite3_file *f, sqlite3_int64 *n)
{
	return real_of(f)->pMethods->xFileSize(real_of(f), n);
}

static int f_lock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int f_unlock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int f_reserved(sqlite3_file *f, int *out)
{
	return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}

static int f_control(sqlite3_file *f, int op, void *arg)
{
	return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int f_sector(sqlite3_file *f)
{
	return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int f_device(sqlite3_file *f)
{
	return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int f_shm_map(sqlite3_file *f, int page, int size, int extend,
    void volatile **p)
{
	return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend,
	    p);
}

static int f_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
	return real_of(f)->pMethods->xShmLock(real_of(f), at, n, flags);
}

static void f_shm_barrier(sqlite3_file *f)
{
	real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int f_shm_unmap(sqlite3_file *f, int del)
{
	return real_of(f)->pMethods->xShmUnmap(real_of(f), del);
}

static const sqlite3_io_methods faulty_methods = {
	.iVersion = 2,
	.xClose = f_close, .xRead = f_read, .xWrite = f_write,
	.xTruncate = f_truncate, .xSync = f_sync, .xFileSize = f_size,
	.xLock = f_lock, .xUnlock = f_unlock,
	.xCheckReservedLock = f_reserved, .xFileControl = f_control,
	.xSectorSize = f_sector, .xDeviceCharacteristics = f_device,
	.xShmMap = f_shm_map, .xShmLock = f_shm_lock,
	.xShmBarrier = f_shm_barrier, .xShmUnmap = f_shm_unmap,
};

static int faulty_open(sqlite3_vfs *v, const char *name, sqlite3_file *f,
    int flags, int *out)
{
	struct faulty_file *file = (struct faulty_file *)f;
	int rc;

	(void)v;
	file->base.pMethods = NULL;
	file->real = calloc(1, (size_t)faulty.real->szOsFile);
	rc = faulty.real->xOpen(faulty.real, name, file->real, flags, out);
	if (rc != SQLITE_OK)
		free(file->real);
	else
		file->base.pMethods = &faulty_methods;
	return rc;
}

static inline void faulty_install(void)
{
	sqlite3_initialize();
	faulty.real = sqlite3_vfs_find(NULL);
	faulty.vfs = *faulty.real;
	faulty.vfs.zName = "faulty";
	faulty.vfs.szOsFile = sizeof(struct faulty_file);
	faulty.vfs.xOpen = faulty_open;
	sqlite3_vfs_register(&faulty.vfs, 1);
}

static inline void faulty_fail(int result, int after)
{
	pthread_mutex_lock(&faulty.mutex);
	faulty.fail = result;
	faulty.fail_after = after;
	pthread_mutex_unlock(&faulty.mutex);
}

static inline void faulty_block(bool block)
{
	pthread_mutex_lock(&faulty.mutex);
	faulty.block = block;
	pthread_cond_broadcast(&faulty.cond);
	pthread_mutex_unlock(&faulty.mutex);
}

/* Waits until some write hangs in the gate. */
static inline void faulty_wait_blocked(void)
{
	pthread_mutex_lock(&faulty.mutex);
	while (faulty.blocked == 0)
		pthread_cond_wait(&faulty.cond, &faulty.mutex);
	pthread_mutex_unlock(&faulty.mutex);
}

#endif
