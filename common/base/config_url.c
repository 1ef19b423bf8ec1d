/* URLs as they may be logged, and the other scheme of the same endpoint. */
#include "base/config.h"

#include <stdio.h>
#include <string.h>

struct config_text config_redact_url(const char *url)
{
	struct config_text redacted;
	const char *host = strstr(url, "://");
	const char *at;
	size_t scheme_length;
	size_t host_length;
	bool more;

	if (url[0] == '\0')
		return (struct config_text){.text = ""};
	if (host == NULL || (size_t)(host - url) > 8)
		return (struct config_text){.text = "(unreadable URL)"};
	scheme_length = (size_t)(host - url);
	host += strlen("://");
	host_length = strcspn(host, "/?#");
	more = host[host_length] != '\0' && strcmp(host + host_length, "/") != 0;
	/* The last '@' ends user and password, whatever they contain. */
	at = memrchr(host, '@', host_length);
	if (at != NULL) {
		host_length -= (size_t)(at + 1 - host);
		host = at + 1;
	}
	/* An '@' behind the host: a password with a '/' in it, perhaps, and the host is none. */
	if (host_length == 0 || host_length > 255 || strchr(host + host_length, '@') != NULL)
		return (struct config_text){.text = "(unreadable URL)"};
	(void)snprintf(redacted.text, sizeof(redacted.text), "%.*s://%s%.*s%s", (int)scheme_length,
		       url, at == NULL ? "" : "...@", (int)host_length, host, more ? "/..." : "");
	return redacted;
}

bool config_switch_scheme(const char *url, bool to_websocket, struct config_text *switched)
{
	static const char *const websocket[] = {"ws://", "wss://"};
	static const char *const http[] = {"http://", "https://"};

	for (size_t i = 0; i < ARRAY_LENGTH(http); i++) {
		const char *from = to_websocket ? http[i] : websocket[i];
		const char *to = to_websocket ? websocket[i] : http[i];
		struct config_text other;
		int length;

		if (strncmp(url, from, strlen(from)) != 0)
			continue;
		length = snprintf(other.text, sizeof(other.text), "%s%s", to, url + strlen(from));
		if (length < 0 || (size_t)length >= sizeof(other.text))
			return false;
		*switched = other;
		return true;
	}
	return false;
}
