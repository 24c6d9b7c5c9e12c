# `make help` lists what there is to make.

ifeq ($(origin CC),default)
CC := gcc
endif
BUILD ?= build
CFLAGS ?= -O2 -g
SANITIZE ?=
PREFIX ?= /usr/local
DESTDIR ?=
PYTHON ?= /usr/bin/python3
DEMO_SECONDS ?=
CLUSTER ?=
VERSION := $(shell cat VERSION)
REVISION := $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

FOLDERS := core etcd promql collectors db alerts exporter discover cli
LIBRARIES := libcurl libcjson libmicrohttpd sqlite3 yaml-0.1 zlib

# --- libraries: one apt line when something is missing, and nothing else ---
PACKAGES := $(shell sed -n '/^build="/,/"$$/{s/^build="//;s/"$$//;p}' \
	.ci/packages)
NEEDS_NO_LIBRARIES := help clean demo test test-long install-packages \
	uninstall layers tidy
ifneq ($(filter-out $(NEEDS_NO_LIBRARIES),$(or $(MAKECMDGOALS),all)),)
MISSING := $(strip $(foreach l,$(LIBRARIES),\
	$(shell pkg-config --exists $(l) 2>/dev/null || echo $(l))))
ifneq ($(MISSING),)
$(info Not found: $(MISSING))
$(info On Debian or Ubuntu:)
$(info $()  apt-get install --no-install-recommends $(PACKAGES))
$(error libraries are missing)
endif
endif
LIB_CFLAGS := $(shell pkg-config --cflags $(LIBRARIES) 2>/dev/null)
LIB_LIBS := $(shell pkg-config --libs $(LIBRARIES) 2>/dev/null) -lpthread -lm

# --- compiling (V=1: show the commands) ---
Q := $(if $(filter-out 0,$(V)),,@)
SAY = $(if $(Q),@echo "  $(1)	$@")
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wcast-qual -Wwrite-strings -Werror
HARDENING := -fPIE -fstack-protector-strong
ifeq ($(SANITIZE),)
HARDENING += -D_FORTIFY_SOURCE=2
else
SANITIZERS := -fsanitize=$(SANITIZE) -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
endif
DIALECT := -std=c11 -D_GNU_SOURCE -I.
COMPILE = $(CC) $(DIALECT) $(CFLAGS) $(WARNINGS) $(SANITIZERS) \
	$(HARDENING) $(LIB_CFLAGS) $(CPPFLAGS) -MMD -MP
LINK = $(CC) $(CFLAGS) $(SANITIZERS) -pie \
	-Wl,-z,relro,-z,now,--as-needed $(LDFLAGS)

