#include "reach.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "cli.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/probe.h"

#define PATIENCE_MS 300

static bool reach(const char *from, const char *to, const char *address, enum vnl_probe_proto proto,
                  uint16_t port)
{
    struct vnl_probe probe = { .vm = from, .to_vm = to, .proto = proto, .port = port };
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

    assert_int_equal(vnl_addr_parse(address, &probe.dst, NULL), 0);
    if (vnl_probe_run(cli_lab(), &probe, 1, PATIENCE_MS, &err) < 0) {
        vnl_err_print(stderr, err);
        fail_msg("no probe from %s", from);
    }
    return vnl_probe_passed(probe.result);
}

bool reach_ping(const char *from, const char *address)
{
    return reach(from, NULL, address, VNL_PROBE_ICMP, 0);
}

bool reach_tcp(const char *from, const char *address, uint16_t port)
{
    return reach(from, NULL, address, VNL_PROBE_TCP, port);
}

bool reach_udp(const char *from, const char *to, const char *address, uint16_t port)
{
    return reach(from, to, address, VNL_PROBE_UDP, port);
}
