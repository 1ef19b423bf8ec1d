/* All SQL of table blocks. May not know why a block is kept or given up. */
#include "store/blocks.h"

#include "base/log.h"
#include "store/words.h"

#define COLUMNS "SELECT block_number, block_hash, parent_hash, finalized FROM blocks"

static const char put_sql[] = "INSERT INTO blocks (block_number, block_hash, parent_hash)"
			      " VALUES (:block_number, :block_hash, :parent_hash)";

static const char find_sql[] = COLUMNS " WHERE block_number = :block_number";

static const char highest_sql[] =
	COLUMNS " WHERE block_number <= :block_number ORDER BY block_number DESC LIMIT 1";

static const char lowest_sql[] = COLUMNS " ORDER BY block_number LIMIT 1";

static const char middle_sql[] =
	COLUMNS " WHERE block_number > :above AND block_number < :below ORDER BY block_number"
		" LIMIT 1 OFFSET (SELECT count(*) / 2 FROM blocks"
		"                 WHERE block_number > :above AND block_number < :below)";

static const char remove_above_sql[] = "DELETE FROM blocks WHERE block_number > :block_number";

static const char remove_below_sql[] = "DELETE FROM blocks WHERE block_number < :block_number";

static const char finalize_sql[] =
	"UPDATE blocks SET finalized = 1 WHERE block_number = :block_number AND finalized = 0";

void blocks_open(struct blocks *blocks, struct store *store)
{
	blocks->store = store;
	statement_prepare(&blocks->put, store, put_sql);
	statement_prepare(&blocks->find, store, find_sql);
	statement_prepare(&blocks->highest, store, highest_sql);
	statement_prepare(&blocks->lowest, store, lowest_sql);
	statement_prepare(&blocks->middle, store, middle_sql);
	statement_prepare(&blocks->remove_above, store, remove_above_sql);
	statement_prepare(&blocks->remove_below, store, remove_below_sql);
	statement_prepare(&blocks->finalize, store, finalize_sql);
}

void blocks_close(struct blocks *blocks)
{
	statement_finalize(&blocks->put);
	statement_finalize(&blocks->find);
	statement_finalize(&blocks->highest);
	statement_finalize(&blocks->lowest);
	statement_finalize(&blocks->middle);
	statement_finalize(&blocks->remove_above);
	statement_finalize(&blocks->remove_below);
	statement_finalize(&blocks->finalize);
}

/* The statement's one row, if there is one. */
static bool read_row(struct statement *statement, struct block_row *row)
{
	if (!statement_row(statement))
		return false;
	row->block_number = statement_int64(statement, "block_number");
	row->block_hash = statement_word(statement, "block_hash");
	row->parent_hash = statement_word(statement, "parent_hash");
	row->finalized = statement_int64(statement, "finalized") != 0;
	statement_reset(statement);
	return true;
}

bool blocks_find(struct blocks *blocks, int64_t block_number, struct block_row *row)
{
	statement_bind_int64(&blocks->find, ":block_number", block_number);
	return read_row(&blocks->find, row);
}

bool blocks_highest(struct blocks *blocks, int64_t block_number, struct block_row *row)
{
	statement_bind_int64(&blocks->highest, ":block_number", block_number);
	return read_row(&blocks->highest, row);
}

bool blocks_lowest(struct blocks *blocks, struct block_row *row)
{
	return read_row(&blocks->lowest, row);
}

bool blocks_middle(struct blocks *blocks, int64_t above, int64_t below, struct block_row *row)
{
	statement_bind_int64(&blocks->middle, ":above", above);
	statement_bind_int64(&blocks->middle, ":below", below);
	return read_row(&blocks->middle, row);
}

void blocks_put(struct blocks *blocks, const struct block_row *row)
{
	struct block_row present;
	int changed;

	if (blocks_find(blocks, row->block_number, &present)) {
		invariant(evm_word_equal(&present.block_hash, &row->block_hash));
		return;
	}
	statement_bind_int64(&blocks->put, ":block_number", row->block_number);
	statement_bind_word(&blocks->put, ":block_hash", &row->block_hash);
	statement_bind_word(&blocks->put, ":parent_hash", &row->parent_hash);
	changed = statement_execute(&blocks->put);
	invariant(changed == 1);
}

void blocks_remove_above(struct blocks *blocks, int64_t block_number)
{
	statement_bind_int64(&blocks->remove_above, ":block_number", block_number);
	(void)statement_execute(&blocks->remove_above);
}

void blocks_finalize(struct blocks *blocks, int64_t block_number)
{
	struct block_row row;

	if (!blocks_highest(blocks, block_number, &row))
		return;
	statement_bind_int64(&blocks->finalize, ":block_number", row.block_number);
	(void)statement_execute(&blocks->finalize);
	statement_bind_int64(&blocks->remove_below, ":block_number", row.block_number);
	(void)statement_execute(&blocks->remove_below);
}
