/* `vnetlab set`: one property of a lab, by its path, as if the lab file had been edited there.
 *
 * A path is what stands in the file: section, name, key, with names of children between them
 * ("nsgs.web.rules.allow-http.access"). Values are YAML and go through the readers of the lab file's key tables, so
 * that a key takes here what it takes there and is refused in the same words. Readers of lists append: what was
 * there is cleared first. That, and which keys can be set at all, is in the tables below.
 *
 * Names may hold dots, so a name is found by the resources that exist, the longest first. */
#include "lab_yaml.h"
#include "vnetlab/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define VALUE "VALUE" /* the operand; stands for the file in the places of mistakes */

struct settable {
    const char *key;
    void (*clear)(void *resource); /* NULL: its reader overwrites */
};

struct level {
    const char *names[2]; /* ARM's, and the short one */
    const char *noun;
    const struct vnl_lab_keys *keys;
    const struct settable *settable;
    size_t n_settable;
    void *(*member)(const void *parent, size_t i, const char **ret_name); /* NULL at the end */
    /* A member that is not there is made, and one can be written as a whole. NULL: only the file adds. */
    void (*add)(struct vnl_loading *l, void *parent, const char *name, const struct vnl_yaml *value);
    const struct level *children;
    size_t n_children;
};

struct setting {
    struct vnl_loading l;
    const char *path;
    const struct vnl_yaml *value;
};

/* --- what can be set ---------------------------------------------------------------------------------- */

static void clear_ref(char **ref)
{
    free(*ref);
    *ref = NULL;
}

static void clear_space(void *resource)
{
    vnl_prefixes_done(&((struct vnl_vnet *)resource)->space);
}

static void clear_flow_timeout(void *resource)
{
    ((struct vnl_vnet *)resource)->flow_timeout_min = 0;
}

static void clear_prefixes(void *resource)
{
    vnl_prefixes_done(&((struct vnl_subnet *)resource)->prefixes);
}

static void clear_subnet_nsg(void *resource)
{
    clear_ref(&((struct vnl_subnet *)resource)->nsg_ref);
    ((struct vnl_subnet *)resource)->nsg = NULL;
}

static void clear_local_subnets(void *resource)
{
    vnl_names_done(&((struct vnl_peering *)resource)->local_subnets);
}

static void clear_remote_subnets(void *resource)
{
    vnl_names_done(&((struct vnl_peering *)resource)->remote_subnets);
}

static void clear_run(void *resource)
{
    vnl_names_done(&((struct vnl_vm *)resource)->run);
}

static void clear_asgs(struct vnl_names *refs, struct vnl_asg ***asgs, size_t *n_asgs)
{
    vnl_names_done(refs);
    free(*asgs);
    *asgs = NULL;
    *n_asgs = 0;
}

static void clear_nic_nsg(void *resource)
{
    struct vnl_nic *nic = ((struct vnl_vm *)resource)->nics[0];

    clear_ref(&nic->nsg_ref);
    nic->nsg = NULL;
}

static void clear_nic_asgs(void *resource)
{
    struct vnl_nic *nic = ((struct vnl_vm *)resource)->nics[0];

    clear_asgs(&nic->asg_refs, &nic->asgs, &nic->n_asgs);
}

/* Static becomes dynamic, and keeps its address until another one is written (spec 1.4). */
static void clear_address(void *resource)
{
    struct vnl_nic *nic = ((struct vnl_vm *)resource)->nics[0];

    for (size_t i = 0; i < nic->n_configs; i++)
        nic->configs[i].is_static = false;
}

/* Addresses, tag and ASGs are one thing: who is meant. Naming somebody else replaces all of it. */
static void clear_side(struct vnl_rule_side *side)
{
    vnl_prefixes_done(&side->prefixes);
    clear_asgs(&side->asg_refs, &side->asgs, &side->n_asgs);
    side->any = side->plural = false;
    side->tag = VNL_TAG_NONE;
    side->n_tags = 0;
}

static void clear_ports(struct vnl_rule_side *side)
{
    vnl_ports_done(&side->ports);
    side->any_port = side->plural_ports = false;
}

static void clear_source(void *resource)
{
    clear_side(&((struct vnl_rule *)resource)->source);
}

static void clear_destination(void *resource)
{
    clear_side(&((struct vnl_rule *)resource)->destination);
}

static void clear_source_ports(void *resource)
{
    clear_ports(&((struct vnl_rule *)resource)->source);
}

