# callhook's build.  `make help` lists what there is; README.md and
# cgi/callhook.8 say how to use it.

# sql/schema.sql and debian/changelog name it, too.
VERSION = 0.1.0

# What a builder may set, in the environment or on the command line.
CC ?= cc
ifeq ($(origin CC),default)
CC = gcc
endif
CFLAGS ?= -O2 -g
CPPFLAGS ?=
LDFLAGS ?=
PKG_CONFIG ?= pkg-config
INSTALL ?= install
PYTHON ?= /usr/bin/python3
PREFIX ?= /usr/local
DESTDIR ?=
SBINDIR ?= $(PREFIX)/sbin
DATADIR ?= $(PREFIX)/share/callhook
MANDIR ?= $(PREFIX)/share/man
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
SYSCONFDIR ?= /etc
UNITDIR ?= /lib/systemd/system
JOBS ?= $(shell nproc 2>/dev/null || echo 1)

# Three modes, each with objects of its own: release, dev (address and
# undefined behaviour sanitizers) and tsan (thread sanitizer).  build/mode
# names the one that the programs were built in last; the tests use that one.
ifneq ($(origin MODE),command line)
MODE := $(or $(if $(wildcard build/mode),$(file <build/mode)),release)
endif
BUILD = build/$(MODE)

WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
    -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla \
    -Wformat=2 -Wconversion
HARDENING = -fstack-protector-strong -fPIE
FORTIFY = -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
HARD_LINK = -pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack

MODE_FLAGS_release = $(FORTIFY)
MODE_FLAGS_dev = -Werror -O1 -g -fno-omit-frame-pointer \
    -fsanitize=address,undefined -fno-sanitize-recover=all
MODE_FLAGS_tsan = -Werror -O1 -g -fno-omit-frame-pointer -fsanitize=thread

# pkg-config is asked when a rule first needs the answer, because `make
# check` on a fresh system installs it, and the libraries, before it builds.
lazy = $(eval $(1) := $$(shell $(PKG_CONFIG) $(2) $(3) 2>/dev/null))$($(1))
LIBPQ_CFLAGS ?= $(call lazy,LIBPQ_CFLAGS,--cflags,libpq)
LIBPQ_LIBS ?= $(call lazy,LIBPQ_LIBS,--libs,libpq)
YAJL_CFLAGS ?= $(call lazy,YAJL_CFLAGS,--cflags,yajl)
YAJL_LIBS ?= $(call lazy,YAJL_LIBS,--libs,yajl)
LIBCRYPTO_CFLAGS ?= $(call lazy,LIBCRYPTO_CFLAGS,--cflags,libcrypto)
LIBCRYPTO_LIBS ?= $(call lazy,LIBCRYPTO_LIBS,--libs,libcrypto)
CMOCKA_CFLAGS ?= $(call lazy,CMOCKA_CFLAGS,--cflags,cmocka)
CMOCKA_LIBS ?= $(call lazy,CMOCKA_LIBS,--libs,cmocka)
LIBCURL_CFLAGS ?= $(call lazy,LIBCURL_CFLAGS,--cflags,libcurl)
LIBCURL_LIBS ?= $(call lazy,LIBCURL_LIBS,--libs,libcurl)
FCGI_CFLAGS ?=
FCGI_LIBS ?= -lfcgi

DEFINES = -D_GNU_SOURCE -DCALLHOOK_VERSION='"$(VERSION)"'
LANGUAGE = -std=c17 -pthread $(DEFINES) $(LIBPQ_CFLAGS) $(YAJL_CFLAGS) \
    $(LIBCRYPTO_CFLAGS) $(FCGI_CFLAGS) $(LIBCURL_CFLAGS)
COMPILE = $(CC) $(LANGUAGE) $(WARNINGS) $(HARDENING) $(CPPFLAGS) $(CFLAGS) \
    $(MODE_FLAGS_$(MODE))
