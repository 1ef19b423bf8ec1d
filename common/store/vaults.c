/* All SQL of tables vaults and vault_conversions. What the chain said of a block stays said. */
#include "store/vaults.h"

#include "base/log.h"
#include "store/words.h"

static const char find_sql[] =
	"SELECT token, asset, asset_decimals FROM vaults WHERE token = :token";

static const char all_sql[] = "SELECT token, asset, asset_decimals FROM vaults ORDER BY token";

static const char insert_sql[] = "INSERT INTO vaults (token, asset, asset_decimals)"
				 " VALUES (:token, :asset, :asset_decimals)"
				 " ON CONFLICT (token) DO NOTHING";

static const char find_conversion_sql[] =
	"SELECT token, block_hash, shares, assets, block_number FROM vault_conversions"
	" WHERE token = :token AND block_hash = :block_hash AND shares = :shares";

static const char all_conversions_sql[] =
	"SELECT token, block_hash, shares, assets, block_number FROM vault_conversions"
	" ORDER BY token, block_hash, shares";

static const char insert_conversion_sql[] =
	"INSERT INTO vault_conversions (token, block_hash, shares, assets, block_number)"
	" VALUES (:token, :block_hash, :shares, :assets, :block_number)"
	" ON CONFLICT (token, block_hash, shares) DO NOTHING";

void vaults_open(struct vaults *vaults, struct store *store)
{
	*vaults = (struct vaults){.store = store};
	statement_prepare(&vaults->find, store, find_sql);
	statement_prepare(&vaults->all, store, all_sql);
	statement_prepare(&vaults->insert, store, insert_sql);
	statement_prepare(&vaults->find_conversion, store, find_conversion_sql);
	statement_prepare(&vaults->all_conversions, store, all_conversions_sql);
	statement_prepare(&vaults->insert_conversion, store, insert_conversion_sql);
}

void vaults_close(struct vaults *vaults)
{
	statement_finalize(&vaults->find);
	statement_finalize(&vaults->all);
	statement_finalize(&vaults->insert);
	statement_finalize(&vaults->find_conversion);
	statement_finalize(&vaults->all_conversions);
	statement_finalize(&vaults->insert_conversion);
}

static void bind_address(struct statement *statement, const char *name,
			 const struct evm_address *address)
{
	statement_bind_text(statement, name, evm_address_text(address).text);
}

static void read_vault(struct statement *row, struct vault *vault)
{
	int64_t decimals = statement_int64(row, "asset_decimals");

	invariant(decimals >= 0 && decimals <= UINT8_MAX);
	*vault = (struct vault){
		.token = statement_address(row, "token"),
		.asset = statement_address(row, "asset"),
		.asset_decimals = (uint8_t)decimals,
	};
}

static void read_conversion(struct statement *row, struct vault_conversion *conversion)
{
	*conversion = (struct vault_conversion){
		.token = statement_address(row, "token"),
		.block_hash = statement_word(row, "block_hash"),
		.shares = statement_word(row, "shares"),
		.assets = statement_word(row, "assets"),
		.block_number = statement_int64(row, "block_number"),
	};
}

bool vaults_find(struct vaults *vaults, const struct evm_address *token, struct vault *vault)
{
	bind_address(&vaults->find, ":token", token);
	if (!statement_row(&vaults->find))
		return false;
	read_vault(&vaults->find, vault);
	statement_reset(&vaults->find);
	return true;
}

bool vaults_find_conversion(struct vaults *vaults, struct vault_conversion *conversion)
{
	struct statement *find = &vaults->find_conversion;

	bind_address(find, ":token", &conversion->token);
	statement_bind_word(find, ":block_hash", &conversion->block_hash);
	statement_bind_word(find, ":shares", &conversion->shares);
	if (!statement_row(find))
		return false;
	read_conversion(find, conversion);
	statement_reset(find);
	return true;
}

bool vaults_next(struct vaults *vaults, struct vault *vault)
{
	if (!statement_row(&vaults->all))
		return false;
	read_vault(&vaults->all, vault);
	return true;
}

bool vaults_next_conversion(struct vaults *vaults, struct vault_conversion *conversion)
{
	if (!statement_row(&vaults->all_conversions))
		return false;
	read_conversion(&vaults->all_conversions, conversion);
	return true;
}

void vaults_insert(struct vaults *vaults, const struct vault *vault)
{
	bind_address(&vaults->insert, ":token", &vault->token);
	bind_address(&vaults->insert, ":asset", &vault->asset);
	statement_bind_int64(&vaults->insert, ":asset_decimals", vault->asset_decimals);
	(void)statement_execute(&vaults->insert);
}

void vaults_insert_conversion(struct vaults *vaults, const struct vault_conversion *conversion)
{
	struct statement *insert = &vaults->insert_conversion;

	bind_address(insert, ":token", &conversion->token);
	statement_bind_word(insert, ":block_hash", &conversion->block_hash);
	statement_bind_word(insert, ":shares", &conversion->shares);
	statement_bind_word(insert, ":assets", &conversion->assets);
	statement_bind_int64(insert, ":block_number", conversion->block_number);
	(void)statement_execute(insert);
}