static void clear_destination_ports(void *resource)
{
    clear_ports(&((struct vnl_rule *)resource)->destination);
}

static void clear_description(void *resource)
{
    clear_ref(&((struct vnl_rule *)resource)->description);
}

static const struct settable subnet_settable[] = {
    { "addressPrefix", clear_prefixes },
    { "addressPrefixes", clear_prefixes },
    { "networkSecurityGroup", clear_subnet_nsg },
};

static const struct settable peering_settable[] = {
    { "remoteVirtualNetwork", NULL },
    { "allowVirtualNetworkAccess", NULL },
    { "allowForwardedTraffic", NULL },
    { "allowGatewayTransit", NULL },
    { "useRemoteGateways", NULL },
    { "doNotVerifyRemoteGateways", NULL },
    { "peerCompleteVnets", NULL },
    { "enableOnlyIPv6Peering", NULL },
    { "localSubnetNames", clear_local_subnets },
    { "remoteSubnetNames", clear_remote_subnets },
};

static const struct settable vnet_settable[] = {
    { "addressSpace", clear_space },
    { "flowTimeoutInMinutes", clear_flow_timeout },
};

static const struct settable vm_settable[] = {
    { "subnet", NULL },
    { "privateIPAddress", clear_address },
    { "enableIPForwarding", NULL },
    { "ipForward", NULL },
    { "run", clear_run },
    { "networkSecurityGroup", clear_nic_nsg },
    { "applicationSecurityGroups", clear_nic_asgs },
};

static const struct settable rule_settable[] = {
    { "priority", NULL },
    { "direction", NULL },
    { "access", NULL },
    { "protocol", NULL },
    { "sourceAddressPrefix", clear_source },
    { "sourceAddressPrefixes", clear_source },
    { "sourceApplicationSecurityGroups", clear_source },
    { "sourcePortRange", clear_source_ports },
    { "sourcePortRanges", clear_source_ports },
    { "destinationAddressPrefix", clear_destination },
    { "destinationAddressPrefixes", clear_destination },
    { "destinationApplicationSecurityGroups", clear_destination },
    { "destinationPortRange", clear_destination_ports },
    { "destinationPortRanges", clear_destination_ports },
    { "description", clear_description },
};

/* --- where it is ------------------------------------------------------------------------------------- */

static void *vnet_at(const void *parent, size_t i, const char **ret_name)
{
    const struct vnl_lab *lab = parent;

    return i < lab->n_vnets ? (*ret_name = lab->vnets[i]->name, lab->vnets[i]) : NULL;
}

static void *subnet_at(const void *parent, size_t i, const char **ret_name)
{
    const struct vnl_vnet *vnet = parent;

    return i < vnet->n_subnets ? (*ret_name = vnet->subnets[i]->name, vnet->subnets[i]) : NULL;
}

static void *peering_at(const void *parent, size_t i, const char **ret_name)
{
    const struct vnl_vnet *vnet = parent;

    return i < vnet->n_peerings ? (*ret_name = vnet->peerings[i]->name, vnet->peerings[i]) : NULL;
}

static void *vm_at(const void *parent, size_t i, const char **ret_name)
{
    const struct vnl_lab *lab = parent;

    return i < lab->n_vms ? (*ret_name = lab->vms[i]->name, lab->vms[i]) : NULL;
}

static void *nsg_at(const void *parent, size_t i, const char **ret_name)
{
    const struct vnl_lab *lab = parent;

    return i < lab->n_nsgs ? (*ret_name = lab->nsgs[i]->name, lab->nsgs[i]) : NULL;
}

static void *rule_at(const void *parent, size_t i, const char **ret_name)
{
    const struct vnl_nsg *nsg = parent;

    return i < nsg->n_rules ? (*ret_name = nsg->rules[i]->name, nsg->rules[i]) : NULL;
}

static void add_rule(struct vnl_loading *l, void *parent, const char *name, const struct vnl_yaml *value)
{
    struct vnl_rule *rule = vnl_rule_add(parent, name, &value->src, &l->mistakes);

    if (rule)
        vnl_lab_read_rule(l, rule, value);
}

#define SETTABLE(table) .settable = (table), .n_settable = ARRAY_SIZE(table)
#define CHILDREN(table) .children = (table), .n_children = ARRAY_SIZE(table)

