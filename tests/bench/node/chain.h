/*
 * A chain that never was: deterministic blocks, and in some of them trades of an orderbook, made of
 * sample events. What a node says of it stands ready as text, so that answering costs the node as
 * little as can be and a reader's own speed shows.
 */
#ifndef BALLAST_BENCH_CHAIN_H
#define BALLAST_BENCH_CHAIN_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chain_options {
	const char *samples;  /* file: lib/samples.py tells its lines */
	int64_t blocks;	      /* the head's number */
	int64_t logs;	      /* about so many, evenly spread */
	int64_t ours_every;   /* of so many trades one is the owner's */
	int64_t transactions; /* hashes in a header */
};

struct chain;

struct chain *chain_open(const struct chain_options *options);
void chain_close(struct chain *chain);

/* The logs of first..last as they stand in a list, between its brackets. */
struct chain_logs {
	const char *text;
	size_t length;
	int64_t count;
};
struct chain_logs chain_logs(const struct chain *chain, int64_t first, int64_t last);

/* Appends the block as eth_getBlockByNumber gives it, without the transactions themselves. */
void chain_write_header(const struct chain *chain, int64_t number, struct buffer *text);
/* Appends the list of the block's receipts that have logs. */
void chain_write_receipts(const struct chain *chain, int64_t number, struct buffer *text);

/* The number in a hash that this chain gave; -1: it is none. */
int64_t chain_number_of(const char *block_hash);

#endif
