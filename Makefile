# vnetlab. `make` builds without root into build/; `make help` lists the targets.
#
# sudo make demo    install what is missing, build, run the two-VNet peering lab with real pings
# sudo make check   install what is missing, build, run every test

MAKEFLAGS += --no-builtin-rules
SHELL     := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

CC       ?= gcc
ifeq ($(origin CC),default)
CC       := gcc
endif
CLANG    ?= clang
O        ?= build
prefix   ?= /usr/local
BPFTOOL  ?= $(firstword $(shell command -v bpftool) $(wildcard /usr/sbin/bpftool /usr/lib/linux-tools/*/bpftool) bpftool)
JOBS     ?= $(shell nproc 2>/dev/null || echo 2)
VERSION  := $(shell git describe --always --dirty --tags 2>/dev/null || echo unknown)

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-8s %s\n'
endif

# --- packages (Debian's names; Ubuntu's are the same but for bpftool) ---------------------------------------------------

PACKAGES_BUILD := gcc make pkg-config clang llvm libc6-dev linux-libc-dev libbpf-dev libmnl-dev libyaml-dev \
                  libjansson-dev libsqlite3-dev libldns-dev libmicrohttpd-dev libssl-dev bpftool
PACKAGES_RUN   := iproute2 tcpdump iputils-ping curl python3 traceroute iperf3 iptables \
                  charon-systemd libstrongswan-standard-plugins libcharon-extra-plugins bird2
PACKAGES_TEST  := openssl libcmocka-dev libclang-rt-dev clang-format mandoc shellcheck procps
PACKAGES_KERNEL := qemu-system-x86 busybox-static kmod cpio
PACKAGES_PEERS := mininet bridge-utils net-tools nftables iptables

# --- flags --------------------------------------------------------------------------------------------------------------

LIBS       := libbpf libmnl yaml-0.1 jansson sqlite3
AGENT_LIBS := ldns libmicrohttpd libcrypto
PKG_FLAGS   = $(shell pkg-config --cflags $(LIBS) $(AGENT_LIBS) 2>/dev/null)
PKG_LIBS    = $(shell pkg-config --libs $(LIBS) 2>/dev/null) -pthread -lutil
AGENT_PKG_LIBS = $(shell pkg-config --libs $(AGENT_LIBS) 2>/dev/null)

WARN      := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wno-missing-field-initializers
OPT       ?= -O2 -g
SANITIZE  ?=
CPPFLAGS  += -D_GNU_SOURCE -Iinclude -I$(O)/gen
CFLAGS    += -std=gnu11 $(OPT) $(WARN) $(SANITIZE) -fno-common -fstack-protector-strong
LDFLAGS   += $(SANITIZE) -Wl,--as-needed
ARCH      := $(shell uname -m)
BPF_ARCH  := $(patsubst x86_64,x86,$(patsubst aarch64,arm64,$(ARCH)))
BPF_FLAGS := -O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_$(BPF_ARCH) -Iinclude -isystem /usr/include/$(ARCH)-linux-gnu \
             -Wall -Wextra -Werror -Wshadow -Wno-unused-function -Wno-address-of-packed-member

# --- the binaries ---------------------------------------------------------------------------------------------------------
# The agent is one of its own: the libraries of its servers would cost every command 3 ms at its start.

BPF_SRC := $(wildcard bpf/*.bpf.c)
SKEL    := $(BPF_SRC:bpf/%.bpf.c=$(O)/gen/%.skel.h)
AGENT_SRC := $(filter-out ctl/agent/main.c ctl/agent/ensure.c ctl/agent/control.c ctl/agent/vpn_client.c ctl/agent/vpn_probe.c ctl/agent/vpn_words.c,$(wildcard ctl/agent/*.c))
LIB_SRC   := $(filter-out $(AGENT_SRC) ctl/cli/main.c ctl/agent/main.c,$(wildcard ctl/*/*.c)) $(wildcard dataplane/*.c)
LIB       := $(O)/libvnetlab.a
AGENT_LIB := $(O)/libvnetlab-agent.a
BIN       := $(O)/vnetlab
AGENT     := $(O)/vnetlab-agent

all: $(BIN)

$(O)/gen/%.bpf.o: bpf/%.bpf.c
	$(say) BPF $<
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_FLAGS) -MMD -MP -MF $(@:.o=.d) -c $< -o $@

$(O)/gen/%.skel.h: $(O)/gen/%.bpf.o
	$(say) SKEL $@
	$(Q)$(BPFTOOL) gen skeleton $< name vnl_$* > $@

$(O)/%.o: %.c | $(SKEL)
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(PKG_FLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

# The version is its own file, so that a commit relinks and does not recompile.
$(O)/gen/version.c: FORCE
	@mkdir -p $(@D)
	@echo 'const char *vnl_version(void); const char *vnl_version(void) { return "$(VERSION)"; }' | cmp -s - $@ || \
	  echo 'const char *vnl_version(void); const char *vnl_version(void) { return "$(VERSION)"; }' > $@
$(O)/gen/version.o: $(O)/gen/version.c
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c $< -o $@

$(LIB): $(LIB_SRC:%.c=$(O)/%.o) $(O)/gen/version.o
$(AGENT_LIB): $(AGENT_SRC:%.c=$(O)/%.o)
$(LIB) $(AGENT_LIB):
	$(say) AR $@
	$(Q)rm -f $@ && ar rcs $@ $^

# Whoever builds the one gets the other, which it starts.
$(BIN): $(O)/ctl/cli/main.o $(LIB) | $(AGENT)
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(AGENT): $(O)/ctl/agent/main.o $(AGENT_LIB) $(LIB)
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) $(AGENT_PKG_LIBS)

# --- tests ----------------------------------------------------------------------------------------------------------------
# tests/LAYER/test_*.c are cmocka programs; tests/harness/*.c is linked to each of them, and the agent's parts to test_agent*, test_bgp*, test_bird*, test_vici* and test_vpn*.

test_bins = $(patsubst tests/%.c,$(O)/tests/%,$(wildcard tests/$(1)/test_*.c))
HARNESS_OBJ := $(patsubst %.c,$(O)/%.o,$(wildcard tests/harness/*.c))
UNIT_BINS   := $(call test_bins,unit) $(call test_bins,golden)
ROOT_BINS   := $(call test_bins,platform) $(call test_bins,bpf) $(call test_bins,netns)

$(O)/tests/%: $(O)/tests/%.o $(HARNESS_OBJ) $(LIB)
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(HARNESS_OBJ) $(filter $(AGENT_LIB),$^) $(LIB) $(PKG_LIBS) \
	  $(if $(filter $(AGENT_LIB),$^),$(AGENT_PKG_LIBS)) -lcmocka

$(patsubst tests/%.c,$(O)/tests/%,$(wildcard $(addprefix tests/*/test_,agent*.c bgp*.c bird*.c vici*.c vpn*.c))): $(AGENT_LIB)