LINK = $(CC) -pthread $(HARD_LINK) $(CFLAGS) $(MODE_FLAGS_$(MODE)) $(LDFLAGS)
LIBRARIES_cgi = $(FCGI_LIBS) $(LIBPQ_LIBS) $(YAJL_LIBS) $(LIBCRYPTO_LIBS)
LIBRARIES_renewer = $(LIBCURL_LIBS) $(LIBPQ_LIBS) $(YAJL_LIBS) $(LIBCRYPTO_LIBS) -lm

# The two programs share no C code. Files are found at any depth.
find = $(sort $(shell find $(1) -type f $(2)))
SOURCES := $(call find,cgi,-name '*.c')
RENEWER_SOURCES := $(call find,renewer,-name '*.c')
UNIT_SOURCES := $(call find,tests/unit,-name 'test_*.c')
C_FILES = $(call find,cgi renewer tests,-name '*.[ch]')
PY_FILES = $(call find,tests,-name '*.py') tests/check-floors tests/check-install \
    tests/check-trixie
SH_FILES = $(shell grep -ls '^\#!/bin/sh' tests/*)
MANUALS = $(sort $(wildcard cgi/*.[578] renewer/*.[58] sql/*/*.7))

# cgi/spool/spool -> cgi
program_of = $(firstword $(subst /, ,$(1)))

OBJECTS_cgi = $(SOURCES:%.c=$(BUILD)/%.o)
OBJECTS_renewer = $(RENEWER_SOURCES:%.c=$(BUILD)/%.o)
TESTED_cgi = $(filter-out $(BUILD)/cgi/callhook.o,$(OBJECTS_cgi))
TESTED_renewer = \
    $(filter-out $(BUILD)/renewer/callhook-renewer.o,$(OBJECTS_renewer))
UNITS = $(UNIT_SOURCES:tests/%.c=$(BUILD)/%)

# A program that the tests start under a sanitizer must fail loudly.
# (A small quarantine: some tests look at the memory of the receiver.)
export ASAN_OPTIONS ?= \
    detect_stack_use_after_return=1:strict_string_checks=1:quarantine_size_mb=16
export UBSAN_OPTIONS ?= print_stacktrace=1
export TSAN_OPTIONS ?= second_deadlock_stack=1
export PYTHONPYCACHEPREFIX ?= $(CURDIR)/build/pycache

# Test processes at a time; they wait more than they compute.
TEST_WORKERS ?= 2
PYTEST = timeout 3000 $(PYTHON) -m pytest -q -n $(TEST_WORKERS)
# By name: these put many requests, processes or signals to work at once.
THREAD_TESTS = load or threads or signals or connection or in_flight or processes

# V=1 shows the commands.
Q = $(if $(V),,@)
say = @$(if $(V),:,printf '%6s  %s\n' $(1) $(2))

SUBMAKE = $(MAKE) --no-print-directory \
    $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS))

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all dev tsan program units demo run check check-units check-e2e \
    check-all check-faults check-consumers check-reports check-failover \
    check-install check-trixie lint format \
    lint-format lint-tidy lint-cppcheck lint-style lint-floors lint-manuals \
    lint-scripts lint-configs install install-files install-system \
    install-cron uninstall deb dist clean help FORCE

all:
	@$(SUBMAKE) program MODE=release

dev:
	@$(SUBMAKE) program MODE=dev

tsan:
	@$(SUBMAKE) program MODE=tsan

