/*
 * Whether another process is writing, asked of the kernel and not of SQLite, which tells only who
 * takes the lock himself. SQLite's lock for writers is a byte of the -shm file, where every version
 * that writes a -wal file has it: the file format's description leaves eight bytes from 120 on to
 * locks, the first of them to the writer. (Source: sqlite.org/walformat.html, 2.1 and 2.3.)
 */
#include "store/store_private.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WRITER_LOCK_BYTE 120

void store_unwatch_writers(struct store *store)
{
	if (store->writer_lock_fd >= 0)
		(void)close(store->writer_lock_fd);
	store->writer_lock_fd = -1;
}

/* The last who had it open has removed it. */
static bool is_removed(int fd)
{
	struct stat file;
	int failed = fstat(fd, &file);

	invariant(!failed);
	return file.st_nlink == 0;
}

/*
 * Without the file nobody has the database open in WAL mode, and so nobody writes to a -wal file.
 * Where it is, our own connection has it open from its first read on, and then it stays.
 */
static bool open_locks(struct store *store)
{
	char path[CONFIG_TEXT_SIZE + sizeof("-shm")];

	if (store->writer_lock_fd >= 0 && !is_removed(store->writer_lock_fd))
		return true;
	store_unwatch_writers(store);
	(void)store_data_version(store);
	(void)snprintf(path, sizeof(path), "%s-shm", store->path.text);
	store->writer_lock_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (store->writer_lock_fd < 0 && errno != ENOENT)
		fatal(EXIT_CODE_TRY_AGAIN, "the locks cannot be looked at: %s file=%s",
		      strerror(errno), path);
	return store->writer_lock_fd >= 0;
}

bool store_is_written_by_another(struct store *store)
{
	struct flock lock = {
		.l_type = F_RDLCK,
		.l_whence = SEEK_SET,
		.l_start = WRITER_LOCK_BYTE,
		.l_len = 1,
	};
	int failed;

	if (!open_locks(store))
		return false;
	failed = fcntl(store->writer_lock_fd, F_GETLK, &lock);
	invariant(!failed);
	return lock.l_type != F_UNLCK;
}
