/* The part of a lab (lab.h) that is about VPN: gateways, connections, sites, and clients of point-to-site. Spec vpn-gateway-semantics.md.
 * What can be done with it is declared in lab.h. */
#ifndef VNETLAB_LAB_GATEWAY_H
#define VNETLAB_LAB_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vnetlab/addr.h"
#include "vnetlab/err.h"
#include "vnetlab/lab_shapes.h"
#include "vnetlab/name_list.h"

/* One row of the table of SKUs (spec 3). */
struct vnl_gateway_sku {
    const char *name; /* "VpnGw1AZ" */
    int generation;   /* that the row is of; 1 or 2 */
    int tunnels;      /* site-to-site and VNet-to-VNet together */
    int mbps;
    bool basic;
};

/* One who speaks BGP (spec 9). */
struct vnl_bgp {
    bool written;
    struct vnl_src src;
    uint32_t asn;
    struct vnl_addr addr; /* bgpPeeringAddress */
    int weight;           /* peerWeight: kept and shown, no more */
};

/* What runs: one, or with activeActive two at once, each with a public IP and addresses of its own. */
#define VNL_GATEWAY_INSTANCES 2
struct vnl_gateway_instance {
    char *name;       /* settled: of its guest: the gateway's name, the second one's is "NAME.1" */
    char *public_ref; /* publicIPAddress; NULL: resource "NAME-ip" ("NAME-ip-1") is implied */
    struct vnl_src public_src;
    struct vnl_public_ip *public_ip; /* resolved; public_ip->gateway points back */
    /* Settled: its address in GatewaySubnet (the lowest free), its BGP address (the last usable, of the second the one before), NIC slots, MACs. */
    struct vnl_addr inner, bgp_addr;
    uint32_t in_slot, out_slot;
    struct vnl_mac in_mac, out_mac;
};

struct vnl_vpn_gateway {
    uint32_t number; /* position in lab->gateways */
    struct vnl_src src;
    char *id;
    char *name; /* also of its guest: unique among VMs, hosts and sites */
    struct vnl_scope scope;
    char *vnet_ref;
    struct vnl_src vnet_src;
    struct vnl_vnet *vnet;     /* resolved; vnet->gateway points back */
    struct vnl_subnet *subnet; /* resolved: its GatewaySubnet */
    char *sku;                 /* as in the table */
    struct vnl_src sku_src;
    int generation;    /* vpnGatewayGeneration: 0 = not written; resolved: 1 or 2 */
    bool policy_based; /* vpnType PolicyBased */
    uint32_t asn;      /* 65515 unless written */
    /* publicIPAddress of the first; more of them with activeActive. */
    struct vnl_gateway_instance instances[VNL_GATEWAY_INSTANCES];
    size_t n_instances; /* 1, or 2 with activeActive */
    bool active_active;
    struct vnl_src active_src;
    bool enable_bgp; /* as written: kept and shown; a connection's own decides */
    struct vnl_src bgp_src;
    char *default_site_ref; /* gatewayDefaultSite, or NULL */
    struct vnl_src default_site_src;
    struct vnl_local_gateway *default_site; /* resolved */
    struct vnl_prefix
        subnet_prefix;   /* settled: of GatewaySubnet, that the instances have their addresses of */
    struct vnl_p2s *p2s; /* vpnClientConfiguration, or NULL */
    struct vnl_prefixes custom_routes; /* customRoutes.addressPrefixes: clients get them too */
    struct vnl_src custom_src;
};

struct vnl_local_gateway {
    uint32_t number; /* position in lab->local_gateways */
    struct vnl_src src;
    char *id;
    char *name;
    struct vnl_scope scope;
    struct vnl_addr addr; /* gatewayIpAddress */
    struct vnl_src addr_src;
    struct vnl_prefixes prefixes; /* localNetworkAddressSpace.addressPrefixes; may be none with BGP */
    struct vnl_src prefixes_src;
    struct vnl_bgp bgp; /* bgpSettings: of the device */
};

enum vnl_connection_type {
    VNL_CONNECTION_VNET,
    VNL_CONNECTION_IPSEC,
    VNL_CONNECTION_TYPE_MAX
}; /* Vnet2Vnet, IPsec */
enum vnl_connection_mode {
    VNL_CONNECTION_DEFAULT,
    VNL_CONNECTION_INITIATOR,
    VNL_CONNECTION_RESPONDER,
    VNL_CONNECTION_MODE_MAX
};

/* ipsecPolicies[0]: all eight fields (spec 7.3); words are ARM's, checked against the vocabularies of ctl/model/ipsec_policy.c. */
struct vnl_ipsec_policy {
    bool written;
    struct vnl_src src;
    char *ike_encryption, *ike_integrity, *dh_group;
    char *ipsec_encryption, *ipsec_integrity, *pfs_group;
    uint32_t lifetime_s;   /* saLifeTimeSeconds */
    uint32_t lifetime_kib; /* saDataSizeKilobytes */
};

/* trafficSelectorPolicies[0]: what the gateway proposes where it starts the negotiation (spec 8). */
struct vnl_selector_policy {
    bool written;
    struct vnl_src src;
    struct vnl_prefixes local, remote; /* localAddressRanges, remoteAddressRanges */
};

