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
	const char *path;
	char partial[PATH_MAX];
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
		char path[PATH_MAX + 16];

		(void)snprintf(path, sizeof(path), "%s%s", place->partial, suffixes[i]);
		if (unlink(path) != 0 && errno != ENOENT)
			fail("what an interrupted copy has left cannot be removed", path);
	}
}

static void open_folder(struct place *place)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(place->path, '/');
	int length = slash == NULL ? snprintf(folder, sizeof(folder), ".")
				   : snprintf(folder, sizeof(folder), "%.*s",
					      (int)(slash - place->path) + 1, place->path);

	invariant(length > 0 && (size_t)length < sizeof(folder));
	place->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (place->folder < 0)
		fail("the folder of the copy cannot be opened", folder);
	if (flock(place->folder, LOCK_EX | LOCK_NB) != 0)
		fatal(EXIT_CODE_TRY_AGAIN, "another copy is being made in the folder folder=%s",
		      folder);
}

/* A stale -wal beside a database that is put in its place would be taken for its own. */
static void require_free(const char *path)
{
	for (size_t i = 0; i < ARRAY_LENGTH(suffixes); i++) {
		char beside[PATH_MAX + 16];
		struct stat status;

		(void)snprintf(beside, sizeof(beside), "%s%s", path, suffixes[i]);
		if (lstat(beside, &status) == 0)
			fatal(EXIT_CODE_NEEDS_PERSON,
			      "there is a file already, and it is not overwritten: move it away "
			      "with what stands beside it path=%s",
			      beside);
	}
}

static void open_place(struct place *place, const char *path, mode_t mode)
{
	int length = snprintf(place->partial, sizeof(place->partial), "%s.partial", path);
	int fd;

	place->path = path;
	if (length <= 0 || (size_t)length >= sizeof(place->partial) || path[0] == '\0')
		fatal(EXIT_CODE_USAGE, "not the path of a file: %s", path);
	open_folder(place);
	require_free(path);
	remove_partial(place);
	fd = open(place->partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		fail("the copy cannot be created", place->partial);
	(void)close(fd);
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
	(void)close(place->folder);
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

/* The whole way of a copy; from is open and stays so. False when the process is to stop. */
static bool make_copy(struct store *from, const struct place *place, const char *reason)
{
	struct store copy;
	bool halted;

	if (!store_copy(from, place->partial))
		return false;
	store_open(&copy, place->partial);
	halted = halt_copy(&copy, reason);
	store_close_as_one_file(&copy);
	if (halted)
		publish(place);
	return halted;
}

static int finish(const struct place *place, bool made, const char *what)
{
	if (made) {
		log_info("%s path=%s", what, place->path);
		return 0;
	}
	remove_partial(place);
	log_warn("told to stop: nothing was made path=%s", place->path);
	return EXIT_CODE_TRY_AGAIN;
}

int backup_make(const char *database_path, const char *path)
{
	char reason[128];
	struct place place;
	struct store store;
	bool made;

	store_open_read_only(&store, database_path);
	open_place(&place, path, 0600);
	(void)snprintf(reason, sizeof(reason),
		       "this is the backup of %s: compare with the broker what was ordered since",
		       clock_now_text().text);
	made = make_copy(&store, &place, reason);
	store_close(&store);
	return finish(&place, made, "backup made");
}

static void claim_all(struct instance_lock *lock, const char *database_path)
{
	static const enum instance_lock_program programs[] = {
		INSTANCE_LOCK_LISTENER,
		INSTANCE_LOCK_BACKFILLER,
		INSTANCE_LOCK_PROCESSOR,
		INSTANCE_LOCK_EXECUTOR,
	};

	instance_lock_open(lock, database_path);
	for (size_t i = 0; i < ARRAY_LENGTH(programs); i++)
		instance_lock_claim(lock, programs[i]);
}

int backup_restore(const char *database_path, const char *path)
{
	struct instance_lock lock;
	struct place place;
	struct store backup;
	bool made;

	store_open_any_schema(&backup, path);
	claim_all(&lock, database_path);
	open_place(&place, database_path, 0660);
	made = make_copy(&backup, &place,
			 "restored: compare with the broker what was ordered since");
	store_close(&backup);
	instance_lock_close(&lock);
	return finish(&place, made, "restored, and trading is halted: see docs/restore.md");
}
