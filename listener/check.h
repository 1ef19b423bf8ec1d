/* listener --check: reaches what the listener needs, and changes nothing. */
#ifndef BALLAST_LISTENER_CHECK_H
#define BALLAST_LISTENER_CHECK_H

#include "base/settings.h"

/* Ends the process with exit 69 (node unreachable), 75 or 78 (database, wrong chain) when something
 * is not right. */
void listener_check(const struct chain_settings *settings, const char *database_path);

#endif
