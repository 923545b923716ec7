/* VICI messages and what is read from them: well-formed ones come back, broken ones are refused, and charon's reports become states and words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "../../ctl/agent/vici.h"
#include "../../ctl/agent/vpn_parts.h"
#include "vnetlab/base.h"
#include "vnetlab/gateway.h"

static void message_example(struct vnl_vici_message *message)
{
    static const char *const items[] = { "item1", "item2" };

    vnl_vici_put(message, "key1", "value1");
    vnl_vici_open(message, "section1");
    vnl_vici_open(message, "sub-section");
    vnl_vici_put(message, "key2", "value2");
    vnl_vici_close(message);
    vnl_vici_put_list(message, "list1", items, 2);
    vnl_vici_close(message);
}

/* The example of strongSwan's own description of the format. */
static void message_is_encoded_as_described(void **state)
{
    static const uint8_t wanted[] = "\x03\x04key1\x00\x06value1"
                                    "\x01\x08section1"
                                    "\x01\x0bsub-section"
                                    "\x03\x04key2\x00\x06value2"
                                    "\x02"
                                    "\x04\x05list1"
                                    "\x05\x00\x05item1\x05\x00\x05item2"
                                    "\x06"
                                    "\x02";
    CLEANUP(vnl_vici_message_done) struct vnl_vici_message message = { .bytes = NULL };

    (void)state;
    message_example(&message);
    assert_false(message.failed);
    assert_int_equal(message.size, sizeof(wanted) - 1);
    assert_memory_equal(message.bytes, wanted, message.size);
}

static void message_is_read_back(void **state)
{
    static const struct {
        enum vnl_vici_kind kind;
        unsigned depth;
        const char *name, *value;
    } wanted[] = {
        { VNL_VICI_KEY_VALUE, 0, "key1", "value1" },
        { VNL_VICI_SECTION_START, 0, "section1", "" },
        { VNL_VICI_SECTION_START, 1, "sub-section", "" },
        { VNL_VICI_KEY_VALUE, 2, "key2", "value2" },
        { VNL_VICI_SECTION_END, 1, "", "" },
        { VNL_VICI_LIST_START, 1, "list1", "" },
        { VNL_VICI_LIST_ITEM, 1, "list1", "item1" },
        { VNL_VICI_LIST_ITEM, 1, "list1", "item2" },
        { VNL_VICI_LIST_END, 1, "", "" },
        { VNL_VICI_SECTION_END, 0, "", "" },
    };
    CLEANUP(vnl_vici_message_done) struct vnl_vici_message message = { .bytes = NULL };
    struct vnl_vici_reader reader;
    struct vnl_vici_element element;
    char text[16];

    (void)state;
    message_example(&message);
    vnl_vici_reader_init(&reader, message.bytes, message.size);
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
        assert_int_equal(vnl_vici_next(&reader, &element), 1);
        assert_int_equal(element.kind, wanted[i].kind);
        assert_int_equal(element.depth, wanted[i].depth);
        assert_string_equal(element.name, wanted[i].name);
        vnl_vici_text(&element, text, sizeof(text));
        assert_string_equal(text, wanted[i].value);
    }
    assert_int_equal(vnl_vici_next(&reader, &element), 0);
}

static int read_all(const void *bytes, size_t size)
{
    struct vnl_vici_reader reader;
    struct vnl_vici_element element;
    int r;

    vnl_vici_reader_init(&reader, bytes, size);
    while ((r = vnl_vici_next(&reader, &element)) > 0)
        continue;
    return r;
}

/* Each shorter one, but where the cut is between two elements at the top. */
static void cut_message_is_refused(void **state)
{
    CLEANUP(vnl_vici_message_done) struct vnl_vici_message message = { .bytes = NULL };

    (void)state;
    message_example(&message);
    for (size_t size = 1; size < message.size; size++)
        if (size != 14) /* "key1" alone */
            assert_int_equal(read_all(message.bytes, size), -EBADMSG);
    assert_int_equal(read_all(message.bytes, 14), 0);
    assert_int_equal(read_all(message.bytes, 0), 0);
}

static void broken_message_is_refused(void **state)
{
    static const char *const broken[] = {
        "\x02",                        /* an end without a start */
        "\x06",                        /* of a list */
        "\x05\x01\x01q",               /* an item outside of a list */
        "\x04\x01l\x03\x01k\x01\x01v", /* a pair in a list */
        "\x04\x01l\x04\x01l\x06\x06",  /* a list in a list */
        "\x07",                        /* no such element */
        "\x01\x01s\x01\x01s\x02",      /* a section that does not end */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(broken); i++)
        assert_int_equal(read_all(broken[i], strlen(broken[i])), -EBADMSG);
}

