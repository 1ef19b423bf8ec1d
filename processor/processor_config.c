/* See processor_config.h. */
#include "processor/processor_config.h"

#include "base/log.h"

#include <string.h>

bool processor_config_complete(void *context)
{
	struct processor_config *config = context;
	bool good = settings_complete_chain(&config->chain);

	if (!symbol_map_read(&config->symbols, config->symbol_map.text))
		good = false;
	config->symbols.required = config->require_mapped_tokens == 1;
	if (config->symbols.required && config->symbols.count == 0) {
		log_error("REQUIRE_MAPPED_TOKENS: is 1, and SYMBOL_MAP names no token");
		good = false;
	}
	return good;
}

bool processor_config_wants_details(const struct processor_config *config)
{
	return strcmp(config->fill_details.text, "off") != 0;
}

struct fill_details_settings processor_config_fill_details(const struct processor_config *config)
{
	return (struct fill_details_settings){
		.oracle = config->pyth_contract,
		.wants_prices = strcmp(config->fill_details.text, "trace") == 0,
	};
}
