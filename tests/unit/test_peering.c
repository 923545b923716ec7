/* Rules of peerings within one lab: spec 2.1, 2.3, 2.6, 2.8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/labs.h"

#define ID(group, vnet)                                                                                      \
    "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/" group                              \
    "/providers/Microsoft.Network/virtualNetworks/" vnet

static void remote_vnets_are_referred_to_by_name_or_id(void **state)
{
    static const struct labs_case cases[] = {
        { "name", NULL, "vnet va 10.0.0.0/16\npeer p vb\nvnet vb 10.1.0.0/16", NULL, NULL },
        { "name in another case", NULL, "vnet va 10.0.0.0/16\npeer p VB\nvnet vb 10.1.0.0/16", NULL, NULL },
        { "id in another subscription", NULL,
          "vnet va 10.0.0.0/16\npeer p " ID(
              "g2", "vb") "\nvnet vb 10.1.0.0/16 group=g2 subscription=11111111-1111-1111-1111-111111111111",
          NULL, NULL },
        { "unknown name", NULL, "vnet hub 10.0.0.0/16\npeer p spoke1\nvnet spoke-1 10.1.0.0/16",
          "InvalidResourceReference", "'spoke1'|'p'|did you mean 'spoke-1'?" },
        { "unknown id", NULL, "vnet va 10.0.0.0/16\npeer p " ID("g2", "vb"), "InvalidResourceReference",
          ID("g2", "vb") },
        { "name of two", NULL,
          "vnet va 10.0.0.0/16\npeer p vb\nvnet vb 10.1.0.0/16\nvnet vb 10.2.0.0/16 group=g2",
          "InvalidResourceReference", "2 virtual networks are called 'vb'|full id" },
        { "id of something else", NULL, "vnet va 10.0.0.0/16\npeer p " ID("g2", "vb/subnets/s"),
          "InvalidRequestFormat", "not formatted correctly" },
        { "itself", NULL, "vnet va 10.0.0.0/16\npeer p va", "BadRequest",
          "peering p|va cannot be peered with itself" },
        { "a second link", NULL, "vnet va 10.0.0.0/16\npeer p vb\npeer q vb\nvnet vb 10.1.0.0/16",
          "AnotherPeeringAlreadyReferencesRemoteVnet",
          "Peering p already references remote virtual network vb" },
        { "one link in each direction", NULL,
          "vnet va 10.0.0.0/16\npeer p vb\nvnet vb 10.1.0.0/16\npeer p va", NULL, NULL },
    };

    (void)state;
    labs_check(cases, ARRAY_SIZE(cases));
}

static void peered_spaces_do_not_overlap(void **state)
{
    static const struct labs_case cases[] = {
        { "subset, first link", NULL, "vnet az104 192.168.0.0/16\npeer az104-to-x vx\nvnet vx 192.168.1.0/24",
          "VnetAddressSpacesOverlap",
          "Cannot create or update peering az104-to-x. Virtual networks az104 and vx cannot be peered "
          "because their address "
          "spaces overlap. Overlapping address prefixes: 192.168.0.0/16, 192.168.1.0/24" },
        { "the other way round", NULL, "vnet va 10.0.5.0/24\npeer p vb\nvnet vb 10.0.0.0/16",
          "VnetAddressSpacesOverlap", "Overlapping address prefixes: 10.0.5.0/24, 10.0.0.0/16" },
        { "equal is named once", NULL, "vnet va 10.0.0.0/16\npeer p vb\nvnet vb 10.0.0.0/16",
          "VnetAddressSpacesOverlap", "prefixes: 10.0.0.0/16" },
        { "all that overlap are named, no others", NULL,
          "vnet va 10.0.0.0/16,172.16.0.0/16,10.9.0.0/16\npeer p vb\nvnet vb "
          "10.8.0.0/16,10.0.1.0/24,10.9.1.0/24",
          "VnetAddressSpacesOverlap", "prefixes: 10.0.0.0/16, 10.0.1.0/24, 10.9.0.0/16, 10.9.1.0/24" },
        { "both links: said once, at the first", NULL,
          "vnet va 10.0.0.0/16\npeer p vb\nvnet vb 10.0.5.0/24\npeer q va", "VnetAddressSpacesOverlap",
          "peering p." },
        { "IPv6", NULL, "vnet va 10.0.0.0/16,fd00::/48\npeer p vb\nvnet vb 10.1.0.0/16,fd00::/64",
          "VnetAddressSpacesOverlap", "prefixes: fd00::/48, fd00::/64" },
        { "apart", NULL, "vnet va 10.0.0.0/16\npeer p vb\nvnet vb 10.1.0.0/16", NULL, NULL },
        { "only one peers the other's twin range", NULL,
          "vnet va 10.0.0.0/16\npeer p vb\nvnet vb 10.1.0.0/16\nvnet vc 10.0.0.0/16", NULL, NULL },
    };

    (void)state;
    labs_check(cases, ARRAY_SIZE(cases));
}

#define CODE_HUB "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet"

static void vnets_of_one_hub_do_not_overlap(void **state)
{
    static const struct labs_case cases[] = {
        { "spokes peer the hub", NULL,
          "vnet hub 10.0.0.0/16\nvnet s1 10.1.0.0/16\npeer p1 hub\nvnet s2 10.1.0.0/16\npeer p2 hub",
          CODE_HUB,
          "Cannot create or update peering p2. Virtual networks s2 and hub cannot be peered because address "
          "space of the first "
          "virtual network overlaps with address space of virtual network s1 already peered with the second "
          "virtual network. "
          "Overlapping address prefixes: 10.1.0.0/16" },
        { "the hub peers the spokes", NULL,
          "vnet hub 10.0.0.0/16\npeer h1 s1\npeer h2 s2\nvnet s1 10.1.0.0/16\nvnet s2 10.1.128.0/17",
          CODE_HUB,
          "peering h2.|networks s2 and hub|network s1 already|prefixes: 10.1.128.0/17, 10.1.0.0/16" },
        { "both do: said once", NULL,
          "vnet hub 10.0.0.0/16\npeer h1 s1\npeer h2 s2\nvnet s1 10.1.0.0/16\npeer p1 hub\nvnet s2 "
          "10.1.0.0/16\npeer p2 hub",
          CODE_HUB, "peering h2." },
        { "the later link is blamed, not the later VNet", NULL,
          "vnet s1 10.1.0.0/16\nvnet s2 10.1.0.0/16\npeer p2 hub\nvnet hub 10.0.0.0/16\npeer h1 s1", CODE_HUB,
          "peering h1.|networks s1 and hub|network s2 already" },
        { "two hubs", NULL,
          "vnet hub1 10.0.0.0/16\npeer h1 s1\nvnet hub2 10.9.0.0/16\npeer h2 s2\nvnet s1 10.1.0.0/16\nvnet "
          "s2 10.1.0.0/16",
          NULL, NULL },
        { "a mesh of three", NULL,
          "vnet va 10.0.0.0/16\npeer p vb\npeer q vc\nvnet vb 10.1.0.0/16\npeer p va\npeer q vc\n"
          "vnet vc 10.2.0.0/16\npeer p va\npeer q vb",
          NULL, NULL },
    };

    (void)state;
    labs_check(cases, ARRAY_SIZE(cases));
}

/* s3 overlaps s1, which came first, although s2 stands between them in sorted order and is blamed too. */
static void each_overlapping_spoke_is_named(void **state)
{
    CLEANUP(vnl_err_free)
    struct vnl_err *err =
        labs_mistakes("vnet hub 10.0.0.0/16\npeer h1 s1\npeer h3 s3\npeer h2 s2\n"
                      "vnet s1 172.16.0.0/12\nvnet s2 172.16.0.0/16\nvnet s3 172.16.0.0/16");
    size_t n;

    (void)state;
    labs_find(err, CODE_HUB, &n);
    assert_int_equal(n, 2);
}

