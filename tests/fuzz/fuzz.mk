# The fuzz targets, by clang's libFuzzer: `make fuzz FUZZ_SECONDS=60`. See tests/fuzz/README.md.
FUZZ_SECONDS ?= 60
FUZZ_JOBS    ?= 1
FUZZ_SEED    ?= 0
FUZZ := tests/fuzz/run --seed $(FUZZ_SEED) build/fuzz-clang/fuzz $(FUZZ_SECONDS) $(FUZZ_JOBS)

FUZZ_SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=all
FLAGS_fuzz := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link $(FUZZ_SANITIZERS)
LINK_fuzz  := -fsanitize=fuzzer $(FUZZ_SANITIZERS) -Wl,--wrap=write -Wl,--wrap=_exit

FUZZ_TARGETS := $(patsubst tests/fuzz/%_fuzz.c,$(OUT)/fuzz/%,$(wildcard tests/fuzz/*_fuzz.c))

.PHONY: fuzz fuzz-targets

# Other people's code, which no target reaches: without it the archive could not be made.
build/fuzz-clang/sqlite3.o: FLAGS_fuzz := -O1

# The readers of what brokers answer are the executor's own.
FUZZED_EXECUTOR := $(call objects,$(addprefix executor/,alpaca_answers.c broker_json.c schwab_account_answers.c \
	schwab_answers.c schwab_redirect.c))
$(OUT)/fuzz/alpaca $(OUT)/fuzz/schwab: $(FUZZED_EXECUTOR)

$(OUT)/fuzz/%: $(OUT)/tests/fuzz/%_fuzz.o $(OUT)/tests/fuzz/fuzz.o $(COMMON)
	@mkdir -p $(@D)
	@echo "LD $@"
	$(QUIET)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(COMMON) $(LDLIBS)

# With CC=clang VARIANT=fuzz.
fuzz-targets: $(FUZZ_TARGETS)

fuzz:
	$(MAKE) CC=clang VARIANT=fuzz fuzz-targets
	$(FUZZ)
