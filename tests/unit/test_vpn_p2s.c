/* What charon is told of a gateway's point-to-site side and of its clients, and what it says of them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "../../ctl/agent/vpn_parts.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"

static char run_dir[] = "/tmp/vnetlab-p2s-XXXXXX";

static char *roots[] = { (char *)"P2SRootCert" }, *root_data[] = { NULL };
static char *revoked[1];
static struct vnl_plan_p2s p2s = { .roots = roots, .root_data = root_data, .n_roots = 1, .revoked = revoked };
static struct vnl_prefix pool[] = { { { AF_INET, { 172, 16, 201, 0 } }, 24 } };
static struct vnl_plan_gateway gateways[] = {
    { .name = (char *)"VNet1GW",
      .resource = (char *)"VNet1GW",
      .outer = { AF_INET, { 203, 0, 113, 1 } },
      .p2s = &p2s },
    { .name = (char *)"laptop",
      .resource = (char *)"laptop",
      .client = true,
      .outer = { AF_INET, { 198, 51, 100, 20 } } },
    { .name = (char *)"phone",
      .resource = (char *)"phone",
      .client = true,
      .outer = { AF_INET, { 198, 51, 100, 21 } } },
};
#define SUITES                                                                                               \
    .ike = (char *)"aes256gcm16-prfsha384-ecp384", .esp = (char *)"aes256gcm16", .ike_lifetime_s = 28800,    \
    .child_lifetime_s = 27000, .dpd_s = 45
static struct vnl_plan_tunnel tunnels[] = {
    { .kind = VNL_TUNNEL_SERVER,
      .name = (char *)"VNet1GW",
      .gateway = 0,
      .peer = VNL_PLAN_NOBODY,
      .if_id = VNL_P2S_IF_ID + 7,
      .ifname = "p2s7",
      SUITES,
      .routes = pool,
      .n_routes = 1 },
    { .kind = VNL_TUNNEL_CLIENT,
      .name = (char *)"laptop",
      .gateway = 1,
      .peer = 0,
      .remote = { AF_INET, { 203, 0, 113, 1 } },
      .if_id = VNL_P2S_IF_ID + 8,
      .ifname = "p2s8",
      SUITES,
      .root = (char *)"P2SRootCert" },
    { .kind = VNL_TUNNEL_CLIENT,
      .name = (char *)"phone",
      .gateway = 2,
      .peer = 0,
      .remote = { AF_INET, { 203, 0, 113, 1 } },
      .if_id = VNL_P2S_IF_ID + 9,
      .ifname = "p2s9",
      SUITES },
};
static const struct vnl_plan plan = {
    .lab = (char *)"lab", .gateways = gateways, .n_gateways = 3, .tunnels = tunnels, .n_tunnels = 3
};
static const struct vnl_plan_tunnel *const server = &tunnels[0], *const laptop = &tunnels[1],
                                           *const phone = &tunnels[2];

static int setup(void **state)
{
    char path[64];

    (void)state;
    assert_non_null(mkdtemp(run_dir));
    (void)snprintf(path, sizeof(path), "%s/lab", run_dir);
    assert_int_equal(mkdir(path, 0700), 0);
    setenv("VNETLAB_RUN_DIR", run_dir, 1);
    return 0;
}

static int teardown(void **state)
{
    char command[64];

    (void)state;
    (void)snprintf(command, sizeof(command), "rm -rf %s", run_dir);
    return system(command);
}

/* --- messages ---------------------------------------------------------------------------------------- */

static struct vnl_vpn_credentials credentials_of(const struct vnl_plan_tunnel *tunnel)
{
    struct vnl_vpn_credentials credentials;

    assert_int_equal(vnl_vpn_credentials_gather(&plan, tunnel, &credentials, NULL), 0);
    return credentials;
}

static struct vnl_vici_message message_of(const struct vnl_plan_tunnel *tunnel, enum vnl_vpn_engine engine)
{
    CLEANUP(vnl_vpn_credentials_done) struct vnl_vpn_credentials credentials = credentials_of(tunnel);
    struct vnl_vici_message message = { .bytes = NULL };

    vnl_vpn_p2s_write(&message, &plan, tunnel, engine, "c", &credentials);
    assert_false(message.failed);
    return message;
}

