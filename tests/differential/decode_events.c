/*
 * What Ballast makes of events, for a comparison with another decoder. A line in, a line out:
 *
 *	EVENT_TYPE 0xDATA 0xAFTER_CLEAR     0x alone: none
 *	refused
 *	SENDER OWNER INPUT OUTPUT [OWNER INPUT OUTPUT]
 *
 * A side is TOKEN/DECIMALS/VAULT/AMOUNT/BOOKED: vault and amount as words, and the amount as it
 *would be booked in shares, "-" when it would be quarantined.
 */
#include "base/hex.h"
#include "base/log.h"
#include "chain/orderbook_events.h"
#include "chain/orderbook_float.h"

#include <stdio.h>
#include <string.h>

#define LINE_SIZE ((size_t)1024 * 1024)

static bool book(const struct orderbook_leg *leg, struct shares *shares)
{
	return leg->is_float ? orderbook_float_to_shares(&leg->amount, shares)
			     : shares_from_token(&leg->amount, leg->decimals, shares);
}

static void print_leg(const struct orderbook_leg *leg)
{
	struct shares shares;

	printf(" %s/%u/%s/%s/%s", evm_address_text(&leg->token).text, leg->decimals,
	       evm_word_text(&leg->vault_id).text, evm_word_text(&leg->amount).text,
	       book(leg, &shares) ? shares_text(shares).text : "-");
}

static void print_event(const struct orderbook_event *event)
{
	printf("%s", evm_address_text(&event->sender).text);
	for (size_t i = 0; i < event->fill_count; i++) {
		printf(" %s", evm_address_text(&event->fills[i].owner).text);
		print_leg(&event->fills[i].input);
		print_leg(&event->fills[i].output);
	}
	printf("\n");
}

static enum orderbook_event_type type_of(const char *name)
{
	enum orderbook_event_type type;

	for (size_t i = 0; i < ORDERBOOK_TOPIC_COUNT; i++) {
		if (orderbook_event_type_of(&orderbook_topics[i], &type) &&
		    strcmp(orderbook_event_type_name(type), name) == 0)
			return type;
	}
	fatal(EXIT_CODE_USAGE, "no type of event: %s", name);
}

static struct bytes read_data(const char *text, struct buffer *bytes)
{
	buffer_clear(bytes);
	if (text == NULL || !hex_parse_data(text, bytes))
		fatal(EXIT_CODE_USAGE, "a line without type, data and AfterClear");
	return (struct bytes){.data = bytes->bytes, .length = bytes->length};
}

static void decode_line(char *line, struct buffer *data, struct buffer *after_clear)
{
	char *rest = NULL;
	const char *name = strtok_r(line, " \n", &rest);
	struct orderbook_event event;
	struct error error;
	struct bytes first;
	struct bytes second;

	if (name == NULL)
		fatal(EXIT_CODE_USAGE, "an empty line");
	first = read_data(strtok_r(NULL, " \n", &rest), data);
	second = read_data(strtok_r(NULL, " \n", &rest), after_clear);
	if (orderbook_decode(type_of(name), first, second, &event, &error) == OUTCOME_OK)
		print_event(&event);
	else
		printf("refused\n");
}

int main(void)
{
	static char line[LINE_SIZE];
	struct buffer data;
	struct buffer after_clear;

	/* Who asks waits for each answer. */
	if (setvbuf(stdout, NULL, _IOLBF, 0) != 0)
		fatal(EXIT_CODE_TRY_AGAIN, "stdout cannot be written line by line");
	buffer_init(&data, BUFFER_MAX_LOG_DATA);
	buffer_init(&after_clear, BUFFER_MAX_LOG_DATA);
	while (fgets(line, sizeof(line), stdin) != NULL)
		decode_line(line, &data, &after_clear);
	buffer_free(&data);
	buffer_free(&after_clear);
	return fflush(stdout) == 0 ? 0 : 1;
}
