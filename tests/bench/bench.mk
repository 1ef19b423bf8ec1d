# What the measurements run besides the programs: `make bench`. See tests/bench/README.md.
BENCH_FLOORS   := $(patsubst tests/bench/floor/%.c,floor-%,$(wildcard tests/bench/floor/*.c))
BENCH_PROGRAMS := $(addprefix $(OUT)/bench/,node desk $(BENCH_FLOORS))

.PHONY: bench bench-short bench-programs

$(OUT)/tests/bench/%.o: CPPFLAGS += -Itests/bench

$(OUT)/bench/node: $(call objects,$(wildcard tests/bench/node/*.c)) $(COMMON)
	@mkdir -p $(@D)
	@echo "LD $@"
	$(QUIET)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(OUT)/bench/desk: $(OUT)/tests/bench/desk/main.o $(COMMON)
	@mkdir -p $(@D)
	@echo "LD $@"
	$(QUIET)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(OUT)/bench/floor-%: $(OUT)/tests/bench/floor/%.o $(COMMON)
	@mkdir -p $(@D)
	@echo "LD $@"
	$(QUIET)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

bench-programs: $(BENCH_PROGRAMS)

# BENCH: options of tests/bench/run.
BENCH ?=
bench:
	scripts/setup bench
	$(MAKE) -j$(JOBS) all bench-programs
	tests/bench/run $(BENCH)

# Whether the measurements themselves still work, a minute. Peers are measured where they are installed.
bench-short: all bench-programs
	tests/bench/run --short
