/* Loading, pinning and opening the port program and its tables.
 *
 * The pins of a lab are a set: the program's pin is the last one made and the first one removed, so a set
 * that has it is whole, and one that was left half done by a crash reads as "not there". Whether program
 * and maps belong together is checked as well. */
#include "vnetlab/bpf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf_tables.h"
#include "port.skel.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/image.h"
#include "vnetlab/plan.h"

static const char *const table_str[] = {
    [VNL_BPF_CONTROL] = "vnl_control",   [VNL_BPF_NICS] = "vnl_nics",
    [VNL_BPF_OWNERS] = "vnl_owners",     [VNL_BPF_POOL] = "vnl_pool",
    [VNL_BPF_COUNTERS] = "vnl_counters", [VNL_BPF_RULES] = "vnl_rule_counters",
    [VNL_BPF_FLOWS] = "vnl_flows",       [VNL_BPF_NIC_STATES] = "vnl_nic_states",
    [VNL_BPF_HEALTH] = "vnl_health",     [VNL_BPF_FRAGMENTS] = "vnl_fragments",
    [VNL_BPF_EVENTS] = "vnl_events",
};
static_assert(ARRAY_SIZE(table_str) == VNL_BPF_TABLE_MAX, "name every table");
#define PROG_PIN    "vnl_port"
#define DELAYED_PIN "vnl_delayed"

/* A flow takes 64 bytes, touched when the table is made: 16 MiB cost 3.5 ms, 64 MiB 13 ms. A lab without security groups and sessions has none. */
#define FLOW_SLOTS_MIN   (1u << 18)
#define FLOW_SLOTS_MAX   (1u << 20)
#define FLOW_SLOTS_A_NIC (1u << 12)

/* Room to grow before the tables must be made anew. */
#define NIC_SLOTS_MIN  256u
#define RULE_SLOTS_MIN 256u
#define POOL_BYTES_MIN (64u << 10)
#define POOL_BYTES_MAX (256u << 20) /* BPF_MAX_VAR_OFF, the verifier's limit for offsets, is 512 MiB */

/* --- the open set --------------------------------------------------------------------------------------- */

static struct vnl_bpf *bpf_alloc(void)
{
    struct vnl_bpf *bpf = calloc(1, sizeof(*bpf));

    if (!bpf)
        return NULL;
    bpf->prog_fd = bpf->delayed_fd = -1;
    for (int i = 0; i < VNL_BPF_TABLE_MAX; i++)
        bpf->table[i].fd = -1;
    return bpf;
}

void vnl_bpf_close(struct vnl_bpf **bpf)
{
    if (!*bpf)
        return;
    for (int i = 0; i < VNL_BPF_TABLE_MAX; i++) {
        if ((*bpf)->table[i].addr)
            munmap((*bpf)->table[i].addr, (*bpf)->table[i].bytes);
        vnl_fd_close(&(*bpf)->table[i].fd);
    }
    vnl_fd_close(&(*bpf)->prog_fd);
    vnl_fd_close(&(*bpf)->delayed_fd);
    free((*bpf)->flags_before);
    free(*bpf);
    *bpf = NULL;
}

static uint32_t at_least(uint32_t n, uint32_t min)
{
    return n > min ? n : min;
}

static uint32_t at_most(uint32_t n, uint32_t max)
{
    return n < max ? n : max;
}

/* What the kernel must have made for these sizes. */
static uint32_t value_size(const struct vnl_image_size *size, enum vnl_bpf_table table)
{
    switch (table) {
    case VNL_BPF_CONTROL:
        return sizeof(struct vnl_control);
    case VNL_BPF_NICS:
        return sizeof(struct vnl_nic_entry);
    case VNL_BPF_OWNERS:
        return sizeof(struct vnl_owner);
    case VNL_BPF_POOL:
        return size->pool_bytes;
    case VNL_BPF_COUNTERS:
        return sizeof(struct vnl_nic_counters);
    case VNL_BPF_RULES:
        return sizeof(struct vnl_rule_counter);
    case VNL_BPF_FLOWS:
        return sizeof(struct vnl_flow_bucket);
    case VNL_BPF_NIC_STATES:
        return sizeof(struct vnl_nic_state);
    case VNL_BPF_HEALTH:
        return sizeof(struct vnl_health);
    case VNL_BPF_FRAGMENTS:
        return sizeof(struct vnl_fragment);
    case VNL_BPF_EVENTS:
        return 0;
    case VNL_BPF_TABLE_MAX:
        break;
    }
    return 0;
}

