/* charon says much in words of its own. What tells an operator something becomes a sentence here; the rest stays as it is or is left out. No
 * line of charon's at level 1 holds a key. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vpn_parts.h"

enum meaning { MEANS_NOISE, MEANS_EVENT, MEANS_FAILURE, MEANS_SILENCE, MEANS_SUCCESS };

#define FOREIGN "authentication failed: certificate is not signed by a root certificate of the gateway"

static const struct {
    const char *part, *sentence; /* sentence NULL: charon's own words */
    enum meaning meaning;
} words[] = {
    { "peer not authenticated by CA", FOREIGN, MEANS_FAILURE },
    { "public key found for", FOREIGN, MEANS_FAILURE },
    { "peer not authenticated with peer cert", "authentication failed: certificate is revoked",
      MEANS_FAILURE },
    { "subject certificate invalid", "authentication failed: certificate is not valid at this time",
      MEANS_FAILURE },
    { "received AUTHENTICATION_FAILED", "authentication failed: the shared keys differ", MEANS_FAILURE },
    { "but MAC mismatched", "authentication failed: the shared keys differ", MEANS_FAILURE },
    { "no shared key found", "authentication failed: there is no key for the other side", MEANS_FAILURE },
    { "calculated HASH does not match", "authentication failed: the shared keys differ", MEANS_FAILURE },
    { "NO_PROPOSAL_CHOSEN notify, no CHILD_SA", "no proposal chosen: the IPsec (ESP) policies differ",
      MEANS_FAILURE },
    { "received NO_PROPOSAL_CHOSEN", "no proposal chosen: the IKE policies differ", MEANS_FAILURE },
    { "no matching proposal found", "no proposal chosen: the IKE policies differ", MEANS_FAILURE },
    { "no acceptable proposal found", "no proposal chosen: the policies differ", MEANS_FAILURE },
    { "received proposals unacceptable", "no proposal chosen: the IKE policies differ", MEANS_FAILURE },
    { "no IKE config found", "no connection to here: an unknown address wants to negotiate", MEANS_EVENT },
    { "received TS_UNACCEPTABLE", "the other side refuses the traffic selectors", MEANS_FAILURE },
    { "traffic selectors", "the traffic selectors do not fit", MEANS_FAILURE },
    { "no matching peer config found", "the other side names an unknown connection", MEANS_FAILURE },
    { "giving up after", "the other side does not answer", MEANS_SILENCE },
    { "peer not responding", "the other side does not answer, trying again", MEANS_SILENCE },
    { "retransmit 1 of", "no answer yet, asking again", MEANS_EVENT },
    { "retransmit ", "the other side does not answer", MEANS_SILENCE },
    { "received INTERNAL_ADDRESS_FAILURE", "the gateway has no address left for it", MEANS_FAILURE },
    { "unable to assign address", "a client gets no address: the pool is full", MEANS_EVENT },
    { "initiating IKE_SA", "starts to negotiate", MEANS_EVENT },
    { "initiating Main Mode", "starts to negotiate (IKEv1)", MEANS_EVENT },
    { "is initiating an IKE_SA", "the other side starts to negotiate", MEANS_EVENT },
    { "established between", "authenticated, IKE_SA established", MEANS_SUCCESS },
    { "established with SPIs", NULL, MEANS_SUCCESS },
    { "received DELETE for IKE_SA", "the other side ends the tunnel", MEANS_EVENT },
    { "deleting IKE_SA", "ends the IKE_SA", MEANS_EVENT },
    { "sending DPD request", NULL, MEANS_NOISE },
    { "vici client", NULL, MEANS_NOISE },
    { "loaded ", NULL, MEANS_NOISE },
    { "unloaded ", NULL, MEANS_NOISE },
    { "vici connection", NULL, MEANS_NOISE },
    { "vici initiate", NULL, MEANS_NOISE },
    { "vici terminate", NULL, MEANS_NOISE },
    { "peer supports", NULL, MEANS_NOISE },
    { "using certificate ", NULL, MEANS_NOISE },
    { "using trusted ", NULL, MEANS_NOISE },
    { "reached self-signed root", NULL, MEANS_NOISE },
    { "end entity cert ", NULL, MEANS_NOISE },
    { "cert request", NULL, MEANS_NOISE },
    { "faking NAT", NULL, MEANS_NOISE },
    { "is behind NAT", NULL, MEANS_NOISE },
};

static void translate(struct vnl_vpn_line *line, const char *text)
{
    (void)snprintf(line->text, sizeof(line->text), "%s", text);
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (!strstr(text, words[i].part))
            continue;
        if (words[i].sentence)
            (void)snprintf(line->text, sizeof(line->text), "%s", words[i].sentence);
        line->noise = words[i].meaning == MEANS_NOISE;
        line->failure = words[i].meaning == MEANS_FAILURE;
        line->silence = words[i].meaning == MEANS_SILENCE;
        line->success = words[i].meaning == MEANS_SUCCESS;
        return;
    }
}

/* "2026-11-21T17:26:45.578 05[IKE] <vpn3|1> initiating ..." */
bool vnl_vpn_line_parse(const char *line, struct vnl_vpn_line *ret)
{
    char group[8];
    int at = 0;

    *ret = (struct vnl_vpn_line){ .noise = false };
    if (sscanf(line, "%31s %*[0-9][%7[A-Z]] %n", ret->time, group, &at) != 2 || !at)
        return false;
    line += at;
    if (*line == '<') {
        size_t name = strcspn(line + 1, "|>"), all = strcspn(line, ">");

        if (line[1 + name] == '|') /* else it is a number: not yet known whose */
            (void)snprintf(ret->connection, sizeof(ret->connection), "%.*s", (int)(name < 31 ? name : 31),
                           line + 1);
        line += line[all] ? all + 1 : all;
        line += *line == ' ';
    }
    translate(ret, line);
    if (!strncmp(ret->connection, "p2s", 3) && strstr(line, "received AUTHENTICATION_FAILED"))
        (void)snprintf(ret->text, sizeof(ret->text),
                       "authentication failed: the gateway refuses the certificate");
    ret->noise |= strcmp(group, "IKE") && strcmp(group, "CFG");
    return true;
}