static const struct level vnet_children[] = {
    { { "subnets" }, "subnet", &vnl_lab_subnet_keys, SETTABLE(subnet_settable), .member = subnet_at },
    { { "virtualNetworkPeerings", "peerings" },
      "peering",
      &vnl_lab_peering_keys,
      SETTABLE(peering_settable),
      .member = peering_at },
};

static const struct level nsg_children[] = {
    { { "securityRules", "rules" },
      "security rule",
      &vnl_lab_rule_keys,
      SETTABLE(rule_settable),
      .member = rule_at,
      .add = add_rule },
};

static const struct level sections[] = {
    { { "virtualNetworks", "vnets" },
      "virtual network",
      &vnl_lab_vnet_keys,
      SETTABLE(vnet_settable),
      .member = vnet_at,
      CHILDREN(vnet_children) },
    { { "virtualMachines", "vms" },
      "virtual machine",
      &vnl_lab_vm_keys,
      SETTABLE(vm_settable),
      .member = vm_at },
    { { "networkSecurityGroups", "nsgs" },
      "network security group",
      &vnl_lab_nsg_keys,
      .member = nsg_at,
      CHILDREN(nsg_children) },
};

/* --- paths -------------------------------------------------------------------------------------------- */

#define NAMES_MAX 64

/* rest: what could not be understood; names: what could stand there. */
static int fail_unknown(const struct setting *s, const char *rest, const char *const *names, size_t n,
                        const char *what, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *word = strndup(rest, strcspn(rest, "."));
    CLEANUP(vnl_str_free) char *hint = NULL;
    const char *nearest = word ? vnl_nearest(word, names, n) : NULL;
    int front = (int)(rest - s->path);

    if (nearest && asprintf(&hint, "did you mean '%.*s%s'?", front, s->path, nearest) < 0)
        hint = NULL;
    return vnl_fail_at(err, EINVAL, NULL, NULL, NULL, hint, "set '%s': there is no %s '%s'", s->path, what,
                       word ? word : "");
}

static bool is_word(const char *rest, const char *name)
{
    size_t len = name ? strlen(name) : 0;

    return name && !strncasecmp(rest, name, len) && (!rest[len] || rest[len] == '.');
}

/* What stands behind the next dot; "" at the end. */
static const char *behind(const char *rest, size_t len)
{
    return rest[len] ? rest + len + 1 : rest + len;
}

static const struct level *find_level(const struct level *levels, size_t n, const char **rest)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < ARRAY_SIZE(levels[i].names); k++) {
            if (!is_word(*rest, levels[i].names[k]))
                continue;
            *rest = behind(*rest, strlen(levels[i].names[k]));
            return &levels[i];
        }
    }
    return NULL;
}

static void *find_member(const struct level *level, const void *parent, const char **rest)
{
    void *found = NULL, *member;
    const char *name;
    size_t best = 0;

    for (size_t i = 0; (member = level->member(parent, i, &name)); i++) {
        if (!is_word(*rest, name) || strlen(name) <= best)
            continue;
        best = strlen(name);
        found = member;
    }
    if (found)
        *rest = behind(*rest, best);
    return found;
}

static int fail_member(const struct setting *s, const struct level *level, const void *parent,
                       const char *rest, struct vnl_err **err)
{
    const char *names[NAMES_MAX], *name;
    size_t n = 0;

    if (!*rest)
        return vnl_fail(err, EINVAL, "set '%s': the name of a %s is missing", s->path, level->noun);
    for (size_t i = 0; n < NAMES_MAX && level->member(parent, i, &name); i++)
        names[n++] = name;
    return fail_unknown(s, rest, names, n, level->noun, err);
}

static size_t put_levels(const char **names, size_t n, const struct level *levels, size_t n_levels)
{
    for (size_t i = 0; i < n_levels; i++) {
        for (size_t k = ARRAY_SIZE(levels[i].names); k-- > 0;) {
            if (levels[i].names[k])
                names[n++] = levels[i].names[k];
        }
    }
    return n;
}

static const struct vnl_lab_key *key_lookup(const struct vnl_lab_keys *keys, const char *name)
{
    for (size_t i = 0; i < keys->n; i++)
        if (!strcasecmp(keys->keys[i].name, name))
            return &keys->keys[i];
    return NULL;
}

/* A key of the lab file that is not for `set`, or no key at all. */
static int fail_key(const struct setting *s, const struct level *level, const char *rest,
                    struct vnl_err **err)
{
    const char *names[NAMES_MAX];
    size_t n = put_levels(names, 0, level->children, level->n_children);

