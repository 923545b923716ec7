# Random labs against a naive evaluator: sudo make check-random N=200 SEED=1. Lab I of a seed alone: N=1 FIRST=I.

N     ?= 50
SEED  ?= 1
FIRST ?= 0
RANDOM_OBJ := $(patsubst %.c,$(O)/%.o,$(wildcard tests/random/*.c))

$(O)/tests/random/random: $(RANDOM_OBJ) $(HARNESS_OBJ) $(LIB)
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) -lcmocka

random-build: $(O)/tests/random/random

check-random: need-root random-build
	$(Q)$(O)/tests/random/random $(N) $(SEED) $(FIRST)

.PHONY: check-random random-build
