# Random labs against a naive evaluator: sudo make check-random N=200 SEED=1. Lab I of a seed alone: N=1 FIRST=I. FEATURES=rules,routes
# leaves the others (ipv6, internet, balancers) out of them.

N     ?= 50
SEED  ?= 1
FIRST ?= 0
FEATURES ?=
RANDOM_OBJ := $(patsubst %.c,$(O)/%.o,$(wildcard tests/random/*.c))

$(O)/tests/random/random: $(RANDOM_OBJ) $(HARNESS_OBJ) $(LIB)
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) -lcmocka

random-build: $(O)/tests/random/random

check-random: need-root random-build
	$(Q)$(O)/tests/random/random --features "$(FEATURES)" $(N) $(SEED) $(FIRST)

.PHONY: check-random random-build