static uint32_t entries(const struct vnl_image_size *size, enum vnl_bpf_table table)
{
    switch (table) {
    case VNL_BPF_CONTROL:
        return 1;
    case VNL_BPF_NICS:
        return 2 * size->nic_slots;
    case VNL_BPF_OWNERS:
        return 2 * size->owner_slots;
    case VNL_BPF_POOL:
        return 2;
    case VNL_BPF_COUNTERS:
        return size->nic_slots;
    case VNL_BPF_RULES:
        return at_least(size->rule_slots, 1);
    case VNL_BPF_FLOWS:
        return at_least(size->flow_slots / VNL_FLOW_WAYS, 1);
    case VNL_BPF_NIC_STATES:
        return (size->flow_slots ? VNL_NIC_SLOTS_MAX : size->nic_slots) + 1;
    case VNL_BPF_HEALTH:
        return VNL_HEALTH_SLOTS;
    case VNL_BPF_FRAGMENTS:
        return size->flow_slots ? VNL_FRAGMENTS : 1;
    case VNL_BPF_EVENTS:
        return VNL_EVENTS_BYTES;
    case VNL_BPF_TABLE_MAX:
        break;
    }
    return 0;
}

static int table_map(struct vnl_bpf *bpf, enum vnl_bpf_table table, struct vnl_err **err)
{
    size_t page = sysconf(_SC_PAGESIZE),
           bytes = (size_t)value_size(&bpf->size, table) * entries(&bpf->size, table);
    void *addr;

    bytes = (bytes + page - 1) & ~(page - 1);
    addr = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf->table[table].fd, 0);
    if (addr == MAP_FAILED)
        return vnl_fail(err, errno, "mapping table %s: %s", table_str[table], strerror(errno));
    bpf->table[table].addr = addr;
    bpf->table[table].bytes = bytes;
    return 0;
}

static int prog_info(struct vnl_bpf *bpf, uint32_t *map_ids, uint32_t *n_map_ids, struct vnl_err **err)
{
    struct bpf_prog_info info = { .nr_map_ids = *n_map_ids, .map_ids = (uintptr_t)map_ids };
    uint32_t size = sizeof(info);

    if (bpf_obj_get_info_by_fd(bpf->prog_fd, &info, &size) < 0)
        return vnl_fail(err, errno, "asking the kernel about the port program: %s", strerror(errno));
    bpf->prog_id = info.id;
    *n_map_ids = info.nr_map_ids < *n_map_ids ? info.nr_map_ids : *n_map_ids;
    return 0;
}

static void skel_free(struct vnl_port **skel)
{
    vnl_port__destroy(*skel);
}

/* --- load ----------------------------------------------------------------------------------------------- */

static struct bpf_map *skel_map(const struct vnl_port *skel, enum vnl_bpf_table table)
{
    return bpf_object__find_map_by_name(skel->obj, table_str[table]);
}

static int set_sizes(struct vnl_port *skel, const struct vnl_image_size *size, uint64_t flow_seed)
{
    int r = bpf_map__set_value_size(skel->maps.vnl_pool, size->pool_bytes);

    for (int i = 0; i < VNL_BPF_TABLE_MAX && r == 0; i++)
        r = bpf_map__set_max_entries(skel_map(skel, i), entries(size, i));
    skel->rodata->vnl_nic_slots = size->nic_slots;
    skel->rodata->vnl_owner_mask = size->owner_slots - 1;
    skel->rodata->vnl_pool_mask = size->pool_bytes - 1;
    skel->rodata->vnl_flow_mask = entries(size, VNL_BPF_FLOWS) - 1;
    skel->rodata->vnl_flow_seed = flow_seed;
    skel->rodata->vnl_has_rules = size->parts & VNL_PART_RULES;
    skel->rodata->vnl_has_sessions = size->parts & VNL_PART_SESSIONS;
    return r;
}

