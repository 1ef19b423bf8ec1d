/* Locks of living and dead processes; each other process is a child. */
#include "test_store.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/log.h"
#include "store/instance_lock.h"

/* What a child takes before it says "ready" and waits to be killed. */
struct wish {
	const char *path;
	enum instance_lock_program program;
	int64_t session_id; /* 0: claims the program instead */
};

struct holder {
	pid_t pid;
};

static void take(const struct wish *wish)
{
	struct instance_lock lock;

	instance_lock_open(&lock, wish->path);
	if (wish->session_id != 0)
		instance_lock_hold_session(&lock, wish->session_id);
	else
		instance_lock_claim(&lock, wish->program);
}

static struct holder hold(struct wish wish)
{
	struct holder holder;
	int ready[2];
	char byte = 0;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	fflush(NULL);
	holder.pid = fork();
	assert_true(holder.pid >= 0);
	if (holder.pid == 0) {
		take(&wish);
		if (write(ready[1], &byte, 1) != 1)
			_exit(98);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	return holder;
}

static void kill_holder(struct holder holder)
{
	int status;

	assert_int_equal(kill(holder.pid, SIGKILL), 0);
	assert_int_equal(waitpid(holder.pid, &status, 0), holder.pid);
}

static void take_and_leave(void *context)
{
	take(context);
}

static void a_second_instance_is_refused_until_the_first_is_dead(void **state)
{
	struct test_file file;
	struct wish wish;
	struct holder first;
	struct test_child second;

	(void)state;
	test_file_create(&file);
	wish = (struct wish){.path = file.path, .program = INSTANCE_LOCK_LISTENER};
	first = hold(wish);
	second = test_child_run(take_and_leave, &wish);
	test_child_assert(&second, EXIT_CODE_TRY_AGAIN, "another listener works on this database");
	/* The refused one has disturbed nothing. */
	second = test_child_run(take_and_leave, &wish);
	test_child_assert(&second, EXIT_CODE_TRY_AGAIN, "another listener works on this database");
	kill_holder(first);
	second = test_child_run(take_and_leave, &wish);
	test_child_assert(&second, 0, NULL);
	test_file_remove(&file);
}

static void programs_and_sessions_do_not_stand_in_each_others_way(void **state)
{
	struct test_file file;
	struct holder holders[5];
	struct wish wishes[] = {
		{.program = INSTANCE_LOCK_LISTENER},
		{.program = INSTANCE_LOCK_PROCESSOR},
		{.program = INSTANCE_LOCK_EXECUTOR},
		{.session_id = 1},
		{.session_id = 2},
	};

	(void)state;
	test_file_create(&file);
	for (size_t i = 0; i < ARRAY_LENGTH(wishes); i++) {
		wishes[i].path = file.path;
		holders[i] = hold(wishes[i]);
	}
	for (size_t i = 0; i < 3; i++) {
		struct test_child child = test_child_run(take_and_leave, &wishes[i]);

		test_child_assert(&child, EXIT_CODE_TRY_AGAIN, "works on this database");
	}
	for (size_t i = 0; i < ARRAY_LENGTH(wishes); i++)
		kill_holder(holders[i]);
	test_file_remove(&file);
}

static void a_session_is_held_as_long_as_its_listener_lives(void **state)
{
	struct test_file file;
	struct instance_lock lock;
	struct holder holder;

	(void)state;
	test_file_create(&file);
	instance_lock_open(&lock, file.path);
	assert_false(instance_lock_session_is_held(&lock, 7));
	holder = hold((struct wish){.path = file.path, .session_id = 7});
	for (int i = 0; i < 3; i++) {
		assert_true(instance_lock_session_is_held(&lock, 7));
		assert_false(instance_lock_session_is_held(&lock, 6));
		assert_false(instance_lock_session_is_held(&lock, 8));
	}
	kill_holder(holder);
	assert_false(instance_lock_session_is_held(&lock, 7));
	instance_lock_close(&lock);
	test_file_remove(&file);
}

static void a_session_of_ones_own_is_not_held_by_another(void **state)
{
	struct test_file file;
	struct instance_lock lock, other;

	(void)state;
	test_file_create(&file);
	instance_lock_open(&lock, file.path);
	instance_lock_open(&other, file.path);
	instance_lock_hold_session(&lock, 3);
	assert_false(instance_lock_session_is_held(&lock, 3));
	assert_true(instance_lock_session_is_held(&other, 3));
	/*
	 * Closing another descriptor of the file does not drop it, as it would with locks of the
	 * first kind.
	 */
	instance_lock_close(&other);
	instance_lock_open(&other, file.path);
	assert_true(instance_lock_session_is_held(&other, 3));
	instance_lock_release_session(&lock, 3);
	assert_false(instance_lock_session_is_held(&other, 3));
	instance_lock_release_session(&lock, 3);
	instance_lock_close(&lock);
	instance_lock_close(&other);
	test_file_remove(&file);
}

static void asking_never_disturbs_who_takes(void **state)
{
	struct test_file file;
	struct wish wish;
	pid_t asker;

	(void)state;
	test_file_create(&file);
	wish = (struct wish){.path = file.path, .session_id = 5};
	fflush(NULL);
	asker = fork();
	assert_true(asker >= 0);
	if (asker == 0) {
		struct instance_lock lock;

		instance_lock_open(&lock, file.path);
		for (;;)
			(void)instance_lock_session_is_held(&lock, 5);
	}
	for (int i = 0; i < 200; i++) {
		struct instance_lock lock;

		/* Holding is an invariant: it would end this process if the asker were in the way.
		 */
		instance_lock_open(&lock, wish.path);
		for (int j = 0; j < 50; j++) {
			instance_lock_hold_session(&lock, 5);
			instance_lock_release_session(&lock, 5);
		}
		instance_lock_close(&lock);
	}
	kill_holder((struct holder){asker});
	test_file_remove(&file);
}

static void share_too(void *context)
{
	struct instance_lock lock;
	const struct wish *wish = context;

	instance_lock_open(&lock, wish->path);
	instance_lock_share(&lock, INSTANCE_LOCK_BACKFILLER);
	instance_lock_share(&lock, INSTANCE_LOCK_BACKFILLER);
}

static void several_backfillers_share_what_says_that_one_is_at_work(void **state)
{
	struct test_file file;
	struct wish wish;
	struct instance_lock first, second, asker;
	struct test_child third;

	(void)state;
	test_file_create(&file);
	wish = (struct wish){.path = file.path};
	instance_lock_open(&first, file.path);
	assert_true(instance_lock_open_read_only(&asker, file.path));
	assert_false(instance_lock_is_held(&asker, INSTANCE_LOCK_BACKFILLER));
	instance_lock_open(&second, file.path);
	instance_lock_share(&first, INSTANCE_LOCK_BACKFILLER);
	instance_lock_share(&second, INSTANCE_LOCK_BACKFILLER);
	third = test_child_run(share_too, &wish);
	test_child_assert(&third, 0, NULL);
	instance_lock_close(&first);
	assert_true(instance_lock_is_held(&asker, INSTANCE_LOCK_BACKFILLER));
	assert_false(instance_lock_is_held(&asker, INSTANCE_LOCK_PROCESSOR));
	instance_lock_close(&second);
	assert_false(instance_lock_is_held(&asker, INSTANCE_LOCK_BACKFILLER));
	instance_lock_close(&asker);
	test_file_remove(&file);
}

static void who_only_looks_sees_which_programs_live(void **state)
{
	struct test_file file;
	struct instance_lock asker;
	struct holder holder;

	(void)state;
	test_file_create(&file);
	assert_false(instance_lock_open_read_only(&asker, file.path));
	holder = hold((struct wish){.path = file.path, .program = INSTANCE_LOCK_EXECUTOR});
	assert_true(instance_lock_open_read_only(&asker, file.path));
	assert_true(instance_lock_is_held(&asker, INSTANCE_LOCK_EXECUTOR));
	assert_false(instance_lock_is_held(&asker, INSTANCE_LOCK_PROCESSOR));
	assert_false(instance_lock_is_held(&asker, INSTANCE_LOCK_LISTENER));
	kill_holder(holder);
	assert_false(instance_lock_is_held(&asker, INSTANCE_LOCK_EXECUTOR));
	instance_lock_close(&asker);
	test_file_remove(&file);
}

static void two_names_of_one_database_have_one_lock(void **state)
{
	struct test_file file;
	struct instance_lock lock, other;
	struct store store;
	char link_path[160];

	(void)state;
	test_file_create(&file);
	store_open(&store, file.path);
	(void)snprintf(link_path, sizeof(link_path), "%s/link.db", file.directory);
	assert_int_equal(symlink("ballast.db", link_path), 0);
	instance_lock_open(&lock, file.path);
	instance_lock_open(&other, link_path);
	instance_lock_hold_session(&lock, 3);
	assert_true(instance_lock_session_is_held(&other, 3));
	instance_lock_close(&lock);
	instance_lock_close(&other);
	store_close(&store);
	assert_int_equal(unlink(link_path), 0);
	test_file_remove(&file);
}

static int mode_of_new_lock(const char *database_path)
{
	struct instance_lock lock;
	struct stat status;

	instance_lock_open(&lock, database_path);
	assert_int_equal(fstat(lock.fd, &status), 0);
	assert_int_equal(fcntl(lock.fd, F_GETFD), FD_CLOEXEC);
	instance_lock_close(&lock);
	return (int)(status.st_mode & 0777);
}

static void the_lock_file_is_not_for_others(void **state)
{
	struct test_file file;
	mode_t mask = umask(0);

	(void)state;
	test_file_create(&file);
	assert_int_equal(mode_of_new_lock(file.path), 0660);
	(void)umask(mask);
	test_file_remove(&file);
}

static void who_may_write_the_database_may_lock_and_nobody_else(void **state)
{
	static const int modes[] = {0660, 0640, 0600};
	mode_t mask = umask(0022);

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(modes); i++) {
		struct test_file file;
		struct store store;

		test_file_create(&file);
		store_open(&store, file.path);
		store_close(&store);
		assert_int_equal(chmod(file.path, (mode_t)modes[i] | 0004), 0);
		assert_int_equal(mode_of_new_lock(file.path), modes[i]);
		test_file_remove(&file);
	}
	assert_int_equal(umask(mask), 0022);
}

