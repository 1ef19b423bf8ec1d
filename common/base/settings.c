/* See settings.h. */
#include "base/settings.h"

#include "base/log.h"

bool settings_complete_chain(void *context)
{
	struct chain_settings *settings = context;
	bool has_websocket = settings->websocket_url.text[0] != '\0';
	bool has_http = settings->http_url.text[0] != '\0';
	bool good = true;

	if (!has_websocket && !has_http) {
		log_error("WS_RPC_URL: is missing, and HTTP_RPC_URL too (one of them is enough)");
		return false;
	}
	if (!has_websocket)
		good = config_switch_scheme(settings->http_url.text, true,
					    &settings->websocket_url);
	if (!has_http)
		good = config_switch_scheme(settings->websocket_url.text, false,
					    &settings->http_url);
	if (!good)
		log_error(
			"WS_RPC_URL and HTTP_RPC_URL: one cannot be made from the other; set both");
	return good;
}
