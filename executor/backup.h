/*
 * Backups of the ledger, and getting one back. Every copy has trading halted in it: orders that
 * went out after it was made are unknown to it, and would be sent again. See docs/restore.md.
 */
#ifndef BALLAST_EXECUTOR_BACKUP_H
#define BALLAST_EXECUTOR_BACKUP_H

/*
 * Both return the exit code. A file at the place of the copy is never overwritten (exit 78). The
 * copy has its name only when it is whole, proven and on disk; until then it is PATH.partial. The
 * ledger's archive goes with it: FILE.archive.
 */
int backup_make(const char *database_path, const char *path);

/* Refused while a program works on database_path, or when a database is there. */
int backup_restore(const char *database_path, const char *path);

#endif
