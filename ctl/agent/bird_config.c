/* bird.conf. Every way is a black hole to BIRD: it forwards nothing, and the address of each peer must lead somewhere or its routes would not
 * be usable. Times are the shortest there are, because the far end of a lab is up when it is asked. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "bird.h"
#include "vnetlab/plan.h"

/* log: "packets" are the messages that are counted (vnl_bird_messages_count). scan time: nothing of the kernel's is of interest. */
static const char head[] = "log \"log\" 1000000 \"log.old\" all;\n"
                           "debug protocols { states, packets };\n"
                           "timeformat log \"%%Y-%%m-%%dT%%H:%%M:%%S\";\n"
                           "timeformat protocol \"%%s\";\n"
                           "timeformat route \"%%s\";\n"
                           "router id %s;\n"
                           "protocol device { scan time 3600; }\n"
                           "protocol kernel notify {\n"
                           "  learn off; persist off; scan time 3600; kernel table %u;\n"
                           "  ipv4 { import none; export where source = RTS_BGP; };\n"
                           "}\n";

static const char session[] = "protocol bgp " VNL_BIRD_SESSION "%s {\n"
                              "  disabled %s;\n"
                              "  local %s as %u; neighbor %s as %u; multihop 255;\n"
                              "  hold time 180; keepalive time 60;\n"
                              "  connect delay time 1; connect retry time 1; error wait time 1, 2;\n"
                              "  graceful restart off;\n"
                              "  ipv4 {\n"
                              "    gateway recursive; next hop self;%s\n"
                              "    import filter inward; export filter outward;\n"
                              "  };\n"
                              "}\n";

static bool is_default(const struct vnl_prefix *prefix)
{
    return prefix->len == 0;
}

static bool is_listed_before(const struct vnl_plan_gateway *gateway, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (vnl_prefix_eq(&gateway->announced[i], &gateway->announced[at]))
            return true;
    return false;
}

static bool is_own(const struct vnl_plan_gateway *gateway, size_t at)
{
    const struct vnl_prefix *prefix = &gateway->announced[at];

    return prefix->addr.family == AF_INET && (gateway->site || !is_default(prefix)) &&
           !is_listed_before(gateway, at);
}

static void write_own(FILE *out, const struct vnl_plan_gateway *gateway)
{
    char text[VNL_PREFIX_STR];

    (void)fputs("protocol static own {\n  ipv4;\n", out);
    for (size_t i = 0; i < gateway->n_announced; i++)
        if (is_own(gateway, i))
            (void)fprintf(out, "  route %s blackhole;\n", vnl_prefix_format(&gateway->announced[i], text));
    (void)fputs("}\n", out);
}

static bool is_session(const struct vnl_plan *plan, size_t tunnel, size_t gateway)
{
    return plan->tunnels[tunnel].gateway == gateway && plan->tunnels[tunnel].peer_asn;
}

/* Two sessions may have one peer address (a site with two connections to a gateway). */
static bool is_first_to(const struct vnl_plan *plan, size_t tunnel, size_t gateway)
{
    for (size_t i = 0; i < tunnel; i++)
        if (is_session(plan, i, gateway) &&
            vnl_addr_eq(&plan->tunnels[i].peer_bgp, &plan->tunnels[tunnel].peer_bgp))
            return false;
    return true;
}

static void write_peers(FILE *out, const struct vnl_plan *plan, size_t gateway)
{
    char text[VNL_ADDR_STR];

    (void)fputs("protocol static peers {\n  ipv4;\n", out);
    for (size_t i = 0; i < plan->n_tunnels; i++)
        if (is_session(plan, i, gateway) && is_first_to(plan, i, gateway))
            (void)fprintf(out, "  route %s/32 blackhole;\n",
                          vnl_addr_format(&plan->tunnels[i].peer_bgp, text));
    (void)fputs("}\n", out);
}

/* Azure's limit; a router of the user's takes all it hears (spec vpn 9.3). */
static const char *limit_of(const struct vnl_plan_gateway *gateway, char buf[64])
{
    (void)snprintf(buf, 64, " receive limit %u action disable;", VNL_BIRD_ROUTES_MAX);
    return gateway->site ? "" : buf;
}

/* suffix "+": and all that lies in them. */
static void write_refusal(FILE *out, const struct vnl_prefix *prefixes, size_t n, const char *suffix)
{
    char text[VNL_PREFIX_STR];
    bool any = false;

    for (size_t i = 0; i < n; i++) {
        if (prefixes[i].addr.family != AF_INET)
            continue;
        (void)fprintf(out, "%s%s%s", any ? ", " : "  if net ~ [ ", vnl_prefix_format(&prefixes[i], text),
                      suffix);
        any = true;
    }
    if (any)
        (void)fputs(" ] then reject;\n", out);
}

static void write_filters(FILE *out, const struct vnl_plan_gateway *gateway)
{
    (void)fputs("filter inward {\n", out);
    write_refusal(out, gateway->refused, gateway->n_refused, "");
    if (gateway->site) /* a router knows its own networks better than its peers do */
        write_refusal(out, gateway->inside, gateway->n_inside, "");
    (void)fputs("  accept;\n}\nfilter outward {\n", out);
    for (unsigned i = 0; i < gateway->prepend; i++)
        (void)fprintf(out, "  bgp_path.prepend(%u);\n", gateway->asn);
    (void)fputs("  if proto = \"own\" then accept;\n  if source != RTS_BGP then reject;\n", out);
    if (!gateway->site)
        (void)fputs("  if net = 0.0.0.0/0 then reject;\n", out);
    write_refusal(out, gateway->refused, gateway->n_refused, "+");
    (void)fputs("  accept;\n}\n", out);
}

static void write_session(FILE *out, const struct vnl_plan_gateway *gateway,
                          const struct vnl_plan_tunnel *tunnel, bool up)
{
    char own[VNL_ADDR_STR], peer[VNL_ADDR_STR], limit[64];

    (void)fprintf(out, session, tunnel->ifname, up ? "no" : "yes", vnl_addr_format(&gateway->bgp_addr, own),
                  gateway->asn, vnl_addr_format(&tunnel->peer_bgp, peer), tunnel->peer_asn,
                  limit_of(gateway, limit));
}

char *vnl_bird_config(const struct vnl_plan *plan, size_t gateway, const bool *up)
{
    const struct vnl_plan_gateway *of = &plan->gateways[gateway];
    char *text = NULL, id[VNL_ADDR_STR];
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    (void)fprintf(out, head, vnl_addr_format(&of->bgp_addr, id), VNL_BIRD_TABLE);
    write_own(out, of);
    write_peers(out, plan, gateway);
    write_filters(out, of);
    for (size_t i = 0; i < plan->n_tunnels; i++)
        if (is_session(plan, i, gateway))
            write_session(out, of, &plan->tunnels[i], up[i]);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}
