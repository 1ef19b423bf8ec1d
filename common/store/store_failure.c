/*
 * From a result code of SQLite to the end of the process: which exit code, and words that say what
 * to do. The connection is not closed on the way out: after a failed write, what the file holds is
 * read at the next start.
 */
#include "store/store_private.h"

#include "base/log.h"

#include <errno.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* SQLite's own limit on Unix; longer ones fail as if they did not exist. */
#define LONGEST_PATH 512

static enum exit_code exit_code_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_PROTOCOL:
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_NOMEM:
		return EXIT_CODE_TRY_AGAIN;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_PERM:
	case SQLITE_NOLFS:
		return EXIT_CODE_NEEDS_PERSON;
	default: /* not an enum: whatever else only wrong SQL can bring */
		return EXIT_CODE_BUG;
	}
}

static const char *advice_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_BUSY:
		return "another process held the database too long";
	case SQLITE_FULL:
		return "the disk is full";
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_NOLFS:
		return "look at the disk and its file system";
	case SQLITE_READONLY:
		return "the file cannot be written, or was moved while open";
	case SQLITE_CORRUPT:
		return "the database is damaged: stop all programs and restore a backup";
	case SQLITE_NOTADB:
		return "the file is not a SQLite database: look at DATABASE_PATH";
	case SQLITE_NOMEM:
	case SQLITE_PROTOCOL:
		return "starting again may help";
	default:
		return "this is a mistake in the program";
	}
}

void store_fail(const struct store *store, int code, const char *doing, const char *sql)
{
	int system_error = sqlite3_system_errno(store->connection);

	fatal(exit_code_of(code), "%s failed: %s; %s database=%s code=%d errno=%s sql=%s", doing,
	      sqlite3_errmsg(store->connection), advice_of(code), store->path.text, code,
	      system_error != 0 ? strerror(system_error) : "none", sql != NULL ? sql : "none");
}

/*
 * A path whose folder is there and which is not itself a link into nowhere. SQLite then was refused
 * its file for another reason (disk full, I/O error), tried once more for reading only, and tells
 * the error of that.
 */
static bool could_be_created(const char *path)
{
	char folder[PATH_MAX];
	struct stat status;
	const char *slash = strrchr(path, '/');
	int length = slash == NULL
			     ? snprintf(folder, sizeof(folder), ".")
			     : snprintf(folder, sizeof(folder), "%.*s/", (int)(slash - path), path);

	if (length < 0 || (size_t)length >= sizeof(folder) || lstat(path, &status) == 0)
		return false;
	return stat(folder, &status) == 0 && S_ISDIR(status.st_mode);
}

void store_fail_open(const struct store *store, int code, bool creating)
{
	int system_error = sqlite3_system_errno(store->connection);
	const char *path = store->path.text;
	struct stat status;

	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		fatal(EXIT_CODE_NEEDS_PERSON, "the database is a directory: set DATABASE_PATH=%s",
		      path);
	if (strlen(path) >= LONGEST_PATH)
		system_error = ENAMETOOLONG;
	switch (system_error) {
	case ENOENT:
	case ENOTDIR:
		if (creating && could_be_created(path))
			fatal(EXIT_CODE_TRY_AGAIN,
			      "the database file could not be created just now: is the disk full? "
			      "DATABASE_PATH=%s",
			      path);
		fatal(EXIT_CODE_NEEDS_PERSON,
		      "no such file or directory: create it or set DATABASE_PATH=%s", path);
	case EACCES:
	case EPERM:
	case ELOOP:
	case ENAMETOOLONG:
		fatal(EXIT_CODE_NEEDS_PERSON, "the database cannot be opened: %s DATABASE_PATH=%s",
		      strerror(system_error), path);
	default: /* not an enum */
		store_fail(store, code, "opening", NULL);
	}
}
