#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mistakes.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"

const char gateway_lab_text[] =
    "vnets: {hub: {addressSpace: [10.11.0.0/16, 10.12.0.0/16], subnets: {s: 10.11.0.0/24, gatewaysubnet: "
    "10.12.255.0/27}}, far: {location: West US, addressSpace: 10.41.0.0/16, subnets: {GatewaySubnet: "
    "10.41.255.0/29}}}\n"
    "publicIPAddresses: {pip: {ipAddress: 198.51.100.1}}\n"
    "virtualNetworkGateways: {hub-gw: {vnet: hub, sku: {name: vpngw2}, vpnGatewayGeneration: Generation2, "
    "publicIPAddress: pip, gatewayDefaultSite: lng}, far-gw: {vnet: far}}\n"
    "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, localNetworkAddressSpace: "
    "{addressPrefixes: "
    "[192.168.0.0/16, 172.16.0.0/12]}}}\n"
    "connections: {a: {virtualNetworkGateway1: hub-gw, virtualNetworkGateway2: far-gw, sharedKey: aabbcc}, "
    "b: {virtualNetworkGateway1: far-gw, virtualNetworkGateway2: hub-gw, sharedKey: 123456}, "
    "s: {virtualNetworkGateway1: hub-gw, localNetworkGateway2: lng, dpdTimeoutSeconds: 9, connectionMode: "
    "responderonly, routingWeight: 0}}\n"
    "sites: {office: {publicIPAddress: 203.0.113.10, addressPrefixes: [192.168.0.0/16, 172.16.0.0/12], "
    "hosts: "
    "{pc: 192.168.1.10, nas: {address: 172.16.0.9, run: date}}, sharedKey: ddeeff}}\n";

static int try(const char *text, const struct vnl_lab *before, struct vnl_lab **ret, struct vnl_err **err)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    int r = vnl_lab_load_text("f.yaml", text, strlen(text), &lab, err);

    if (r == 0)
        r = vnl_lab_settle(lab, before, err);
    if (r == 0)
        *ret = TAKE_PTR(lab);
    return r;
}

struct vnl_lab *settled_lab(const char *text, const struct vnl_lab *before)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_lab *lab = NULL;
    int r = try(text, before, &lab, &err);

    vnl_err_print(stderr, err);
    assert_int_equal(r, 0);
    return lab;
}

static char *json_text(const struct vnl_lab *lab, struct vnl_json **ret)
{
    char *text = NULL;

    assert_int_equal(vnl_lab_to_json(lab, ret, NULL), 0);
    assert_int_equal(vnl_json_format(*ret, 0, &text, NULL), 0);
    return text;
}

struct vnl_lab *stored_lab(const struct vnl_lab *lab)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    CLEANUP(vnl_json_free) struct vnl_json *json_again = NULL;
    CLEANUP(vnl_str_free) char *text = json_text(lab, &json);
    CLEANUP(vnl_str_free) char *text_again = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_lab *again = NULL;
    int r = vnl_lab_from_json(json, &again, &err);

    vnl_err_print(stderr, err);
    assert_int_equal(r, 0);
    text_again = json_text(again, &json_again);
    assert_string_equal(text_again, text);
    return again;
}

static void print_mistake(FILE *out, const struct vnl_err *err)
{
    (void)fprintf(out, "%s %d:%d %s", err->code ? err->code : "-", err->line, err->col, err->msg);
    (void)fprintf(out, err->hint ? " | %s\n" : "\n", err->hint);
}

/* The newest stands first in the list. */
static void print_mistakes(FILE *out, const struct vnl_err *err)
{
    if (err->next)
        print_mistakes(out, err->next);
    print_mistake(out, err);
}

void assert_refused_lab(const char *text, const struct vnl_lab *before, const char *expected)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    CLEANUP(vnl_str_free) char *printed = NULL;
    struct vnl_lab *lab = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&printed, &size);

    assert_non_null(out);
    assert_int_equal(try(text, before, &lab, &err), -EINVAL);
    print_mistakes(out, err);
    (void)fclose(out);
    assert_string_equal(printed, expected);
}