/* "remote.id=%any": the pair, or an item of the list, in this section of the connection ("" = the connection itself). */
static bool says(const struct vnl_vici_message *message, const char *section, const char *key,
                 const char *value)
{
    char in[VNL_VICI_NAME_MAX + 1] = "";
    struct vnl_vici_reader reader;
    struct vnl_vici_element element;

    vnl_vici_reader_init(&reader, message->bytes, message->size);
    while (vnl_vici_next(&reader, &element) > 0) {
        if (element.kind == VNL_VICI_SECTION_START)
            (void)snprintf(in, sizeof(in), "%s", element.depth ? element.name : "");
        else if (element.kind == VNL_VICI_SECTION_END)
            in[0] = '\0';
        else if ((element.kind == VNL_VICI_KEY_VALUE || element.kind == VNL_VICI_LIST_ITEM) &&
                 !strcmp(in, section) && !strcmp(element.name, key) && element.value_size == strlen(value) &&
                 !memcmp(element.value, value, element.value_size))
            return true;
    }
    return false;
}

static void gateway_waits_for_whoever_its_root_signs(void **state)
{
    CLEANUP(vnl_vici_message_done) struct vnl_vici_message message = message_of(server, VNL_VPN_LIBIPSEC);
    CLEANUP(vnl_vpn_credentials_done) struct vnl_vpn_credentials credentials = credentials_of(server);

    (void)state;
    assert_true(says(&message, "", "version", "2"));
    assert_true(says(&message, "", "local_addrs", "203.0.113.1"));
    assert_true(says(&message, "", "remote_addrs", "%any"));
    assert_true(says(&message, "", "pools", "p2s7-172.16.201.0-24"));
    assert_true(says(&message, "", "encap", "yes"));
    assert_true(says(&message, "local", "auth", "pubkey") && says(&message, "remote", "auth", "pubkey"));
    assert_true(says(&message, "local", "id", "203.0.113.1") && says(&message, "remote", "id", "%any"));
    assert_true(says(&message, "local", "certs", credentials.own.certificate));
    assert_int_equal(credentials.n_roots, 1);
    assert_true(says(&message, "remote", "cacerts", credentials.roots[0]));
    assert_int_equal(credentials.n_accepted, 0);
    assert_true(says(&message, "c", "local_ts", "0.0.0.0/0") && says(&message, "c", "remote_ts", "dynamic"));
    assert_true(says(&message, "c", "dpd_action", "clear"));
}

static void client_asks_for_an_address(void **state)
{
    CLEANUP(vnl_vici_message_done) struct vnl_vici_message message = message_of(laptop, VNL_VPN_XFRM);

    (void)state;
    assert_true(says(&message, "", "remote_addrs", "203.0.113.1"));
    assert_true(says(&message, "", "vips", "0.0.0.0"));
    assert_true(says(&message, "", "if_id_in", "16777224") && says(&message, "", "if_id_out", "16777224"));
    assert_true(says(&message, "remote", "id", "203.0.113.1"));
    assert_true(says(&message, "c", "local_ts", "dynamic") && says(&message, "c", "remote_ts", "0.0.0.0/0"));
    assert_true(says(&message, "c", "dpd_action", "restart"));
}

static void revoked_client_leaves_the_others_by_name(void **state)
{
    CLEANUP(vnl_vpn_credentials_done) struct vnl_vpn_credentials of_laptop = credentials_of(laptop);
    CLEANUP(vnl_vpn_credentials_done) struct vnl_vpn_credentials of_phone = credentials_of(phone);
    CLEANUP(vnl_vpn_credentials_done) struct vnl_vpn_credentials credentials = { .n_roots = 0 };
    char thumbprint[VNL_PKI_THUMBPRINT_STR], without[VNL_VPN_CHILD_STR], with[VNL_VPN_CHILD_STR];

    (void)state;
    assert_int_equal(vnl_pki_thumbprint(of_laptop.own.certificate, thumbprint), 0);
    assert_int_equal(vnl_vpn_child_name(&plan, server, VNL_VPN_LIBIPSEC, without), 0);
    revoked[0] = thumbprint;
    p2s.n_revoked = 1;
    assert_int_equal(vnl_vpn_child_name(&plan, server, VNL_VPN_LIBIPSEC, with), 0);
    credentials = credentials_of(server);
    p2s.n_revoked = 0;
    assert_string_not_equal(with, without);
    assert_int_equal(credentials.n_accepted, 2); /* never none: that would be everybody */
    assert_string_equal(credentials.accepted[0], credentials.own.certificate);
    assert_string_equal(credentials.accepted[1], of_phone.own.certificate);
}

