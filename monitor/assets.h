/* The files of the page, which the build puts into the program (scripts/embed-web). */
#ifndef BALLAST_MONITOR_ASSETS_H
#define BALLAST_MONITOR_ASSETS_H

#include <stddef.h>
#include <stdint.h>

struct asset {
	const char *path; /* "/app.js" */
	const char *content_type;
	const char *etag; /* with its quotes: a hash of the contents */
	const uint8_t *bytes;
	size_t length;
};

/* Made by scripts/embed-web. */
extern const struct asset assets[];
extern const size_t asset_count;

/* "/" is "/index.html". NULL: there is none. */
const struct asset *asset_find(const char *path);

#endif
