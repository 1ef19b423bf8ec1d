/* `monitor status`: one screen that says whether all is well. */
#ifndef BALLAST_MONITOR_STATUS_H
#define BALLAST_MONITOR_STATUS_H

#include "monitor/conditions.h"

#include <stdbool.h>
#include <stdio.h>

/*
 * What is, and a line that begins with "!" for each condition of the list. Within the read that the
 * list came from, so that both tell of one state.
 */
void status_print(struct conditions *conditions, const struct condition_list *list, bool colours,
		  FILE *file);

#endif
