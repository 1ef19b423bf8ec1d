/*
 * The archive: <database>.archive, a database of its own that holds the whole rows of event_queue
 * whose event_data is no longer in the ledger. Nothing waits for it: unlike the ledger's, its
 * errors are outcomes, so that whoever hedges goes on without it.
 *
 * It has a rollback journal, no write-ahead log: one program writes it, seldom, and between two
 * writes it is one whole file that may be copied and read by any SQLite.
 */
#ifndef BALLAST_STORE_STORE_ARCHIVE_H
#define BALLAST_STORE_STORE_ARCHIVE_H

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/outcome.h"
#include "store/store.h"

#include <stdint.h>

struct archive {
	struct sqlite3 *connection; /* NULL: not open */
	struct sqlite3_stmt *append, *find;
	struct config_text path;
};

/* The name of the ledger's archive; "" when it is too long for a file. */
struct config_text archive_path_of(const struct store *ledger);

/*
 * Creates the file when there is none. On any outcome but OK of this and of the functions below the
 * archive is closed, and what was not committed is undone.
 * Outcome: RETRY when the disk is full, the file locked or not readable just now; REJECTED when it
 * is not an archive, or a newer program's.
 */
MUST_USE enum outcome archive_open(struct archive *archive, const struct store *ledger,
				   struct error *error);
/* REJECTED, too, when there is none. */
MUST_USE enum outcome archive_open_read_only(struct archive *archive, const struct store *ledger,
					     struct error *error);
/* Harmless when it is closed. */
void archive_close(struct archive *archive);

MUST_USE enum outcome archive_begin(struct archive *archive, struct error *error);

/*
 * The current row of a SELECT that has all columns of event_queue. A row that is there already is
 * brought up to date; REJECTED when that is another event, so that the archive is another ledger's.
 */
MUST_USE enum outcome archive_append(struct archive *archive, const struct statement *row,
				     struct error *error);

/* Durable: on disk on return. RETRY: it may have happened, and may be done again all the same. */
MUST_USE enum outcome archive_commit(struct archive *archive, struct error *error);

/* The event_data of that row of event_queue. REJECTED: it is not there. */
MUST_USE enum outcome archive_find(struct archive *archive, int64_t id, struct buffer *event_data,
				   struct error *error);

#endif
