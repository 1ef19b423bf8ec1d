/* See config.h. */
#include "base/config.h"

#include "base/buffer.h"
#include "base/config_known.h"
#include "base/config_value.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <errno.h>
#include <fcntl.h>

struct file_line {
	const char *key;
	const char *value;
};

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		log_error("cannot read the configuration file path=%s reason=%s", path,
			  strerror(errno));
	return fd;
}

/* Reads to the end and closes. */
static bool read_file(int fd, const char *path, struct buffer *text)
{
	char chunk[4096];
	ssize_t count = 0;

	if (fd < 0)
		return false;
	while ((count = read(fd, chunk, sizeof(chunk))) > 0) {
		if (!buffer_append(text, chunk, (size_t)count)) {
			log_error("the configuration file is too large path=%s", path);
			count = -1;
			errno = EFBIG;
			break;
		}
	}
	if (count < 0)
		log_error("cannot read the configuration file path=%s reason=%s", path,
			  strerror(errno));
	(void)close(fd);
	explicit_bzero(chunk, sizeof(chunk));
	return count == 0;
}

/*
 * What systemd hands a service (LoadCredential) is root's, in a folder for this service alone.
 * Where that folder knows ACLs the service's right is one, and the file's mode shows it as the
 * group's.
 */
static bool is_credential(const struct stat *file, const char *path)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	size_t length = folder != NULL ? strlen(folder) : 0;
	struct stat status;

	if (length == 0 || strncmp(path, folder, length) != 0 || path[length] != '/' ||
	    strchr(path + length + 1, '/') != NULL)
		return false;
	return file->st_uid == 0 && (file->st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) == 0 &&
	       stat(folder, &status) == 0 && S_ISDIR(status.st_mode) &&
	       status.st_dev == file->st_dev &&
	       (status.st_uid == 0 || status.st_uid == geteuid()) &&
	       (status.st_mode & (S_IWGRP | S_IRWXO)) == 0;
}

/* Asked of the open file, not of its name: nobody can exchange it in between. */
static bool is_private(int fd, const char *path)
{
	struct stat status;

	if (fstat(fd, &status) != 0) {
		log_error("cannot read the file of secrets path=%s reason=%s", path,
			  strerror(errno));
		return false;
	}
	if (S_ISREG(status.st_mode) && (status.st_mode & (S_IRWXG | S_IRWXO)) == 0 &&
	    (status.st_uid == geteuid() || status.st_uid == 0))
		return true;
	if (S_ISREG(status.st_mode) && is_credential(&status, path))
		return true;
	log_error("others may read or change the file of secrets: chown it to the user of this "
		  "program, then chmod 600 path=%s",
		  path);
	return false;
}

bool config_read_private_file(const char *path, struct buffer *text)
{
	int fd = open_file(path);

	if (fd >= 0 && !is_private(fd, path)) {
		(void)close(fd);
		return false;
	}
	return read_file(fd, path, text);
}

static char *trim(char *text)
{
	size_t length;

	text += strspn(text, " \t\r");
	length = strlen(text);
	while (length > 0 && strchr(" \t\r", text[length - 1]) != NULL)
		text[--length] = '\0';
	return text;
}

static char *unquote(char *value)
{
	size_t length = strlen(value);

	if (length >= 2 && value[0] == '"' && value[length - 1] == '"') {
		value[length - 1] = '\0';
		return value + 1;
	}
	return value;
}

