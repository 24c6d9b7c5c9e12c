# Fuzzers, by clang's libFuzzer with ASan and UBSan, from objects of their own
# under $(BUILD)/fuzz.  Included by the Makefile, whose variables it uses.

FUZZ_CC ?= clang
FUZZ_SECONDS ?= 60
FUZZERS := decode http_answer im_config json scan yaml

# What each is made of; what is missing here is missing at the link.
fuzz_core := $(addprefix core/,buf.c err.c json.c utf8.c xalloc.c)
fuzz_config := $(addprefix core/,file.c keypath.c problems.c url.c)
fuzz_json := $(fuzz_core)
fuzz_http_answer := $(fuzz_core) core/http_answer.c
fuzz_decode := $(fuzz_core) $(wildcard etcd/decode*.c) etcd/field.c \
	etcd/raw.c etcd/reader.c etcd/result.c etcd/scan.c \
	etcd/scan_string.c core/timefmt.c
fuzz_scan := $(fuzz_core) etcd/scan.c etcd/scan_string.c
fuzz_im_config := $(fuzz_core) $(fuzz_config) $(wildcard cli/im_config*.c) \
	core/address.c
fuzz_yaml := $(fuzz_core) $(fuzz_config) $(wildcard core/config*.c) \
	$(wildcard core/options*.c) alerts/notify_config.c \
	$(addprefix core/,clock.c http_config.c http_options.c labels.c \
	nearest.c pattern.c rendered.c table.c timefmt.c yaml.c)

FUZZ_SANITIZERS := address,undefined
FUZZ_COMPILE = $(FUZZ_CC) $(DIALECT) -O1 -g $(FUZZ_WARNINGS) $(LIB_CFLAGS) \
	-fsanitize=fuzzer-no-link,$(FUZZ_SANITIZERS) \
	-fno-sanitize-recover=all -fno-omit-frame-pointer -MMD -MP
FUZZ_LINK = $(FUZZ_CC) -fsanitize=fuzzer,$(FUZZ_SANITIZERS) \
	-Wl,--as-needed

# The others are looked at by `make clang`.
$(BUILD)/fuzz/tests/fuzz/%.o: FUZZ_WARNINGS := $(WARNINGS)

# fuzz_yaml.c has the files that a configuration names.
$(BUILD)/fuzz/fuzz_yaml: FUZZ_LINK += -Wl,--wrap=file_read

define fuzz_rule
$(BUILD)/fuzz/fuzz_$(1): \
    $(patsubst %.c,$(BUILD)/fuzz/%.o,tests/fuzz/fuzz_$(1).c $(fuzz_$(1)))
	$$(call SAY,LD)
	$(Q)$$(FUZZ_LINK) -o $$@ $$^ $$(LIB_LIBS)
endef
$(foreach f,$(FUZZERS),$(eval $(call fuzz_rule,$(f))))

$(BUILD)/fuzz/%.o: %.c | $(BUILD)/fuzz/links
	@mkdir -p $(@D)
	$(call SAY,CC)
	$(Q)$(FUZZ_COMPILE) -c -o $@ $<

# Debian's clang comes without libFuzzer: that is said before anything is built.
$(BUILD)/fuzz/links:
	@mkdir -p $(@D)
	@echo 'int LLVMFuzzerTestOneInput(void); \
	    int LLVMFuzzerTestOneInput(void) { return 0; }' | \
	    $(FUZZ_LINK) -x c -o $@ - >$@.log 2>&1 || { \
	    cat $@.log; rm -f $@; \
	    v=$$($(FUZZ_CC) -dumpversion 2>/dev/null | cut -d. -f1); \
	    echo "$(FUZZ_CC) cannot make fuzzers: on Debian and Ubuntu," \
	    "install libclang-rt$${v:+-$$v}-dev"; exit 1; }

.PHONY: fuzz fuzz-short
fuzz: ## feed the parsers anything at all [FUZZ_SECONDS=60 each]
fuzz-short: FUZZ_SECONDS := 5
fuzz fuzz-short: $(FUZZERS:%=$(BUILD)/fuzz/fuzz_%)
	@BUILD=$(abspath $(BUILD)) tests/run-fuzz $(FUZZ_SECONDS) $(FUZZERS)

-include $(wildcard $(BUILD)/fuzz/*/*.d $(BUILD)/fuzz/tests/fuzz/*.d)