    if (!*rest)
        return vnl_fail(err, EINVAL, "set '%s': which property of the %s?", s->path, level->noun);
    if (key_lookup(level->keys, rest) && !key_lookup(level->keys, rest)->refuse)
        return vnl_fail_at(err, EINVAL, NULL, NULL, NULL, "edit the lab file, then say 'vnetlab up FILE'",
                           "set '%s': '%s' of a %s cannot be set", s->path, rest, level->noun);
    for (size_t i = 0; i < level->n_settable; i++)
        names[n++] = level->settable[i].key;
    return fail_unknown(s, rest, names, n, "property", err);
}

/* --- setting ------------------------------------------------------------------------------------------ */

static const struct settable *find_settable(const struct level *level, const char *key)
{
    for (size_t i = 0; i < level->n_settable; i++)
        if (!strcasecmp(level->settable[i].key, key))
            return &level->settable[i];
    return NULL;
}

static void read_key(struct setting *s, const struct level *level, const struct settable *settable,
                     void *resource)
{
    const struct vnl_lab_key *key = key_lookup(level->keys, settable->key);

    if (settable->clear)
        settable->clear(resource);
    if (!settable->clear || !vnl_yaml_is_null(s->value))
        key->read(&s->l, key, resource, s->value);
}

/* A whole resource: the keys that are written change, the others stay. */
static void read_keys(struct setting *s, const struct level *level, void *resource)
{
    for (size_t i = 0; s->value->type == VNL_YAML_MAP && i < s->value->n_kids; i++) {
        const struct settable *settable = find_settable(level, s->value->kids[i]->key);

        if (settable && settable->clear)
            settable->clear(resource);
    }
    vnl_lab_read_map(&s->l, level->keys, resource, s->value);
}

static int set_below(struct setting *s, const struct level *level, void *parent, const char *rest,
                     struct vnl_err **err)
{
    void *member = find_member(level, parent, &rest);
    const struct settable *settable;
    const struct level *child;

    if (!member && *rest && level->add && s->value->type == VNL_YAML_MAP) {
        level->add(&s->l, parent, rest, s->value);
        return 0;
    }
    if (!member)
        return fail_member(s, level, parent, rest, err);
    if (!*rest && level->add) {
        read_keys(s, level, member);
        return 0;
    }
    child = find_level(level->children, level->n_children, &rest);
    if (child)
        return set_below(s, child, member, rest, err);
    settable = find_settable(level, rest);
    if (!settable)
        return fail_key(s, level, rest, err);
    read_key(s, level, settable, member);
    return 0;
}

static int set_path(struct setting *s, struct vnl_err **err)
{
    const char *rest = s->path, *names[NAMES_MAX];
    const struct level *section = find_level(sections, ARRAY_SIZE(sections), &rest);

    if (section)
        return set_below(s, section, s->l.lab, rest, err);
    return fail_unknown(s, rest, names, put_levels(names, 0, sections, ARRAY_SIZE(sections)), "section", err);
}

/* To the parser of documents, no value is an empty map. */
static bool is_empty(const struct vnl_yaml *root, const char *value)
{
    return root->type == VNL_YAML_MAP && root->n_kids == 0 && !strchr(value, '{');
}

int vnl_lab_set(struct vnl_lab *lab, const char *path, const char *value, struct vnl_err **err)
{
    CLEANUP(vnl_yaml_free) struct vnl_yaml *root = NULL;
    static char nothing[1];
    static const struct vnl_yaml none = {
        .type = VNL_YAML_SCALAR, .src = { VALUE, 1, 1 }, .text = nothing, .plain = true
    };
    struct setting s = { .path = path, .l.lab = lab };
    const char *text = strcmp(value, "*") != 0 ? value : "'*'"; /* bare, YAML takes it for an alias */
    int r = vnl_yaml_parse(VALUE, text, strlen(text), &root, err);

    if (r < 0)
        return vnl_wrap(err, "set '%s'", path);
    s.value = is_empty(root, value) ? &none : root;
    (void)snprintf(s.l.target, sizeof(s.l.target), "%s", path);
    r = set_path(&s, err);
    free(s.l.loaded);
    if (!s.l.mistakes)
        return r;
    r = vnl_lab_no_memory(s.l.mistakes) ? -ENOMEM : -EINVAL;
    vnl_err_append(err, &s.l.mistakes);
    return r;
}
