/* See files.h. */
#include "monitor/files.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

static int64_t size_of(const char *path)
{
	struct stat status;

	if (stat(path, &status) == 0)
		return (int64_t)status.st_size;
	return errno == ENOENT ? 0 : -1;
}

/* False when the product does not fit: no disk is so large, so the answer was none. */
static bool to_bytes(unsigned long blocks, unsigned long block_size, int64_t *bytes)
{
	return !__builtin_mul_overflow(blocks, block_size, bytes);
}

struct file_sizes files_measure(const char *database_path)
{
	struct file_sizes sizes = {.disk_free = -1, .disk = -1};
	char wal[PATH_MAX];
	struct statvfs disk;
	const int length = snprintf(wal, sizeof(wal), "%s-wal", database_path);

	sizes.database = size_of(database_path);
	sizes.wal = length > 0 && (size_t)length < sizeof(wal) ? size_of(wal) : -1;
	if (statvfs(database_path, &disk) != 0 ||
	    !to_bytes(disk.f_bavail, disk.f_frsize, &sizes.disk_free) ||
	    !to_bytes(disk.f_blocks, disk.f_frsize, &sizes.disk))
		sizes.disk_free = sizes.disk = -1;
	return sizes;
}
