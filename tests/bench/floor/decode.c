/*
 * Decodes one event again and again, for callgrind to count.
 *
 *	floor-decode TIMES take 0x..
 *	floor-decode TIMES clear 0x.. 0x..
 */
#include "base/hex.h"
#include "base/log.h"
#include "chain/orderbook_events.h"

#include <stdlib.h>
#include <string.h>

static struct bytes parse(const char *text, struct buffer *data)
{
	buffer_init(data, BUFFER_MAX_LOG_DATA);
	if (!hex_parse_data(text, data))
		fatal(EXIT_CODE_USAGE, "not hex: %.20s", text);
	return (struct bytes){.data = data->bytes, .length = data->length};
}

int main(int argc, char **argv)
{
	struct buffer buffers[2];
	struct orderbook_event event;
	struct error error;
	bool is_clear = argc == 5 && strcmp(argv[2], "clear") == 0;
	struct bytes first;
	struct bytes second = {.length = 0};

	log_start("floor-decode", LOG_LEVEL_WARN, LOG_FORMAT_TEXT);
	if (argc != 4 && !is_clear)
		return EXIT_CODE_USAGE;
	first = parse(argv[3], &buffers[0]);
	if (is_clear)
		second = parse(argv[4], &buffers[1]);
	for (long times = strtol(argv[1], NULL, 10); times > 0; times--) {
		enum outcome outcome =
			orderbook_decode(is_clear ? ORDERBOOK_CLEAR_V2 : ORDERBOOK_TAKE_ORDER_V2,
					 first, second, &event, &error);

		if (outcome != OUTCOME_OK)
			fatal(EXIT_CODE_BUG, "not decoded: %s", error.text);
	}
	buffer_free(&buffers[0]);
	if (is_clear)
		buffer_free(&buffers[1]);
	return 0;
}