/* Our own descriptors: the skeleton closes its own. */
static int take_fds(struct vnl_bpf *bpf, const struct vnl_port *skel, struct vnl_err **err)
{
    bpf->prog_fd = fcntl(bpf_program__fd(skel->progs.vnl_port), F_DUPFD_CLOEXEC, 0);
    bpf->delayed_fd = fcntl(bpf_program__fd(skel->progs.vnl_delayed), F_DUPFD_CLOEXEC, 0);
    if (bpf->prog_fd < 0 || bpf->delayed_fd < 0)
        return vnl_fail(err, errno, "keeping the port program: %s", strerror(errno));
    for (int i = 0; i < VNL_BPF_TABLE_MAX; i++) {
        bpf->table[i].fd = fcntl(bpf_map__fd(skel_map(skel, i)), F_DUPFD_CLOEXEC, 0);
        if (bpf->table[i].fd < 0)
            return vnl_fail(err, errno, "keeping table %s: %s", table_str[i], strerror(errno));
    }
    return 0;
}

/* Maps of the set before that this one goes on with, where the size is the same; what was counted meanwhile is in both sets then. */
static const enum vnl_bpf_table kept[] = {
    VNL_BPF_COUNTERS, VNL_BPF_RULES, VNL_BPF_FLOWS, VNL_BPF_NIC_STATES, VNL_BPF_HEALTH, VNL_BPF_FRAGMENTS,
};

static bool is_kept(const struct vnl_bpf *bpf, const struct vnl_bpf *old, enum vnl_bpf_table table)
{
    return old && entries(&old->size, table) == entries(&bpf->size, table);
}

static int keep_maps(struct vnl_port *skel, const struct vnl_bpf *bpf, const struct vnl_bpf *old)
{
    int r = 0;

    for (size_t i = 0; i < ARRAY_SIZE(kept) && r == 0; i++)
        if (is_kept(bpf, old, kept[i]))
            r = bpf_map__reuse_fd(skel_map(skel, kept[i]), old->table[kept[i]].fd);
    return r;
}

/* Flows are found by the same hash. */
static int flow_seed(const struct vnl_bpf *bpf, const struct vnl_bpf *old, uint64_t *ret)
{
    if (is_kept(bpf, old, VNL_BPF_FLOWS))
        *ret = vnl_bpf_control(old)->flow_seed;
    else if (getrandom(ret, sizeof(*ret), 0) < 0)
        return -errno;
    return 0;
}

static int load(struct vnl_bpf *bpf, const struct vnl_bpf *old, uint64_t *ret_seed, struct vnl_err **err)
{
    CLEANUP(skel_free) struct vnl_port *skel = NULL;
    uint32_t n_map_ids = 0;
    int r;

    vnl_bpf_listen();
    skel = vnl_port__open();
    if (!skel)
        return vnl_bpf_load_failed(errno, err);
    r = flow_seed(bpf, old, ret_seed);
    if (r == 0)
        r = set_sizes(skel, &bpf->size, *ret_seed);
    if (r == 0)
        r = keep_maps(skel, bpf, old);
    if (r == 0)
        r = vnl_port__load(skel);
    if (r < 0)
        return vnl_bpf_load_failed(-r, err);
    r = take_fds(bpf, skel, err);
    return r < 0 ? r : prog_info(bpf, NULL, &n_map_ids, err);
}

static int pin_path(const char *dir, const char *name, char **ret, struct vnl_err **err)
{
    return asprintf(ret, "%s/%s", dir, name) < 0 ? vnl_fail(err, ENOMEM, "path of a pin") : 0;
}

static int unpin(const char *dir, const char *name, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *path = NULL;
    int r = pin_path(dir, name, &path, err);

    if (r < 0)
        return r;
    if (unlink(path) < 0 && errno != ENOENT)
        return vnl_fail(err, errno, "removing pin '%s': %s", path, strerror(errno));
    return 0;
}

static int unpin_all(const char *dir, struct vnl_err **err)
{
    int r = unpin(dir, PROG_PIN, err);

    if (r == 0)
        r = unpin(dir, DELAYED_PIN, err);
    for (int i = 0; i < VNL_BPF_TABLE_MAX && r == 0; i++)
        r = unpin(dir, table_str[i], err);
    return r;
}

