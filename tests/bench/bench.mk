# The measurements: a part of the Makefile.

BENCH = build/bench
BENCH_PROGRAMS = $(addprefix $(BENCH)/,noop_threads noop_best paced)
BENCH_COMPILE = $(CC) -std=c17 -pthread -D_GNU_SOURCE $(FCGI_CFLAGS) \
    $(WARNINGS) $(CPPFLAGS) $(CFLAGS)
# For instance BENCH_ARGS='--cases one64 --rounds 9'.
BENCH_ARGS ?=
COUNT_ARGS ?=

.PHONY: bench bench-consumers bench-growth bench-programs bench-receiver \
    bench-records bench-reports bench-silence bench-status count

# Us and the peers in turn; the table is in build/bench.txt as well.
bench: bench-programs
	@$(PYTHON) tests/bench/bench.py $(BENCH_ARGS)

# A store of 20,000,000 rows against an empty one; 6 GB of disk, for a while.
bench-growth: bench-programs
	@$(PYTHON) tests/bench/growth.py $(BENCH_ARGS)

# What consumers do beside the receiver, and what they cost.
bench-consumers: bench-programs
	@$(PYTHON) tests/bench/consumers.py $(BENCH_ARGS)

# The questions of an administrator on a made-up year, beside DuckDB and
# ClickHouse. The year stays in build/bench/reports-USERS from run to run.
USERS ?= 2000
bench-reports:
	@tests/install-packages reports
	@$(SUBMAKE) $(BENCH)/year $(BENCH)/duckdb/node_modules/.package-lock.json \
	    MODE=release
	@$(PYTHON) tests/bench/report_bench.py --users $(USERS) $(BENCH_ARGS)

# The status page with 10,000,000 notifications and a year of calls; 10 GB of
# disk, for a while.
bench-status:
	@tests/install-packages check
	@$(SUBMAKE) build/release/renewer/callhook-renewer MODE=release
	@$(PYTHON) tests/bench/status_page.py $(BENCH_ARGS)

# False alarms and missed silences in ten made-up years of 20 tenants.
bench-silence:
	@tests/install-packages check
	@$(PYTHON) tests/bench/silence.py $(BENCH_ARGS)

# Call records taken apart, beside another commit: BENCH_ARGS='--against X'.
bench-records:
	@tests/install-packages check
	@$(SUBMAKE) $(BENCH)/year MODE=release
	@$(PYTHON) tests/bench/records.py $(BENCH_ARGS)

# Instructions of the receiver by request, under callgrind.
count: bench-receiver
	@$(PYTHON) tests/bench/count.py $(COUNT_ARGS)

bench-programs: bench-receiver
	@tests/install-packages bench
	@$(SUBMAKE) $(BENCH_PROGRAMS) $(BENCH)/fsync_delay.so $(BENCH)/go-peer \
	    $(BENCH)/node/node_modules/.package-lock.json MODE=release

# The release build, whatever the tests use: a copy, for one may build again
# while a measurement is under way.
bench-receiver:
	@tests/install-packages all
	@$(SUBMAKE) build/release/cgi/callhook MODE=release
	@mkdir -p $(BENCH)
	@cp build/release/cgi/callhook $(BENCH)/callhook.new
	@mv $(BENCH)/callhook.new $(BENCH)/callhook

$(BENCH_PROGRAMS): $(BENCH)/%: tests/bench/%.c tests/bench/bench.mk
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(BENCH_COMPILE) $(LDFLAGS) -o $@ $< $(FCGI_LIBS)

$(BENCH)/fsync_delay.so: tests/bench/fsync_delay.c tests/bench/bench.mk
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(BENCH_COMPILE) -fPIC -shared -o $@ $< -ldl

# Debian's Go and pgx, which lies where its packages do.
$(BENCH)/go-peer: tests/bench/peers/go/main.go tests/bench/bench.mk
	@mkdir -p $(@D)
	$(call say,GO,$<)
	$(Q)GO111MODULE=off GOPATH=/usr/share/gocode \
	    GOCACHE=$(CURDIR)/$(BENCH)/go-cache go build -o $@ $<

$(BENCH)/year: $(wildcard tests/bench/year/*.[ch]) tests/bench/bench.mk
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(BENCH_COMPILE) -O2 $(LDFLAGS) -o $@ $(filter %.c,$^) -lm

# node-pg and DuckDB, in the versions that package-lock.json names.
$(BENCH)/node/node_modules/.package-lock.json: \
    $(wildcard tests/bench/peers/node/*)
$(BENCH)/duckdb/node_modules/.package-lock.json: \
    $(wildcard tests/bench/peers/duckdb/*)
$(BENCH)/%/node_modules/.package-lock.json:
	@mkdir -p $(BENCH)/$*
	$(call say,NPM,$(BENCH)/$*)
	$(Q)cp $^ $(BENCH)/$*
	$(Q)cd $(BENCH)/$* && npm ci --silent --no-audit --no-fund
	@touch $@