static void a_lock_file_that_cannot_be_opened_needs_a_person(void **state)
{
	struct test_file file;
	struct wish wish;
	struct test_child child;
	char path[160];

	(void)state;
	test_file_create(&file);
	(void)snprintf(path, sizeof(path), "%s/missing/ballast.db", file.directory);
	wish = (struct wish){.path = path, .session_id = 1};
	child = test_child_run(take_and_leave, &wish);
	test_child_assert(&child, EXIT_CODE_NEEDS_PERSON, "the lock file cannot be opened");
	test_file_remove(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_second_instance_is_refused_until_the_first_is_dead),
		cmocka_unit_test(programs_and_sessions_do_not_stand_in_each_others_way),
		cmocka_unit_test(a_session_is_held_as_long_as_its_listener_lives),
		cmocka_unit_test(a_session_of_ones_own_is_not_held_by_another),
		cmocka_unit_test(asking_never_disturbs_who_takes),
		cmocka_unit_test(several_backfillers_share_what_says_that_one_is_at_work),
		cmocka_unit_test(who_only_looks_sees_which_programs_live),
		cmocka_unit_test(two_names_of_one_database_have_one_lock),
		cmocka_unit_test(the_lock_file_is_not_for_others),
		cmocka_unit_test(who_may_write_the_database_may_lock_and_nobody_else),
		cmocka_unit_test(a_lock_file_that_cannot_be_opened_needs_a_person),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
