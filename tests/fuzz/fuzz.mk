# The fuzz targets (libFuzzer, clang): a part of the Makefile.

FUZZ_CC ?= clang
FUZZ_SECONDS ?= 60
FUZZ_TARGETS = fuzz_request fuzz_handshake fuzz_collection fuzz_spoolfile
FUZZ_MAX_LEN_fuzz_request = 4096
FUZZ_MAX_LEN_fuzz_handshake = 4096
FUZZ_MAX_LEN_fuzz_collection = 8192
FUZZ_MAX_LEN_fuzz_spoolfile = 8192

FUZZ = build/fuzz
FUZZ_COMPILE = $(FUZZ_CC) $(LANGUAGE) -include cgi/base/banned.h -Icgi -Itests/fuzz $(WARNINGS) -Werror \
    -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all
FUZZ_OBJECTS = $(filter-out $(FUZZ)/cgi/callhook.o,$(SOURCES:%.c=$(FUZZ)/%.o))
FUZZ_LIMITS = -rss_limit_mb=2048 -timeout=10 -artifact_prefix=$(FUZZ)/

.PHONY: fuzz-programs fuzz fuzz-replay

# Each for FUZZ_SECONDS; what they learn stays in build/fuzz/corpus.
fuzz: fuzz-programs
	@for target in $(FUZZ_TARGETS:%=$(FUZZ)/%.run); do \
	    $(MAKE) --no-print-directory $$target || exit 1; done

# Every file of the corpora once.
fuzz-replay: fuzz-programs
	@for target in $(FUZZ_TARGETS); do \
	    $(FUZZ)/$$target $(FUZZ_LIMITS) tests/fuzz/corpus/$$target/* \
	        >$(FUZZ)/$$target.log 2>&1 || \
	        { cat $(FUZZ)/$$target.log >&2; exit 1; }; \
	    printf '%s: %s files of its corpus\n' $$target \
	        $$(ls tests/fuzz/corpus/$$target | wc -l); \
	done

fuzz-programs:
	@tests/install-packages all
	@$(SUBMAKE) $(FUZZ_TARGETS:%=$(FUZZ)/%)

$(FUZZ)/%.run: FORCE
	@mkdir -p $(FUZZ)/corpus/$*
	@echo "== $* for $(FUZZ_SECONDS) s"
	$(Q)$(FUZZ)/$* $(FUZZ_LIMITS) -max_total_time=$(FUZZ_SECONDS) \
	    -max_len=$(FUZZ_MAX_LEN_$*) -dict=tests/fuzz/$*.dict \
	    -print_final_stats=1 -verbosity=0 \
	    $(FUZZ)/corpus/$* tests/fuzz/corpus/$*

# From an archive, so that a target may bring functions of its own.
$(FUZZ_TARGETS:%=$(FUZZ)/%): $(FUZZ)/%: $(FUZZ)/tests/fuzz/%.o \
    $(FUZZ)/tests/fuzz/fuzz.o $(FUZZ)/callhook.a
	$(call say,LINK,$@)
	$(Q)$(FUZZ_CC) -pthread -fsanitize=fuzzer,address,undefined \
	    -Wl,--wrap=die -o $@ $^ $(LIBRARIES_cgi)

$(FUZZ)/callhook.a: $(FUZZ_OBJECTS)
	@rm -f $@
	@ar rcs $@ $^

$(FUZZ)/%.o: %.c $(FUZZ)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(FUZZ_COMPILE) -fsanitize=fuzzer-no-link,address,undefined \
	    -MMD -MP -c -o $@ $<

$(FUZZ)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(FUZZ_COMPILE)' >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

-include $(FUZZ_OBJECTS:%.o=%.d) $(wildcard $(FUZZ)/tests/fuzz/*.d)
