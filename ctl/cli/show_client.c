/* A point-to-site client: what is written of it, and what the agent knows while the lab runs. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "show_parts.h"

#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/vpn.h"

/* What is known of it. */
struct known {
    struct vnl_vpn_states states;
    const struct vnl_vpn_state *state; /* or NULL */
    const char *why;                   /* with state NULL: why nothing is known; NULL: no reason */
};

static void known_done(struct known *known)
{
    vnl_vpn_states_done(&known->states);
}

static int ask(const struct vnl_lab *lab, const struct vnl_client *client, struct known *ret,
               struct vnl_err **err)
{
    CLEANUP(vnl_err_free) struct vnl_err *why = NULL;
    int r = vnl_dp_exists(lab->name) ? vnl_vpn_states(lab->name, &ret->states, &why) : 0;

    if (r == -ENOENT)
        ret->why = "the lab's agent does not run: 'vnetlab up' starts it";
    if (r < 0 && r != -ENOENT) {
        vnl_err_append(err, &why);
        return vnl_wrap(err, "client '%s'", client->name);
    }
    for (size_t i = 0; i < ret->states.n; i++) {
        const struct vnl_vpn_state *state = &ret->states.items[i];

        if (state->kind == VNL_TUNNEL_CLIENT && !strcmp(state->connection, client->id))
            ret->state = state;
    }
    return 0;
}

static void show_number(const char *name, uint64_t number)
{
    char buf[32];

    (void)snprintf(buf, sizeof(buf), "%" PRIu64, number);
    vnl_show_line(name, buf);
}

static void print_certificate(const struct vnl_client *client)
{
    const struct vnl_p2s_root *root = vnl_client_root(client);

    if (client->certificate) {
        vnl_show_line("certificate", client->certificate);
        vnl_show_line("private key", client->private_key);
    } else {
        vnl_show_label("certificate");
        (void)printf("made by the lab, signed by %s\n", root ? root->name : "-");
    }
}

static void print_known(const struct known *known)
{
    const struct vnl_vpn_state *state = known->state;

    vnl_show_line("thumbprint", state ? state->thumbprint : NULL);
    vnl_show_line("status", vnl_vpn_status_str(state ? state->status : VNL_VPN_UNKNOWN));
    if (state && state->reason && state->status != VNL_VPN_CONNECTED)
        vnl_show_line("reason", state->reason);
    if (!state && known->why)
        vnl_show_line("reason", known->why);
    if (!state)
        return;
    vnl_show_line("address in the VNet", state->inner);
    vnl_show_line("suite", state->suite);
    vnl_show_line("engine", vnl_vpn_engine_str(state->engine));
    show_number("bytes in", state->ingress);
    show_number("bytes out", state->egress);
}

int vnl_show_client(const struct vnl_lab *lab, const struct vnl_client *client, struct vnl_err **err)
{
    CLEANUP(known_done) struct known known = { 0 };
    char addr[VNL_ADDR_STR], mac[VNL_MAC_STR];
    int r = ask(lab, client, &known, err);

    if (r < 0)
        return r;
    (void)printf("client %s\n", client->name);
    vnl_show_line("public address", vnl_addr_format(&client->host->addr, addr));
    vnl_show_line("MAC", vnl_mac_format(&client->host->mac, mac));
    vnl_show_line("gateway", client->gateway->name);
    print_certificate(client);
    print_known(&known);
    for (size_t i = 0; i < client->host->run.n; i++)
        vnl_show_line(i ? "" : "runs", client->host->run.items[i]);
    (void)printf("\nits IKE log: sudo vnetlab vpn log %s\n", client->name);
    return 0;
}

int vnl_client_add_state(struct vnl_json *json, const struct vnl_lab *lab, const struct vnl_client *client,
                         struct vnl_err **err)
{
    CLEANUP(known_done) struct known known = { 0 };
    const struct vnl_vpn_state *state;
    int r = ask(lab, client, &known, err);
    bool bad = false;

    if (r < 0)
        return r;
    state = known.state;
    bad |= vnl_json_set(json, "connectionStatus",
                        vnl_json_str(vnl_vpn_status_str(state ? state->status : VNL_VPN_UNKNOWN))) < 0;
    bad |= vnl_json_set(json, "thumbprint", vnl_json_str(state ? state->thumbprint : NULL)) < 0;
    bad |= vnl_json_set(json, "privateIPAddress", vnl_json_str(state ? state->inner : NULL)) < 0;
    bad |= vnl_json_set(json, "reason", vnl_json_str(state ? state->reason : known.why)) < 0;
    bad |=
        vnl_json_set(json, "ingressBytesTransferred", vnl_json_int(state ? (int64_t)state->ingress : 0)) < 0;
    bad |= vnl_json_set(json, "egressBytesTransferred", vnl_json_int(state ? (int64_t)state->egress : 0)) < 0;
    return bad ? vnl_fail(err, ENOMEM, "client '%s'", client->name) : 0;
}
