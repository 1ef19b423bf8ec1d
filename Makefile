# Ballast. `make` builds build/bin/*; `make test` proves it; `make demo` shows it. See README.md.
VARIANT ?= release
CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))
PREFIX  ?= /usr/local
DESTDIR ?=
PYTHON  ?= /usr/bin/python3
JOBS    ?= $(shell nproc)
# `make V=1` shows whole commands.
QUIET := $(if $(V),,@)

PROGRAMS := listener backfiller processor executor monitor
OUT      := build/$(VARIANT)-$(notdir $(CC))
SQLITE   := node_modules/better-sqlite3/deps/sqlite3
UPLOT    := node_modules/uplot/dist
PACKAGES := libcurl jansson libssl libcrypto libsodium libmicrohttpd

WARNINGS := -Wall -Wextra -Wpedantic -Werror -Wconversion -Wsign-conversion -Wshadow -Wundef -Wvla \
	-Wformat=2 -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wcast-qual \
	-Wpointer-arith -Wwrite-strings -Wswitch-enum -Wimplicit-fallthrough -Wdouble-promotion \
	-Wnull-dereference
HARDENING := -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -fPIE
FLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2 $(HARDENING)
FLAGS_asan    := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
FLAGS_coverage := -O0 -g --coverage
LINK_release  := -pie -Wl,-z,relro,-z,now,-z,noexecstack
LINK_asan     := -fsanitize=address,undefined
LINK_coverage := --coverage -Wl,--wrap=_exit
ifeq ($(notdir $(CC))-$(VARIANT),gcc-release)
FLAGS_release := $(subst FORTIFY_SOURCE=2,FORTIFY_SOURCE=3,$(FLAGS_release))
endif

CPPFLAGS := -D_GNU_SOURCE -Icommon -I. -Itests -isystem $(SQLITE)
CFLAGS    = -std=c17 $(FLAGS_$(VARIANT)) $(WARNINGS) $(shell pkg-config --cflags $(PACKAGES))
LDFLAGS   = $(LINK_$(VARIANT)) -Wl,--as-needed
LDLIBS    = $(shell pkg-config --libs $(PACKAGES)) -lwslay -lm
SQLITE_FLAGS := -DSQLITE_DQS=0 -DSQLITE_DEFAULT_FOREIGN_KEYS=1 -DSQLITE_DEFAULT_SYNCHRONOUS=2 \
	-DSQLITE_DEFAULT_WAL_SYNCHRONOUS=2 -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_OMIT_SHARED_CACHE \
	-DSQLITE_OMIT_DEPRECATED -DSQLITE_THREADSAFE=0 -DSQLITE_DEFAULT_MEMSTATUS=0 \
	-DSQLITE_DEFAULT_PCACHE_INITSZ=0 -DSQLITE_TRUSTED_SCHEMA=0 -DSQLITE_DEFAULT_FILE_PERMISSIONS=0660

