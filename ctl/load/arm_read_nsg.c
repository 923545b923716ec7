/* NSGs, rules and ASGs from their canonical JSON: see arm_read.c. Of an NSG, defaultSecurityRules, subnets and
 * networkInterfaces are not read: they follow from the rest. */
#include "arm_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arm_member.h"
#include "arm_write.h"
#include "vnetlab/base.h"
#include "vnetlab/json.h"

/* --- references -------------------------------------------------------------------------------------- */

int vnl_arm_get_nsg(const struct vnl_lab *lab, const struct vnl_arm_resource *in, struct vnl_nsg **ret,
                    char **ret_ref, struct vnl_src *ret_src, struct vnl_err **err)
{
    const char *id;

    if (!vnl_json_get(in->properties, "networkSecurityGroup"))
        return 0;
    if (vnl_member_ref(in->properties, "networkSecurityGroup", &id, err) < 0 ||
        vnl_member_copy(in->own, "networkSecurityGroupRef", ret_ref, err) < 0 ||
        vnl_member_source(lab, in->own, "networkSecurityGroupSource", ret_src, err) < 0)
        return -EINVAL;
    *ret = vnl_nsg_lookup(lab, id);
    return *ret ? 0 : vnl_fail(err, EINVAL, "network security group '%s' is not in the lab", id);
}

static int get_asg(const struct vnl_lab *lab, const struct vnl_json *ref, struct vnl_asg **ret,
                   struct vnl_err **err)
{
    const char *id;

    if (vnl_member_text(ref, "id", &id, err) < 0)
        return -EINVAL;
    *ret = vnl_asg_lookup(lab, id);
    return *ret ? 0 : vnl_fail(err, EINVAL, "application security group '%s' is not in the lab", id);
}

static bool has_twice(struct vnl_asg *const *asgs, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++) {
        if (asgs[i] == asgs[n - 1])
            return true;
    }
    return false;
}

int vnl_arm_get_asgs(const struct vnl_lab *lab, const struct vnl_json *object, const char *key,
                     struct vnl_asg ***ret, size_t *ret_n, struct vnl_err **err)
{
    const struct vnl_json *array;
    size_t n;

    if (!vnl_json_get(object, key))
        return 0;
    if (vnl_member_array(object, key, &array, err) < 0)
        return -EINVAL;
    n = vnl_json_len(array);
    *ret = calloc(n + 1, sizeof(**ret));
    if (!*ret)
        return vnl_fail(err, ENOMEM, "'%s'", key);
    for (; *ret_n < n; ++*ret_n) {
        if (get_asg(lab, vnl_json_at(array, *ret_n), &(*ret)[*ret_n], err) < 0)
            return vnl_wrap(err, "'%s'", key);
        if (has_twice(*ret, *ret_n + 1))
            return vnl_fail(err, EINVAL, "'%s' names '%s' twice", key, (*ret)[*ret_n]->id);
    }
    return 0;
}

/* --- a side of a rule -------------------------------------------------------------------------------- */

/* The singular member or the elements of the plural one, whichever is there. */
static int get_words(const struct vnl_json *object, const char *singular, const char *plural,
                     struct vnl_names *ret, struct vnl_err **err)
{
    const char *text;

    if (vnl_member_names_if(object, plural, ret, err) < 0)
        return -EINVAL;
    if (ret->n || !vnl_json_get(object, singular))
        return 0;
    if (vnl_member_text(object, singular, &text, err) < 0)
        return -EINVAL;
    return vnl_names_add(ret, text) < 0 ? vnl_fail(err, ENOMEM, "'%s'", singular) : 0;
}

static bool is_plural(const struct vnl_json *object, const char *plural)
{
    return vnl_json_len(vnl_json_get(object, plural)) > 0;
}

static int get_addresses(struct vnl_rule_side *side, const struct vnl_json *in,
                         const struct vnl_arm_side_keys *keys, struct vnl_err **err)
{
    CLEANUP(vnl_names_done) struct vnl_names words = { 0 };
    int r = get_words(in, keys->prefix, keys->prefixes, &words, err);

    side->plural = is_plural(in, keys->prefixes);
    for (size_t i = 0; r == 0 && i < words.n; i++) {
        r = vnl_rule_address_add(side, words.items[i], err);
        if (r == -ENOMEM)
            r = vnl_fail(err, ENOMEM, "'%s'", keys->prefix);
    }
    return r;
}

static int get_ports(struct vnl_rule_side *side, const struct vnl_json *in,
                     const struct vnl_arm_side_keys *keys, struct vnl_err **err)
{
    CLEANUP(vnl_names_done) struct vnl_names words = { 0 };
    int r = get_words(in, keys->port, keys->ports, &words, err);

    side->plural_ports = is_plural(in, keys->ports);
    for (size_t i = 0; r == 0 && i < words.n; i++) {
        r = vnl_rule_port_add(side, words.items[i]);
        if (r < 0)
            r = vnl_fail(err, -r, "'%s' is '%s', which is no port", keys->port, words.items[i]);
    }
    for (size_t i = 0; r == 0 && i < side->ports.n; i++) {
        if (side->ports.items[i].first > side->ports.items[i].last)
            r = vnl_fail(err, EINVAL, "'%s' begins behind its end", keys->port);
    }
    return r;
}

