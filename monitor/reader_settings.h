/* What the reading process has to know. */
#ifndef BALLAST_MONITOR_READER_SETTINGS_H
#define BALLAST_MONITOR_READER_SETTINGS_H

#include "base/decimal.h"

#include <stdbool.h>
#include <stdint.h>

struct reader_settings {
	const char *database_path;
	struct shares threshold;
	int64_t deployment_block; /* -1: the first that is covered */
	int64_t stale_seconds;
	bool needs_listener;
};

#endif
