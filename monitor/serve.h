/* `monitor` without a command: serves what docs/monitor-api.md says until it is told to stop. */
#ifndef BALLAST_MONITOR_SERVE_H
#define BALLAST_MONITOR_SERVE_H

#include "monitor/alarm_settings.h"
#include "monitor/listen_address.h"
#include "monitor/reader_settings.h"

struct serve_settings {
	const struct listen_address *address;
	const struct alarm_settings *alarms;
	struct reader_settings reader;
};

/* The process' exit code. */
int serve(const struct serve_settings *settings);

#endif
