/*
 * All suites, one a tests/t_*.c; an argument runs only the suite of that name, or a half ("1/2",
 * "2/2").
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define SUITE(name) Suite *suite_##name(void);
#include "suites.inc"
#undef SUITE

static const struct {
	const char *name;
	Suite *(*make)(void);
} suites[] = {
#define SUITE(name) {#name, suite_##name},
#include "suites.inc"
#undef SUITE
};

#ifdef __SANITIZE_ADDRESS__
/* Every test is a fork of this process: what it has freed and AddressSanitizer holds back is copied
 * thousands of times. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=16";
}
#endif

/* `wanted` is the name of a suite, "1/2" for every second one, "2/2" for the others, or NULL. */
static bool is_wanted(const char *wanted, size_t i)
{
	if (wanted == NULL || strcmp(wanted, suites[i].name) == 0)
		return true;
	return strcmp(wanted, i % 2 == 0 ? "1/2" : "2/2") == 0;
}

int main(int argc, char **argv)
{
	size_t chosen = 0;

	setenv("CK_DEFAULT_TIMEOUT", "300", 0); /* against hangs; slow machines are no failure */
	SRunner *runner = srunner_create(NULL);
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		if (!is_wanted(argc > 1 ? argv[1] : NULL, i))
			continue;
		srunner_add_suite(runner, suites[i].make());
		chosen++;
	}
	if (chosen == 0) {
		fprintf(stderr, "no suite is called %s\n", argc > 1 ? argv[1] : "so");
		return EXIT_FAILURE;
	}
	log_level_set(LOG_ERROR); /* the messages of provoked failures are not news */
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
