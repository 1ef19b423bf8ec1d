/*
 * See backup.h. Reads the ledger, or a backup; writes only the copy. Who reads the database may
 * make a backup: no right to write is needed.
 */
#include "executor/backup.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/controls.h"
#include "store/instance_lock.h"
#include "store/store.h"
#include "store/store_archive.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* The place of a copy, and the way to it. */
struct place {
	char path[PATH_MAX];
	char partial[PATH_MAX + sizeof(".partial")];
	int folder; /* locked: one copy at a time is made in it */
};

static NORETURN void fail(const char *what, const char *path)
{
	bool person = errno == EACCES || errno == EPERM || errno == ENOENT || errno == ENOTDIR ||
		      errno == EEXIST || errno == EROFS || errno == ELOOP;

	fatal(person ? EXIT_CODE_NEEDS_PERSON : EXIT_CODE_TRY_AGAIN, "%s: %s path=%s", what,
	      strerror(errno), path);
}

static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};

/* What a copy that was interrupted has left. */
static void remove_partial(const struct place *place)
{
	for (size_t i = 0; i < ARRAY_LENGTH(suffixes); i++) {
		char path[PATH_MAX + 32];

		(void)snprintf(path, sizeof(path), "%s%s", place->partial, suffixes[i]);
		if (unlink(path) != 0 && errno != ENOENT)
			fail("what an interrupted copy has left cannot be removed", path);
	}
}

static int open_folder(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int length = slash == NULL ? snprintf(folder, sizeof(folder), ".")
				   : snprintf(folder, sizeof(folder), "%.*s",
					      (int)(slash - path) + 1, path);
	int fd;

	invariant(length > 0 && (size_t)length < sizeof(folder));
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		fail("the folder of the copy cannot be opened", folder);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		fatal(EXIT_CODE_TRY_AGAIN, "another copy is being made in the folder folder=%s",
		      folder);
	return fd;
}

/* A stale -wal beside a database that is put in its place would be taken for its own. */
static void require_free(const char *path)
{
	for (size_t i = 0; i < ARRAY_LENGTH(suffixes); i++) {
		char beside[PATH_MAX + 32];
		struct stat status;

		(void)snprintf(beside, sizeof(beside), "%s%s", path, suffixes[i]);
		if (lstat(beside, &status) == 0)
			fatal(EXIT_CODE_NEEDS_PERSON,
			      "there is a file already, and it is not overwritten: move it away "
			      "with what stands beside it path=%s",
			      beside);
	}
}

static void open_place(struct place *place, const char *path, const char *suffix, mode_t mode)
{
	int length = snprintf(place->path, sizeof(place->path), "%s%s", path, suffix);
	int fd;

	if (path[0] == '\0' || length < 0 || (size_t)length >= PATH_MAX)
		fatal(EXIT_CODE_USAGE, "not the path of a file: %s", path);
	(void)snprintf(place->partial, sizeof(place->partial), "%s.partial", place->path);
	require_free(place->path);
	remove_partial(place);
	fd = open(place->partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		fail("the copy cannot be created", place->partial);
	(void)close(fd);
}

/* For the ledger and for its archive. */
static void open_places(struct place places[2], const char *path, mode_t mode)
{
	int folder = open_folder(path);

	open_place(&places[0], path, "", mode);
	open_place(&places[1], path, ".archive", mode);
	places[0].folder = folder;
	places[1].folder = folder;
}

/* On disk before it has its name, and its name on disk before anybody is told. */
static void publish(const struct place *place)
{
	int fd = open(place->partial, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 || fsync(fd) != 0)
		fail("the copy cannot be brought to disk", place->partial);
	(void)close(fd);
	/* Unlike rename it never replaces what somebody has put there meanwhile. */
	if (link(place->partial, place->path) != 0)
		fail("the copy cannot be given its name", place->path);
	if (unlink(place->partial) != 0 || fsync(place->folder) != 0)
		fail("the name of the copy cannot be brought to disk", place->path);
}

/* Whoever starts on the copy sends no order before a person has compared it with the broker. */
static bool halt_copy(struct store *copy, const char *reason)
{
	struct control_reason before;
	struct controls controls;
	char text[CONTROL_REASON_SIZE + 128];
	bool halted;

	if (!store_begin(copy))
		return false;
	controls_open(&controls, copy);
	halted = controls_trading_halted(&controls, &before);
	(void)snprintf(text, sizeof(text), "%s%s%s", reason, halted ? "; halted before: " : "",
		       halted ? before.text : "");
	controls_set_trading_halted(&controls, true, text);
	controls_close(&controls);
	store_commit(copy);
	return true;
}

static bool copy_ledger(struct store *from, const struct place *place, const char *reason)
{
	struct store copy;
	bool halted;

	if (!store_copy(from, place->partial))
		return false;
	store_open(&copy, place->partial);
	halted = halt_copy(&copy, reason);
	store_close_as_one_file(&copy);
	return halted;
}

/*
 * The ledger, then its archive, if it has one: what the ledger gave up was in the archive before.
 * The ledger gets its name last: where it is, all is. False when the process is to stop.
 */
static bool make_copy(struct store *from, const struct place places[2], const char *reason)
{
	const struct config_text archive = archive_path_of(from);
	bool archived = archive.text[0] != '\0' && access(archive.text, F_OK) == 0;

	if (!copy_ledger(from, &places[0], reason) ||
	    (archived && !store_copy_archive(archive.text, places[1].partial)))
		return false;
	if (archived)
		publish(&places[1]);
	else
		remove_partial(&places[1]);
	publish(&places[0]);
	return true;
}

static int finish(const struct place places[2], bool made, const char *what)
{
	if (!made) {
		remove_partial(&places[0]);
		remove_partial(&places[1]);
	}
	(void)close(places[0].folder);
	if (made)
		log_info("%s path=%s", what, places[0].path);
	else
		log_warn("told to stop: nothing was made path=%s", places[0].path);
	return made ? 0 : EXIT_CODE_TRY_AGAIN;
}

int backup_make(const char *database_path, const char *path)
{
	char reason[128];
	struct place places[2];
	struct store store;
	bool made;

	store_open_read_only(&store, database_path);
	open_places(places, path, 0600);
	(void)snprintf(reason, sizeof(reason),
		       "this is the backup of %s: compare with the broker what was ordered since",
		       clock_now_text().text);
	made = make_copy(&store, places, reason);
	store_close(&store);
	return finish(places, made, "backup made");
}

static void claim_all(struct instance_lock *lock, const char *database_path)
{
	instance_lock_open(lock, database_path);
	for (size_t i = 0; i < INSTANCE_LOCK_PROGRAMS; i++)
		instance_lock_claim(lock, instance_lock_programs[i]);
}

int backup_restore(const char *database_path, const char *path)
{
	struct instance_lock lock;
	struct place places[2];
	struct store backup;
	bool made;

	store_open_any_schema(&backup, path);
	claim_all(&lock, database_path);
	open_places(places, database_path, 0660);
	made = make_copy(&backup, places,
			 "restored: compare with the broker what was ordered since");
	store_close(&backup);
	instance_lock_close(&lock);
	return finish(places, made, "restored, and trading is halted: see docs/restore.md");
}