static int pin(int fd, const char *dir, const char *name, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *path = NULL;
    int r = pin_path(dir, name, &path, err);

    if (r < 0)
        return r;
    if (bpf_obj_pin(fd, path) < 0)
        return vnl_fail(err, errno, "pinning '%s': %s", path, strerror(errno));
    return 0;
}

static int pin_all(const struct vnl_bpf *bpf, const char *dir, struct vnl_err **err)
{
    int r = unpin_all(dir, err);

    for (int i = 0; i < VNL_BPF_TABLE_MAX && r == 0; i++)
        r = pin(bpf->table[i].fd, dir, table_str[i], err);
    if (r == 0)
        r = pin(bpf->delayed_fd, dir, DELAYED_PIN, err);
    if (r == 0)
        r = pin(bpf->prog_fd, dir, PROG_PIN, err);
    if (r < 0)
        (void)unpin_all(dir, NULL);
    return r;
}

static bool power_of_two(uint32_t n)
{
    return n && !(n & (n - 1));
}

static bool size_ok(const struct vnl_image_size *size)
{
    return size->nic_slots && size->nic_slots <= VNL_NIC_SLOTS_MAX && power_of_two(size->owner_slots) &&
           power_of_two(size->pool_bytes) && size->pool_bytes >= 64 && size->pool_bytes <= POOL_BYTES_MAX &&
           (!size->rule_slots || power_of_two(size->rule_slots)) &&
           (size->flow_slots ? power_of_two(size->flow_slots) && size->flow_slots >= VNL_FLOW_WAYS
                             : !size->parts);
}

/* Counters whose maps were too small to be kept. */
static void copy_counters(struct vnl_bpf *bpf, const struct vnl_bpf *old)
{
    static const enum vnl_bpf_table copied[] = { VNL_BPF_COUNTERS, VNL_BPF_RULES };

    for (size_t i = 0; i < ARRAY_SIZE(copied); i++)
        if (!is_kept(bpf, old, copied[i]))
            memcpy(bpf->table[copied[i]].addr, old->table[copied[i]].addr,
                   at_most(bpf->table[copied[i]].bytes, old->table[copied[i]].bytes));
}

/* What the first publishing must know of the set before. Its digest goes: rule counters are shared, and their numbers are about to
 * belong to rules of another plan, so whoever comes back to that set after a crash has to publish. */
static int follow(struct vnl_bpf *bpf, const struct vnl_bpf *old, struct vnl_err **err)
{
    struct vnl_control *control = vnl_bpf_control(old);
    const struct vnl_nic_entry *nics = old->table[VNL_BPF_NICS].addr;

    bpf->flags_before = calloc(old->size.nic_slots, sizeof(*bpf->flags_before));
    if (!bpf->flags_before)
        return vnl_fail(err, ENOMEM, "port program");
    bpf->n_before = old->size.nic_slots;
    for (uint32_t i = 0; i < bpf->n_before; i++)
        bpf->flags_before[i] = nics[(size_t)(control->bank & 1) * old->size.nic_slots + i].flags;
    copy_counters(bpf, old);
    memset(control->digest, 0, sizeof(control->digest));
    return 0;
}

int vnl_bpf_load_after(const struct vnl_image_size *size, const struct vnl_bpf *old, const char *dir,
                       struct vnl_bpf **ret, struct vnl_err **err)
{
    CLEANUP(vnl_bpf_close) struct vnl_bpf *bpf = bpf_alloc();
    uint64_t seed = 0;
    int r;

    if (!bpf)
        return vnl_fail(err, ENOMEM, "port program");
    if (!size_ok(size))
        return vnl_fail(
            err, E2BIG,
            "tables of %u NIC slots, %u owners, %u bytes of routes, %u rules, %u flows: out of range",
            size->nic_slots, size->owner_slots, size->pool_bytes, size->rule_slots, size->flow_slots);
    bpf->size = *size;
    r = load(bpf, old, &seed, err);
    for (int i = 0; i < VNL_BPF_MAPPED_MAX && r == 0; i++)
        r = table_map(bpf, i, err);
    if (r < 0)
        return r;
    vnl_bpf_control(bpf)->nic_slots = size->nic_slots;
    vnl_bpf_control(bpf)->owner_slots = size->owner_slots;
    vnl_bpf_control(bpf)->pool_bytes = size->pool_bytes;
    vnl_bpf_control(bpf)->rule_slots = size->rule_slots;
    vnl_bpf_control(bpf)->flow_slots = size->flow_slots;
    vnl_bpf_control(bpf)->parts = size->parts;
    vnl_bpf_control(bpf)->flow_seed = seed;
    vnl_bpf_control(bpf)->layout = VNL_LAYOUT_VERSION;
    r = old ? follow(bpf, old, err) : 0;
    if (r == 0 && dir)
        r = pin_all(bpf, dir, err);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(bpf);
    return 0;
}

