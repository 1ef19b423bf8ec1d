/* The names of all keys of the group, so that a key nobody knows (a typing error, most likely) can
 * be told from another's. */
#ifndef BALLAST_BASE_CONFIG_KNOWN_H
#define BALLAST_BASE_CONFIG_KNOWN_H

#include <stdbool.h>

bool config_key_is_known(const char *name);

#endif
