/* `monitor` without a command: serves what docs/monitor-api.md says until it is told to stop. */
#ifndef BALLAST_MONITOR_SERVE_H
#define BALLAST_MONITOR_SERVE_H

#include "monitor/listen_address.h"
#include "monitor/reader_settings.h"

/* The process' exit code. */
int serve(const struct listen_address *address, const struct reader_settings *settings);

#endif
