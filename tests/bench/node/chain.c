/* See chain.h. All logs stand one after another in one text; offsets tells where a block's begin.
 */
#include "node/chain.h"

#include "base/hex.h"
#include "base/log.h"
#include "chain/logs_bloom.h"
#include "chain/orderbook_events.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_TIMESTAMP	 1700000000
#define SECONDS_A_BLOCK	 2
#define CLEAR_EVERY	 8
#define SAMPLES_MAXIMUM	 32
#define BLOCK_HASH_START "0xb10cb10cb10cb10cb10cb10cb10cb10cb10cb10cb10cb10c"
#define TX_HASH_START	 "0x7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a"

enum sample_kind { SAMPLE_TAKE, SAMPLE_CLEAR, SAMPLE_AFTER, SAMPLE_KINDS };

struct samples {
	char *items[SAMPLES_MAXIMUM];
	size_t count;
};

struct chain {
	struct chain_options options;
	char orderbook[EVM_ADDRESS_TEXT_SIZE];
	struct samples samples[SAMPLE_KINDS][2]; /* theirs, ours */
	char blooms[3][2 * LOGS_BLOOM_SIZE + 3]; /* none, a take, a clear */
	int64_t spacing;			 /* a trade in every so manieth block */
	struct buffer logs;
	size_t *offsets; /* of each block with a trade, and the end */
	int64_t *counts; /* logs before each of them */
};

static void fail(const char *what)
{
	fprintf(stderr, "node: %s\n", what);
	exit(1);
}

#define append(text, ...)                                                                          \
	do {                                                                                       \
		if (!buffer_append_format((text), __VA_ARGS__))                                    \
			fail("a text does not fit");                                               \
	} while (0)

static void append_text(struct buffer *text, const char *piece)
{
	if (!buffer_append_text(text, piece))
		fail("a text does not fit");
}

/* "orderbook 0x.." or "take|clear|after ours|theirs 0x..", a line each. */
static void read_samples(struct chain *chain)
{
	static const char *const kinds[] = {"take", "clear", "after"};
	FILE *file = fopen(chain->options.samples, "r");
	char *line = NULL;
	size_t size = 0;

	if (file == NULL)
		fail("cannot read the samples");
	while (getline(&line, &size, file) > 0) {
		char kind[16];
		char owner[16];
		int start = 0;

		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "orderbook %42s", chain->orderbook) == 1)
			continue;
		if (sscanf(line, "%15s %15s %n", kind, owner, &start) != 2 || start == 0)
			fail("a line of the samples makes no sense");
		for (size_t i = 0; i < SAMPLE_KINDS; i++) {
			struct samples *samples = &chain->samples[i][strcmp(owner, "ours") == 0];

			if (strcmp(kind, kinds[i]) == 0 && samples->count < SAMPLES_MAXIMUM)
				samples->items[samples->count++] = strdup(line + start);
		}
	}
	free(line);
	(void)fclose(file);
}

static void make_bloom(const struct chain *chain, const struct evm_word *topics, size_t count,
		       char *text)
{
	struct logs_bloom bloom = {{0}};
	struct logs_bloom_bits bits;
	struct evm_address address;

	if (!evm_address_parse(chain->orderbook, &address))
		fail("the samples name no orderbook");
	if (count > 0) {
		bits = logs_bloom_bits_of_address(&address);
		logs_bloom_add(&bloom, &bits);
	}
	for (size_t i = 0; i < count; i++) {
		bits = logs_bloom_bits_of_word(&topics[i]);
		logs_bloom_add(&bloom, &bits);
	}
	hex_format_fixed(bloom.bytes, sizeof(bloom.bytes), text);
}

static bool has_trade(const struct chain *chain, int64_t number)
{
	return number > 0 && number % chain->spacing == 0;
}

static bool is_clear(const struct chain *chain, int64_t number)
{
	return number / chain->spacing % CLEAR_EVERY == 0;
}

static void write_log(struct chain *chain, int64_t number, enum sample_kind kind, int64_t index)
{
	int64_t trade = number / chain->spacing;
	/* Neither the kinds nor the lengths come always at the same place among the ours. */
	bool ours = (trade + trade / CLEAR_EVERY) % chain->options.ours_every == 0;
	const struct samples *samples = &chain->samples[kind][ours];
	struct buffer *text = &chain->logs;

	if (samples->count == 0)
		fail("the samples lack a kind");
	append_text(text, text->length == 0 ? "{\"address\":\"" : ",{\"address\":\"");
	append_text(text, chain->orderbook);
	append_text(text, "\",\"topics\":[\"");
	append_text(text, evm_word_text(&orderbook_topics[kind]).text);
	append_text(text, "\"],\"data\":\"");
	append_text(text, samples->items[(size_t)(trade / 3) % samples->count]);
	append(text,
	       "\",\"blockHash\":\"" BLOCK_HASH_START "%016" PRIx64
	       "\",\"blockNumber\":\"0x%" PRIx64 "\"",
	       number, number);
	append(text,
	       ",\"blockTimestamp\":\"0x%" PRIx64 "\",\"transactionHash\":\"" TX_HASH_START
	       "%016" PRIx64 "\"",
	       FIRST_TIMESTAMP + SECONDS_A_BLOCK * number, number);
	append(text,
	       ",\"transactionIndex\":\"0x3\",\"logIndex\":\"0x%" PRIx64 "\",\"removed\":false}",
	       index);
}