sources = $(wildcard $(1)/*.c)
archive = $(if $(call sources,$(1)),$(BUILD)/$(1).a)
SOURCES := $(foreach f,$(FOLDERS),$(call sources,$(f))) $(wildcard main.c)
# In link order: a folder stands before those it may use.
ARCHIVES = $(foreach f,cli discover exporter alerts db collectors promql etcd core,$(call archive,$(f)))

.PHONY: all
all: $(BUILD)/rollcall ## build build/rollcall

$(BUILD)/rollcall: $(BUILD)/main.o $(ARCHIVES)
	$(call SAY,LD)
	$(Q)$(LINK) -o $@ $^ $(LIB_LIBS)

$(BUILD)/cli/version.o: CPPFLAGS += -DROLLCALL_VERSION='"$(VERSION)"' \
	-DROLLCALL_REVISION='"$(REVISION)"'
$(BUILD)/cli/version.o: $(BUILD)/version

# Looked at each time, written only when one of the two has changed.
.PHONY: always
$(BUILD)/version: always
	@mkdir -p $(@D)
	@echo '$(VERSION) $(REVISION)' | cmp -s - $@ || \
	    echo '$(VERSION) $(REVISION)' >$@

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call SAY,CC)
	$(Q)$(COMPILE) -c -o $@ $<

define archive_rule
$(BUILD)/$(1).a: $(patsubst %.c,$(BUILD)/%.o,$(call sources,$(1)))
	@rm -f $$@
	$(Q)ar rcs $$@ $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call archive_rule,$(f))))

# --- the client of etcd as a library: one header, one object in an archive, and
# of its symbols only those that the header declares ---
LIBRARY_HEADERS := core/clock.h core/err.h core/fetch_error.h \
	core/http_config.h core/loop.h etcd/follow.h etcd/registration.h

.PHONY: library examples
library: $(BUILD)/librollcall-etcd.a $(BUILD)/include/rollcall/etcd.h ## the client of etcd alone

$(BUILD)/librollcall-etcd.a: $(BUILD)/etcd.a $(BUILD)/core.a \
    $(BUILD)/include/rollcall/etcd.h
	$(call SAY,AR)
	$(Q)tr -cs 'a-z0-9_' '\n' <$(BUILD)/include/rollcall/etcd.h | \
	    sort -u >$(BUILD)/rollcall-etcd.names
	$(Q)$(LD) -r -o $(BUILD)/rollcall-etcd.o --whole-archive $< \
	    --no-whole-archive $(BUILD)/core.a
	$(Q)objcopy --keep-global-symbols=$(BUILD)/rollcall-etcd.names \
	    $(BUILD)/rollcall-etcd.o
	@rm -f $@
	$(Q)ar rcs $@ $(BUILD)/rollcall-etcd.o

$(BUILD)/include/rollcall/etcd.h: packaging/header.awk VERSION \
    $(wildcard core/*.h etcd/*.h)
	@mkdir -p $(@D)
	$(Q)VERSION=$(VERSION) awk -f $< $(LIBRARY_HEADERS) >$@

examples: $(patsubst %.c,$(BUILD)/%,$(wildcard examples/*.c)) ## small programs on that library

$(BUILD)/examples/%: examples/%.c library
	@mkdir -p $(@D)
	$(call SAY,CC)
	$(Q)$(CC) -std=c11 $(CFLAGS) $(WARNINGS) $(SANITIZERS) -I$(BUILD)/include \
	    -o $@ $< $(BUILD)/librollcall-etcd.a \
	    $(shell pkg-config --libs libcurl libcjson yaml-0.1) -lpthread -lm

# --- unit tests: tests/unit/FOLDER/test_X.c includes the .c under test and
# links its folder's archive and those it may use, which proves the layers ---
uses_core := core
uses_etcd := etcd core
uses_promql := promql core
uses_collectors := collectors etcd core
uses_db := db core
uses_alerts := alerts promql core
uses_exporter := exporter promql core
uses_discover := discover etcd core
uses_cli := cli discover exporter alerts db collectors promql etcd core

UNIT_TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/*/test_*.c))

define unit_rule
$(BUILD)/tests/unit/$(1)/%: tests/unit/$(1)/%.c \
    $(foreach f,$(uses_$(1)),$(call archive,$(f)))
	@mkdir -p $$(@D)
	$$(call SAY,CC)
	$(Q)$$(COMPILE) -o $$@ $$< $$(filter %.a,$$^) -pie $$(LIB_LIBS) -lcmocka
endef
$(foreach f,$(FOLDERS),$(eval $(call unit_rule,$(f))))

.PHONY: unit asan-unit
unit: $(UNIT_TESTS) ## build and run the unit tests
	@tests/run-unit $(UNIT_TESTS)

# A sanitized build lives in a folder of its own under $(BUILD).
ASAN = BUILD=$(BUILD)/asan SANITIZE=address,undefined CFLAGS="-O1 -g"
TSAN = BUILD=$(BUILD)/tsan SANITIZE=thread CFLAGS="-O1 -g"
# Not optimized: what that saves is less than what compiling it takes.  Its
# warnings are those of the other builds, and false ones.
asan-unit: export CASES = 100
asan-unit: ## the unit tests under ASan and UBSan
	@$(MAKE) $(ASAN) BUILD=$(BUILD)/asan-unit CFLAGS="-O0 -g" WARNINGS= unit

