# `make help` lists what there is to make.

CC ?= gcc
BUILD ?= build
CFLAGS ?= -O2 -g
SANITIZE ?=
PREFIX ?= /usr/local
VERSION := $(shell cat VERSION)
REVISION := $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

FOLDERS := core etcd promql collectors db alerts exporter cli
LIBRARIES := libcurl libcjson libmicrohttpd sqlite3 yaml-0.1 zlib

# --- libraries: one apt line when something is missing, and nothing else ---
PACKAGES := gcc make pkg-config libcurl4-openssl-dev libcjson-dev \
	libmicrohttpd-dev libsqlite3-dev libyaml-dev zlib1g-dev
NEEDS_LIBRARIES := $(filter-out help clean packages demo test test-long \
	install-packages,$(or $(MAKECMDGOALS),all))
ifneq ($(NEEDS_LIBRARIES),)
ifneq ($(shell pkg-config --exists $(LIBRARIES) && echo yes),yes)
$(error libraries are missing: apt-get install --no-install-recommends \
	$(PACKAGES))
endif
endif
LIB_CFLAGS = $(shell pkg-config --cflags $(LIBRARIES))
LIB_LIBS = $(shell pkg-config --libs $(LIBRARIES)) -lpthread -lm

# --- compiling ---
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wcast-qual -Wwrite-strings -Werror
HARDENING := -fPIE -fstack-protector-strong
ifeq ($(SANITIZE),)
HARDENING += -D_FORTIFY_SOURCE=2
else
WARNINGS += -fsanitize=$(SANITIZE) -fno-omit-frame-pointer
endif
COMPILE = $(CC) -std=c11 -D_GNU_SOURCE -I. $(CFLAGS) $(WARNINGS) \
	$(HARDENING) $(LIB_CFLAGS) $(CPPFLAGS) -MMD -MP
LINK = $(CC) $(CFLAGS) $(if $(SANITIZE),-fsanitize=$(SANITIZE)) -pie \
	-Wl,-z,relro,-z,now,--as-needed $(LDFLAGS)

sources = $(wildcard $(1)/*.c)
archive = $(if $(call sources,$(1)),$(BUILD)/$(1).a)
# In link order: a folder stands before those it may use.
ARCHIVES = $(foreach f,cli exporter alerts db collectors promql etcd core,$(call archive,$(f)))

.PHONY: all
all: $(BUILD)/rollcall ## build build/rollcall

$(BUILD)/rollcall: $(BUILD)/main.o $(ARCHIVES)
	$(LINK) -o $@ $^ $(LIB_LIBS)

$(BUILD)/cli/version.o: CPPFLAGS += -DROLLCALL_VERSION='"$(VERSION)"' \
	-DROLLCALL_REVISION='"$(REVISION)"'

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(COMPILE) -c -o $@ $<

define archive_rule
$(BUILD)/$(1).a: $(patsubst %.c,$(BUILD)/%.o,$(call sources,$(1)))
	@rm -f $$@
	ar rcs $$@ $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call archive_rule,$(f))))

# --- unit tests: tests/unit/FOLDER/test_X.c includes the .c under test and
# links its folder's archive and those it may use, which proves the layers ---
uses_core := core
uses_etcd := etcd core
uses_promql := promql core
uses_collectors := collectors etcd core
uses_db := db core
uses_alerts := alerts promql core
uses_exporter := exporter promql core
uses_cli := cli exporter alerts db collectors promql etcd core

UNIT_TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/*/test_*.c))

define unit_rule
$(BUILD)/tests/unit/$(1)/%: tests/unit/$(1)/%.c \
    $(foreach f,$(uses_$(1)),$(call archive,$(f)))
	@mkdir -p $$(@D)
	$$(COMPILE) -o $$@ $$< $$(filter %.a,$$^) -pie $$(LIB_LIBS) -lcmocka
endef
$(foreach f,$(FOLDERS),$(eval $(call unit_rule,$(f))))

.PHONY: unit
unit: $(UNIT_TESTS) ## build and run the unit tests
	@tests/run-unit $(UNIT_TESTS)

.PHONY: clean
clean: ## remove everything built
	rm -rf build

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1 /p' $(MAKEFILE_LIST) | \
	  awk '{ t = $$1; $$1 = ""; printf "  make %-10s%s\n", t, $$0 }'

-include $(wildcard $(BUILD)/*.d $(BUILD)/*/*.d $(BUILD)/tests/unit/*/*.d)
