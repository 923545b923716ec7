/* vnetlab ls: every lab of which anything is stored or running. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cmds.h"
#include "out.h"

#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/store.h"

enum state { STATE_UP, STATE_CHANGING, STATE_UNFINISHED, STATE_STOPPED, STATE_LEFT_OVER, STATE_MAX };

static const struct {
    const char *name;
    enum vnl_tone tone;
} states[] = {
    [STATE_UP] = { "up", VNL_TONE_GOOD },
    [STATE_CHANGING] = { "changing", VNL_TONE_WARN },
    [STATE_UNFINISHED] = { "unfinished", VNL_TONE_BAD },
    [STATE_STOPPED] = { "stopped", VNL_TONE_PLAIN },
    [STATE_LEFT_OVER] = { "left over", VNL_TONE_BAD },
};
static_assert(ARRAY_SIZE(states) == STATE_MAX, "name every state");

struct row {
    const char *name;
    enum state state;
    size_t n_vnets, n_vms, n_hosts, n_peerings, n_connected;
    char *file;
};

static void row_count(struct row *row, const struct vnl_lab *lab)
{
    row->n_vnets = lab->n_vnets;
    row->n_vms = lab->n_vms;
    row->n_hosts = lab->n_hosts - lab->n_clients;
    for (size_t i = 0; i < lab->n_vnets; i++) {
        const struct vnl_vnet *vnet = lab->vnets[i];

        row->n_peerings += vnet->n_peerings;
        for (size_t k = 0; k < vnet->n_peerings; k++)
            row->n_connected += vnet->peerings[k]->state == VNL_PEERING_CONNECTED;
    }
}

/* Asked only for a lab that is not finished: trying the lock makes others wait for a moment. */
static bool is_locked(const char *name)
{
    CLEANUP(vnl_lock_release) struct vnl_lock *lock = NULL;

    return vnl_lock_take(name, 0, NULL, NULL, &lock, NULL) == -EBUSY;
}

static enum state state_of(const char *name, bool stored, bool applied)
{
    bool running = vnl_dp_exists(name);

    if (!stored)
        return STATE_LEFT_OVER;
    if (!applied)
        return is_locked(name) ? STATE_CHANGING : STATE_UNFINISHED;
    return running ? STATE_UP : STATE_STOPPED;
}

static int row_fill(const char *name, struct row *row, struct vnl_err **err)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *why = NULL;
    bool applied = false;
    int r = vnl_cmd_load_stored(name, &lab, &applied, &why);

    if (r < 0 && r != -ENOENT) {
        vnl_err_append(err, &why);
        return r;
    }
    *row = (struct row){ .name = name, .state = state_of(name, lab, applied) };
    if (lab)
        row_count(row, lab);
    if (lab && lab->file && asprintf(&row->file, "%s", lab->file) < 0)
        return vnl_fail(err, ENOMEM, "lab '%s'", name);
    return 0;
}

static struct vnl_json *row_to_json(const struct row *row)
{
    struct vnl_json *item = vnl_json_object();
    bool bad = false;

    bad |= vnl_json_set(item, "name", vnl_json_str(row->name)) < 0;
    bad |= vnl_json_set(item, "state", vnl_json_str(states[row->state].name)) < 0;
    bad |= vnl_json_set(item, "virtualNetworks", vnl_json_int((int64_t)row->n_vnets)) < 0;
    bad |= vnl_json_set(item, "virtualMachines", vnl_json_int((int64_t)row->n_vms)) < 0;
    bad |= vnl_json_set(item, "internetHosts", vnl_json_int((int64_t)row->n_hosts)) < 0;
    bad |= vnl_json_set(item, "peerings", vnl_json_int((int64_t)row->n_peerings)) < 0;
    bad |= vnl_json_set(item, "peeringsConnected", vnl_json_int((int64_t)row->n_connected)) < 0;
    bad |= vnl_json_set(item, "file", vnl_json_str(row->file)) < 0;
    if (bad)
        vnl_json_free(&item);
    return item;
}

static void row_to_table(const struct row *row, struct vnl_table *table)
{
    vnl_table_cell(table, VNL_TONE_PLAIN, "%s", row->name);
    vnl_table_cell(table, VNL_TONE_PLAIN, "%zu", row->n_vnets);
    vnl_table_cell(table, VNL_TONE_PLAIN, "%zu", row->n_vms);
    vnl_table_cell(table, VNL_TONE_PLAIN, "%zu/%zu", row->n_connected, row->n_peerings);
    vnl_table_cell(table, states[row->state].tone, "%s", states[row->state].name);
    vnl_table_cell(table, VNL_TONE_PLAIN, "%s", row->file ? row->file : "");
}

int vnl_cmd_ls(const struct vnl_args *args, struct vnl_err **err)
{
    static const char *const headers[] = { "Name", "VNets", "VMs", "Peerings", "State", "File" };
    CLEANUP(vnl_names_done) struct vnl_names labs = { 0 };
    CLEANUP(vnl_table_free) struct vnl_table *table = vnl_table_new(headers, ARRAY_SIZE(headers));
    CLEANUP(vnl_json_free) struct vnl_json *json = vnl_json_object();
    struct vnl_json *list = vnl_json_array();
    bool bad = vnl_json_set(json, "value", list) < 0;
    int r = vnl_cmd_labs(&labs, err);

    for (size_t i = 0; r >= 0 && i < labs.n; i++) {
        struct row row = { .file = NULL };

        r = row_fill(labs.items[i], &row, err);
        if (r < 0)
            break;
        row_to_table(&row, table);
        bad |= vnl_json_push(list, row_to_json(&row)) < 0;
        vnl_str_free(&row.file);
    }
    if (r < 0)
        return r;
    if (args->json)
        return vnl_out_json(bad ? NULL : TAKE_PTR(json), err);
    if (!labs.n) {
        (void)puts("no labs: 'sudo vnetlab up FILE' creates one");
        return VNL_EXIT_OK;
    }
    return vnl_table_print(stdout, table, true, err);
}