int vnl_bpf_load_sized(const struct vnl_image_size *size, const char *dir, struct vnl_bpf **ret,
                       struct vnl_err **err)
{
    return vnl_bpf_load_after(size, NULL, dir, ret, err);
}

/* A verifier that need not look at sessions takes a third of the time. */
static uint32_t parts(const struct vnl_plan *plan)
{
    uint32_t parts = plan->n_rules ? VNL_PART_RULES : 0;

    if (plan->n_balancers || plan->internet != VNL_PLAN_NOBODY)
        parts |= VNL_PART_SESSIONS;
    return parts;
}

static uint32_t flow_slots(const struct vnl_plan *plan)
{
    uint32_t slots = parts(plan) ? FLOW_SLOTS_MIN : 0;

    while (slots && slots < FLOW_SLOTS_MAX && slots < plan->n_nics * FLOW_SLOTS_A_NIC)
        slots *= 2;
    return slots;
}

/* What is large enough keeps its size, for a map of another size cannot be kept. The flow table does so in any case: flows would have
 * to move while packets change them. */
static void keep_sizes(struct vnl_image_size *size, const struct vnl_image_size *need,
                       const struct vnl_image_size *old)
{
    if (need->nic_slots <= old->nic_slots)
        size->nic_slots = old->nic_slots;
    if (need->rule_slots <= old->rule_slots)
        size->rule_slots = old->rule_slots;
    if (old->flow_slots)
        size->flow_slots = old->flow_slots;
}

int vnl_bpf_load(const struct vnl_plan *plan, const struct vnl_bpf *old, const char *dir,
                 struct vnl_bpf **ret, struct vnl_err **err)
{
    struct vnl_image_size need, size;
    int r = vnl_image_size(plan, &need, err);

    if (r < 0)
        return r;
    size = need;
    size.nic_slots = at_most(at_least(2 * size.nic_slots, NIC_SLOTS_MIN), VNL_NIC_SLOTS_MAX);
    size.owner_slots = at_least(2 * size.owner_slots, 2 * NIC_SLOTS_MIN);
    size.pool_bytes = at_most(at_least(2 * size.pool_bytes, POOL_BYTES_MIN), POOL_BYTES_MAX);
    size.rule_slots = at_least(2 * size.rule_slots, RULE_SLOTS_MIN);
    size.parts = parts(plan);
    size.flow_slots = flow_slots(plan);
    if (old)
        keep_sizes(&size, &need, &old->size);
    return vnl_bpf_load_after(&size, old, dir, ret, err);
}

/* --- open ----------------------------------------------------------------------------------------------- */

static int open_pin(const char *dir, const char *name, int *ret, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *path = NULL;
    int r = pin_path(dir, name, &path, err);

    if (r < 0)
        return r;
    *ret = bpf_obj_get(path);
    return *ret < 0 ? vnl_fail(err, errno, "opening pin '%s': %s", path, strerror(errno)) : 0;
}

static int map_info(const struct vnl_bpf *bpf, enum vnl_bpf_table table, struct bpf_map_info *info,
                    struct vnl_err **err)
{
    uint32_t size = sizeof(*info);

    memset(info, 0, sizeof(*info));
    if (bpf_obj_get_info_by_fd(bpf->table[table].fd, info, &size) < 0)
        return vnl_fail(err, errno, "asking the kernel about table %s: %s", table_str[table],
                        strerror(errno));
    return 0;
}

/* The control block says how large the others are. It may be another version's: trust nothing before its
 * layout is known. */