struct vnl_connection {
    uint32_t number; /* position in lab->connections */
    struct vnl_src src;
    char *id;
    char *name;
    struct vnl_scope scope;
    enum vnl_connection_type type;
    char *gateway1_ref, *gateway2_ref, *local2_ref; /* the third with IPsec, else the second */
    struct vnl_src gateway1_src, gateway2_src, local2_src;
    struct vnl_vpn_gateway *gateway1, *gateway2; /* resolved */
    struct vnl_local_gateway *local2;
    struct vnl_connection *twin; /* resolved: Vnet2Vnet in the other direction, or NULL */
    char *
        shared_key; /* settled: never NULL; NULL as written: one is generated, which no other side has (spec 5.3) */
    bool key_generated; /* settled */
    char *key_written;  /* settled: what the lab file said last, "" = nothing; set-key leaves it as it is */
    struct vnl_src key_src;
    int routing_weight;    /* default 10 */
    int dpd_timeout_s;     /* 9..3600; 0 = not written (45) */
    bool ike_v1;           /* connectionProtocol IKEv1; resolved: always with a PolicyBased gateway */
    bool ike_written;      /* connectionProtocol is written */
    bool policy_selectors; /* usePolicyBasedTrafficSelectors */
    struct vnl_selector_policy selectors;
    bool enable_bgp; /* as written. In force (vnl_connection_bgp): of a VNet-to-VNet pair both have it */
    struct vnl_src bgp_src;
    enum vnl_connection_mode mode;
    struct vnl_ipsec_policy policy;
    uint32_t
        slot; /* settled: small number, stable while the connection lives; its tunnels' interfaces are numbered by it */
};

/* A host of a site's network. */
struct vnl_site_host {
    struct vnl_src src;
    char *name; /* unique among VMs, hosts, sites and gateways */
    struct vnl_addr addr;
    struct vnl_names run;
    struct vnl_mac mac; /* settled */
    uint32_t slot;      /* settled: NIC slot */
};

/* Simulated on-premises network: an IKE device with a public address, and hosts behind it. */
struct vnl_site {
    uint32_t number; /* position in lab->sites */
    uint32_t slot;   /* settled: of its network, VNL_SITE_SLOT + slot; stable while the site lives */
    struct vnl_src src;
    char *id;             /* "sites/NAME" */
    char *name;           /* also of its device's guest */
    struct vnl_addr addr; /* publicIPAddress: of its device on the internet side */
    struct vnl_src addr_src;
    struct vnl_prefixes prefixes;
    struct vnl_src prefixes_src;
    char *shared_key; /* for every gateway that connects to it */
    struct vnl_src key_src;
    char *swanctl; /* a swanctl.conf of the user's for the device, absolute path; NULL: made by vnetlab */
    struct vnl_bgp bgp; /* bgpSettings of its device; not written: it speaks none */
    bool advertises;    /* bgpSettings.advertisedPrefixes is written; else it announces its prefixes */
    struct vnl_prefixes advertised; /* what it announces then */
    int prepend; /* bgpSettings.asPathPrepend: how often its ASN stands in the path once more */
    struct vnl_site_host **hosts;
    size_t n_hosts;
    struct vnl_addr
        inner; /* settled: the device's address in its network: first of the first prefix, plus one */
    uint32_t in_slot, out_slot;
    struct vnl_mac in_mac, out_mac;
};

/* --- point-to-site (spec 13) -------------------------------------------------------------------------------------------- */

/* vpnClientRootCertificates: one name and what Azure knows of it. Without publicCertData the lab makes the certificate, with its key. */
struct vnl_p2s_root {
    struct vnl_src src;
    char *name;
    char *data; /* publicCertData: base64 of DER, without blanks; NULL: made by the lab */
};

struct vnl_p2s_revoked {
    struct vnl_src src;
    char *name;
    char *thumbprint; /* 40 hexadecimal digits, capitals: SHA-1 of the certificate */
};

/* vpnClientConfiguration. Protocol IkeV2 and Certificate authentication are what is supported. */
struct vnl_p2s {
    struct vnl_src src, pool_src;
    struct vnl_prefixes pool; /* vpnClientAddressPool.addressPrefixes */
    struct vnl_p2s_root *roots;
    size_t n_roots;
    struct vnl_p2s_revoked *revoked;
    size_t n_revoked;
    struct vnl_ipsec_policy policy; /* vpnClientIpsecPolicies[0] */
};

/* An IKEv2 client on a computer of the internet side, which is a host of the lab (lab->hosts) in all else: its name, address, NIC, commands. */
struct vnl_client {
    uint32_t number; /* position in lab->clients */
    struct vnl_src src;
    char *id;              /* "clients/NAME" */
    char *name;            /* also of its host */
    struct vnl_host *host; /* made with it; host->client points back */
    char *gateway_ref;
    struct vnl_src gateway_src;
    struct vnl_vpn_gateway *gateway; /* resolved */
    char *root; /* rootCertificate: the one that its own is signed with; NULL: the gateway's first */
    struct vnl_src root_src;
    char *certificate,
        *private_key; /* PEM files of the user's, absolute paths; both, or none: made by the lab */
    struct vnl_src certificate_src;
};

#endif
