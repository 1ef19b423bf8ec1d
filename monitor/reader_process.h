/* The reading process itself (reader.h). */
#ifndef BALLAST_MONITOR_READER_PROCESS_H
#define BALLAST_MONITOR_READER_PROCESS_H

/* Its exit code when another file is at the database's path: begin again at once. */
#define READER_PROCESS_REPLACED 3

/* For process_start_child. context: the struct reader; fd: reader_messages.h. */
int reader_process_run(void *context, int fd);

#endif
