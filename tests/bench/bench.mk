# sudo make bench: see tests/bench/bench for what is measured and the knobs. BENCH_PEERS=1 installs nftables and iptables, and measures
# Mininet beside it.

BENCH_BINS := $(addprefix $(O)/tests/bench/,traffic floor report nsg flows)

$(O)/tests/bench/traffic $(O)/tests/bench/floor: $(O)/tests/bench/%: $(O)/tests/bench/%.o
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $< -lmnl

$(O)/tests/bench/report: $(O)/tests/bench/report.o $(LIB)
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(LIB) $(PKG_LIBS) -lm

$(O)/tests/bench/nsg $(O)/tests/bench/flows: $(O)/tests/bench/%: $(O)/tests/bench/%.o $(O)/tests/bench/bed.o $(LIB)
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

bench-build: $(BIN) $(BENCH_BINS)

bench: need-root
	$(Q)$(MAKE) --no-print-directory deps PACKAGES="$(PACKAGES_BUILD) $(PACKAGES_RUN) $(if $(BENCH_PEERS),$(PACKAGES_PEERS))"
	$(Q)$(AS_USER) $(MAKE) --no-print-directory -j$(JOBS) bench-build
	$(Q)tests/bench/bench $(abspath $(O))

.PHONY: bench bench-build
