#include <stdio.h>

#include "charon.h"

/* threads: libipsec, netlink and the sockets hold nine of them for ever.
 * retransmits: with five, a peer that does not answer is given up after 26 s (vpn_dpd.c).
 * fwmark: with libipsec charon makes routes of its own in table 220; a rule that matches no packet leaves the choice to ours.
 * interfaces_ignore: its sockets take what is for any address of the guest, also from tunnels.
 * pem, constraints: certificates (openssl reads them, constraints holds them to what they may be used for).
 * log: what packets look like (enc, net, esp) would be most of it. */
static const char config[] =
    "charon-systemd {\n"
    "  load = random nonce openssl pem constraints kdf %skernel-netlink socket-default vici\n"
    "  threads = 16\n"
    "  port = %u\n"
    "  port_nat_t = %u\n"
    "  retransmit_timeout = %.1f\n"
    "  retransmit_base = %.1f\n"
    "  retransmit_tries = %u\n"
    "  half_open_timeout = 10\n"
    "  close_ike_on_child_failure = yes\n"
    "%s"
    "  install_virtual_ip = %s\n"
    "%s%s%s"
    "  routing_table = 220\n"
    "  routing_table_prio = 220\n"
    "%s"
    "  journal {\n    default = -1\n  }\n"
    "  filelog {\n    main {\n"
    "      path = charon.log\n"
    "      time_format = %%Y-%%m-%%dT%%H:%%M:%%S\n"
    "      time_add_ms = yes\n"
    "      ike_name = yes\n"
    "      flush_line = yes\n"
    "      append = yes\n"
    "      default = 1\n      enc = 0\n      net = 0\n      esp = 0\n    }\n  }\n"
    "  plugins {\n"
    "    vici {\n      socket = unix://vici\n    }\n"
    "%s%s"
    "  }\n"
    "}\n";

char *vnl_charon_config(const struct vnl_charon_spec *spec)
{
    bool libipsec = spec->engine == VNL_VPN_LIBIPSEC, virtual_ip = *spec->virtual_ip_on;
    unsigned nat_port = spec->port == 500 ? 4500 : spec->port + 1u;
    char *text = NULL;

    return asprintf(&text, config, libipsec ? "kernel-libipsec " : "", spec->port, nat_port,
                    VNL_CHARON_RETRANSMIT_S, VNL_CHARON_RETRANSMIT_BASE,
                    spec->tries ? spec->tries : VNL_CHARON_TRIES,
                    spec->outside_only ? "  interfaces_ignore = eth0\n" : "", virtual_ip ? "yes" : "no",
                    virtual_ip ? "  install_virtual_ip_on = " : "", spec->virtual_ip_on,
                    virtual_ip ? "\n" : "", libipsec || spec->own_routes ? "" : "  install_routes = no\n",
                    libipsec ? "    kernel-libipsec {\n      load = yes\n      allow_peer_ts = no\n    }\n"
                             : "",
                    libipsec && !spec->own_routes
                        ? "    kernel-netlink {\n      fwmark = 0x56504e00/0xffffff00\n    }\n"
                        : "") < 0
               ? NULL
               : text;
}