/* What vnl_lab_resolve() leaves: one of four forms, see struct vnl_rule_side. */
static int check_form(const struct vnl_rule_side *side, const struct vnl_arm_side_keys *keys,
                      struct vnl_err **err)
{
    size_t n = side->any + side->n_tags + (side->prefixes.n > 0) + (side->n_asgs > 0);

    if (n != 1)
        return vnl_fail(err, EINVAL, "'%s' is not one of '*', a tag, prefixes and groups", keys->prefix);
    if (side->any_port == (side->ports.n > 0))
        return vnl_fail(err, EINVAL, "'%s' is not one of '*' and ports", keys->port);
    return 0;
}

static int get_side(const struct vnl_lab *lab, const struct vnl_arm_resource *in,
                    const struct vnl_arm_side_keys *keys, struct vnl_rule_side *side, struct vnl_err **err)
{
    if (get_addresses(side, in->properties, keys, err) < 0 ||
        get_ports(side, in->properties, keys, err) < 0 ||
        vnl_arm_get_asgs(lab, in->properties, keys->asgs, &side->asgs, &side->n_asgs, err) < 0 ||
        vnl_member_names_if(in->own, keys->asg_refs, &side->asg_refs, err) < 0 ||
        vnl_member_source(lab, in->own, keys->source, &side->src, err) < 0 ||
        vnl_member_source(lab, in->own, keys->asg_source, &side->asg_src, err) < 0 ||
        vnl_member_source(lab, in->own, keys->ports_source, &side->ports_src, err) < 0)
        return -EINVAL;
    return check_form(side, keys, err);
}

/* --- rules ------------------------------------------------------------------------------------------- */

static const char *direction_word(int direction)
{
    return vnl_direction_str((enum vnl_direction)direction);
}

static const char *access_word(int access)
{
    return vnl_access_str((enum vnl_access)access);
}

static const char *proto_word(int proto)
{
    return vnl_rule_proto_str((enum vnl_rule_proto)proto);
}

static int get_rule_words(struct vnl_rule *rule, const struct vnl_json *in, struct vnl_err **err)
{
    int direction, access, proto;
    int64_t priority;

    if (vnl_member_word(in, "direction", direction_word, VNL_DIRECTION_MAX, &direction, err) < 0 ||
        vnl_member_word(in, "access", access_word, VNL_RULE_ACCESS_MAX, &access, err) < 0 ||
        vnl_member_word(in, "protocol", proto_word, VNL_RULE_PROTO_MAX, &proto, err) < 0 ||
        vnl_member_int(in, "priority", 100, 4096, &priority, err) < 0 ||
        vnl_member_copy_if(in, "description", &rule->description, err) < 0)
        return -EINVAL;
    rule->direction = (enum vnl_direction)direction;
    rule->access = (enum vnl_access)access;
    rule->proto = (enum vnl_rule_proto)proto;
    rule->priority = (int)priority;
    return 0;
}

static int read_rule(const struct vnl_lab *lab, struct vnl_nsg *nsg, const struct vnl_json *json,
                     struct vnl_err **err)
{
    struct vnl_arm_resource in;
    struct vnl_rule *rule;

    if (vnl_arm_resource_open(lab, json, &in, err) < 0)
        return -EINVAL;
    rule = vnl_rule_add(nsg, in.name, &in.src, err);
    if (vnl_arm_check_added(rule ? rule->id : NULL, &in, err) < 0 ||
        vnl_arm_get_slot(in.own, &rule->slot, err) < 0 ||
        vnl_member_source(lab, in.own, "prioritySource", &rule->priority_src, err) < 0 ||
        get_rule_words(rule, in.properties, err) < 0 ||
        get_side(lab, &in, &vnl_arm_source_keys, &rule->source, err) < 0)
        return -EINVAL;
    return get_side(lab, &in, &vnl_arm_destination_keys, &rule->destination, err);
}

/* --- groups ------------------------------------------------------------------------------------------ */

int vnl_arm_read_asg(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err)
{
    CLEANUP(vnl_arm_scope_done) struct vnl_scope scope = { 0 };
    struct vnl_arm_resource in;
    struct vnl_asg *asg;

    if (vnl_arm_resource_open(lab, json, &in, err) < 0 || vnl_arm_scope_init(&scope, &in, err) < 0)
        return -EINVAL;
    asg = vnl_asg_add(lab, in.name, &scope, &in.src, err);
    return vnl_arm_check_added(asg ? asg->id : NULL, &in, err);
}