static void links_know_their_twins(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = labs_resolve("vnet va 10.0.0.0/16\npeer p vb\npeer q vc\n"
                                       "vnet vb 10.1.0.0/16\npeer r va\nvnet vc 10.2.0.0/16");

    (void)state;
    assert_ptr_equal(vnl_peering_twin(labs_link(lab, "va", "p")), labs_link(lab, "vb", "r"));
    assert_ptr_equal(vnl_peering_twin(labs_link(lab, "vb", "r")), labs_link(lab, "va", "p"));
    assert_null(vnl_peering_twin(labs_link(lab, "va", "q")));
    assert_ptr_equal(labs_link(lab, "va", "q")->remote, lab->vnets[2]);
}

/* --- gateway flags: spec 2.6 ------------------------------------------------------------------------- */

static void remote_gateways_need_a_gateway(void **state)
{
    static const struct labs_case cases[] = {
        { "no gateway", NULL,
          "vnet spoke 10.1.0.0/16\npeer p hub gateways\nvnet hub 10.0.0.0/16\npeer q spoke transit",
          "RemoteVnetHasNoGateways",
          "Peering p cannot have UseRemoteGateways|virtual network hub|does not have any gateways" },
        { "twin absent", NULL, "vnet spoke 10.1.0.0/16\npeer p hub gateways\nvnet hub 10.0.0.0/16",
          "RemoteVnetHasNoGateways", "Peering p" },
        { "transit without a gateway is accepted", NULL,
          "vnet hub 10.0.0.0/16\npeer p spoke transit\nvnet spoke 10.1.0.0/16", NULL, NULL },
    };

    (void)state;
    labs_check(cases, ARRAY_SIZE(cases));
}

