/* See broker_http.h. What stands in a URL. */
#include "executor/broker_http.h"

#include <string.h>

static bool is_loopback(const char *host)
{
	static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};

	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		size_t length = strlen(names[i]);

		if (strncmp(host, names[i], length) == 0 &&
		    (host[length] == '\0' || host[length] == ':' || host[length] == '/'))
			return true;
	}
	return false;
}

bool broker_http_url_is_safe(const char *url)
{
	static const char plain[] = "http://";

	return strncmp(url, "https://", strlen("https://")) == 0 ||
	       (strncmp(url, plain, strlen(plain)) == 0 && is_loopback(url + strlen(plain)));
}

bool broker_http_encode(const char *value, char *text, size_t size)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~";
	static const char digits[] = "0123456789ABCDEF";
	size_t length = 0;

	for (; *value != '\0'; value++) {
		unsigned char byte = (unsigned char)*value;

		if (length + 4 > size)
			return false;
		if (strchr(plain, *value) != NULL) {
			text[length++] = *value;
			continue;
		}
		text[length++] = '%';
		text[length++] = digits[byte >> 4];
		text[length++] = digits[byte & 15];
	}
	if (length >= size)
		return false;
	text[length] = '\0';
	return true;
}
