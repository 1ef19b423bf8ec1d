/* What stands in event_queue.event_data when the data itself is in the archive: its name. */
#ifndef BALLAST_STORE_ARCHIVED_DATA_H
#define BALLAST_STORE_ARCHIVED_DATA_H

/* {"archived":true,"sha256":"64 digits"} and a NUL. */
#define ARCHIVED_DATA_SIZE 94

struct archived_data {
	char text[ARCHIVED_DATA_SIZE];
};

/*
 * The same data has the same name, for ever: who has the data can tell whether it is the data that
 * was here.
 */
struct archived_data archived_data_of(const char *event_data);

#endif
