/*
 * A commit's frames go to the write-ahead log in one write. SQLite makes two of each, of 24 bytes
 * and of a page, one behind the other: forty system calls for a fill's trade and execution, and the
 * file system touches three pages of its own for each frame.
 *
 * What is written to the log stays in memory as long as it goes on where the write before ended,
 * and is written before anything else is done with the file: read, sync, truncate, size. So the
 * order stays, and so does what each of them finds. Two things make it safe to wait so long:
 *
 * - A commit is seen by others, and is reported done, only behind its sync (synchronous=FULL,
 *   which store.c reads back): nobody looks for a frame that is still here.
 * - What is still here when the lock of writers is given up was never committed: it is dropped,
 *   since another may write to the same place now. For this the database's file is looked at, too:
 *   its shared memory's lock 0 is that of writers (sqlite.org/walformat.html, 2.3).
 *
 * A write that fails stays here, and is tried again by the sync behind it: nothing is committed
 * with a gap. All else is the affair of the system's VFS.
 */
#include "store/store_private.h"

#include "base/log.h"

#include <sqlite3.h>
#include <string.h>

/* 31 frames of 4 KiB pages; what a batch writes beyond that takes more than one write. Less than
 * 128 KiB: SQLite's unix VFS takes a write of just so many bytes for one of none. */
#define HELD_BYTES   (127 * 1024)
#define WRITERS_LOCK 0

struct log_file {
	struct sqlite3_file base; /* first: SQLite knows no more of it */
	struct sqlite3_file *file;
	unsigned char *held; /* HELD_BYTES, from the first write on */
	int held_count;
	sqlite3_int64 held_offset;
	const struct sqlite3_file *database;
	struct log_file *next;
};

/* SQLite allocates what stands behind it: the file of the VFS below. */
#define LOG_FILE_BYTES ((sizeof(struct log_file) + 15) / 16 * 16)

/* Those that are open: mostly one. */
static struct log_file *log_files;

static struct log_file *log_file_of(struct sqlite3_file *file)
{
	return (struct log_file *)file;
}

static int write_held(struct log_file *log)
{
	int code = SQLITE_OK;

	if (log->held_count > 0)
		code = log->file->pMethods->xWrite(log->file, log->held, log->held_count,
						   log->held_offset);
	if (code == SQLITE_OK)
		log->held_count = 0;
	return code;
}

static void leave_log_files(const struct log_file *log)
{
	struct log_file **place = &log_files;

	while (*place != log)
		place = &(*place)->next;
	*place = log->next;
}

static int log_close(struct sqlite3_file *file)
{
	struct log_file *log = log_file_of(file);

	invariant(log->held_count == 0);
	leave_log_files(log);
	sqlite3_free(log->held);
	return log->file->pMethods->xClose(log->file);
}

static int log_read(struct sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset)
{
	struct log_file *log = log_file_of(file);
	int code = write_held(log);

	return code != SQLITE_OK ? code
				 : log->file->pMethods->xRead(log->file, bytes, count, offset);
}

static bool goes_on(const struct log_file *log, int count, sqlite3_int64 offset)
{
	return offset == log->held_offset + log->held_count &&
	       count <= HELD_BYTES - log->held_count;
}

static int log_write(struct sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset)
{
	struct log_file *log = log_file_of(file);
	int code;

	if (log->held == NULL && (log->held = sqlite3_malloc(HELD_BYTES)) == NULL)
		return SQLITE_IOERR_NOMEM;
	if (!goes_on(log, count, offset)) {
		code = write_held(log);
		if (code != SQLITE_OK)
			return code;
		log->held_offset = offset;
	}
	if (count > HELD_BYTES)
		return log->file->pMethods->xWrite(log->file, bytes, count, offset);
	memcpy(log->held + log->held_count, bytes, (size_t)count);
	log->held_count += count;
	return SQLITE_OK;
}

static int log_truncate(struct sqlite3_file *file, sqlite3_int64 size)
{
	struct log_file *log = log_file_of(file);
	int code = write_held(log);

	return code != SQLITE_OK ? code : log->file->pMethods->xTruncate(log->file, size);
}

static int log_sync(struct sqlite3_file *file, int flags)
{
	struct log_file *log = log_file_of(file);
	int code = write_held(log);

	return code != SQLITE_OK ? code : log->file->pMethods->xSync(log->file, flags);
}

static int log_size(struct sqlite3_file *file, sqlite3_int64 *size)
{
	struct log_file *log = log_file_of(file);
	int code = write_held(log);

	return code != SQLITE_OK ? code : log->file->pMethods->xFileSize(log->file, size);
}

