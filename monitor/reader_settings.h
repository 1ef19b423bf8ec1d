/* What the reading process has to know. */
#ifndef BALLAST_MONITOR_READER_SETTINGS_H
#define BALLAST_MONITOR_READER_SETTINGS_H

#include "monitor/conditions.h"

struct reader_settings {
	const char *database_path;
	struct condition_options conditions;
};

#endif
