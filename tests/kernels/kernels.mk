# sudo make check-kernels: boots Debian's own kernel in QEMU and runs tests/kernels/guest on it. Nothing is installed into this
# machine's /boot or /lib/modules; the kernel's package is unpacked below $(O)/kernels.
# KERNELS="VERSION..." picks others, e.g. KERNELS="6.1.0-56-amd64 6.12.48+deb12-amd64" (names of linux-image-* packages).

KERNELS ?=

# The same list is in tests/kernels/guest.
KERNEL_BPF_TESTS := test_port test_port_neighbor test_port_plan test_port_flow test_port_rules test_port_outside test_port_stands test_port_balancer \
    test_port_platform test_port_appliance test_tables test_port_gateway test_gateway

check-kernels: need-root
	$(Q)$(MAKE) --no-print-directory deps PACKAGES="$(PACKAGES_BUILD) $(PACKAGES_RUN) $(PACKAGES_TEST) $(PACKAGES_KERNEL)"
	$(Q)$(AS_USER) $(MAKE) --no-print-directory -j$(JOBS) all $(O)/tests/platform/test_platform $(addprefix $(O)/tests/bpf/,$(KERNEL_BPF_TESTS))
	$(Q)tests/kernels/run $(abspath $(O)) $(KERNELS)

.PHONY: check-kernels