static void thumbprint_of_nobody_changes_nothing(void **state)
{
    CLEANUP(vnl_vpn_credentials_done) struct vnl_vpn_credentials credentials = { .n_roots = 0 };

    (void)state;
    revoked[0] = (char *)"0123456789ABCDEF0123456789ABCDEF01234567";
    p2s.n_revoked = 1;
    credentials = credentials_of(server);
    p2s.n_revoked = 0;
    assert_int_equal(credentials.n_accepted, 0);
}

static void assert_no_credentials(const struct vnl_plan_tunnel *tunnel, const char *message)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_vpn_credentials credentials;
    char child[VNL_VPN_CHILD_STR] = "";

    assert_int_equal(vnl_vpn_credentials_gather(&plan, tunnel, &credentials, &err), -EINVAL);
    assert_string_equal(err->msg, message);
    assert_int_equal(vnl_vpn_child_name(&plan, tunnel, VNL_VPN_LIBIPSEC, child), 0); /* others go on */
    assert_int_equal(strlen(child), 17);
}

static void what_has_no_certificate_says_why(void **state)
{
    CLEANUP(vnl_str_free) char *data = NULL;
    struct vnl_plan_tunnel other = *laptop;
    char command[128];
    FILE *pipe;
    size_t size = 0;

    (void)state;
    other.root = (char *)"Unknown";
    assert_no_credentials(&other, "client 'laptop': gateway 'VNet1GW' has no such root certificate");
    root_data[0] = (char *)"AAAA";
    assert_no_credentials(
        server, "publicCertData of root certificate 'P2SRootCert' is not an X.509 certificate in base64");
    (void)snprintf(command, sizeof(command),
                   "openssl x509 -in %s/lab/vpn/pki/root+VNet1GW+P2SRootCert.pem -outform der | base64 -w 0",
                   run_dir);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_true(getline(&data, &size, pipe) > 0);
    (void)pclose(pipe);
    root_data[0] = data;
    assert_no_credentials(laptop,
                          "client 'laptop' needs a certificate and a private key: the lab has no key of "
                          "root certificate 'P2SRootCert'");
    root_data[0] = NULL;
}

/* --- pools ------------------------------------------------------------------------------------------- */

