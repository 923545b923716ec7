# Fuzzers of the parsers of foreign text: fuzz_NAME.c, with seeds in corpus/NAME and, where there is one, a dictionary NAME.dict.
# They are built by clang with sanitizers, in an object folder of their own. What a run finds new stays in $(O)/fuzz/found/NAME;
# the tree is not written. A crash leaves its input in $(O)/fuzz/NAME-crash-*.

FUZZ_SECONDS ?= 20
FUZZ_CFLAGS  := -std=gnu11 -O1 -g -fno-omit-frame-pointer -fno-common $(WARN) -fno-sanitize-recover=all
FUZZ_SANITIZE := -fsanitize=fuzzer,address,undefined
FUZZERS      := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_OBJ     := $(patsubst %.c,$(O)/fuzz/%.o,$(wildcard $(addprefix ctl/,$(addsuffix /*.c,base model load plan)))) \
                $(O)/fuzz/ctl/agent/vici.o $(O)/fuzz/ctl/agent/vici_message.o $(O)/fuzz/ctl/agent/vpn_sa.o \
                $(O)/fuzz/ctl/agent/vpn_words.o $(O)/fuzz/ctl/agent/bird_parse.o $(O)/fuzz/ctl/agent/bird_socket.o \
                $(O)/fuzz/ctl/agent/loop.o $(O)/fuzz/ctl/store/learned.o

$(O)/fuzz/%.o: %.c
	$(say) FUZZ-CC $<
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(CPPFLAGS) $(PKG_FLAGS) $(FUZZ_CFLAGS) $(subst fuzzer,fuzzer-no-link,$(FUZZ_SANITIZE)) -MMD -MP -c $< -o $@

$(O)/fuzz/fuzz_%: $(O)/fuzz/tests/fuzz/fuzz_%.o $(FUZZ_OBJ)
	$(say) FUZZ-LD $@
	$(Q)$(CLANG) $(FUZZ_SANITIZE) -o $@ $^ $(PKG_LIBS)

$(O)/fuzz/fuzz_kept: $(O)/fuzz/ctl/agent/vpn_sums.o

fuzz-build: $(FUZZERS:%=$(O)/fuzz/fuzz_%)

fuzz: fuzz-build
	$(Q)FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/run $(O)/fuzz $(FUZZERS)

.PHONY: fuzz fuzz-build
.PRECIOUS: $(O)/fuzz/%.o
