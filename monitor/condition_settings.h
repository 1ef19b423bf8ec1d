/* The keys that say what counts as well, for main.c's table. */
#ifndef BALLAST_MONITOR_CONDITION_SETTINGS_H
#define BALLAST_MONITOR_CONDITION_SETTINGS_H

#include "base/config.h"

#include <stdint.h>

struct condition_settings {
	int64_t stale_seconds;
	int64_t disk_low_mb;
	struct config_text listener;
	struct config_text programs;
	struct config_text broker;
};

#define CONDITION_KEYS(settings_)                                                                  \
	{.name = "MONITOR_STALE_SECONDS",                                                          \
	 .kind = CONFIG_KIND_INTEGER,                                                              \
	 .fallback = "120",                                                                        \
	 .minimum = 1,                                                                             \
	 .maximum = 86400,                                                                         \
	 .help = "how long an event or an order may wait, a gap stand, coverage or heads stand "   \
		 "still",                                                                          \
	 .target = &(settings_)->stale_seconds},                                                   \
		{.name = "MONITOR_DISK_LOW_MB",                                                    \
		 .kind = CONFIG_KIND_INTEGER,                                                      \
		 .fallback = "512",                                                                \
		 .minimum = 0,                                                                     \
		 .maximum = 1000000000,                                                            \
		 .help = "free space beside the database below which a person is needed (MiB)",    \
		 .target = &(settings_)->disk_low_mb},                                             \
		{.name = "MONITOR_PROGRAMS",                                                       \
		 .kind = CONFIG_KIND_CHOICE,                                                       \
		 .fallback = "resident",                                                           \
		 .choices = "resident|cron",                                                       \
		 .help = "whether the programs run all the time and are missed (cron: they are "   \
			 "started when due)",                                                      \
		 .target = &(settings_)->programs},                                                \
		{.name = "MONITOR_LISTENER",                                                       \
		 .kind = CONFIG_KIND_CHOICE,                                                       \
		 .fallback = "required",                                                           \
		 .choices = "required|optional",                                                   \
		 .help = "whether a listener is missed (optional: the backfiller alone finds "     \
			 "fills)",                                                                 \
		 .target = &(settings_)->listener},                                                \
	{                                                                                          \
		.name = "BROKER", .kind = CONFIG_KIND_CHOICE, .choices = "dry-run|alpaca|schwab",  \
		.help = "whose login is looked at (empty: any that is stored)",                    \
		.target = &(settings_)->broker                                                     \
	}

#endif
