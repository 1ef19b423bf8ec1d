/*
 * Reading Solidity ABI data, every offset and length checked against the data before use.
 * Source: Solidity documentation, "Contract ABI Specification", chapter "Formal Specification of
 * the Encoding".
 *
 *	head:  word 0 | word 1 | ...          a static value stands here; a dynamic one has its
 * offset here, tail:  ............................   counted in bytes from the start of its own
 * tuple
 *
 * A reader is a view of one tuple. All functions return false on data that lies (too short, offset
 * or length beyond the data, dirty padding in an address or a small integer) and leave outputs
 * untouched.
 */
#ifndef BALLAST_CHAIN_ABI_H
#define BALLAST_CHAIN_ABI_H

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/evm_types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct abi_tuple {
	struct bytes bytes; /* from the tuple's first byte to the end of the data */
};

struct abi_array {
	struct abi_tuple elements; /* offsets inside count from the first element */
	size_t count;
};

/* The arguments of an event or the results of a call. */
struct abi_tuple abi_data(struct bytes data);

MUST_USE bool abi_word(const struct abi_tuple *tuple, size_t index, struct evm_word *word);
MUST_USE bool abi_address(const struct abi_tuple *tuple, size_t index, struct evm_address *address);
MUST_USE bool abi_uint8(const struct abi_tuple *tuple, size_t index, uint8_t *value);
/* A uint256 used as an index: false above UINT64_MAX too. */
MUST_USE bool abi_uint64(const struct abi_tuple *tuple, size_t index, uint64_t *value);

/* An integer of 64 bits with its sign: false when the word is more. */
MUST_USE bool abi_int64(const struct abi_tuple *tuple, size_t index, int64_t *value);

/* The dynamic tuple whose offset stands in head word index. */
MUST_USE bool abi_dynamic_tuple(const struct abi_tuple *tuple, size_t index,
				struct abi_tuple *inner);

/*
 * The array whose offset stands in head word index; false when count * words_per_element words are
 * not there. words_per_element: head words of one element (1 for an element that is itself
 * dynamic).
 */
MUST_USE bool abi_array(const struct abi_tuple *tuple, size_t index, size_t words_per_element,
			struct abi_array *array);

/* bytes or string whose offset stands in head word index. */
MUST_USE bool abi_bytes(const struct abi_tuple *tuple, size_t index, struct bytes *bytes);

#endif