static void section_too_deep_is_refused(void **state)
{
    CLEANUP(vnl_vici_message_done) struct vnl_vici_message message = { .bytes = NULL };

    (void)state;
    for (int i = 0; i <= VNL_VICI_DEPTH_MAX; i++)
        vnl_vici_open(&message, "s");
    for (int i = 0; i <= VNL_VICI_DEPTH_MAX; i++)
        vnl_vici_close(&message);
    assert_int_equal(read_all(message.bytes, message.size), -EBADMSG);
}

static void name_too_long_fails_the_message(void **state)
{
    CLEANUP(vnl_vici_message_done) struct vnl_vici_message message = { .bytes = NULL };
    char name[VNL_VICI_NAME_MAX + 2];

    (void)state;
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    vnl_vici_put(&message, name, "v");
    assert_true(message.failed);
}

static void packet_is_taken_apart(void **state)
{
    static const uint8_t event[] = "\x07\x03"
                                   "abc\x02";
    struct vnl_vici_packet packet;

    (void)state;
    assert_int_equal(vnl_vici_packet_parse(event, 6, &packet), 0);
    assert_int_equal(packet.type, VNL_VICI_EVENT);
    assert_string_equal(packet.name, "abc");
    assert_int_equal(packet.size, 1);
    assert_int_equal(vnl_vici_packet_parse(event, 4, &packet), -EBADMSG); /* the name is longer */
    assert_int_equal(vnl_vici_packet_parse(event, 1, &packet), -EBADMSG);
    assert_int_equal(vnl_vici_packet_parse(event, 0, &packet), -EBADMSG);
    assert_int_equal(vnl_vici_packet_parse((const uint8_t *)"\x08", 1, &packet), -EBADMSG);
}

/* --- SAs --------------------------------------------------------------------------------------------- */

static void put_pairs(struct vnl_vici_message *message, const char *const (*pairs)[2], size_t n)
{
    for (size_t i = 0; i < n; i++)
        vnl_vici_put(message, pairs[i][0], pairs[i][1]);
}

static void sa_example(struct vnl_vici_message *message, const char *child_state)
{
    static const char *const ike[][2] = { { "state", "ESTABLISHED" },     { "encr-alg", "AES_CBC" },
                                          { "encr-keysize", "256" },      { "integ-alg", "HMAC_SHA1_96" },
                                          { "prf-alg", "PRF_HMAC_SHA1" }, { "dh-group", "MODP_1024" } };
    static const char *const child[][2] = {
        { "bytes-in", "84" }, { "bytes-out", "168" }, { "encr-alg", "AES_GCM_16" }, { "encr-keysize", "256" }
    };

    vnl_vici_open(message, "vpn3");
    put_pairs(message, ike, ARRAY_SIZE(ike));
    vnl_vici_open(message, "child-sas");
    vnl_vici_open(message, "c0123-1");
    vnl_vici_put(message, "state", child_state);
    put_pairs(message, child, ARRAY_SIZE(child));
    vnl_vici_close(message);
    vnl_vici_close(message);
    vnl_vici_close(message);
}

static void sa_is_read(void **state)
{
    CLEANUP(vnl_vici_message_done) struct vnl_vici_message message = { .bytes = NULL };
    struct vnl_vpn_sa sa;

    (void)state;
    vnl_vici_put(&message, "up", "yes");
    sa_example(&message, "INSTALLED");
    assert_int_equal(vnl_vpn_sa_parse(message.bytes, message.size, &sa), 0);
    assert_string_equal(sa.name, "vpn3");
    assert_true(sa.up && sa.established && sa.installed && !sa.connecting);
    assert_int_equal(sa.in, 84);
    assert_int_equal(sa.out, 168);
    assert_string_equal(sa.suite, "AES_CBC-256/HMAC_SHA1_96/MODP_1024, ESP:AES_GCM_16-256");
}

static void sa_whose_child_goes_is_not_installed(void **state)
{
    CLEANUP(vnl_vici_message_done) struct vnl_vici_message message = { .bytes = NULL };
    struct vnl_vpn_sa sa;

    (void)state;
    sa_example(&message, "DELETING");
    assert_int_equal(vnl_vpn_sa_parse(message.bytes, message.size, &sa), 0);
    assert_true(sa.established && !sa.installed && !sa.up);
    assert_int_equal(vnl_vpn_sa_parse(message.bytes, message.size - 1, &sa), -EBADMSG);
}

