/* See assets.h. */
#include "monitor/assets.h"

#include <string.h>

const struct asset *asset_find(const char *path)
{
	const char *wanted = strcmp(path, "/") == 0 ? "/index.html" : path;

	for (size_t i = 0; i < asset_count; i++) {
		if (strcmp(assets[i].path, wanted) == 0)
			return &assets[i];
	}
	return NULL;
}
