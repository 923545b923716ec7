/* What `show GATEWAY` says of its point-to-site side: vpnClientConfiguration, and who uses it. */
#include <stdio.h>

#include "show_parts.h"

#include "vnetlab/lab.h"

static void print_roots(const struct vnl_p2s *p2s)
{
    for (size_t i = 0; i < p2s->n_roots; i++) {
        vnl_show_label(i ? "" : "root certificates");
        (void)printf("%s, %s\n", p2s->roots[i].name,
                     p2s->roots[i].data ? "publicCertData" : "made by the lab");
    }
}

static void print_revoked(const struct vnl_p2s *p2s)
{
    for (size_t i = 0; i < p2s->n_revoked; i++) {
        vnl_show_label(i ? "" : "revoked certificates");
        (void)printf("%s, %s\n", p2s->revoked[i].name, p2s->revoked[i].thumbprint);
    }
}

static void print_clients(const struct vnl_lab *lab, const struct vnl_vpn_gateway *gateway)
{
    bool any = false;

    for (size_t i = 0; i < lab->n_clients; i++) {
        if (lab->clients[i]->gateway != gateway)
            continue;
        vnl_show_line(any ? "" : "clients", lab->clients[i]->name);
        any = true;
    }
    if (!any)
        vnl_show_line("clients", NULL);
}

void vnl_show_p2s(const struct vnl_lab *lab, const struct vnl_vpn_gateway *gateway)
{
    if (gateway->custom_routes.n) {
        vnl_show_label("custom routes");
        vnl_show_prefixes(&gateway->custom_routes);
    }
    if (!gateway->p2s)
        return;
    vnl_show_label("clients' address pool");
    vnl_show_prefixes(&gateway->p2s->pool);
    print_roots(gateway->p2s);
    print_revoked(gateway->p2s);
    vnl_show_policy("clients' IPsec policy", &gateway->p2s->policy);
    print_clients(lab, gateway);
}