/* --- names ------------------------------------------------------------------------------------------- */

static struct vnl_plan_gateway gateway = { .outer = { AF_INET, { 203, 0, 113, 1 } } };
static const struct vnl_plan plan = { .gateways = &gateway, .n_gateways = 1 };

static struct vnl_plan_tunnel tunnel_example(void)
{
    return (struct vnl_plan_tunnel){
        .ifname = "vpn3",
        .if_id = 3,
        .ike = "aes256-sha256-modp1024,aes256-sha1-modp1024",
        .esp = "aes256gcm16,aes256-sha1",
        .remote = { AF_INET, { 203, 0, 113, 2 } },
        .ike_lifetime_s = 28800,
        .child_lifetime_s = 27000,
        .dpd_s = 45,
    };
}

static void child_is_named_by_its_settings(void **state)
{
    struct vnl_plan_tunnel tunnel = tunnel_example();
    char a[VNL_VPN_CHILD_STR], b[VNL_VPN_CHILD_STR];

    (void)state;
    assert_int_equal(vnl_vpn_child_name(&plan, &tunnel, VNL_VPN_LIBIPSEC, a), 0);
    assert_int_equal(vnl_vpn_child_name(&plan, &tunnel, VNL_VPN_LIBIPSEC, b), 0);
    assert_string_equal(a, b);
    assert_int_equal(strlen(a), 17);
    tunnel.dpd_s = 10;
    assert_int_equal(vnl_vpn_child_name(&plan, &tunnel, VNL_VPN_LIBIPSEC, b), 0);
    assert_string_not_equal(a, b);
    tunnel.dpd_s = 45;
    tunnel.n_routes = 1; /* routes are no setting of the tunnel: it is not touched when they change */
    assert_int_equal(vnl_vpn_child_name(&plan, &tunnel, VNL_VPN_LIBIPSEC, b), 0);
    assert_string_equal(a, b);
    assert_int_equal(vnl_vpn_child_name(&plan, &tunnel, VNL_VPN_XFRM, b), 0);
    assert_string_not_equal(a, b);
}

static bool has_pair(const struct vnl_vici_message *message, const char *key, const char *value)
{
    struct vnl_vici_reader reader;
    struct vnl_vici_element element;

    vnl_vici_reader_init(&reader, message->bytes, message->size);
    while (vnl_vici_next(&reader, &element) > 0)
        if (vnl_vici_is(&element, key, value))
            return true;
    return false;
}

static void connection_says_what_its_engine_needs(void **state)
{
    struct vnl_plan_tunnel tunnel = tunnel_example();
    CLEANUP(vnl_vici_message_done) struct vnl_vici_message libipsec = { .bytes = NULL };
    CLEANUP(vnl_vici_message_done) struct vnl_vici_message xfrm = { .bytes = NULL };

    (void)state;
    vnl_vpn_connection_write(&libipsec, &plan, &tunnel, VNL_VPN_LIBIPSEC, "c");
    vnl_vpn_connection_write(&xfrm, &plan, &tunnel, VNL_VPN_XFRM, "c");
    assert_true(!libipsec.failed && !xfrm.failed);
    assert_true(has_pair(&libipsec, "encap", "yes") && has_pair(&xfrm, "encap", "no"));
    assert_true(has_pair(&xfrm, "if_id_in", "3") && has_pair(&xfrm, "if_id_out", "3"));
    assert_false(has_pair(&libipsec, "if_id_in", "3"));
    assert_true(has_pair(&xfrm, "start_action", "none") && has_pair(&xfrm, "dpd_delay", "19s"));
    assert_int_equal(read_all(xfrm.bytes, xfrm.size), 0);
}

static const char *forced(const char *list, const char *name)
{
    static char engine[VNL_ENGINE_STR];

    setenv("VNETLAB_VPN_ENGINE", list, 1);
    return vnl_gateway_engine_forced(name, engine) ? engine : "";
}

