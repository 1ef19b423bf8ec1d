/*
 * A header's logsBloom: 2048 bits, three of them for the address and for each topic of every log of
 * the block. A log that is there has its bits set, so a bit that is not set proves its absence; set
 * bits prove nothing, but ask for a reason when an answer has no log. Source: Ethereum yellow
 * paper, section 4.4.3 (the function M3:2048).
 */
#ifndef BALLAST_CHAIN_LOGS_BLOOM_H
#define BALLAST_CHAIN_LOGS_BLOOM_H

#include "base/compiler.h"
#include "base/evm_types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOGS_BLOOM_SIZE 256

struct logs_bloom {
	uint8_t bytes[LOGS_BLOOM_SIZE];
};

/* The bits of one address or topic. */
struct logs_bloom_bits {
	uint16_t positions[3];
};

struct logs_bloom_bits logs_bloom_bits_of_address(const struct evm_address *address);
struct logs_bloom_bits logs_bloom_bits_of_word(const struct evm_word *word);

/* Sets the bits; for whoever makes a bloom. */
void logs_bloom_add(struct logs_bloom *bloom, const struct logs_bloom_bits *bits);

/* All three are set. */
bool logs_bloom_has(const struct logs_bloom *bloom, const struct logs_bloom_bits *bits);

bool logs_bloom_is_zero(const struct logs_bloom *bloom);

/*
 * More than half of the bits are set: six given bits are set by chance in one block of 64 and more,
 * so that the bloom is no reason to doubt an answer. Usual where a block has thousands of logs.
 */
bool logs_bloom_is_full(const struct logs_bloom *bloom);

/* What is looked for: any log of the address with one of the topics as its first. */
struct logs_bloom_question {
	struct logs_bloom_bits address;
	struct logs_bloom_bits topics[6];
	size_t topic_count; /* 1..6 */
};

void logs_bloom_ask(struct logs_bloom_question *question, const struct evm_address *address,
		    const struct evm_word *topics, size_t topic_count);

/* False: surely no such log in the block. */
bool logs_bloom_may_have(const struct logs_bloom *bloom,
			 const struct logs_bloom_question *question);

#endif
