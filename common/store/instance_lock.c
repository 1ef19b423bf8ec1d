/*
 * Byte locks on <database>.lock. Open file descriptor locks: unlike those of fcntl's first kind
 * they belong to this descriptor, so no close of another one drops them, and the kernel frees them
 * when the process ends, however it does.
 */
#include "store/instance_lock.h"

#include "base/log.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const enum instance_lock_program instance_lock_programs[INSTANCE_LOCK_PROGRAMS] = {
	INSTANCE_LOCK_LISTENER,
	INSTANCE_LOCK_BACKFILLER,
	INSTANCE_LOCK_PROCESSOR,
	INSTANCE_LOCK_EXECUTOR,
};

const char *instance_lock_program_name(enum instance_lock_program program)
{
	switch (program) {
	case INSTANCE_LOCK_LISTENER:
		return "listener";
	case INSTANCE_LOCK_BACKFILLER:
		return "backfiller";
	case INSTANCE_LOCK_PROCESSOR:
		return "processor";
	case INSTANCE_LOCK_EXECUTOR:
		return "executor";
	case INSTANCE_LOCK_TOKENS:
		return "login";
	}
	invariant_unreachable("program");
}

/*
 * Two names of one database must come to one lock file, as they come to one -wal: links are
 * resolved. Before the database exists its name stands for itself.
 */
static void lock_path(const char *database_path, char *path, size_t size)
{
	char resolved[PATH_MAX];
	const char *database = realpath(database_path, resolved) != NULL ? resolved : database_path;
	int length = snprintf(path, size, "%s.lock", database);

	if (length < 0 || (size_t)length >= size)
		fatal(EXIT_CODE_NEEDS_PERSON, "the path is too long: set DATABASE_PATH=%s",
		      database_path);
}

/* Created with its mode at once: another user's program may open it in the next moment. */
static int open_like_database(const char *path, const char *database_path)
{
	struct stat database, status;
	mode_t mask;
	int fd;

	if (stat(database_path, &database) != 0)
		return open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0660);
	mask = umask(0);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, database.st_mode & 0660);
	(void)umask(mask);
	if (fd >= 0 && geteuid() == 0 && fstat(fd, &status) == 0 && status.st_uid == 0 &&
	    fchown(fd, database.st_uid, database.st_gid) != 0)
		log_warn("the lock file stays root's: %s file=%s", strerror(errno), path);
	return fd;
}

void instance_lock_open(struct instance_lock *lock, const char *database_path)
{
	char path[PATH_MAX + sizeof(".lock")];

	lock_path(database_path, path, sizeof(path));
	lock->fd = open_like_database(path, database_path);
	if (lock->fd < 0)
		fatal(errno == EACCES || errno == ENOENT || errno == ENOTDIR || errno == EISDIR ||
				      errno == ELOOP
			      ? EXIT_CODE_NEEDS_PERSON
			      : EXIT_CODE_TRY_AGAIN,
		      "the lock file cannot be opened: %s file=%s", strerror(errno), path);
}

bool instance_lock_open_read_only(struct instance_lock *lock, const char *database_path)
{
	char path[PATH_MAX + sizeof(".lock")];

	lock_path(database_path, path, sizeof(path));
	lock->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (lock->fd < 0 && errno != ENOENT)
		fatal(EXIT_CODE_NEEDS_PERSON, "the lock file cannot be read: %s file=%s",
		      strerror(errno), path);
	return lock->fd >= 0;
}

void instance_lock_close(struct instance_lock *lock)
{
	(void)close(lock->fd);
	lock->fd = -1;
}

#define LOOK_AGAIN_MS 20

static off_t session_byte(int64_t session_id)
{
	invariant(session_id > 0 && session_id < INT64_MAX - INSTANCE_LOCK_SESSIONS);
	return INSTANCE_LOCK_SESSIONS + session_id;
}

static NORETURN void fail_locking(void)
{
	/* EINVAL, ENOSYS: a file system without locks will not have them after a restart either. */
	fatal(errno == EINVAL || errno == ENOSYS ? EXIT_CODE_NEEDS_PERSON : EXIT_CODE_TRY_AGAIN,
	      "locking beside the database failed: %s", strerror(errno));
}

/* F_WRLCK, F_RDLCK, F_UNLCK. False when another holds the byte. */
static bool set_lock(const struct instance_lock *lock, short type, off_t byte)
{
	struct flock wanted = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

	if (fcntl(lock->fd, F_OFD_SETLK, &wanted) == 0)
		return true;
	if (errno != EAGAIN && errno != EACCES)
		fail_locking();
	return false;
}

void instance_lock_claim(struct instance_lock *lock, enum instance_lock_program program)
{
	if (!set_lock(lock, F_WRLCK, (off_t)program))
		fatal(EXIT_CODE_TRY_AGAIN,
		      "another %s works on this database: stop it first, or set another "
		      "DATABASE_PATH",
		      instance_lock_program_name(program));
}

void instance_lock_share(struct instance_lock *lock, enum instance_lock_program program)
{
	/* Nobody claims a byte that is shared, and who only asks takes nothing. */
	bool held = set_lock(lock, F_RDLCK, (off_t)program);

	invariant(held);
}

bool instance_lock_wait(struct instance_lock *lock, enum instance_lock_program which)
{
	while (!set_lock(lock, F_WRLCK, (off_t)which)) {
		if (!process_sleep_ms(LOOK_AGAIN_MS))
			return false;
	}
	return true;
}

void instance_lock_release(struct instance_lock *lock, enum instance_lock_program which)
{
	bool released = set_lock(lock, F_UNLCK, (off_t)which);

	invariant(released);
}

void instance_lock_hold_session(struct instance_lock *lock, int64_t session_id)
{
	/* Ids are never used twice and only the one listener takes them. */
	bool held = set_lock(lock, F_WRLCK, session_byte(session_id));

	invariant(held);
}

void instance_lock_release_session(struct instance_lock *lock, int64_t session_id)
{
	bool released = set_lock(lock, F_UNLCK, session_byte(session_id));

	invariant(released);
}

/* Only asks: taking it to see would disturb who begins just now. */
static bool is_held(const struct instance_lock *lock, off_t byte)
{
	struct flock found = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

	if (fcntl(lock->fd, F_OFD_GETLK, &found) != 0)
		fail_locking();
	return found.l_type != F_UNLCK;
}

bool instance_lock_is_held(const struct instance_lock *lock, enum instance_lock_program program)
{
	return is_held(lock, (off_t)program);
}

bool instance_lock_session_is_held(const struct instance_lock *lock, int64_t session_id)
{
	return is_held(lock, session_byte(session_id));
}