static void an_engine_is_forced_for_all_or_for_one(void **state)
{
    enum vnl_vpn_engine engine;

    (void)state;
    assert_string_equal(forced("", "gwa"), "");
    assert_string_equal(forced("xfrm", NULL), "xfrm");
    assert_string_equal(forced("xfrm", "gwa"), "xfrm");
    assert_string_equal(forced("libipsec:gwa", "GwA"), "libipsec");
    assert_string_equal(forced("libipsec:gwa", "gw"), "");
    assert_string_equal(forced("libipsec:gwa", "gwab"), "");
    assert_string_equal(forced("libipsec:gwa", NULL), "");
    assert_string_equal(forced("xfrm,libipsec:gwa", "gwa"), "libipsec");
    assert_string_equal(forced("libipsec:gwa,xfrm", "gwb"), "xfrm");
    assert_string_equal(forced("a-name-that-is-far-too-long", NULL), "");
    assert_true(vnl_vpn_engine_forced("gwa", &engine) == false);
    (void)forced(",,libipsec:gwa", NULL);
    assert_true(vnl_vpn_engine_forced("gwa", &engine) && engine == VNL_VPN_LIBIPSEC);
    assert_false(vnl_vpn_engine_forced("gwb", &engine));
    unsetenv("VNETLAB_VPN_ENGINE");
    assert_false(vnl_vpn_engine_forced("gwa", &engine));
}

static void secret_is_named_without_giving_it_away(void **state)
{
    char a[VNL_VPN_SECRET_STR], b[VNL_VPN_SECRET_STR];

    (void)state;
    vnl_vpn_secret_name("vpn3", "aabbcc", a);
    vnl_vpn_secret_name("vpn3", "eeffgg", b);
    assert_int_equal(strlen(a), strlen("vpn3-0000"));
    assert_int_equal(strncmp(a, "vpn3-", 5), 0);
    assert_string_not_equal(a, b);
}

/* --- words ------------------------------------------------------------------------------------------- */