# --- measuring: programs of bench/ beside the scripts ---
BENCH_PROGRAMS := $(BUILD)/bench/fake-etcd \
	$(patsubst bench/%_bench.c,$(BUILD)/bench/%,$(wildcard bench/*_bench.c))

$(BUILD)/bench/fake-etcd: $(patsubst %.c,$(BUILD)/%.o,\
    bench/fake-etcd.c $(wildcard bench/fake_*.c)) $(BUILD)/core.a
	$(call SAY,LD)
	$(Q)$(LINK) -o $@ $^ $(LIB_LIBS)

# bench/X_bench.c is the program X; it may include the .c it measures, as unit
# tests do.
$(BUILD)/bench/%: bench/%_bench.c $(ARCHIVES)
	@mkdir -p $(@D)
	$(call SAY,CC)
	$(Q)$(COMPILE) -o $@ $< $(filter %.a,$^) -pie $(LIB_LIBS)

# --- the other heights of testing ---
PYTEST = $(PYTHON) -m pytest -q -p no:cacheprovider tests/e2e $(PYTEST_ARGS)

.PHONY: golden e2e dashboards-check
golden: $(BUILD)/rollcall ## compare what the commands print with tests/golden/
	@BUILD=$(abspath $(BUILD)) tests/run-golden

e2e: $(BUILD)/rollcall $(BUILD)/bench/fake-etcd ## end to end on real servers, five at a time
	@ROLLCALL=$(abspath $(BUILD)/rollcall) $(PYTEST) -n 5 -m "not long"

dashboards-check: ## dashboards and rules: shape, queries, promtool
	@tests/run-checks dashboards $(wildcard tests/dashboards/check*)

include tests/fuzz/rules.mk

# --- gates ---
.PHONY: layers tidy lint clang analyze
layers: ## who may include whom (docs/DESIGN.md)
	@tests/layers $(foreach f,$(FOLDERS),"$(f): $(uses_$(f))")

tidy: ## length and complexity of functions, files, lines
	@tests/tidy

clang: $(SOURCES:%.c=$(BUILD)/clang/%.ok) ## the same warnings, by clang
	@echo "clang: 1 passed, 0 failed"

lint: $(SOURCES:%.c=$(BUILD)/lint/%.ok) ## clang-tidy, cppcheck, docs current
	@BUILD=$(abspath $(BUILD)) tests/lint $(SOURCES)

# Both hang on the object, which is made anew when any header of it changed.
$(BUILD)/clang/%.ok: %.c $(BUILD)/%.o
	@mkdir -p $(@D)
	@clang $(DIALECT) $(WARNINGS) $(LIB_CFLAGS) -DROLLCALL_VERSION='""' \
	    -DROLLCALL_REVISION='""' -fsyntax-only $<
	@touch $@

$(BUILD)/lint/%.ok: %.c $(BUILD)/%.o .clang-tidy
	@mkdir -p $(@D)
	@clang-tidy --quiet $< -- $(DIALECT) $(LIB_CFLAGS) \
	    -DROLLCALL_VERSION='""' -DROLLCALL_REVISION='""' 2>&1 | \
	    { ! grep -E -A8 '(warning|error): '; }
	@touch $@

# Not a gate: it does not understand <sys/queue.h> and takes minutes.
analyze: ## clang's path-sensitive analyzer; some of it is mistaken
	@clang-tidy --quiet --checks='-*,clang-analyzer-[cdu]*' $(SOURCES) -- $(DIALECT) $(LIB_CFLAGS) \
	    -DROLLCALL_VERSION='""' -DROLLCALL_REVISION='""' 2>/dev/null

# --- what people type ---
.PHONY: demo test test-long bench install-packages
demo: ## eight services, one dies [DEMO_SECONDS=30] [CLUSTER=3]
	@.ci/packages demo
	@echo "building $(BUILD)/rollcall ..."
	@$(MAKE) --no-print-directory -s SAY= all
	@DEMO_SECONDS='$(DEMO_SECONDS)' CLUSTER='$(CLUSTER)' \
	    ROLLCALL=$(abspath $(BUILD)/rollcall) exec demo/run

test: ## everything that must hold, in less than 10 minutes
	@.ci/packages test
	@.ci/servers >/dev/null
	@+tests/all build-all layers tidy clang lint unit asan-unit fuzz-short \
	    golden dashboards-check e2e

.PHONY: build-all
build-all:
	@$(MAKE) --no-print-directory -s all
	@echo "build: 1 passed, 0 failed"

test-long: ## soak, kill loops, sanitizers, valgrind
	@.ci/packages test
	@.ci/servers >/dev/null
	@+tests/all build-all uptime-long e2e-long e2e-asan e2e-tsan \
	    e2e-valgrind

.PHONY: uptime-long e2e-long e2e-asan e2e-tsan e2e-valgrind
# 10,000 random histories against a count second by second.
uptime-long: export CASES = 10000
uptime-long: export UNIT_TIMEOUT = 600
uptime-long: $(BUILD)/tests/unit/db/test_uptime_random
	@tests/run-unit $^
e2e-long: $(BUILD)/rollcall
	@ROLLCALL=$(abspath $(BUILD)/rollcall) $(PYTEST) -n 3 -m long
# Freed memory is kept for a while by ASan; less of it, where a test looks at
# how much there is.
e2e-asan: export ASAN_OPTIONS = quarantine_size_mb=32
e2e-asan: $(BUILD)/bench/fake-etcd
	@$(MAKE) --no-print-directory -s $(ASAN) all
	@ROLLCALL=$(abspath $(BUILD)/asan/rollcall) $(PYTEST) -n 2 -m "not long"
e2e-tsan: $(BUILD)/bench/fake-etcd
	@$(MAKE) --no-print-directory -s $(TSAN) all
	@TSAN_OPTIONS="suppressions=$(abspath tests/tsan.supp)" \
	    ROLLCALL=$(abspath $(BUILD)/tsan/rollcall) $(PYTEST) -n 2 -m "not long"
e2e-valgrind: $(BUILD)/rollcall
	@ROLLCALL=$(abspath $(BUILD)/rollcall) ROLLCALL_VALGRIND=1 \
	    $(PYTEST) -m valgrind

bench: $(BUILD)/rollcall $(BENCH_PROGRAMS) ## measure it all, in 15 minutes, into docs/BENCHMARKS.md
	@.ci/servers etcd prometheus promtool prometheus-pushgateway \
	    victoria-metrics >/dev/null
	@ROLLCALL=$(abspath $(BUILD)/rollcall) bench/run

install-packages: ## what building and testing need, by apt
	@.ci/packages test

.PHONY: install uninstall
SHARE = $(DESTDIR)$(PREFIX)/share
FILL_IN = sed 's,@PREFIX@,$(PREFIX),; s,@VERSION@,$(VERSION),'
install: $(BUILD)/rollcall library ## program, library, manual, unit, docs [PREFIX DESTDIR]
	install -d $(DESTDIR)$(PREFIX)/bin $(SHARE)/man/man1 \
	    $(addprefix $(SHARE)/doc/rollcall/,docs etcd examples \
	    dashboards/grafana dashboards/prometheus) \
	    $(DESTDIR)$(PREFIX)/lib/systemd/system \
	    $(DESTDIR)$(PREFIX)/lib/pkgconfig \
	    $(DESTDIR)$(PREFIX)/include/rollcall
	install -m 755 $(BUILD)/rollcall $(DESTDIR)$(PREFIX)/bin/rollcall
	install -m 644 $(BUILD)/librollcall-etcd.a $(DESTDIR)$(PREFIX)/lib
	install -m 644 $(BUILD)/include/rollcall/etcd.h \
	    $(DESTDIR)$(PREFIX)/include/rollcall
	$(FILL_IN) packaging/rollcall-etcd.pc.in \
	    > $(DESTDIR)$(PREFIX)/lib/pkgconfig/rollcall-etcd.pc
	sed 's,/usr/local/share,$(PREFIX)/share,' packaging/rollcall.1 \
	    > $(SHARE)/man/man1/rollcall.1
	install -m 644 rollcall.yml CHANGELOG.md LICENSE $(SHARE)/doc/rollcall
	sed 's,(packaging/rollcall.1),(../../man/man1/rollcall.1),' README.md \
	    > $(SHARE)/doc/rollcall/README.md
	install -m 644 docs/*.md $(SHARE)/doc/rollcall/docs
	install -m 644 etcd/README.md $(SHARE)/doc/rollcall/etcd
	install -m 644 examples/*.c $(SHARE)/doc/rollcall/examples
	install -m 644 dashboards/grafana/* \
	    $(SHARE)/doc/rollcall/dashboards/grafana
	install -m 644 dashboards/prometheus/* \
	    $(SHARE)/doc/rollcall/dashboards/prometheus
	sed 's,/usr/local/bin,$(PREFIX)/bin,' packaging/rollcall.service \
	    > $(DESTDIR)$(PREFIX)/lib/systemd/system/rollcall.service
	chmod 644 $(SHARE)/man/man1/rollcall.1 $(SHARE)/doc/rollcall/README.md \
	    $(DESTDIR)$(PREFIX)/lib/systemd/system/rollcall.service \
	    $(DESTDIR)$(PREFIX)/lib/pkgconfig/rollcall-etcd.pc

uninstall: ## remove it; configuration and history stay
	rm -f $(DESTDIR)$(PREFIX)/bin/rollcall \
	    $(DESTDIR)$(PREFIX)/lib/librollcall-etcd.a \
	    $(DESTDIR)$(PREFIX)/include/rollcall/etcd.h \
	    $(DESTDIR)$(PREFIX)/lib/pkgconfig/rollcall-etcd.pc \
	    $(SHARE)/man/man1/rollcall.1 \
	    $(DESTDIR)$(PREFIX)/lib/systemd/system/rollcall.service
	rm -rf $(SHARE)/doc/rollcall
	rmdir $(DESTDIR)$(PREFIX)/include/rollcall 2>/dev/null || true

.PHONY: clean help
clean: ## remove everything built
	$(if $(filter $(abspath $(BUILD))%,$(CURDIR)),\
	    $(error BUILD=$(BUILD) has more in it than what was built))
	rm -rf $(BUILD)

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1 /p' $(MAKEFILE_LIST) | \
	  awk '{ t = $$1; $$1 = ""; printf "  make %-17s%s\n", t, $$0 }'

-include $(wildcard $(BUILD)/*.d $(BUILD)/*/*.d $(BUILD)/tests/unit/*/*.d)
