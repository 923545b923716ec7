/* The difference of two plans, in the operator's words.
 *
 * Resources are matched by id. Each kind says how to describe one of its own and what of it counts as
 * changed; one walk serves all. Routes have no lines for a VNet that comes or goes, only for one that stays.
 * Kernel slots mean nothing to the operator and are shown only where nothing else says why a resource is not
 * the same. */
#include "diff.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"

static const char *const verb_str[] = {
    [VNL_CHANGE_CREATE] = "create",
    [VNL_CHANGE_UPDATE] = "update",
    [VNL_CHANGE_DELETE] = "delete",
};
static_assert(ARRAY_SIZE(verb_str) == VNL_CHANGE_VERB_MAX, "name every verb");

static const char verb_sign[] = {
    [VNL_CHANGE_CREATE] = '+',
    [VNL_CHANGE_UPDATE] = '~',
    [VNL_CHANGE_DELETE] = '-',
};
static_assert(ARRAY_SIZE(verb_sign) == VNL_CHANGE_VERB_MAX, "a sign for every verb");

struct kind {
    const char *path;
    size_t (*count)(const struct vnl_plan *plan);
    const char *(*key)(const struct vnl_plan *plan, size_t i);
    const char *(*name)(const struct vnl_plan *plan, size_t i);
    char *(*describe)(const struct vnl_plan *plan, size_t i); /* NULL: only changes are shown */
    int (*compare)(struct vnl_diff_work *work, struct vnl_diff_pair *pair);
};

/* Takes `detail`; NULL is a failed allocation. */
static int add_change(struct vnl_diff_work *work, enum vnl_change_verb verb, const char *path,
                      const char *name, char *detail)
{
    struct vnl_diff *diff = work->diff;
    char *object = vnl_text("%s/%s", path, name);
    struct vnl_change *grown = diff->changes;

    if (diff->n == work->room) {
        work->room = work->room ? 2 * work->room : 16;
        grown = reallocarray(diff->changes, work->room, sizeof(*diff->changes));
    }
    if (grown)
        diff->changes = grown;
    if (!grown || !object || !detail) {
        free(object);
        free(detail);
        return -ENOMEM;
    }
    diff->changes[diff->n++] = (struct vnl_change){ .verb = verb, .object = object, .detail = detail };
    return 0;
}

/* Adds "WHAT OLD -> NEW" when the texts differ; takes both. */
static int compare_texts(struct vnl_diff_work *work, struct vnl_diff_pair *pair, const char *what,
                         char *before, char *after)
{
    int r = before && after ? 0 : -ENOMEM;

    if (r == 0 && strcmp(before, after) != 0) {
        pair->shown = true;
        r = add_change(work, VNL_CHANGE_UPDATE, pair->path, pair->name,
                       vnl_text("%s %s -> %s", what, before, after));
    }
    free(before);
    free(after);
    return r;
}

static int compare_names(struct vnl_diff_work *work, struct vnl_diff_pair *pair, const char *what,
                         const char *before, const char *after)
{
    return compare_texts(work, pair, what, strdup(before), strdup(after));
}

static int compare_bools(struct vnl_diff_work *work, struct vnl_diff_pair *pair, const char *what,
                         bool before, bool after)
{
    return compare_names(work, pair, what, before ? "true" : "false", after ? "true" : "false");
}

static int compare_slots(struct vnl_diff_work *work, struct vnl_diff_pair *pair, uint32_t before,
                         uint32_t after)
{
    if (pair->shown || before == after)
        return 0;
    return add_change(work, VNL_CHANGE_UPDATE, pair->path, pair->name,
                      vnl_text("slot %u -> %u", before, after));
}

/* --- VNets ---------------------------------------------------------------------------------------------- */

static size_t count_vnets(const struct vnl_plan *plan)
{
    return plan->n_vnets;
}

static const char *vnet_key(const struct vnl_plan *plan, size_t i)
{
    return plan->vnets[i].id;
}

static const char *vnet_name(const struct vnl_plan *plan, size_t i)
{
    return plan->vnets[i].name;
}