static void log_lines_become_sentences(void **state)
{
    static const struct {
        const char *line, *connection, *text;
        bool noise, failure, silence;
    } rows[] = {
        { "2026-11-21T17:50:19.531 11[IKE] <vpn3|1> initiating IKE_SA vpn3[1] to 198.51.100.1", "vpn3",
          "starts to negotiate", false, false, false },
        { "2026-11-21T17:50:19.531 11[IKE] <vpn3|1> received AUTHENTICATION_FAILED notify error", "vpn3",
          "authentication failed: the shared keys differ", false, true, false },
        { "2026-11-21T17:50:19.531 07[IKE] <vpn3|2> tried 1 shared key for '203.0.113.1' - '203.0.113.2', "
          "but MAC mismatched",
          "vpn3", "authentication failed: the shared keys differ", false, true, false },
        { "2026-11-21T17:50:19.531 07[IKE] <vpn3|2> received NO_PROPOSAL_CHOSEN notify error", "vpn3",
          "no proposal chosen: the IKE policies differ", false, true, false },
        { "2026-11-21T17:50:19.531 07[IKE] <vpn3|2> received NO_PROPOSAL_CHOSEN notify, no CHILD_SA built",
          "vpn3", "no proposal chosen: the IPsec (ESP) policies differ", false, true, false },
        { "2026-11-21T17:50:19.531 07[IKE] <5> no IKE config found for 203.0.113.1...203.0.113.9, sending "
          "NO_PROPOSAL_CHOSEN",
          "", "no connection to here: an unknown address wants to negotiate", false, false, false },
        { "2026-11-21T17:50:19.531 07[IKE] <vpn3|2> retransmit 1 of request with message ID 0", "vpn3",
          "no answer yet, asking again", false, false, false },
        { "2026-11-21T17:50:19.531 07[IKE] <vpn3|2> retransmit 2 of request with message ID 0", "vpn3",
          "the other side does not answer", false, false, true },
        { "2026-11-21T17:50:19.531 07[IKE] <vpn3|2> giving up after 5 retransmits", "vpn3",
          "the other side does not answer", false, false, true },
        { "2026-11-21T17:50:19.531 00[LIB] created TUN device: ipsec0", "", "created TUN device: ipsec0",
          true, false, false },
        { "2026-11-21T17:50:19.531 00[IKE] <vpn3|2> scheduling rekeying in 28000s", "vpn3",
          "scheduling rekeying in 28000s", false, false, false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct vnl_vpn_line line;

        assert_true(vnl_vpn_line_parse(rows[i].line, &line));
        assert_string_equal(line.time, "2026-11-21T17:50:19.531");
        assert_string_equal(line.connection, rows[i].connection);
        assert_string_equal(line.text, rows[i].text);
        assert_int_equal(line.noise, rows[i].noise);
        assert_int_equal(line.failure, rows[i].failure);
        assert_int_equal(line.silence, rows[i].silence);
    }
}

static void other_lines_are_no_log(void **state)
{
    static const char *const rows[] = { "", "x", "2026-11-21T17:50:19.531", "a b c", "time 11[IKE" };
    struct vnl_vpn_line line;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_false(vnl_vpn_line_parse(rows[i], &line));
}

static void charon_config_is_of_its_engine(void **state)
{
    CLEANUP(vnl_str_free)
    char *libipsec =
        vnl_charon_config(&(struct vnl_charon_spec){ .engine = VNL_VPN_LIBIPSEC, .port = 20006 });
    CLEANUP(vnl_str_free)
    char *xfrm = vnl_charon_config(&(struct vnl_charon_spec){ .engine = VNL_VPN_XFRM, .port = 500 });
    CLEANUP(vnl_str_free)
    char *own = vnl_charon_config(
        &(struct vnl_charon_spec){ .engine = VNL_VPN_LIBIPSEC, .port = 500, .own_routes = true });

    (void)state;
    assert_non_null(strstr(libipsec, "port = 20006\n  port_nat_t = 20007\n"));
    assert_non_null(strstr(libipsec, "kernel-libipsec kernel-netlink"));
    assert_non_null(strstr(libipsec, "fwmark"));
    assert_non_null(strstr(xfrm, "port = 500\n  port_nat_t = 4500\n  retransmit"));
    assert_non_null(strstr(xfrm, "install_routes = no"));
    assert_null(strstr(xfrm, "libipsec"));
    assert_null(strstr(own, "fwmark"));
    assert_null(strstr(own, "install_routes"));
    assert_null(strstr(own, "interfaces_ignore"));
}

static void gateway_speaks_ike_at_its_public_address_only(void **state)
{
    CLEANUP(vnl_str_free)
    char *text = vnl_charon_config(
        &(struct vnl_charon_spec){ .engine = VNL_VPN_XFRM, .port = 500, .outside_only = true });

    (void)state;
    assert_non_null(strstr(text, "  interfaces_ignore = eth0\n"));
}

/* Silence and repetitions together; a daemon of several connections repeats as the least timeout needs. */
static void dead_peers_are_known_in_time(void **state)
{
    static const struct {
        uint32_t timeout_s;
        unsigned tries;
        uint32_t delay_s;
    } rows[] = { { 9, 2, 4 }, { 14, 3, 5 }, { 24, 4, 9 }, { 39, 4, 24 }, { 45, 5, 19 }, { 3600, 5, 3574 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(vnl_vpn_dpd_tries(rows[i].timeout_s), rows[i].tries);
        assert_int_equal(vnl_vpn_dpd_delay(rows[i].timeout_s, rows[i].tries), rows[i].delay_s);
    }
    for (uint32_t timeout = 9; timeout <= 3600; timeout++) {
        unsigned tries = vnl_vpn_dpd_tries(timeout);
        double dead = vnl_vpn_dpd_delay(timeout, tries) + vnl_vpn_dpd_span(tries);

        assert_true(dead >= timeout && dead < timeout + 1);
        assert_true(3 * vnl_vpn_dpd_delay(timeout, tries) >= timeout);
    }
    assert_int_equal(vnl_vpn_dpd_tries(0), 5);
    assert_int_equal(vnl_vpn_dpd_delay(0, 5), 0);
    assert_int_equal(vnl_vpn_dpd_delay(45, vnl_vpn_dpd_tries(9)), 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_is_encoded_as_described),
        cmocka_unit_test(message_is_read_back),
        cmocka_unit_test(cut_message_is_refused),
        cmocka_unit_test(broken_message_is_refused),
        cmocka_unit_test(section_too_deep_is_refused),
        cmocka_unit_test(name_too_long_fails_the_message),
        cmocka_unit_test(packet_is_taken_apart),
        cmocka_unit_test(sa_is_read),
        cmocka_unit_test(sa_whose_child_goes_is_not_installed),
        cmocka_unit_test(child_is_named_by_its_settings),
        cmocka_unit_test(connection_says_what_its_engine_needs),
        cmocka_unit_test(an_engine_is_forced_for_all_or_for_one),
        cmocka_unit_test(secret_is_named_without_giving_it_away),
        cmocka_unit_test(log_lines_become_sentences),
        cmocka_unit_test(other_lines_are_no_log),
        cmocka_unit_test(charon_config_is_of_its_engine),
        cmocka_unit_test(gateway_speaks_ike_at_its_public_address_only),
        cmocka_unit_test(dead_peers_are_known_in_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
