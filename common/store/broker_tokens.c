/* All SQL of table broker_tokens. */
#include "store/broker_tokens.h"

#include "base/log.h"
#include "store/amounts.h"

static const char find_sql[] =
	"SELECT broker, login_at, refreshed_at, access_expires_at, generation, sealed"
	" FROM broker_tokens WHERE broker = :broker";

static const char find_generation_sql[] =
	"SELECT generation FROM broker_tokens WHERE broker = :broker";

static const char put_sql[] =
	"INSERT INTO broker_tokens"
	" (broker, login_at, refreshed_at, access_expires_at, generation, sealed)"
	" VALUES (:broker, :login_at, :refreshed_at, :access_expires_at, :generation, :sealed)"
	" ON CONFLICT (broker) DO UPDATE SET login_at = excluded.login_at,"
	" refreshed_at = excluded.refreshed_at, access_expires_at = excluded.access_expires_at,"
	" generation = excluded.generation, sealed = excluded.sealed"
	" WHERE broker_tokens.generation < excluded.generation";

void broker_tokens_open(struct broker_tokens *tokens, struct store *store)
{
	tokens->store = store;
	statement_prepare(&tokens->find, store, find_sql);
	statement_prepare(&tokens->find_generation, store, find_generation_sql);
	statement_prepare(&tokens->put, store, put_sql);
}

void broker_tokens_close(struct broker_tokens *tokens)
{
	statement_finalize(&tokens->find);
	statement_finalize(&tokens->find_generation);
	statement_finalize(&tokens->put);
}

bool broker_tokens_find(struct broker_tokens *tokens, const char *broker,
			struct broker_tokens_row *row)
{
	struct statement *find = &tokens->find;

	statement_bind_text(find, ":broker", broker);
	if (!statement_row(find))
		return false;
	*row = (struct broker_tokens_row){.generation = statement_int64(find, "generation")};
	statement_copy_text(find, "broker", row->broker, sizeof(row->broker));
	statement_copy_text(find, "login_at", row->login_at.text, sizeof(row->login_at.text));
	statement_copy_text(find, "refreshed_at", row->refreshed_at.text,
			    sizeof(row->refreshed_at.text));
	statement_copy_text(find, "access_expires_at", row->access_expires_at.text,
			    sizeof(row->access_expires_at.text));
	statement_copy_text(find, "sealed", row->sealed, sizeof(row->sealed));
	statement_reset(find);
	return true;
}

int64_t broker_tokens_generation(struct broker_tokens *tokens, const char *broker)
{
	int64_t generation = 0;

	statement_bind_text(&tokens->find_generation, ":broker", broker);
	if (statement_row(&tokens->find_generation))
		generation = statement_int64(&tokens->find_generation, "generation");
	statement_reset(&tokens->find_generation);
	return generation;
}

void broker_tokens_put(struct broker_tokens *tokens, const struct broker_tokens_row *row)
{
	struct statement *put = &tokens->put;
	int changed;

	statement_bind_text(put, ":broker", row->broker);
	statement_bind_text(put, ":login_at", row->login_at.text);
	statement_bind_text(put, ":refreshed_at", row->refreshed_at.text);
	statement_bind_text(put, ":access_expires_at", row->access_expires_at.text);
	statement_bind_int64(put, ":generation", row->generation);
	statement_bind_text(put, ":sealed", row->sealed);
	changed = statement_execute(put);
	invariant(changed == 1);
}
