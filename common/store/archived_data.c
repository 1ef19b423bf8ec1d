/* See archived_data.h. */
#include "store/archived_data.h"

#include "base/log.h"
#include "base/sha256.h"

#include <stdio.h>
#include <string.h>

struct archived_data archived_data_of(const char *event_data)
{
	const struct bytes bytes = {.data = (const uint8_t *)event_data,
				    .length = strlen(event_data)};
	struct archived_data archived;
	int length = snprintf(archived.text, sizeof(archived.text),
			      "{\"archived\":true,\"sha256\":\"%s\"}", sha256_text_of(bytes).text);

	invariant(length == ARCHIVED_DATA_SIZE - 1);
	return archived;
}