static void write_all_logs(struct chain *chain)
{
	int64_t trades = chain->options.blocks / chain->spacing;
	int64_t count = 0;

	chain->offsets = calloc((size_t)trades + 2, sizeof(*chain->offsets));
	chain->counts = calloc((size_t)trades + 2, sizeof(*chain->counts));
	if (chain->offsets == NULL || chain->counts == NULL)
		fail("out of memory");
	for (int64_t trade = 1; trade <= trades; trade++) {
		int64_t number = trade * chain->spacing;

		chain->offsets[trade] = chain->logs.length;
		chain->counts[trade] = count;
		if (is_clear(chain, number)) {
			write_log(chain, number, SAMPLE_CLEAR, 7);
			write_log(chain, number, SAMPLE_AFTER, 11);
			count += 2;
		} else {
			write_log(chain, number, SAMPLE_TAKE, 7);
			count++;
		}
	}
	chain->offsets[trades + 1] = chain->logs.length;
	chain->counts[trades + 1] = count;
}

struct chain *chain_open(const struct chain_options *options)
{
	struct chain *chain = calloc(1, sizeof(*chain));

	if (chain == NULL)
		fail("out of memory");
	chain->options = *options;
	/* Nine logs for eight trades. */
	chain->spacing = options->blocks * (CLEAR_EVERY + 1) / (options->logs * CLEAR_EVERY);
	if (chain->spacing < 1)
		fail("more logs than blocks");
	read_samples(chain);
	make_bloom(chain, NULL, 0, chain->blooms[0]);
	make_bloom(chain, &orderbook_topics[0], 1, chain->blooms[1]);
	make_bloom(chain, &orderbook_topics[1], 2, chain->blooms[2]);
	buffer_init(&chain->logs, SIZE_MAX / 8);
	write_all_logs(chain);
	return chain;
}

void chain_close(struct chain *chain)
{
	for (size_t kind = 0; kind < SAMPLE_KINDS; kind++) {
		for (size_t ours = 0; ours < 2; ours++) {
			for (size_t i = 0; i < chain->samples[kind][ours].count; i++)
				free(chain->samples[kind][ours].items[i]);
		}
	}
	buffer_free(&chain->logs);
	free(chain->offsets);
	free(chain->counts);
	free(chain);
}

struct chain_logs chain_logs(const struct chain *chain, int64_t first, int64_t last)
{
	int64_t trades = chain->options.blocks / chain->spacing;
	int64_t begin = first <= 1 ? 1 : (first + chain->spacing - 1) / chain->spacing;
	int64_t end = last / chain->spacing + 1;
	size_t offset;

	if (end > trades + 1)
		end = trades + 1;
	if (begin >= end)
		return (struct chain_logs){.text = "", .length = 0};
	/* The comma before the first one belongs to the list before. */
	offset = chain->offsets[begin] + (begin > 1);
	return (struct chain_logs){
		.text = buffer_text(&chain->logs) + offset,
		.length = chain->offsets[end] - offset,
		.count = chain->counts[end] - chain->counts[begin],
	};
}

static const char *bloom_of(const struct chain *chain, int64_t number)
{
	if (!has_trade(chain, number))
		return chain->blooms[0];
	return chain->blooms[is_clear(chain, number) ? 2 : 1];
}

void chain_write_header(const struct chain *chain, int64_t number, struct buffer *text)
{
	append(text,
	       "{\"number\":\"0x%" PRIx64 "\",\"hash\":\"" BLOCK_HASH_START "%016" PRIx64 "\"",
	       number, number);
	append(text,
	       ",\"parentHash\":\"" BLOCK_HASH_START "%016" PRIx64 "\",\"timestamp\":\"0x%" PRIx64
	       "\"",
	       number - 1, FIRST_TIMESTAMP + SECONDS_A_BLOCK * number);
	append_text(text, ",\"logsBloom\":\"");
	append_text(text, bloom_of(chain, number));
	append_text(text, "\",\"miner\":\"0x4200000000000000000000000000000000000011\""
			  ",\"gasLimit\":\"0x17d7840\",\"gasUsed\":\"0x9d0b21\""
			  ",\"baseFeePerGas\":\"0x4c4b40\",\"extraData\":\"0x\",\"nonce\":"
			  "\"0x0000000000000000\",\"size\":\"0x1e2a\",\"uncles\":[]"
			  ",\"transactions\":[");
	for (int64_t i = 0; i < chain->options.transactions; i++) {
		append_text(text, i == 0 ? "\"" TX_HASH_START : ",\"" TX_HASH_START);
		append(text, "%08" PRIx64 "%08" PRIx64 "\"", number, i);
	}
	append_text(text, "]}");
}

void chain_write_receipts(const struct chain *chain, int64_t number, struct buffer *text)
{
	struct chain_logs logs = chain_logs(chain, number, number);

	append_text(text, "[");
	if (logs.count > 0) {
		append(text,
		       "{\"transactionHash\":\"" TX_HASH_START "%016" PRIx64
		       "\",\"blockNumber\":\"0x%" PRIx64 "\"",
		       number, number);
		append(text,
		       ",\"blockHash\":\"" BLOCK_HASH_START "%016" PRIx64
		       "\",\"transactionIndex\":\"0x3\",\"status\":\"0x1\",\"logs\":[",
		       number);
		if (!buffer_append(text, logs.text, logs.length))
			fail("a text does not fit");
		append_text(text, "]}");
	}
	append_text(text, "]");
}

int64_t chain_number_of(const char *block_hash)
{
	size_t start = strlen(BLOCK_HASH_START);

	if (strncmp(block_hash, BLOCK_HASH_START, start) != 0)
		return -1;
	return (int64_t)strtoull(block_hash + start, NULL, 16);
}
