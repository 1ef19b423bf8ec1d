/* The keys of the alarms, for main.c's table. */
#ifndef BALLAST_MONITOR_ALARM_SETTINGS_H
#define BALLAST_MONITOR_ALARM_SETTINGS_H

#include "base/compiler.h"
#include "base/config.h"

#include <stdbool.h>
#include <stdint.h>

struct alarm_settings {
	struct config_text command; /* "": alarms are only logged */
	int64_t timeout_seconds;
	int64_t repeat_seconds;
	int64_t after_seconds;
};

#define ALARM_KEYS(settings_)                                                                      \
	{.name = "ALERT_COMMAND",                                                                  \
	 .kind = CONFIG_KIND_TEXT,                                                                 \
	 .help = "absolute path of a program that is run with NAME and TEXT when a person is "     \
		 "needed",                                                                         \
	 .target = &(settings_)->command},                                                         \
		{.name = "ALERT_TIMEOUT_SECONDS",                                                  \
		 .kind = CONFIG_KIND_INTEGER,                                                      \
		 .fallback = "30",                                                                 \
		 .minimum = 1,                                                                     \
		 .maximum = 3600,                                                                  \
		 .help = "how long it may take before it is killed",                               \
		 .target = &(settings_)->timeout_seconds},                                         \
		{.name = "ALERT_REPEAT_SECONDS",                                                   \
		 .kind = CONFIG_KIND_INTEGER,                                                      \
		 .fallback = "3600",                                                               \
		 .minimum = 1,                                                                     \
		 .maximum = 604800,                                                                \
		 .help = "after how long what lasts is told again",                                \
		 .target = &(settings_)->repeat_seconds},                                          \
	{                                                                                          \
		.name = "ALERT_AFTER_SECONDS", .kind = CONFIG_KIND_INTEGER, .fallback = "60",      \
		.minimum = 0, .maximum = 86400,                                                    \
		.help = "how long what comes and goes with a restart must last to be told",        \
		.target = &(settings_)->after_seconds                                              \
	}

/* False after logging what is wrong with ALERT_COMMAND. */
MUST_USE bool alarm_settings_check(const struct alarm_settings *settings);

#endif
