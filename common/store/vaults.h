/* Tables vaults and vault_conversions: ERC-4626 vaults, and what their shares came to in a block.
 */
#ifndef BALLAST_STORE_VAULTS_H
#define BALLAST_STORE_VAULTS_H

#include "base/compiler.h"
#include "base/evm_types.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct vault {
	struct evm_address token;
	struct evm_address asset;
	uint8_t asset_decimals;
};

/* Raw units of both: shares of the vault, assets of what it holds. */
struct vault_conversion {
	struct evm_address token;
	struct evm_word block_hash;
	struct evm_word shares;
	struct evm_word assets;
	int64_t block_number;
};

struct vaults {
	struct store *store;
	struct statement find, all, insert, find_conversion, all_conversions, insert_conversion;
};

void vaults_open(struct vaults *vaults, struct store *store);
void vaults_close(struct vaults *vaults);

MUST_USE bool vaults_find(struct vaults *vaults, const struct evm_address *token,
			  struct vault *vault);
/* By token, block_hash and shares of conversion, whose assets are filled in. */
MUST_USE bool vaults_find_conversion(struct vaults *vaults, struct vault_conversion *conversion);

/* One after another; false at the end, and then from the beginning again. */
MUST_USE bool vaults_next(struct vaults *vaults, struct vault *vault);
MUST_USE bool vaults_next_conversion(struct vaults *vaults, struct vault_conversion *conversion);

/* Knowing it already is harmless. Inside a transaction. */
void vaults_insert(struct vaults *vaults, const struct vault *vault);
void vaults_insert_conversion(struct vaults *vaults, const struct vault_conversion *conversion);

#endif