help:
	@echo 'make            build cgi/callhook and renewer/callhook-renewer'
	@echo 'make demo       show the main job on real parts, then stop'
	@echo 'make run        serve http://127.0.0.1:8080/callhook until Ctrl-C'
	@echo 'make check      run the tests, in the mode built last'
	@echo 'make check-all  check, lint, and the tests under the sanitizers'
	@echo 'make bench      measure against peers (bench-growth: 20,000,000 rows)'
	@echo 'make bench-records  taking call records apart, beside a commit'
	@echo 'make bench-reports  a year of reports beside DuckDB, ClickHouse'
	@echo 'make bench-status  the status page; bench-silence: made-up years'
	@echo 'make count      instructions of the receiver by request, and growth'
	@echo 'make fuzz       fuzz each reader for FUZZ_SECONDS (60)'
	@echo 'make check-faults  every fault at full length, a million items'
	@echo 'make check-consumers  a million items to consumers that are killed'
	@echo 'make check-reports  100,000 random operations beside readers'
	@echo 'make check-failover  two hosts of each kind, one of which dies'
	@echo 'make check-install  the package on fresh Debians (SUITES=bookworm)'
	@echo 'make check-trixie  make check on Debian 13, in build/chroots'
	@echo 'make lint       format, static analysis, manuals, configurations'
	@echo 'make format     put the C files into the form that lint wants'
	@echo 'make dev        build with warnings as errors, ASan and UBSan'
	@echo 'make tsan       build with warnings as errors and TSan'
	@echo 'make install    PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)'
	@echo 'make uninstall  leaves the settings, the spool, the tokens, the users'
	@echo 'make deb        callhook_$(VERSION)_ARCH.deb, for Debian 12 and 13'
	@echo 'make dist       callhook-$(VERSION).tar.gz, unpacked and built'
	@echo 'make clean      remove all of it'
	@echo 'V=1 shows the commands.'

# -- build -----------------------------------------------------------------

PROGRAMS = cgi/callhook renewer/callhook-renewer

program: $(PROGRAMS)

# Copied under another name first: a running program keeps its own file.
$(PROGRAMS): %: $(BUILD)/% FORCE
	@cmp -s $< $@ || { cp $< $@.new && mv $@.new $@; }
	@echo $(MODE) >build/mode

.SECONDEXPANSION:
$(PROGRAMS:%=$(BUILD)/%): $(BUILD)/%: $$(OBJECTS_$$(*D))
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $(OBJECTS_$(*D)) $(LIBRARIES_$(*D))