static int get_default_slots(struct vnl_nsg *nsg, const struct vnl_json *own, struct vnl_err **err)
{
    const struct vnl_json *slots;
    int64_t slot;

    if (vnl_member_object(own, "defaultSlots", &slots, err) < 0)
        return -EINVAL;
    for (size_t i = 0; i < VNL_DEFAULT_RULES; i++) {
        if (vnl_member_int(slots, vnl_default_rules[i].name, 0, VNL_SLOT_NONE - 1, &slot, err) < 0)
            return vnl_wrap(err, "'defaultSlots'");
        nsg->default_slots[i] = (uint32_t)slot;
    }
    return 0;
}

int vnl_arm_read_nsg(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err)
{
    CLEANUP(vnl_arm_scope_done) struct vnl_scope scope = { 0 };
    struct vnl_arm_resource in;
    const struct vnl_json *array;
    struct vnl_nsg *nsg;

    if (vnl_arm_resource_open(lab, json, &in, err) < 0 || vnl_arm_scope_init(&scope, &in, err) < 0)
        return -EINVAL;
    nsg = vnl_nsg_add(lab, in.name, &scope, &in.src, err);
    if (vnl_arm_check_added(nsg ? nsg->id : NULL, &in, err) < 0 || get_default_slots(nsg, in.own, err) < 0 ||
        vnl_member_array(in.properties, "securityRules", &array, err) < 0)
        return -EINVAL;
    for (size_t i = 0; i < vnl_json_len(array); i++) {
        if (read_rule(lab, nsg, vnl_json_at(array, i), err) < 0)
            return vnl_wrap(err, "rule %zu", i);
    }
    return 0;
}

/* --- where NSGs act ---------------------------------------------------------------------------------- */

static const struct vnl_nsg_use *use_lookup(const struct vnl_nsg *nsg, const struct vnl_vnet *vnet)
{
    for (size_t i = 0; i < nsg->n_uses; i++) {
        if (nsg->uses[i].vnet == vnet)
            return &nsg->uses[i];
    }
    return NULL;
}

static int read_use(const struct vnl_lab *lab, const struct vnl_nsg *nsg, const struct vnl_json *json,
                    struct vnl_nsg_use *ret, struct vnl_err **err)
{
    const char *id;

    if (vnl_member_text(json, "virtualNetwork", &id, err) < 0 || vnl_arm_get_slot(json, &ret->slot, err) < 0)
        return -EINVAL;
    ret->vnet = vnl_vnet_lookup(lab, id);
    if (!ret->vnet)
        return vnl_fail(err, EINVAL, "virtual network '%s' is not in the lab", id);
    return use_lookup(nsg, ret->vnet) ? vnl_fail(err, EINVAL, "virtual network '%s' stands twice", id) : 0;
}

int vnl_arm_read_uses(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err)
{
    struct vnl_nsg *nsg = vnl_nsg_lookup(lab, vnl_json_get_text(json, "id"));
    const struct vnl_json *array;

    if (vnl_member_array(vnl_json_get(json, "vnetlab"), "uses", &array, err) < 0)
        return -EINVAL;
    nsg->uses = calloc(vnl_json_len(array) + 1, sizeof(*nsg->uses));
    if (!nsg->uses)
        return vnl_fail(err, ENOMEM, "'uses'");
    for (size_t i = 0; i < vnl_json_len(array); i++, nsg->n_uses++) {
        struct vnl_nsg_use use = { 0 };

        if (read_use(lab, nsg, vnl_json_at(array, i), &use, err) < 0)
            return vnl_wrap(err, "use %zu", i);
        nsg->uses[i] = use;
    }
    return 0;
}

static bool acts_in(const struct vnl_nsg *nsg, const struct vnl_vnet *vnet)
{
    for (size_t i = 0; i < nsg->n_subnets; i++) {
        if (nsg->subnets[i]->vnet == vnet)
            return true;
    }
    for (size_t i = 0; i < nsg->n_nics; i++) {
        if (nsg->nics[i]->subnet->vnet == vnet)
            return true;
    }
    return false;
}

static int check_uses(const struct vnl_lab *lab, const struct vnl_nsg *nsg, struct vnl_err **err)
{
    for (size_t i = 0; i < lab->n_vnets; i++) {
        bool has_slot = use_lookup(nsg, lab->vnets[i]);

        if (has_slot != acts_in(nsg, lab->vnets[i]))
            return vnl_fail(err, EINVAL, "resource '%s' %s virtual network '%s'", nsg->id,
                            has_slot ? "has a slot for, and does not act in,"
                                     : "acts in, and has no slot for,",
                            lab->vnets[i]->name);
    }
    return 0;
}

int vnl_arm_check_uses(const struct vnl_lab *lab, struct vnl_err **err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < lab->n_nsgs; i++)
        r = check_uses(lab, lab->nsgs[i], err);
    return r;
}