static void remote_gateways_need_transit_on_the_twin(void **state)
{
    CLEANUP(vnl_err_free)
    struct vnl_err *err =
        labs_mistakes("vnet spoke 10.1.0.0/16\npeer p hub gateways\nvnet hub 10.0.0.0/16\npeer q spoke");

    (void)state;
    assert_int_equal(vnl_err_count(err), 2);
    assert_non_null(labs_find(err, "RemoteVnetHasNoGateways", NULL));
    assert_string_equal(labs_find(err, "BadRequest", NULL)->msg,
                        "Peering p cannot have UseRemoteGateways flag set to true, because corresponding "
                        "remote peering hub/q has "
                        "AllowGatewayTransit flag set to false");
}

static void one_link_of_a_vnet_uses_remote_gateways(void **state)
{
    CLEANUP(vnl_err_free)
    struct vnl_err *err = labs_mistakes("vnet spoke 10.1.0.0/16\npeer p hub gateways\npeer q hub2 "
                                        "gateways\nvnet hub 10.0.0.0/16\nvnet hub2 10.2.0.0/16");
    size_t n;

    (void)state;
    assert_string_equal(
        labs_find(err, "BadRequest", &n)->msg,
        "Peering q cannot have UseRemoteGateways flag set to true because peering p of virtual network spoke "
        "already has it; only one can");
    assert_int_equal(n, 1);
}

/* --- subnet peering: spec 2.8 ------------------------------------------------------------------------ */

static void subnet_peerings_name_subnets_that_exist(void **state)
{
    static const struct labs_case cases[] = {
        { "both exist", NULL,
          "vnet va 10.0.0.0/16\nsubnet web 10.0.0.0/24\npeer p vb local=web remote=DB\nvnet vb "
          "10.1.0.0/16\nsubnet db 10.1.0.0/24",
          NULL, NULL },
        { "no such local one", NULL,
          "vnet va 10.0.0.0/16\nsubnet web 10.0.0.0/24\npeer p vb local=wep remote=db\nvnet vb "
          "10.1.0.0/16\nsubnet db 10.1.0.0/24",
          "InvalidResourceReference", "'va/wep'|'p'|did you mean 'web'?" },
        { "no such remote one", NULL,
          "vnet va 10.0.0.0/16\nsubnet web 10.0.0.0/24\npeer p vb local=web remote=web\nvnet vb "
          "10.1.0.0/16\nsubnet db 10.1.0.0/24",
          "InvalidResourceReference", "'vb/web'" },
        { "an empty list", NULL,
          "vnet va 10.0.0.0/16\nsubnet web 10.0.0.0/24\npeer p vb local=web\nvnet vb 10.1.0.0/16",
          "BadRequest", "'p'|remoteSubnetNames is empty" },
    };

    (void)state;
    labs_check(cases, ARRAY_SIZE(cases));
}

static void subnet_names_need_subnet_peering(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = labs_build("vnet va 10.0.0.0/16\nsubnet s 10.0.0.0/24\npeer p vb local=s "
                                     "remote=s\nvnet vb 10.1.0.0/16\nsubnet s 10.1.0.0/24",
                                     NULL);

    (void)state;
    lab->vnets[0]->peerings[0]->complete_vnets = true;
    assert_int_equal(vnl_lab_resolve(lab, &err), -EINVAL);
    assert_string_equal(err->msg, "Peering 'p' names subnets, but is of whole virtual networks");
    assert_string_equal(err->hint, "add peerCompleteVnets: false");
    assert_string_equal(err->target, "virtualNetworks/va/virtualNetworkPeerings/p");
}

static void subnet_peerings_name_200_subnets_at_most(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = labs_build("vnet va 10.0.0.0/16\nsubnet s 10.0.0.0/24\npeer p vb local=s "
                                     "remote=s\nvnet vb 10.1.0.0/16\nsubnet s 10.1.0.0/24",
                                     NULL);

    (void)state;
    for (int i = 0; i < 198; i++)
        assert_int_equal(vnl_names_add(&lab->vnets[0]->peerings[0]->local_subnets, "s"), 0);
    assert_int_equal(vnl_lab_resolve(lab, &err), 0);
    assert_int_equal(vnl_names_add(&lab->vnets[0]->peerings[0]->local_subnets, "s"), 0);
    assert_int_equal(vnl_lab_resolve(lab, &err), -EINVAL);
    assert_string_equal(err->msg, "Peering 'p' names 201 subnets; at most 200 can take part");
}

