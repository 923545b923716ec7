/* What a VNet's guests are told about names (spec 1.8): Azure's resolver and the VNet's own suffix, or the lab's servers and the suffix that
 * stands for none. */
#include "parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/lab.h"

#define AZURE_DNS    "168.63.129.16"
#define AZURE_SUFFIX "bx.internal.cloudapp.net"
#define NO_SUFFIX    "reddog.microsoft.com"

/* Azure's is random; ours is the same in every run: 26 characters, as there. */
static char *suffix_of(const char *id)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";
    uint64_t h = vnl_text_hash(id);
    char word[27] = "";

    for (size_t i = 0; i < sizeof(word) - 1; i++) {
        h = h * 0x5851f42d4c957f2du + 0x14057b7ef767814fu;
        word[i] = letters[h >> 59];
    }
    return vnl_text("%s." AZURE_SUFFIX, word);
}

static void write_resolv(FILE *out, const struct vnl_plan_vnet *vnet)
{
    char buf[VNL_ADDR_STR];

    if (vnet->n_dns == 0)
        (void)fputs("nameserver " AZURE_DNS "\n", out);
    for (size_t i = 0; i < vnet->n_dns; i++)
        (void)fprintf(out, "nameserver %s\n", vnl_addr_format(&vnet->dns[i], buf));
    (void)fprintf(out, "search %s\n", vnet->dns_suffix);
}

/* NULL on ENOMEM. */
static char *resolv_of(const struct vnl_plan_vnet *vnet)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    bool bad;

    if (!out)
        return NULL;
    write_resolv(out, vnet);
    bad = ferror(out) != 0;
    if (fclose(out) == 0 && !bad)
        return text;
    free(text);
    return NULL;
}

int vnl_dns_build(struct vnl_plan_vnet *out, const struct vnl_vnet *vnet)
{
    out->dns = calloc(vnet->n_dns + 1, sizeof(*out->dns));
    if (!out->dns)
        return -ENOMEM;
    for (; out->n_dns < vnet->n_dns; out->n_dns++)
        out->dns[out->n_dns] = vnet->dns[out->n_dns];
    out->dns_suffix = vnet->n_dns ? strdup(NO_SUFFIX) : suffix_of(vnet->id);
    out->resolv = out->dns_suffix ? resolv_of(out) : NULL;
    return out->resolv ? 0 : -ENOMEM;
}