static char *vnet_describe(const struct vnl_plan *plan, size_t i)
{
    char *space = vnl_prefixes_text(plan->vnets[i].space, plan->vnets[i].n_space);
    char *text = space ? vnl_text("%s in %s", space, plan->vnets[i].location) : NULL;

    free(space);
    return text;
}

static char *timeout_text(const struct vnl_plan_vnet *vnet)
{
    return vnl_text("%u min", vnet->flow_timeout_s / 60);
}

static int vnet_compare(struct vnl_diff_work *work, struct vnl_diff_pair *pair)
{
    const struct vnl_plan_vnet *before = &work->before->vnets[pair->before];
    const struct vnl_plan_vnet *after = &work->after->vnets[pair->after];
    int r = compare_texts(work, pair, "address space", vnl_prefixes_text(before->space, before->n_space),
                          vnl_prefixes_text(after->space, after->n_space));

    if (r == 0)
        r = compare_names(work, pair, "location", before->location, after->location);
    if (r == 0)
        r = compare_texts(work, pair, "flow timeout", timeout_text(before), timeout_text(after));
    return r < 0 ? r : compare_slots(work, pair, before->slot, after->slot);
}

/* --- peerings ------------------------------------------------------------------------------------------- */

static size_t count_peerings(const struct vnl_plan *plan)
{
    return plan->n_peerings;
}

static const char *peering_key(const struct vnl_plan *plan, size_t i)
{
    return plan->peerings[i].id;
}

static const char *peering_name(const struct vnl_plan *plan, size_t i)
{
    return plan->peerings[i].name;
}

static char *peering_describe(const struct vnl_plan *plan, size_t i)
{
    const struct vnl_plan_peering *link = &plan->peerings[i];

    return vnl_text("to %s: %s, %s; flags %s", link->remote, link->state, link->sync, link->flags);
}

static int peering_compare(struct vnl_diff_work *work, struct vnl_diff_pair *pair)
{
    const struct vnl_plan_peering *before = &work->before->peerings[pair->before];
    const struct vnl_plan_peering *after = &work->after->peerings[pair->after];
    int r = compare_names(work, pair, "remote", before->remote, after->remote);

    if (r == 0)
        r = compare_names(work, pair, "state", before->state, after->state);
    if (r == 0)
        r = compare_names(work, pair, "sync", before->sync, after->sync);
    return r < 0 ? r : compare_names(work, pair, "flags", before->flags, after->flags);
}

/* --- routes --------------------------------------------------------------------------------------------- */

static size_t count_tables(const struct vnl_plan *plan)
{
    return plan->n_tables;
}

static const char *table_key(const struct vnl_plan *plan, size_t i)
{
    return plan->vnets[plan->tables[i].vnet].id;
}

static const char *table_name(const struct vnl_plan *plan, size_t i)
{
    return plan->tables[i].name;
}

/* "10.1.0.0/16 VNetPeering to vnet-2, deny-forwarded" */
static char *row_text(const struct vnl_plan *plan, const struct vnl_route *row)
{
    bool peering = row->type == VNL_NEXT_HOP_PEERING || row->type == VNL_NEXT_HOP_GLOBAL_PEERING;
    char prefix[VNL_PREFIX_STR], hop[VNL_ADDR_STR] = "", denies[64];

    if (row->next_hop.family != AF_UNSPEC)
        (void)vnl_addr_format(&row->next_hop, hop);
    (void)vnl_route_denies(row, denies);
    return vnl_text("%s %s%s%s%s%s%s%s%s", vnl_prefix_format(&row->prefix, prefix),
                    vnl_next_hop_str(row->type), hop[0] ? " " : "", hop, peering ? " to " : "",
                    peering ? plan->vnets[row->vnet].name : "", denies[0] ? ", " : "", denies,
                    row->active ? "" : ", Invalid");
}

static void free_texts(char **texts, size_t n)
{
    for (size_t i = 0; texts && i < n; i++)
        free(texts[i]);
    free(texts);
}