.PRECIOUS: $(O)/%.o $(O)/gen/%.bpf.o $(O)/gen/%.skel.h

-include $(wildcard tests/*/*.mk)

unit: $(UNIT_BINS) $(BIN)
	$(Q)tests/run -j $(JOBS) $(UNIT_BINS)

root-tests: need-root $(ROOT_BINS) $(BIN)
	$(Q)tests/run -j $(JOBS) $(ROOT_BINS)

build-tests: $(UNIT_BINS) $(ROOT_BINS)

# Everything that needs no root, with the sanitizers, in a build folder of its own: what `check` runs of it.
asan:
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) O=$(O)/asan OPT="-O1 -g" \
	  SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=all" unit

lint: man
	$(Q)tests/lint $(O)

# --- the two commands of the README -----------------------------------------------------------------------------------

PACKAGES ?= $(PACKAGES_BUILD) $(PACKAGES_RUN)

# Says what it installs, installs only what is missing, and needs no network when nothing is.
deps: need-root
	$(Q)tests/harness/packages $(PACKAGES)

demo: need-root
	$(Q)$(MAKE) --no-print-directory deps
	$(Q)$(AS_USER) $(MAKE) --no-print-directory -j$(JOBS) all
	$(Q)tests/harness/demo $(O)/vnetlab

# Builds as the user who typed sudo; only what must be root is root.
check: need-root
	$(Q)$(MAKE) --no-print-directory deps PACKAGES="$(PACKAGES_BUILD) $(PACKAGES_RUN) $(PACKAGES_TEST)"
	$(Q)$(AS_USER) $(MAKE) --no-print-directory -j$(JOBS) all $(ROOT_BINS) fuzz-build random-build
	$(Q)$(AS_USER) $(MAKE) --no-print-directory lint
	$(Q)$(AS_USER) $(MAKE) --no-print-directory asan
	$(Q)$(MAKE) --no-print-directory root-tests
	$(Q)$(MAKE) --no-print-directory scenarios
	$(Q)$(MAKE) --no-print-directory check-random
	$(Q)$(AS_USER) $(MAKE) --no-print-directory fuzz
	@echo "check: all of it passed"

# Every scenario brought up, its expectations graded with real packets, and taken down.
scenarios: need-root $(BIN)
	$(Q)$(BIN) check scenarios/*/lab.yaml scenarios/*/exercise-*.yaml

AS_USER = $(if $(SUDO_USER),$(if $(filter-out root,$(SUDO_USER)),sudo -u $(SUDO_USER) --))

need-root:
	@[ "$$(id -u)" = 0 ] || { echo "this needs root: sudo make $(MAKECMDGOALS)" >&2; exit 1; }

# --- install, clean, help ------------------------------------------------------------------------------------------------

install:
	$(Q)$(AS_USER) $(MAKE) --no-print-directory all man
	install -D -m 755 -t $(DESTDIR)$(prefix)/bin $(BIN) $(AGENT)
	install -d $(DESTDIR)$(prefix)/share/man/man1 $(DESTDIR)$(prefix)/share/vnetlab
	install -m 644 $(O)/man/*.1 $(DESTDIR)$(prefix)/share/man/man1/
	install -D -m 644 $(O)/completion/vnetlab.bash $(DESTDIR)$(prefix)/share/bash-completion/completions/vnetlab
	install -D -m 644 $(O)/completion/vnetlab.zsh $(DESTDIR)$(prefix)/share/zsh/site-functions/_vnetlab
	install -D -m 644 $(O)/completion/vnetlab.fish $(DESTDIR)$(prefix)/share/fish/vendor_completions.d/vnetlab.fish
	cp -r scenarios $(DESTDIR)$(prefix)/share/vnetlab/

uninstall:
	rm -f $(DESTDIR)$(prefix)/bin/vnetlab $(DESTDIR)$(prefix)/bin/vnetlab-agent $(DESTDIR)$(prefix)/share/man/man1/vnetlab*.1
	rm -f $(DESTDIR)$(prefix)/share/bash-completion/completions/vnetlab
	rm -f $(DESTDIR)$(prefix)/share/zsh/site-functions/_vnetlab
	rm -f $(DESTDIR)$(prefix)/share/fish/vendor_completions.d/vnetlab.fish
	rm -rf $(DESTDIR)$(prefix)/share/vnetlab

clean:
	rm -rf $(O)

help:
	@echo "make                     build $(O)/vnetlab, no root"
	@echo "sudo make demo           install what is missing, build, run the peering lab with real pings"
	@echo "sudo make check          install what is missing, build, run every test"
	@echo "make unit | asan | lint  parts of check that need no root"
	@echo "sudo make root-tests     BPF and namespace tests;  sudo make scenarios  all scenarios"
	@echo "sudo make check-random   N=200 SEED=1: random labs, predicted, brought up, changed, compared"
	@echo "make fuzz                FUZZ_SECONDS=20 for each fuzzer"
	@echo "sudo make check-kernels  load and run on Debian's stock kernel in QEMU"
	@echo "sudo make bench          side-by-side benchmarks (BENCH_PEERS=1: with Mininet)"
	@echo "sudo make install        binaries, man pages, completion; prefix=/usr/local, DESTDIR="
	@echo "V=1 shows commands; O=DIR builds elsewhere"

.PHONY: all unit root-tests build-tests asan lint deps demo check scenarios need-root install uninstall clean help FORCE
FORCE:

-include $(wildcard ctl/*/*.mk)

-include $(shell find $(O) -name '*.d' 2>/dev/null)