$(OBJECTS_cgi) $(OBJECTS_renewer): $(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(COMPILE) -I$(call program_of,$*) \
	    -include $(call program_of,$*)/base/banned.h -MMD -MP -c -o $@ $<

units: $(UNITS)

# $(*D) is the program that is tested: cgi or renewer.
$(UNITS): $(BUILD)/unit/%: tests/unit/%.c $(BUILD)/unit/unit.o \
    $$(TESTED_$$(*D)) $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(COMPILE) -include $(*D)/base/banned.h $(CMOCKA_CFLAGS) -I$(*D) \
	    -Itests/unit -MMD -MP -MF $@.d $(LDFLAGS) $(HARD_LINK) -o $@ $< \
	    $(BUILD)/unit/unit.o $(TESTED_$(*D)) $(LIBRARIES_$(*D)) \
	    $(CMOCKA_LIBS)

$(BUILD)/unit/unit.o: tests/unit/unit.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(COMPILE) $(CMOCKA_CFLAGS) -MMD -MP -c -o $@ $<

# Holds the commands; when one of them changes, everything is built again.
$(BUILD)/flags: FORCE
	$(if $(and $(LIBPQ_LIBS),$(YAJL_LIBS),$(LIBCRYPTO_LIBS),$(LIBCURL_LIBS)),,\
	    $(error libpq, yajl, libcrypto or libcurl is missing: as root, \
	    tests/install-packages build))
	@mkdir -p $(@D)
	@printf '%s\n' '$(COMPILE)' \
	    '$(LINK) $(LIBRARIES_cgi) $(LIBRARIES_renewer)' >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

-include $(OBJECTS_cgi:%.o=%.d) $(OBJECTS_renewer:%.o=%.d) $(UNITS:%=%.d) \
    $(BUILD)/unit/unit.d

# -- see it ----------------------------------------------------------------

demo:
	@tests/install-packages check
	@$(SUBMAKE) program MODE=release
	@$(PYTHON) tests/demo.py

run:
	@tests/install-packages check
	@$(SUBMAKE) program MODE=release
	@$(PYTHON) tests/run.py

# -- test ------------------------------------------------------------------

check:
	@tests/install-packages check
	@echo "== tests, $(MODE) build"
	@$(SUBMAKE) program units MODE=$(MODE)
	@$(SUBMAKE) check-units check-e2e MODE=$(MODE) -j1

check-units: units
	@tests/run-units $(UNITS)

check-e2e: program
	@$(PYTEST) $(PYTEST_ARGS) tests/e2e
	@$(PYTEST) $(PYTEST_ARGS) tests/faults

# Every fault at full length, then a million items through ten of them.
check-faults:
	@tests/install-packages check
	@$(SUBMAKE) all
	@CALLHOOK_TEST_FULL=1 timeout 3600 $(PYTHON) -m pytest -q -n 2 tests/faults
	@$(PYTHON) tests/faults/marathon.py
	@$(PYTHON) tests/faults/marathon.py --pooler

# A million items, eight consumers, and kills of them and of PostgreSQL.
check-consumers:
	@tests/install-packages check
	@$(PYTHON) tests/faults/consumers.py $(CONSUMERS_ARGS)

# 100,000 random operations on records while a renewer and two readers work.
check-reports:
	@tests/install-packages check
	@$(PYTHON) tests/faults/reports.py $(REPORTS_ARGS)

# Two receivers, two PostgreSQL under pg_auto_failover, and hosts that die.
check-failover:
	@tests/install-packages failover
	@$(SUBMAKE) all
	@$(PYTHON) tests/failover/failover.py $(FAILOVER_ARGS)

# The package on fresh systems, by the commands of callhook-admin(7).
check-install:
	@tests/install-packages install
	@$(MAKE) --no-print-directory deb
	@tests/check-install $(SUITES)

# make check on Debian 13; TRIXIE_ARGS names tests, and is for pytest.
check-trixie:
	@tests/install-packages chroot
	@tests/check-trixie $(TRIXIE_ARGS)

# CHECKED=1: `make check` has just passed in release mode.
check-all:
	@tests/install-packages all
	@$(SUBMAKE) all
	@test -n "$(CHECKED)" || $(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory lint
	@$(SUBMAKE) dev
	@$(MAKE) --no-print-directory check PYTEST_ARGS='-m "not no_program"'
	@echo "== tests of the threads, tsan build"
	@$(SUBMAKE) tsan
	@$(SUBMAKE) units MODE=tsan
	@$(MAKE) --no-print-directory check-units check-e2e MODE=tsan \
	    PYTEST_ARGS='-k "$(THREAD_TESTS)"'
	@$(SUBMAKE) fuzz-replay
	@$(SUBMAKE) all
	@echo "== counts of instructions"
	@$(SUBMAKE) count
	@echo "== check-all: done"

# -- lint ------------------------------------------------------------------

lint:
	@tests/install-packages all
	@$(SUBMAKE) lint-format lint-tidy lint-cppcheck lint-style \
	    lint-floors lint-manuals lint-scripts lint-configs
	@echo "== lint: clean"

format:
	clang-format -i $(C_FILES)

lint-format:
	@echo "lint: clang-format"
	@clang-format --dry-run -Werror $(C_FILES)

# gcc's own flags that clang does not know are left out.
lint-tidy:
	@mkdir -p build
	@echo "lint: clang-tidy"
	@printf '%s\n' $(SOURCES) $(RENEWER_SOURCES) | \
	    xargs -P $(JOBS) -n 1 sh -c \
	    'clang-tidy --quiet --warnings-as-errors="*" "$$1" \
	    -- $(subst ','\'',$(LANGUAGE)) -I"$${1%%/*}" \
	    -include "$${1%%/*}/base/banned.h" \
	    $(WARNINGS) 2>build/tidy.$$$$ && rm build/tidy.$$$$ \
	    || { cat build/tidy.$$$$ >&2; exit 1; }' tidy

# ctuuninitvar: version 2.10 takes a write through a pointer for a read.
lint-cppcheck:
	@echo "lint: cppcheck"
	@cppcheck --quiet --std=c11 --enable=warning,performance,portability \
	    --inline-suppr --error-exitcode=1 --suppress=missingIncludeSystem \
	    --suppress=ctuuninitvar \
	    -D_GNU_SOURCE -DCALLHOOK_VERSION='"$(VERSION)"' -Icgi cgi
	@cppcheck --quiet --std=c11 --enable=warning,performance,portability \
	    --inline-suppr --error-exitcode=1 --suppress=missingIncludeSystem \
	    --suppress=ctuuninitvar \
	    -D_GNU_SOURCE -DCALLHOOK_VERSION='"$(VERSION)"' -Irenewer renewer

lint-style:
	@echo "lint: check-style"
	@tests/check-style $(C_FILES)

lint-floors:
	@echo "lint: check-floors"
	@$(PYTHON) tests/check-floors

lint-manuals:
	@echo "lint: mandoc"
	@! mandoc -Tlint $(MANUALS) 2>/dev/null | \
	    grep -v 'referenced manual not found'

lint-scripts:
	@echo "lint: scripts"
	@$(PYTHON) -m py_compile $(PY_FILES)
	@for script in $(SH_FILES); do sh -n $$script || exit 1; done
	@bash -n .ci/run
	@for script in cgi/callhook.bash renewer/callhook-renewer.bash; do \
	    bash -n $$script || exit 1; done

lint-configs:
	@echo "lint: configurations"
	@tests/check-configs

include tests/fuzz/fuzz.mk
include tests/bench/bench.mk

# -- install ---------------------------------------------------------------

# Puts the folders chosen here into a text file: $(call local,from,to).
local = sed -e 's|/usr/local/sbin|$(SBINDIR)|g' \
    -e 's|/usr/local/share/callhook|$(DATADIR)|g' \
    -e 's|/etc/callhook|$(SYSCONFDIR)/callhook|g' "$(1)" >"$(2)"

# What the shell takes off a path, to have its last part.
NAME_ONLY := \#\#*/

# Copies text files into a folder, the last argument is a name for one of them.
put = $(INSTALL) -d -m 755 "$(DESTDIR)$(2)" && for file in $(1); do \
    to="$(DESTDIR)$(2)/$(or $(3),$${file$(NAME_ONLY)})"; \
    rm -f "$$to"; $(call local,$$file,$$to) && chmod 644 "$$to" || exit 1; \
    test ! -x "$$file" || chmod 755 "$$to"; done

# What people edit: $(call keep,file,where,copy below DATADIR).  The copy is as
# it was handed out, so what equals it has not been edited and is replaced.
keep = new=build/keep.$$$$; own="$(DESTDIR)$(2)"; \
    given="$(DESTDIR)$(DATADIR)/$(3)"; \
    mkdir -p build && $(call local,$(1),$$new) || exit 1; \
    if test ! -e "$$own" || cmp -s "$$own" "$$given"; then \
        $(INSTALL) -D -m 644 $$new "$$own" || exit 1; \
    elif ! cmp -s "$$own" $$new; then \
        echo 'kept, because it was edited: $(2)' \
            '(as it is now: $(DATADIR)/$(3))'; \
    fi; \
    $(INSTALL) -D -m 644 $$new "$$given" || exit 1; rm -f $$new

SQL_FOLDERS = $(patsubst %/,%,$(sort $(dir $(wildcard sql/*.sql sql/*/*.sql))))
CRON_FILES = callhook callhook-renewer
UNITS_OF_SYSTEMD = cgi/callhook.service cgi/callhook.socket \
    renewer/callhook-renewer.service renewer/callhook-renewer.timer
ETC = $(SYSCONFDIR)/callhook

install: all
	@$(MAKE) --no-print-directory install-files
	@if test -z "$(DESTDIR)" && test "$$(id -u)" -eq 0; then \
	    $(MAKE) --no-print-directory install-system; fi
	@$(MAKE) --no-print-directory install-cron
	@if test -z "$(DESTDIR)" && test -d /run/systemd/system; then \
	    systemctl daemon-reload; systemctl try-restart callhook.service; fi
	@echo 'installed below $(DESTDIR)$(PREFIX), $(DESTDIR)$(UNITDIR)' \
	    'and $(DESTDIR)$(SYSCONFDIR)'

install-files:
	$(INSTALL) -D -m 755 cgi/callhook $(DESTDIR)$(SBINDIR)/callhook
	$(INSTALL) -D -m 755 renewer/callhook-renewer \
	    $(DESTDIR)$(SBINDIR)/callhook-renewer
	@$(call put,cgi/callhook.8 renewer/callhook-renewer.8,$(MANDIR)/man8)
	@$(call put,renewer/callhook-renewer.conf.5,$(MANDIR)/man5)
	@$(call put,cgi/callhook-admin.7 sql/consumers/callhook-consumers.7,$(MANDIR)/man7)
	@$(call put,cgi/callhook.bash,$(BASHDIR),callhook)
	@$(call put,renewer/callhook-renewer.bash,$(BASHDIR),callhook-renewer)
	@rm -rf $(DESTDIR)$(DATADIR)/sql
	@$(foreach folder,$(SQL_FOLDERS),\
	    $(call put,$(folder)/*.sql,$(DATADIR)/$(folder));)
	@$(call put,sql/prometheus/*,$(DATADIR)/sql/prometheus)
	@$(call put,sql/examples/consumers/*,$(DATADIR)/sql/examples/consumers)
	@$(call put,sql/grafana/*,$(DATADIR)/sql/grafana)
	@$(call keep,nginx/callhook.conf,$(ETC)/nginx/callhook.conf,nginx/callhook.conf)
	@$(call keep,apache/proxy-fcgi.conf,$(ETC)/apache/callhook.conf,apache/proxy-fcgi.conf)
	@$(foreach server,nginx apache,\
	    $(call keep,$(server)/graph-addresses.conf,$(ETC)/$(server)/addresses/graph-addresses.conf,$(server)/graph-addresses.conf);)
	@$(call put,nginx/*,$(DATADIR)/nginx)
	@$(call put,apache/*,$(DATADIR)/apache)
	@$(call put,cgi/callhook.env renewer/renewer.conf,$(DATADIR))
	@$(call put,$(UNITS_OF_SYSTEMD),$(UNITDIR))

# They come last: cron does not look again at one whose user was not there.
install-cron:
	@$(call keep,cgi/callhook.cron,$(SYSCONFDIR)/cron.d/callhook,cron/callhook)
	@$(call keep,renewer/callhook.cron,$(SYSCONFDIR)/cron.d/callhook-renewer,cron/callhook-renewer)

# Makes a user with a folder of its own, and its settings unless there are any.
user = getent passwd $(1) >/dev/null || \
    useradd --system --user-group --no-create-home --home-dir $(2) \
    --shell /usr/sbin/nologin $(1); \
    $(INSTALL) -d -m 700 -o $(1) -g $(1) $(2) && \
    { test -e $(ETC)/$(3) || \
    $(INSTALL) -m 600 -o $(1) -g $(1) $(DATADIR)/$(3) $(ETC)/$(3); }

# The users, their folders and the settings, on a real system only.
install-system:
	$(INSTALL) -d -m 755 $(ETC)
	$(call user,callhook,/var/spool/callhook,callhook.env)
	$(call user,callhook-renewer,/var/lib/callhook,renewer.conf)

# Removes the ready files of a web server, unless one includes them from there.
unserve = if grep -RIqs '^[^\#]*$(DATADIR)/$(1)/' $(DESTDIR)$(SYSCONFDIR)/nginx \
        $(DESTDIR)$(SYSCONFDIR)/apache2 $(DESTDIR)$(SYSCONFDIR)/httpd; \
    then echo 'left: $(DATADIR)/$(1), for a web server names it'; \
    else rm -rf $(DESTDIR)$(DATADIR)/$(1); fi

# cron does not read a file with a dot in its name.
uncron = own=$(DESTDIR)$(SYSCONFDIR)/cron.d/$(1); \
    if test ! -e $$own || cmp -s $$own $(DESTDIR)$(DATADIR)/cron/$(1); \
    then rm -f $$own; \
    else mv $$own $$own.edited && \
        echo 'was edited, and is kept: $(SYSCONFDIR)/cron.d/$(1).edited'; fi

uninstall:
	@if test -z "$(DESTDIR)" && test -d /run/systemd/system; then \
	    systemctl disable --now callhook.socket callhook.service \
	    callhook-renewer.timer || :; fi
	@$(foreach file,$(CRON_FILES),$(call uncron,$(file));)
	rm -f $(DESTDIR)$(SBINDIR)/callhook \
	    $(DESTDIR)$(SBINDIR)/callhook-renewer \
	    $(DESTDIR)$(BASHDIR)/callhook \
	    $(DESTDIR)$(BASHDIR)/callhook-renewer \
	    $(DESTDIR)$(MANDIR)/man8/callhook.8 \
	    $(DESTDIR)$(MANDIR)/man8/callhook-renewer.8 \
	    $(DESTDIR)$(MANDIR)/man5/callhook-renewer.conf.5 \
	    $(DESTDIR)$(MANDIR)/man7/callhook-admin.7 \
	    $(DESTDIR)$(MANDIR)/man7/callhook-consumers.7 \
	    $(foreach unit,$(UNITS_OF_SYSTEMD),\
	        $(DESTDIR)$(UNITDIR)/$(notdir $(unit))) \
	    $(DESTDIR)$(DATADIR)/callhook.env $(DESTDIR)$(DATADIR)/renewer.conf
	rm -rf $(DESTDIR)$(DATADIR)/sql $(DESTDIR)$(DATADIR)/cron
	@$(call unserve,nginx)
	@$(call unserve,apache)
	@rmdir $(DESTDIR)$(DATADIR) 2>/dev/null || :
	@if test -z "$(DESTDIR)" && test -d /run/systemd/system; then \
	    systemctl daemon-reload; fi
	@echo 'left as they are: $(ETC), /var/spool/callhook,' \
	    '/var/lib/callhook, users callhook and callhook-renewer'

# -- package ---------------------------------------------------------------

# In a copy below build/: other flags than ours must not build all of it anew.
DEB_TREE = build/deb/callhook
DEB_ARCH = $(shell dpkg --print-architecture)
DEB = callhook_$(VERSION)_$(DEB_ARCH).deb

deb:
	@tests/install-packages deb
	@rm -rf build/deb && mkdir -p $(DEB_TREE)
	@tar -c --exclude=./.git --exclude=./build --exclude='./*.deb' \
	    --exclude='*.o' $(PROGRAMS:%=--exclude=./%) . | tar -x -C $(DEB_TREE)
	@cd $(DEB_TREE) && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u CFLAGS \
	    -u CPPFLAGS -u LDFLAGS PACKAGE_VERSION=$(VERSION) \
	    DEB_BUILD_OPTIONS="noautodbgsym parallel=$(JOBS) $(DEB_BUILD_OPTIONS)" \
	    dpkg-buildpackage -b -us -uc >../log 2>&1 || { cat ../log >&2; exit 1; }
	@cp build/deb/$(DEB) .
	@lintian --allow-root --fail-on error,warning build/deb/*.changes
	@echo '$(DEB): built, lintian finds nothing'

# -- hand over -------------------------------------------------------------

DIST = callhook-$(VERSION)

dist:
	git archive --format=tar.gz --prefix=$(DIST)/ -o $(DIST).tar.gz HEAD
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	    tar -xzf $(DIST).tar.gz -C "$$folder" && \
	    env -u MAKEFLAGS -u MFLAGS $(MAKE) --no-print-directory \
	        -C "$$folder/$(DIST)" && \
	    "$$folder/$(DIST)/cgi/callhook" --version && \
	    echo '$(DIST).tar.gz: unpacks and builds'

clean:
	rm -rf build $(PROGRAMS) callhook-*.tar.gz callhook_*.deb .pytest_cache
	find tests -name __pycache__ -prune -exec rm -rf {} +