static char **row_texts(const struct vnl_plan *plan, const struct vnl_route_table *table)
{
    char **texts = calloc(table->n_routes + 1, sizeof(*texts));

    for (size_t i = 0; texts && i < table->n_routes; i++) {
        texts[i] = row_text(plan, &table->routes[i]);
        if (texts[i])
            continue;
        free_texts(texts, i);
        return NULL;
    }
    return texts;
}

/* Takes out of both lists what is in both. Rows mostly keep their order, so each search starts where the last
 * one ended. */
static void drop_common(char **before, size_t n_before, char **after, size_t n_after)
{
    size_t at = 0;

    for (size_t i = 0; i < n_before; i++)
        for (size_t k = 0; k < n_after; k++) {
            char **other = &after[(at + k) % n_after];

            if (!*other || strcmp(before[i], *other) != 0)
                continue;
            at = (at + k + 1) % n_after;
            vnl_str_free(&before[i]);
            vnl_str_free(other);
            break;
        }
}

static int add_rows(struct vnl_diff_work *work, struct vnl_diff_pair *pair, char sign, char **texts, size_t n)
{
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++) {
        if (!texts[i])
            continue;
        pair->shown = true;
        r = add_change(work, VNL_CHANGE_UPDATE, pair->path, pair->name, vnl_text("%c%s", sign, texts[i]));
    }
    return r;
}

int vnl_diff_rows(struct vnl_diff_work *work, struct vnl_diff_pair *pair, char **gone, size_t n_gone,
                  char **come, size_t n_come)
{
    int r = gone && come ? 0 : -ENOMEM;

    if (r == 0) {
        drop_common(gone, n_gone, come, n_come);
        r = add_rows(work, pair, '-', gone, n_gone);
    }
    if (r == 0)
        r = add_rows(work, pair, '+', come, n_come);
    free_texts(gone, n_gone);
    free_texts(come, n_come);
    return r;
}

static int table_compare(struct vnl_diff_work *work, struct vnl_diff_pair *pair)
{
    const struct vnl_route_table *before = &work->before->tables[pair->before];
    const struct vnl_route_table *after = &work->after->tables[pair->after];

    return vnl_diff_rows(work, pair, row_texts(work->before, before), before->n_routes,
                         row_texts(work->after, after), after->n_routes);
}

/* --- VMs ------------------------------------------------------------------------------------------------ */

static size_t count_vms(const struct vnl_plan *plan)
{
    return plan->n_vms;
}

static const char *vm_key(const struct vnl_plan *plan, size_t i)
{
    return plan->vms[i].id;
}

static const char *vm_name(const struct vnl_plan *plan, size_t i)
{
    return plan->vms[i].name;
}

/* "10.0.0.4 fd00::4"; with_len: "10.0.0.4/24 fd00::4/64" */
static char *addrs_text(const struct vnl_plan_nic *nic, bool with_len)
{
    struct vnl_prefix host;
    char buf[VNL_ADDR_STR], *text = strdup("");

    for (size_t i = 0; i < nic->n_addrs && text; i++) {
        char *longer;

        host = (struct vnl_prefix){ .addr = nic->addrs[i].addr, .len = nic->addrs[i].prefix_len };
        (void)vnl_addr_format(&host.addr, buf);
        longer = with_len ? vnl_text("%s%s%s/%u", text, i ? " " : "", buf, host.len)
                          : vnl_text("%s%s%s", text, i ? " " : "", buf);
        free(text);
        text = longer;
    }
    return text;
}

static char *vm_describe(const struct vnl_plan *plan, size_t i)
{
    const struct vnl_plan_vm *vm = &plan->vms[i];
    char *text = strdup("");

    for (size_t k = 0; k < vm->n_nics && text; k++) {
        const struct vnl_plan_nic *nic = &plan->nics[vm->nics[k]];
        char *addrs = addrs_text(nic, false);
        char *longer = addrs ? vnl_text("%s%s%s in %s", text, k ? ", " : "", addrs, nic->subnet) : NULL;

        free(addrs);
        free(text);
        text = longer;
    }
    return text;
}

static const char *nsg_name(const struct vnl_plan *plan, uint32_t rules)
{
    return rules == VNL_PLAN_NO_RULES ? "none" : plan->rules[rules].nsg_name;
}