/* Takes "KEY = value" apart in place. False for a line that is none. */
static bool split_line(char *line, struct file_line *split)
{
	char *equals = strchr(line, '=');

	if (equals == NULL)
		return false;
	*equals = '\0';
	split->key = trim(line);
	split->value = unquote(trim(equals + 1));
	return split->key[0] != '\0' &&
	       strspn(split->key, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") == strlen(split->key);
}

/* Hands every KEY=VALUE of the file's text to visit; counts lines for the complaint about others.
 */
typedef void visit_line_fn(void *context, const struct file_line *line);

static bool for_each_line(struct buffer *text, visit_line_fn *visit, void *context)
{
	char *next = (char *)text->bytes;
	bool good = true;
	int number = 0;

	while (next != NULL && *next != '\0') {
		char *line = next;
		char *end = strchr(line, '\n');
		struct file_line split;

		number++;
		next = end == NULL ? NULL : end + 1;
		if (end != NULL)
			*end = '\0';
		line = trim(line);
		if (line[0] == '\0' || line[0] == '#')
			continue;
		if (split_line(line, &split)) {
			visit(context, &split);
		} else {
			log_error("configuration file: line %d is not KEY=VALUE", number);
			good = false;
		}
	}
	return good;
}

struct file_values {
	const struct config_key *keys;
	size_t key_count;
	struct config_text *values; /* one for each key */
	bool *given;
	bool are_secret; /* the lines of the file of secrets */
	bool good;
};

static void take_line(void *context, const struct file_line *line)
{
	struct file_values *values = context;

	for (size_t i = 0; i < values->key_count; i++) {
		if (strcmp(values->keys[i].name, line->key) != 0)
			continue;
		if (values->keys[i].secret && !values->are_secret) {
			log_error("%s: is a secret: it belongs into the environment or the file "
				  "given with --secrets",
				  line->key);
			values->good = false;
			return;
		}
		if (strlen(line->value) >= CONFIG_TEXT_SIZE) {
			log_error("%s: longer than %d characters", line->key, CONFIG_TEXT_SIZE - 1);
			values->good = false;
			return;
		}
		(void)snprintf(values->values[i].text, CONFIG_TEXT_SIZE, "%s", line->value);
		values->given[i] = line->value[0] != '\0';
		return;
	}
	if (!config_key_is_known(line->key))
		log_warn("configuration file: no program knows the key %s", line->key);
}

/* The lines behind a NUL would be passed over, and their limits with them. */
static bool has_no_nul(const struct buffer *text, const char *path)
{
	if (strlen(buffer_text(text)) == text->length)
		return true;
	log_error("configuration file: has a NUL byte path=%s", path);
	return false;
}

bool config_read_file(const char *path, struct buffer *text)
{
	return read_file(open_file(path), path, text) && has_no_nul(text, path);
}

static bool read_values(struct file_values *values, const char *path, bool are_secret)
{
	struct buffer text;
	bool good;

	values->are_secret = are_secret;
	buffer_init(&text, BUFFER_MAX_CONFIG);
	good = are_secret ? config_read_private_file(path, &text) && has_no_nul(&text, path)
			  : config_read_file(path, &text);
	if (good)
		good = for_each_line(&text, take_line, values);
	buffer_free(&text);
	return good && values->good;
}

/* The environment of a process can be read in /proc as it was at the start. */
static void forget_variable(const char *name, char *value)
{
	explicit_bzero(value, strlen(value));
	(void)unsetenv(name);
}

static bool set_key(const struct config_key *key, const char *from_file)
{
	char *from_environment = getenv(key->name);
	const char *value = from_environment;
	bool good;

	if (value == NULL || value[0] == '\0')
		value = from_file;
	if (value == NULL)
		value = key->fallback;
	if (value != NULL) {
		good = config_set_value(key, value);
		if (key->secret && from_environment != NULL)
			forget_variable(key->name, from_environment);
		return good;
	}
	if (!key->required)
		return true;
	log_error("%s: is missing (%s)", key->name, key->help);
	return false;
}

bool config_load(const struct config_key *keys, size_t key_count, const struct config_files *files)
{
	struct file_values values = {.keys = keys, .key_count = key_count, .good = true};
	bool good = true;

	values.values = memory_allocate(key_count, sizeof(*values.values));
	values.given = memory_allocate(key_count, sizeof(*values.given));
	if (files->path != NULL)
		good = read_values(&values, files->path, false);
	if (files->secrets_path != NULL)
		good = read_values(&values, files->secrets_path, true) && good;
	for (size_t i = 0; i < key_count; i++)
		good = set_key(&keys[i], values.given[i] ? values.values[i].text : NULL) && good;
	explicit_bzero(values.values, key_count * sizeof(*values.values));
	memory_free(values.values);
	memory_free(values.given);
	return good;
}

static void print_value(const struct config_key *key)
{
	const struct config_addresses *addresses = key->target;

	if (key->secret) {
		printf("%s",
		       ((const struct config_text *)key->target)->text[0] != '\0' ? "(set)" : "");
		return;
	}
	switch (key->kind) {
	case CONFIG_KIND_TEXT:
	case CONFIG_KIND_CHOICE:
		printf("%s", ((const struct config_text *)key->target)->text);
		return;
	case CONFIG_KIND_URL:
		printf("%s",
		       config_redact_url(((const struct config_text *)key->target)->text).text);
		return;
	case CONFIG_KIND_INTEGER:
		printf("%" PRId64, *(const int64_t *)key->target);
		return;
	case CONFIG_KIND_SHARES:
		printf("%s", shares_text(*(const struct shares *)key->target).text);
		return;
	case CONFIG_KIND_USD:
		printf("%s", usd_text(*(const struct usd *)key->target).text);
		return;
	case CONFIG_KIND_ADDRESS:
		printf("%s", evm_address_text(key->target).text);
		return;
	case CONFIG_KIND_ADDRESSES:
		for (size_t i = 0; i < addresses->count; i++)
			printf("%s%s", i == 0 ? "" : ",",
			       evm_address_text(&addresses->items[i]).text);
		return;
	}
	invariant_unreachable("a known kind");
}

void config_print(const struct config_key *keys, size_t key_count)
{
	for (size_t i = 0; i < key_count; i++) {
		printf("%s=", keys[i].name);
		print_value(&keys[i]);
		printf("\n");
	}
}

bool config_addresses_contain(const struct config_addresses *addresses,
			      const struct evm_address *address)
{
	for (size_t i = 0; i < addresses->count; i++) {
		if (evm_address_equal(&addresses->items[i], address))
			return true;
	}
	return false;
}
