/* How large the database's files are, and what is left beside them. */
#ifndef BALLAST_MONITOR_FILES_H
#define BALLAST_MONITOR_FILES_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

/* Unit: bytes; -1: cannot be known. */
struct file_sizes {
	int64_t database;
	int64_t wal;	   /* 0: there is none */
	int64_t disk_free; /* for who is not root */
	int64_t disk;
};

/* database_path: absolute. */
struct file_sizes files_measure(const char *database_path);

#endif
