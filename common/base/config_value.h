/* One configuration value: text into its target, with a complaint that names the remedy when it
 * cannot be. */
#ifndef BALLAST_BASE_CONFIG_VALUE_H
#define BALLAST_BASE_CONFIG_VALUE_H

#include "base/compiler.h"
#include "base/config.h"

/* False after logging what is wrong with it. The value itself is not logged: it may be a secret. */
MUST_USE bool config_set_value(const struct config_key *key, const char *value);

#endif