static int read_sizes(struct vnl_bpf *bpf, const char *dir, struct vnl_err **err)
{
    struct bpf_map_info info;
    const struct vnl_control *control;
    int r = map_info(bpf, VNL_BPF_CONTROL, &info, err);

    if (r < 0)
        return r;
    if (info.value_size != sizeof(*control))
        return vnl_fail(err, ESTALE, "'%s' was written by another version of vnetlab", dir);
    r = table_map(bpf, VNL_BPF_CONTROL, err);
    if (r < 0)
        return r;
    control = vnl_bpf_control(bpf);
    if (control->layout != VNL_LAYOUT_VERSION)
        return vnl_fail(err, ESTALE, "'%s' has table layout %u, this version has %u", dir, control->layout,
                        VNL_LAYOUT_VERSION);
    bpf->size = (struct vnl_image_size){ control->nic_slots,  control->owner_slots, control->pool_bytes,
                                         control->rule_slots, control->flow_slots,  control->parts };
    return size_ok(&bpf->size) ? 0 : vnl_fail(err, ESTALE, "'%s' has tables of impossible size", dir);
}

static bool has_id(const uint32_t *ids, uint32_t n, uint32_t id)
{
    for (uint32_t i = 0; i < n; i++) {
        if (ids[i] == id)
            return true;
    }
    return false;
}

/* Publishing into tables that the program does not read would be a lie. */
static int check_set(struct vnl_bpf *bpf, const char *dir, struct vnl_err **err)
{
    uint32_t ids[16], n_ids = ARRAY_SIZE(ids);
    struct bpf_map_info info;
    int r = prog_info(bpf, ids, &n_ids, err);

    for (int i = 0; i < VNL_BPF_TABLE_MAX && r == 0; i++) {
        r = map_info(bpf, i, &info, err);
        if (r == 0 && (!has_id(ids, n_ids, info.id) || info.value_size != value_size(&bpf->size, i) ||
                       info.max_entries != entries(&bpf->size, i)))
            r = vnl_fail(err, ESTALE, "'%s': table %s is not the one of the program", dir, table_str[i]);
    }
    return r;
}

int vnl_bpf_open(const char *dir, struct vnl_bpf **ret, struct vnl_err **err)
{
    CLEANUP(vnl_bpf_close) struct vnl_bpf *bpf = bpf_alloc();
    int r;

    if (!bpf)
        return vnl_fail(err, ENOMEM, "port program");
    vnl_bpf_listen();
    r = open_pin(dir, PROG_PIN, &bpf->prog_fd, err);
    if (r == 0)
        r = open_pin(dir, DELAYED_PIN, &bpf->delayed_fd, err);
    for (int i = 0; i < VNL_BPF_TABLE_MAX && r == 0; i++)
        r = open_pin(dir, table_str[i], &bpf->table[i].fd, err);
    if (r == 0)
        r = read_sizes(bpf, dir, err);
    if (r == 0)
        r = check_set(bpf, dir, err);
    for (int i = VNL_BPF_CONTROL + 1; i < VNL_BPF_MAPPED_MAX && r == 0; i++)
        r = table_map(bpf, i, err);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(bpf);
    return 0;
}

bool vnl_bpf_fits(const struct vnl_bpf *bpf, const struct vnl_plan *plan)
{
    struct vnl_image_size size;

    return vnl_image_size(plan, &size, NULL) == 0 && size.nic_slots <= bpf->size.nic_slots &&
           size.owner_slots <= bpf->size.owner_slots && size.pool_bytes <= bpf->size.pool_bytes &&
           size.rule_slots <= bpf->size.rule_slots && !(parts(plan) & ~bpf->size.parts);
}

int vnl_bpf_prog_fd(const struct vnl_bpf *bpf)
{
    return bpf->prog_fd;
}

int vnl_bpf_delayed_fd(const struct vnl_bpf *bpf)
{
    return bpf->delayed_fd;
}

uint32_t vnl_bpf_delayed_id(const struct vnl_bpf *bpf)
{
    struct bpf_prog_info info = { 0 };
    uint32_t size = sizeof(info);

    return bpf_obj_get_info_by_fd(bpf->delayed_fd, &info, &size) < 0 ? 0 : info.id;
}

uint32_t vnl_bpf_prog_id(const struct vnl_bpf *bpf)
{
    return bpf->prog_id;
}