static void addresses_are_assigned_from_the_third_on(void **state)
{
    static const struct {
        struct vnl_prefix prefix;
        const char *range;
    } rows[] = {
        { { { AF_INET, { 172, 16, 201, 0 } }, 24 }, "172.16.201.2-172.16.201.254" },
        { { { AF_INET, { 172, 16, 201, 128 } }, 25 }, "172.16.201.130-172.16.201.254" },
        { { { AF_INET, { 172, 16, 201, 4 } }, 30 }, "172.16.201.6-172.16.201.6" },
        { { { AF_INET, { 172, 16, 201, 6 } }, 31 }, "172.16.201.6-172.16.201.7" },
        { { { AF_INET, { 172, 16, 201, 6 } }, 32 }, "172.16.201.6-172.16.201.6" },
        { { { AF_INET, { 10, 0, 0, 0 } }, 8 }, "10.0.0.2-10.255.255.254" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char range[2 * VNL_ADDR_STR];

        vnl_vpn_pool_range(&rows[i].prefix, range);
        assert_string_equal(range, rows[i].range);
    }
}

/* --- settings of charon ------------------------------------------------------------------------------ */

static void client_has_a_place_for_its_address(void **state)
{
    struct vnl_charon_spec libipsec = { .engine = VNL_VPN_LIBIPSEC, .port = 20006 };
    struct vnl_charon_spec xfrm = { .engine = VNL_VPN_XFRM, .port = 500 }, gateway = libipsec;
    CLEANUP(vnl_str_free) char *of_client = NULL;
    CLEANUP(vnl_str_free) char *of_gateway = NULL;

    (void)state;
    vnl_vpn_p2s_spec(laptop, &libipsec);
    vnl_vpn_p2s_spec(laptop, &xfrm);
    vnl_vpn_p2s_spec(server, &gateway);
    assert_string_equal(libipsec.virtual_ip_on, "ipsec0");
    assert_string_equal(xfrm.virtual_ip_on, "p2s8");
    assert_string_equal(gateway.virtual_ip_on, "");
    assert_true(libipsec.port == 500 && gateway.port == 500);
    of_client = vnl_charon_config(&libipsec);
    of_gateway = vnl_charon_config(&gateway);
    assert_non_null(strstr(of_client, "  install_virtual_ip = yes\n  install_virtual_ip_on = ipsec0\n"));
    assert_non_null(strstr(of_gateway, "  install_virtual_ip = no\n  routing_table"));
    assert_non_null(strstr(of_gateway, "openssl pem constraints kdf"));
}

/* --- what is seen ------------------------------------------------------------------------------------ */

static void address_of_a_client_is_read(void **state)
{
    CLEANUP(vnl_vici_message_done) struct vnl_vici_message message = { .bytes = NULL };
    static const char *const mine[] = { "172.16.201.2" }, *const theirs[] = { "172.16.201.9" };
    struct vnl_vpn_sa sa;

    (void)state;
    vnl_vici_open(&message, "p2s8");
    vnl_vici_put(&message, "state", "ESTABLISHED");
    vnl_vici_put_list(&message, "remote-vips", theirs, 1);
    vnl_vici_put_list(&message, "local-vips", mine, 1);
    vnl_vici_close(&message);
    assert_int_equal(vnl_vpn_sa_parse(message.bytes, message.size, &sa), 0);
    assert_string_equal(sa.inner, "172.16.201.2");
}

static void refused_certificates_are_said_to_be_refused(void **state)
{
    static const char *const rows[][2] = {
        { "constraint check failed: peer not authenticated by CA 'CN=P2SRootCert'",
          "authentication failed: certificate is not signed by a root certificate of the gateway" },
        { "no trusted ECDSA public key found for 'CN=thief'",
          "authentication failed: certificate is not signed by a root certificate of the gateway" },
        { "constraint check failed: peer not authenticated with peer cert 'CN=phone'",
          "authentication failed: certificate is revoked" },
        { "subject certificate invalid (valid from Jan 01 to Jan 02)",
          "authentication failed: certificate is not valid at this time" },
        { "received AUTHENTICATION_FAILED notify error",
          "authentication failed: the gateway refuses the certificate" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct vnl_vpn_line line;
        char text[256];

        (void)snprintf(text, sizeof(text), "2026-11-21T17:50:19.531 11[CFG] <p2s7|1> %s", rows[i][0]);
        assert_true(vnl_vpn_line_parse(text, &line));
        assert_string_equal(line.text, rows[i][1]);
        assert_true(line.failure && !line.noise);
    }
}

/* charon's other side does not say why; the gateway's settings do. */
static void client_is_told_why(void **state)
{
    CLEANUP(vnl_vpn_credentials_done) struct vnl_vpn_credentials of_laptop = credentials_of(laptop);
    struct vnl_vpn vpn = { .plan = &plan };
    struct vnl_vpn_tunnel end = { .vpn = &vpn, .plan = laptop };
    struct vnl_vpn_line line = { .failure = true, .text = "authentication failed: refused" };
    char thumbprint[VNL_PKI_THUMBPRINT_STR];

    (void)state;
    vnl_vpn_p2s_explain(&end, &line);
    assert_string_equal(line.text, "authentication failed: refused"); /* it knows no reason */
    assert_int_equal(vnl_pki_thumbprint(of_laptop.own.certificate, thumbprint), 0);
    revoked[0] = thumbprint;
    p2s.n_revoked = 1;
    vnl_vpn_p2s_explain(&end, &line);
    p2s.n_revoked = 0;
    assert_string_equal(line.text, "authentication failed: certificate is revoked");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gateway_waits_for_whoever_its_root_signs),
        cmocka_unit_test(client_asks_for_an_address),
        cmocka_unit_test(revoked_client_leaves_the_others_by_name),
        cmocka_unit_test(thumbprint_of_nobody_changes_nothing),
        cmocka_unit_test(what_has_no_certificate_says_why),
        cmocka_unit_test(addresses_are_assigned_from_the_third_on),
        cmocka_unit_test(client_has_a_place_for_its_address),
        cmocka_unit_test(address_of_a_client_is_read),
        cmocka_unit_test(refused_certificates_are_said_to_be_refused),
        cmocka_unit_test(client_is_told_why),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