static void subnet_peerings_check_overlap_of_what_takes_part(void **state)
{
    static const struct labs_case cases[] = {
        { "other prefixes may overlap", NULL,
          "vnet va 10.0.0.0/16,192.168.0.0/16\nsubnet s 10.0.0.0/24\npeer p vb local=s remote=s\n"
          "vnet vb 10.1.0.0/16,192.168.0.0/16\nsubnet s 10.1.0.0/24",
          NULL, NULL },
        { "the prefix around a subnet may not", NULL,
          "vnet va 10.0.0.0/16\nsubnet s 10.0.0.0/24\npeer p vb local=s remote=s\n"
          "vnet vb 10.0.0.0/16\nsubnet s 10.0.1.0/24",
          "VnetAddressSpacesOverlap", "prefixes: 10.0.0.0/16" },
        { "whole VNets may not", NULL,
          "vnet va 10.0.0.0/16,192.168.0.0/16\npeer p vb\nvnet vb 10.1.0.0/16,192.168.0.0/16",
          "VnetAddressSpacesOverlap", "prefixes: 192.168.0.0/16" },
        { "IPv6 only: IPv4 may overlap", NULL,
          "vnet va 10.0.0.0/16,fd00::/48\npeer p vb ipv6\nvnet vb 10.0.0.0/16,fd01::/48", NULL, NULL },
        { "IPv6 only: IPv6 may not", NULL,
          "vnet va 10.0.0.0/16,fd00::/48\npeer p vb ipv6\nvnet vb 10.1.0.0/16,fd00::/48",
          "VnetAddressSpacesOverlap", "prefixes: fd00::/48" },
    };

    (void)state;
    labs_check(cases, ARRAY_SIZE(cases));
}

static void assert_space(const struct vnl_peering *link, const struct vnl_vnet *side, const char *expected)
{
    CLEANUP(vnl_prefixes_done) struct vnl_prefixes space = { 0 };
    char text[256] = "", buf[VNL_PREFIX_STR];

    assert_int_equal(vnl_peering_space(link, side, &space), 0);
    for (size_t i = 0; i < space.n; i++) {
        strcat(text, i ? " " : "");
        strcat(text, vnl_prefix_format(&space.items[i], buf));
    }
    assert_string_equal(text, expected);
}

static void space_is_what_takes_part(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = labs_resolve("vnet va 10.0.0.0/16,fd00::/48\nsubnet s1 "
                                       "10.0.0.0/24,fd00::/64\nsubnet s2 10.0.1.0/24\npeer whole vb\n"
                                       "peer part vc local=s2,s1 remote=s1\npeer six vd ipv6\n"
                                       "vnet vb 10.1.0.0/16\nvnet vc 10.2.0.0/16\nsubnet s1 "
                                       "10.2.0.0/24\nsubnet s2 10.2.1.0/24\nvnet vd 10.3.0.0/16,fd03::/48");

    (void)state;
    assert_space(labs_link(lab, "va", "whole"), lab->vnets[0], "10.0.0.0/16 fd00::/48");
    assert_space(labs_link(lab, "va", "whole"), lab->vnets[1], "10.1.0.0/16");
    assert_space(labs_link(lab, "va", "part"), lab->vnets[0], "10.0.1.0/24 10.0.0.0/24 fd00::/64");
    assert_space(labs_link(lab, "va", "part"), lab->vnets[2], "10.2.0.0/24");
    assert_space(labs_link(lab, "va", "six"), lab->vnets[0], "fd00::/48");
    assert_space(labs_link(lab, "va", "six"), lab->vnets[3], "fd03::/48");
    assert_space(labs_link(lab, "va", "whole"), NULL, "");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(remote_vnets_are_referred_to_by_name_or_id),
        cmocka_unit_test(peered_spaces_do_not_overlap),
        cmocka_unit_test(vnets_of_one_hub_do_not_overlap),
        cmocka_unit_test(each_overlapping_spoke_is_named),
        cmocka_unit_test(links_know_their_twins),
        cmocka_unit_test(remote_gateways_need_a_gateway),
        cmocka_unit_test(remote_gateways_need_transit_on_the_twin),
        cmocka_unit_test(one_link_of_a_vnet_uses_remote_gateways),
        cmocka_unit_test(subnet_peerings_name_subnets_that_exist),
        cmocka_unit_test(subnet_names_need_subnet_peering),
        cmocka_unit_test(subnet_peerings_name_200_subnets_at_most),
        cmocka_unit_test(subnet_peerings_check_overlap_of_what_takes_part),
        cmocka_unit_test(space_is_what_takes_part),
    };

    return cmocka_run_group_tests_name("peering", tests, NULL, NULL);
}