objects = $(patsubst %.c,$(OUT)/%.o,$(1))
COMMON_SOURCES := $(wildcard common/*/*.c)
COMMON         := $(OUT)/libcommon.a
UNIT_TESTS     := $(patsubst tests/unit/%.c,$(OUT)/tests/unit/%,$(wildcard tests/unit/*/*_test.c))
SOURCES        := $(COMMON_SOURCES) $(foreach p,$(PROGRAMS),$(wildcard $(p)/*.c))

.PHONY: all check test integration differential coverage measured faults broker-faults mutants demo screenshot lint install uninstall deb deb-test clean
.SECONDARY:
.DELETE_ON_ERROR:

all: $(addprefix build/bin/,$(PROGRAMS))

# The programs at their usual place are always the release build of the default compiler.
build/bin/%: $(OUT)/bin/%
	@mkdir -p $(@D)
	$(QUIET)cp -f $< $@

define PROGRAM_RULE
$(OUT)/bin/$(1): $(call objects,$(wildcard $(1)/*.c)) $$(COMMON)
	@mkdir -p $$(@D)
	@echo "LD $$@"
	$$(QUIET)$$(CC) $$(LDFLAGS) -o $$@ $$^ $$(LDLIBS)
endef
$(foreach program,$(PROGRAMS),$(eval $(call PROGRAM_RULE,$(program))))

# An archive, so that a program carries only what it uses: the executor links nothing that reaches a node.
ARCHIVED := $(call objects,$(COMMON_SOURCES)) $(OUT)/schema.o $(OUT)/web.o $(OUT)/sqlite3.o
ifeq ($(VARIANT),coverage)
ARCHIVED += $(OUT)/tests/coverage/exit.o
endif
$(COMMON): $(ARCHIVED)
	@echo "AR $@"
	$(QUIET)rm -f $@
	$(QUIET)ar rcs $@ $^

$(OUT)/%.o: %.c | $(SQLITE)/sqlite3.h
	@mkdir -p $(@D)
	@echo "CC $@"
	$(QUIET)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(OUT)/sqlite3.o: $(SQLITE)/sqlite3.c Makefile
	@mkdir -p $(@D)
	@echo "CC $@"
	$(QUIET)$(CC) -std=gnu17 $(FLAGS_$(VARIANT)) -w $(SQLITE_FLAGS) -c -o $@ $<

$(OUT)/schema.o $(OUT)/web.o: $(OUT)/%.o: build/%.c
	@mkdir -p $(@D)
	@echo "CC $@"
	$(QUIET)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

build/schema.c: scripts/embed-schema $(wildcard schema/*.sql)
	@mkdir -p $(@D)
	$(QUIET)scripts/embed-schema schema/*.sql > $@

# The page that the monitor serves, and what draws its charts.
VENDORED := $(addprefix $(UPLOT)/,uPlot.iife.min.js uPlot.min.css)
build/web.c: scripts/embed-web $(wildcard monitor/web/*) $(VENDORED)
	@mkdir -p $(@D)
	$(QUIET)scripts/embed-web $(sort $(wildcard monitor/web/*)) $(VENDORED) > $@

$(SQLITE)/sqlite3.c $(SQLITE)/sqlite3.h $(VENDORED) &: package-lock.json
	scripts/setup build
	@touch $(SQLITE)/sqlite3.c $(SQLITE)/sqlite3.h $(VENDORED)

# A unit test of a program's file links that program without its main.
define UNIT_RULE
$(OUT)/tests/unit/$(1)/%_test: $(OUT)/tests/unit/$(1)/%_test.o $(call objects,$(filter-out %/main.c,$(wildcard $(1)/*.c))) $$(COMMON)
	@echo "LD $$@"
	$$(QUIET)$$(CC) $$(LDFLAGS) -o $$@ $$^ $$(LDLIBS) -lcmocka -lssl -lcrypto
endef
$(foreach folder,$(sort $(notdir $(patsubst %/,%,$(dir $(UNIT_TESTS))))),$(eval $(call UNIT_RULE,$(folder))))

# SQLite first: it takes as long to compile as all the rest.
check: $(OUT)/sqlite3.o $(UNIT_TESTS)
	@scripts/run-unit-tests $(UNIT_TESTS)

# Everything a newcomer and CI run. Gcc as it is shipped, clang with the sanitizers, the linters, then the real thing on a
# real node. `make CC=clang check` is clang as gcc is here.
test:
	scripts/setup test
	$(MAKE) -j$(JOBS) all check
	$(MAKE) -j$(JOBS) CC=clang VARIANT=asan check
	scripts/both-at-once "$(MAKE) -j$(JOBS) lint" "$(MAKE) integration"

# Most of them wait most of the time, so they run in three groups side by side that take about as long as each other.
BROKER_TESTS := $(addprefix tests/integration/test_,alpaca.py schwab.py broker_sim.py supervisord.py install.py \
	manual.py recovery.py retention.py cron.py)
MONITOR_TESTS := $(wildcard tests/integration/test_monitor*.py) $(addprefix tests/integration/test_,alarms.py users.py \
	backup.py docs.py)
integration: all
	$(MAKE) differential EVENTS=4000
	scripts/both-at-once "$(PYTHON) -m pytest -q $(BROKER_TESTS)" "$(PYTHON) -m pytest -q $(MONITOR_TESTS)" \
		"$(PYTHON) -m pytest -q tests/integration $(addprefix --ignore=,$(BROKER_TESTS) $(MONITOR_TESTS))"

# Random events of both generations, decoded by viem and by Ballast. CI takes a few thousand.
EVENTS ?= 100000
SEED   ?= 1
DECODER := $(OUT)/tests/differential/decode_events
$(DECODER): $(OUT)/tests/differential/decode_events.o $(COMMON)
	@echo "LD $@"
	$(QUIET)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

differential: $(DECODER)
	node tests/differential/events.mjs $(DECODER) $(EVENTS) $(SEED)

# What breaks, breaks on purpose: crashes, disks, nodes, reorganisations, hostile bytes. tests/faults/README.md has the
# long form. FAULTS: options of tests/faults/run.
FAULTS ?=
faults:
	scripts/setup faults
	$(MAKE) -j$(JOBS) all
	$(PYTHON) -m pytest -q tests/faults/test_tools.py
	$(MAKE) -j$(JOBS) CC=clang VARIANT=fuzz fuzz-targets
	scripts/both-at-once "$(FUZZ)" "tests/faults/run $(FAULTS)"

# One order, every fault of a broker, a kill at every step: 780 combinations, ten minutes.
broker-faults:
	scripts/setup faults
	$(MAKE) -j$(JOBS) all
	tests/faults/run --long --only broker_faults

# Guarantees broken on purpose, each of which some test must notice. Half an hour.
mutants: all check
	tests/faults/mutations

# What readers of the monitor cost the pipeline: two times half a minute. tests/bench/README.md. LOAD: options.
LOAD ?=
.PHONY: monitor-load
monitor-load:
	scripts/setup test
	$(MAKE) -j$(JOBS) all
	$(PYTHON) tests/bench/monitor_load $(LOAD)

# Which lines and branches the tests run: build/coverage/index.html and a summary.
coverage:
	scripts/setup coverage
	$(MAKE) -j$(JOBS) VARIANT=coverage measured
	scripts/coverage build/coverage-$(notdir $(CC))

measured: $(addprefix $(OUT)/bin/,$(PROGRAMS)) $(UNIT_TESTS)

demo:
	scripts/setup demo
	$(MAKE) -j$(JOBS) all
	$(PYTHON) scripts/demo

# docs/monitor.png: the monitor's page on a week's invented books.
screenshot:
	scripts/setup screenshot
	$(MAKE) -j$(JOBS) all
	$(PYTHON) scripts/screenshot

LINTED  := $(SOURCES) $(wildcard tests/unit/*/*.c tests/fuzz/*.c tests/differential/*.c)
HEADERS := $(wildcard common/*/*.h $(addsuffix /*.h,$(PROGRAMS)))
SCRIPTS := $(wildcard monitor/web/*.js tests/integration/web/*.mjs)
lint: $(SQLITE)/sqlite3.h
	scripts/check-doors
	@for script in $(SCRIPTS); do node --input-type=module --check < $$script || { echo "in $$script"; exit 1; }; done
	@clang-format --dry-run --Werror $(LINTED) $(HEADERS) $(wildcard tests/unit/*/*.h tests/fuzz/*.h \
		tests/coverage/*.c tests/faults/preload/*.c tests/bench/*/*.[ch])
	@printf '%s\n' $(HEADERS) | xargs -P 2 -I {} $(CC) $(CPPFLAGS) -std=c17 $(WARNINGS) -fsyntax-only -x c {}
	@cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability --inline-suppr \
		--suppress=missingIncludeSystem -Icommon -I. $(SOURCES)
	@printf '%s\n' $(SOURCES) | xargs -P 2 -n 6 sh -c 'clang-tidy --quiet "$$@" -- -std=c17 $(CPPFLAGS) 2>/dev/null' tidy

# scripts/install-files says what goes where. A package sets UNITDIR, too.
export PREFIX DESTDIR UNITDIR SYSUSERSDIR TMPFILESDIR
install: all
	$(QUIET)scripts/install-files install

uninstall:
	$(QUIET)scripts/install-files uninstall

# A Debian package of what is built: build/deb/ballast_*.deb. DEB_VERSION: another version than debian/changelog's.
deb: all
	scripts/setup deb
	$(QUIET)env -u MAKEFLAGS -u PREFIX -u DESTDIR DEB_VERSION=$(DEB_VERSION) debian/rules clean binary

# Installs, upgrades, runs, removes and purges the package in a Debian of its own. Minutes; root and the network.
deb-test: deb
	scripts/setup deb-test
	tests/packaging/run

clean:
	rm -rf build debian/ballast debian/.debhelper

include tests/fuzz/fuzz.mk
include tests/bench/bench.mk

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