/* "'python3 -m http.server 80' 'sleep 1'" on one line, "none" */
static char *run_text(const struct vnl_plan_vm *vm)
{
    char *text = strdup(vm->n_run ? "" : "none");

    for (size_t i = 0; i < vm->n_run && text; i++) {
        char *longer = vnl_text("%s%s'%s'", text, i ? " " : "", vm->run[i]);

        free(text);
        text = longer;
    }
    for (char *p = text; p && *p; p++)
        if (*p == '\n')
            *p = ' ';
    return text;
}

static int nic_compare(struct vnl_diff_work *work, struct vnl_diff_pair *pair,
                       const struct vnl_plan_nic *before, const struct vnl_plan_nic *after)
{
    int r = compare_texts(work, pair, "address", addrs_text(before, true), addrs_text(after, true));

    if (r == 0)
        r = compare_names(work, pair, "subnet", before->subnet, after->subnet);
    if (r == 0)
        r = compare_names(work, pair, "networkSecurityGroup of the subnet",
                          nsg_name(work->before, before->rules_subnet),
                          nsg_name(work->after, after->rules_subnet));
    if (r == 0)
        r = compare_names(work, pair, "networkSecurityGroup", nsg_name(work->before, before->rules_nic),
                          nsg_name(work->after, after->rules_nic));
    return r < 0
               ? r
               : compare_bools(work, pair, "enableIPForwarding", before->ip_forwarding, after->ip_forwarding);
}

static int vm_compare(struct vnl_diff_work *work, struct vnl_diff_pair *pair)
{
    const struct vnl_plan_vm *before = &work->before->vms[pair->before],
                             *after = &work->after->vms[pair->after];
    const struct vnl_plan_nic *old = work->before->nics, *new = work->after->nics;
    int r = 0;

    if (before->n_nics != after->n_nics)
        r = compare_texts(work, pair, "network interfaces", vm_describe(work->before, pair->before),
                          vm_describe(work->after, pair->after));
    for (size_t i = 0; i < before->n_nics && before->n_nics == after->n_nics && r == 0; i++)
        r = nic_compare(work, pair, &old[before->nics[i]], &new[after->nics[i]]);
    if (r == 0)
        r = compare_bools(work, pair, "ipForward", before->ip_forward, after->ip_forward);
    if (r == 0)
        r = compare_texts(work, pair, "run", run_text(before), run_text(after));
    if (r == 0 && before->n_nics && after->n_nics)
        r = compare_slots(work, pair, old[before->nics[0]].slot, new[after->nics[0]].slot);
    return r;
}

/* --- walk ----------------------------------------------------------------------------------------------- */

static const struct kind kinds[] = {
    { "virtualNetworks", count_vnets, vnet_key, vnet_name, vnet_describe, vnet_compare },
    { "virtualNetworkPeerings", count_peerings, peering_key, peering_name, peering_describe,
      peering_compare },
    { "routes", count_tables, table_key, table_name, NULL, table_compare },
    { "networkSecurityGroups", vnl_diff_rules_count, vnl_diff_rules_key, vnl_diff_rules_name,
      vnl_diff_rules_describe, vnl_diff_rules_compare },
    { "virtualMachines", count_vms, vm_key, vm_name, vm_describe, vm_compare },
};

struct entry {
    const char *key;
    size_t i;
};