static int log_lock(struct sqlite3_file *file, int level)
{
	return log_file_of(file)->file->pMethods->xLock(log_file_of(file)->file, level);
}

static int log_unlock(struct sqlite3_file *file, int level)
{
	return log_file_of(file)->file->pMethods->xUnlock(log_file_of(file)->file, level);
}

static int log_check_reserved(struct sqlite3_file *file, int *is_reserved)
{
	return log_file_of(file)->file->pMethods->xCheckReservedLock(log_file_of(file)->file,
								     is_reserved);
}

static int log_control(struct sqlite3_file *file, int operation, void *argument)
{
	struct log_file *log = log_file_of(file);
	int code = write_held(log);

	return code != SQLITE_OK
		       ? code
		       : log->file->pMethods->xFileControl(log->file, operation, argument);
}

static int log_sector_size(struct sqlite3_file *file)
{
	return log_file_of(file)->file->pMethods->xSectorSize(log_file_of(file)->file);
}

static int log_characteristics(struct sqlite3_file *file)
{
	return log_file_of(file)->file->pMethods->xDeviceCharacteristics(log_file_of(file)->file);
}

static const struct sqlite3_io_methods log_methods = {
	.iVersion = 1,
	.xClose = log_close,
	.xRead = log_read,
	.xWrite = log_write,
	.xTruncate = log_truncate,
	.xSync = log_sync,
	.xFileSize = log_size,
	.xLock = log_lock,
	.xUnlock = log_unlock,
	.xCheckReservedLock = log_check_reserved,
	.xFileControl = log_control,
	.xSectorSize = log_sector_size,
	.xDeviceCharacteristics = log_characteristics,
};

/* The system's VFS and its methods, and ours, which are the same but for one of each. */
static struct sqlite3_vfs *system_vfs;
static struct sqlite3_vfs own_vfs;
static const struct sqlite3_io_methods *system_methods;
static struct sqlite3_io_methods database_methods;

static void drop_held(const struct sqlite3_file *database)
{
	for (struct log_file *log = log_files; log != NULL; log = log->next) {
		if (log->database == database)
			log->held_count = 0;
	}
}

static int database_shm_lock(struct sqlite3_file *file, int offset, int count, int flags)
{
	if (offset == WRITERS_LOCK && flags == (SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE))
		drop_held(file);
	return system_methods->xShmLock(file, offset, count, flags);
}

/* The system chooses the methods by the file: those that it chose first are all that we expect. */
static void watch_writers_lock(struct sqlite3_file *database)
{
	if (system_methods == NULL && database->pMethods->iVersion >= 2) {
		system_methods = database->pMethods;
		database_methods = *system_methods;
		database_methods.xShmLock = database_shm_lock;
	}
	if (database->pMethods == system_methods)
		database->pMethods = &database_methods;
}

static int open_log(const char *name, const struct sqlite3_file *database,
		    struct sqlite3_file *file, int flags, int *flags_out)
{
	struct log_file *log = log_file_of(file);
	int code;

	*log = (struct log_file){
		.file = (struct sqlite3_file *)((unsigned char *)file + LOG_FILE_BYTES),
		.database = database,
	};
	code = system_vfs->xOpen(system_vfs, name, log->file, flags, flags_out);
	/* SQLite closes what has methods. */
	if (log->file->pMethods == NULL)
		return code;
	log->base.pMethods = &log_methods;
	log->next = log_files;
	log_files = log;
	return code;
}

static int open_file(struct sqlite3_vfs *vfs, const char *name, struct sqlite3_file *file,
		     int flags, int *flags_out)
{
	int code;

	(void)vfs;
	if ((flags & SQLITE_OPEN_WAL) != 0) {
		const struct sqlite3_file *database = sqlite3_database_file_object(name);

		if (database->pMethods == &database_methods)
			return open_log(name, database, file, flags, flags_out);
	}
	code = system_vfs->xOpen(system_vfs, name, file, flags, flags_out);
	if ((flags & SQLITE_OPEN_MAIN_DB) != 0 && file->pMethods != NULL)
		watch_writers_lock(file);
	return code;
}

const char *store_vfs_name(void)
{
	int code;

	if (system_vfs != NULL)
		return own_vfs.zName;
	system_vfs = sqlite3_vfs_find(NULL);
	invariant(system_vfs != NULL);
	own_vfs = *system_vfs;
	own_vfs.pNext = NULL;
	own_vfs.zName = "ballast";
	own_vfs.szOsFile += (int)LOG_FILE_BYTES;
	own_vfs.xOpen = open_file;
	code = sqlite3_vfs_register(&own_vfs, 0);
	invariant(code == SQLITE_OK);
	return own_vfs.zName;
}