static int entry_cmp(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

/* The keys of a plan's resources of one kind, sorted. NULL on ENOMEM. */
static struct entry *index_build(const struct vnl_plan *plan, const struct kind *kind)
{
    size_t n = kind->count(plan);
    struct entry *entries = calloc(n + 1, sizeof(*entries));

    for (size_t i = 0; entries && i < n; i++)
        entries[i] = (struct entry){ .key = kind->key(plan, i), .i = i };
    if (entries)
        qsort(entries, n, sizeof(*entries), entry_cmp);
    return entries;
}

static const struct entry *index_find(const struct entry *entries, size_t n, const char *key)
{
    struct entry wanted = { .key = key };

    return bsearch(&wanted, entries, n, sizeof(*entries), entry_cmp);
}

/* What `plan` has and `other` has not. */
static int add_missing(struct vnl_diff_work *work, const struct kind *kind, enum vnl_change_verb verb,
                       const struct vnl_plan *plan, const struct vnl_plan *other)
{
    struct entry *entries = index_build(other, kind);
    int r = entries ? 0 : -ENOMEM;

    for (size_t i = 0; i < kind->count(plan) && kind->describe && r == 0; i++)
        if (!index_find(entries, kind->count(other), kind->key(plan, i)))
            r = add_change(work, verb, kind->path, kind->name(plan, i), kind->describe(plan, i));
    free(entries);
    return r;
}

static int add_updates(struct vnl_diff_work *work, const struct kind *kind)
{
    struct entry *entries = index_build(work->before, kind);
    int r = entries ? 0 : -ENOMEM;

    for (size_t i = 0; i < kind->count(work->after) && r == 0; i++) {
        const struct entry *found = index_find(entries, kind->count(work->before), kind->key(work->after, i));
        struct vnl_diff_pair pair = { .path = kind->path, .name = kind->name(work->after, i), .after = i };

        if (!found)
            continue;
        pair.before = found->i;
        r = kind->compare(work, &pair);
    }
    free(entries);
    return r;
}

static int diff_all(struct vnl_diff_work *work)
{
    int r = 0;

    for (size_t i = 0; i < ARRAY_SIZE(kinds) && r == 0; i++)
        r = add_missing(work, &kinds[i], VNL_CHANGE_DELETE, work->before, work->after);
    for (size_t i = 0; i < ARRAY_SIZE(kinds) && r == 0; i++)
        r = add_missing(work, &kinds[i], VNL_CHANGE_CREATE, work->after, work->before);
    for (size_t i = 0; i < ARRAY_SIZE(kinds) && r == 0; i++)
        r = add_updates(work, &kinds[i]);
    return r;
}

int vnl_diff_build(const struct vnl_plan *before, const struct vnl_plan *after, struct vnl_diff **ret,
                   struct vnl_err **err)
{
    static const struct vnl_plan nothing;
    CLEANUP(vnl_diff_free) struct vnl_diff *diff = calloc(1, sizeof(*diff));
    struct vnl_diff_work work = { .diff = diff, .before = before ? before : &nothing, .after = after };

    if (!diff || diff_all(&work) < 0)
        return vnl_fail(err, ENOMEM, "difference of two plans of lab '%s'", after->lab);
    *ret = TAKE_PTR(diff);
    return 0;
}

void vnl_diff_print(FILE *out, const struct vnl_diff *diff)
{
    size_t width = 0;

    for (size_t i = 0; i < diff->n; i++)
        if (strlen(diff->changes[i].object) > width)
            width = strlen(diff->changes[i].object);
    for (size_t i = 0; i < diff->n; i++)
        (void)fprintf(out, "%c %-*s  %s\n", verb_sign[diff->changes[i].verb], (int)width,
                      diff->changes[i].object, diff->changes[i].detail);
    if (diff->n == 0)
        (void)fputs("nothing to change\n", out);
}

struct vnl_json *vnl_diff_to_json(const struct vnl_diff *diff)
{
    struct vnl_json *array = vnl_json_array();
    int r = 0;

    for (size_t i = 0; i < diff->n && r == 0; i++) {
        struct vnl_json *object = vnl_json_object();

        vnl_json_put(object, "verb", vnl_json_str(verb_str[diff->changes[i].verb]), &r);
        vnl_json_put(object, "object", vnl_json_str(diff->changes[i].object), &r);
        vnl_json_put(object, "detail", vnl_json_str(diff->changes[i].detail), &r);
        object = vnl_json_finish(object, r);
        if (vnl_json_push(array, object) < 0)
            r = -ENOMEM;
    }
    return vnl_json_finish(array, r);
}

void vnl_diff_free(struct vnl_diff **ret)
{
    struct vnl_diff *diff = *ret;

    if (!diff)
        return;
    for (size_t i = 0; i < diff->n; i++) {
        free(diff->changes[i].object);
        free(diff->changes[i].detail);
    }
    free(diff->changes);
    free(diff);
    *ret = NULL;
}
