/* The store: what was asked for survives everything, and costs little. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../harness/documents.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"
#include "vnetlab/store.h"

static char top[64], dir[80], db[100];

static int setup(void **state)
{
    (void)state;
    strcpy(top, "/tmp/test_store.XXXXXX");
    if (!mkdtemp(top))
        return -1;
    (void)snprintf(dir, sizeof(dir), "%s/lib", top);
    (void)snprintf(db, sizeof(db), "%s/lab1.db", dir);
    return setenv("VNETLAB_STATE_DIR", dir, 1);
}

static int teardown(void **state)
{
    (void)state;
    (void)vnl_store_remove("lab1", NULL);
    (void)rmdir(dir);
    (void)unsetenv("VNETLAB_STATE_DIR");
    return rmdir(top);
}

/* A lab with n VMs; `from` is the number of the first, `note` stands in its run commands. */
static struct vnl_lab *make_lab(int from, int n, const char *note)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    struct vnl_lab *lab = NULL;

    (void)fprintf(out,
                  "name: lab1\nvnets:\n  vnet: {addressSpace: [10.0.0.0/16], subnets: {s: 10.0.0.0/16}}\n"
                  "virtualMachines:\n");
    for (int i = from; i < from + n; i++)
        (void)fprintf(out, "  vm-%d: {subnet: s, run: ['%s']}\n", i, i == from ? note : "x");
    (void)fclose(out);
    assert_int_equal(vnl_lab_load_text("lab.yaml", text, size, &lab, NULL), 0);
    assert_int_equal(vnl_lab_settle(lab, NULL, NULL), 0);
    free(text);
    return lab;
}

static char *lab_text(const struct vnl_lab *lab)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    char *text = NULL;

    assert_int_equal(vnl_lab_to_json(lab, &json, NULL), 0);
    assert_int_equal(vnl_json_format(json, 0, &text, NULL), 0);
    return text;
}

static struct vnl_store *open_store(bool readonly)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_store *store = NULL;
    int r = vnl_store_open("lab1", readonly, &store, &err);

    vnl_err_print(stderr, err);
    assert_int_equal(r, 0);
    return store;
}

static void save(const struct vnl_lab *lab, bool applied)
{
    CLEANUP(vnl_store_close) struct vnl_store *store = open_store(false);
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    int r = vnl_store_save(store, lab, applied, &err);

    vnl_err_print(stderr, err);
    assert_int_equal(r, 0);
}

/* The stored lab as text; what is found is also what a writer finds. */
static char *stored_text(void)
{
    CLEANUP(vnl_store_close) struct vnl_store *store = open_store(true);
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    int r = vnl_store_load(store, &lab, &err);

    vnl_err_print(stderr, err);
    assert_int_equal(r, 0);
    return lab_text(lab);
}

static void assert_stored(const struct vnl_lab *lab)
{
    CLEANUP(vnl_str_free) char *expected = lab_text(lab);
    CLEANUP(vnl_str_free) char *text = stored_text();

    assert_string_equal(text, expected);
}

static void saved_lab_is_loaded_as_it_was(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = make_lab(1, 20, "echo \"\xc3\xa4\"");

    (void)state;
    save(lab, true);
    assert_stored(lab);
}

static void route_tables_and_several_nics_are_kept(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *routed = document_settled(NULL, document_routed);
    CLEANUP(vnl_lab_free) struct vnl_lab *without = document_settled(document_routed, document_connected);

    (void)state;
    save(routed, true);
    assert_stored(routed);
    save(without, true);
    assert_stored(without);
    save(routed, true);
    assert_stored(routed);
}

/* Each step is compared with a lab that was only ever in memory. */
static void the_internet_side_is_kept(void **state)
{
    static const char text[] =
        "name: lab1\n"
        "vnets: {hub: {addressSpace: 10.0.0.0/16, dnsServers: 10.0.0.9, subnets: {s: {addressPrefix: "
        "10.0.0.0/24, "
        "natGateway: nat, defaultOutboundAccess: false}}}}\n"
        "publicIPAddresses: {pip: {idleTimeoutInMinutes: 9}}\n"
        "natGateways: {nat: {publicIpAddresses: [pip]}}\n"
        "virtualMachines: {vm: {subnet: hub/s, publicIPAddress: true, bandwidth: 1Gbps}}\n"
        "loadBalancers: {lb: {frontendIPConfigurations: {fe: {subnet: hub/s}}, backendAddressPools: {p: "
        "[vm]}, "
        "probes: {q: {protocol: Http, port: 80}}, loadBalancingRules: {r: {protocol: All}}}}\n"
        "internet: {hosts: {h: {address: 203.0.113.80, run: [true]}}}\n"
        "latency: [{between: [eastus, westus], rtt: 60ms}]\n"
        "expect: [{from: h, to: vm-ip, icmp: pass}]\n";
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;

    (void)state;
    assert_int_equal(vnl_lab_load_text("lab.yaml", text, strlen(text), &lab, NULL), 0);
    assert_int_equal(vnl_lab_settle(lab, NULL, NULL), 0);
    save(lab, true);
    assert_stored(lab);
}

/* What vnl_lab_to_json() leaves out: shared keys, also those that were generated. */
static void shared_keys_are_kept(void **state)
{
    static const char text[] =
        "name: lab1\nvnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {GatewaySubnet: 10.1.255.0/27}}}\n"
        "virtualNetworkGateways: {gw: {vnet: hub}}\n"
        "localNetworkGateways: {a: {gatewayIpAddress: 203.0.113.1, addressPrefixes: 192.168.0.0/24}, b: "
        "{gatewayIpAddress: 203.0.113.2, addressPrefixes: 192.168.1.0/24}}\n"
        "connections: {a: {virtualNetworkGateway1: gw, localNetworkGateway2: a, sharedKey: '\"aab\\bcc'}, b: "
        "{virtualNetworkGateway1: gw, localNetworkGateway2: b}}\n"
        "sites: {s: {publicIPAddress: 203.0.113.1, addressPrefixes: 192.168.0.0/24, sharedKey: ddeeff}}\n";
    CLEANUP(vnl_store_close) struct vnl_store *store = NULL;
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    CLEANUP(vnl_lab_free) struct vnl_lab *again = NULL;

    (void)state;
    assert_int_equal(vnl_lab_load_text("lab.yaml", text, strlen(text), &lab, NULL), 0);
    assert_int_equal(vnl_lab_settle(lab, NULL, NULL), 0);
    save(lab, true);
    assert_stored(lab);
    store = open_store(true);
    assert_int_equal(vnl_store_load(store, &again, NULL), 0);
    assert_string_equal(again->connections[0]->shared_key, "\"aab\\bcc");
    assert_string_equal(again->connections[0]->key_written, "\"aab\\bcc");
    assert_string_equal(again->connections[1]->shared_key, lab->connections[1]->shared_key);
    assert_string_equal(again->connections[1]->key_written, "");
    assert_true(again->connections[1]->key_generated);
    assert_string_equal(again->sites[0]->shared_key, "ddeeff");
}

static void save_replaces_everything(void **state)
{
    static const struct {
        int from, n;
        const char *note;
    } steps[] = {
        { 1, 10, "a" }, { 1, 10, "b" }, { 3, 10, "a" }, { 1, 12, "a" },
        { 8, 1, "a" },  { 1, 0, "a" },  { 1, 30, "a" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        CLEANUP(vnl_lab_free) struct vnl_lab *lab = make_lab(steps[i].from, steps[i].n, steps[i].note);

        save(lab, false);
        assert_stored(lab);
    }
}

static void applied_is_remembered(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = make_lab(1, 1, "a");
    CLEANUP(vnl_store_close) struct vnl_store *store = open_store(false);
    CLEANUP(vnl_store_close) struct vnl_store *reader = open_store(true);
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    bool applied = true;

    (void)state;
    assert_int_equal(vnl_store_applied(reader, &applied, NULL), 0);
    assert_false(applied);
    assert_int_equal(vnl_store_set_applied(store, true, &err), -ENOENT);
    assert_string_equal(err->msg, "nothing was saved for lab 'lab1' yet");
    assert_int_equal(vnl_store_save(store, lab, true, NULL), 0);
    assert_int_equal(vnl_store_applied(reader, &applied, NULL), 0);
    assert_true(applied);
    assert_int_equal(vnl_store_set_applied(store, false, NULL), 0);
    assert_int_equal(vnl_store_applied(reader, &applied, NULL), 0);
    assert_false(applied);
}

static void nothing_saved_is_not_a_lab(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_store *store = NULL;
    struct vnl_lab *lab = NULL;
    struct stat st;

    (void)state;
    assert_int_equal(vnl_store_open("lab1", true, &store, &err), -ENOENT);
    assert_string_equal(err->msg, "there is no lab 'lab1'");
    assert_int_equal(stat(dir, &st), -1); /* a reader creates nothing */
    vnl_err_free(&err);

    store = open_store(false);
    assert_int_equal(vnl_store_load(store, &lab, &err), -ENOENT);
    assert_string_equal(err->msg, "nothing was saved for lab 'lab1' yet");
    vnl_store_close(&store);
    vnl_err_free(&err);
    assert_int_equal(vnl_store_remove("lab1", NULL), 0);

    /* The maker was killed when it had made the file. */
    assert_int_equal(close(open(db, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
    store = open_store(true);
    assert_int_equal(vnl_store_load(store, &lab, NULL), -ENOENT);
    vnl_store_close(&store);
}

static void database_is_for_its_owner_and_the_list_for_all(void **state)
{
    static const char *const suffixes[] = { "", "-wal", "-shm" };
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = make_lab(1, 1, "a");
    CLEANUP(vnl_store_close) struct vnl_store *store = NULL;
    mode_t mask = umask(022);
    struct stat st;

    (void)state;
    store = open_store(false);
    assert_int_equal(vnl_store_save(store, lab, false, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        char path[120];

        (void)snprintf(path, sizeof(path), "%s%s", db, suffixes[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0755);
    (void)umask(mask);
}

static void remove_leaves_nothing(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = make_lab(1, 1, "a");

    (void)state;
    assert_int_equal(vnl_store_remove("lab1", NULL), 0); /* there is none, and no directory */
    save(lab, false);
    assert_int_equal(vnl_store_remove("lab1", NULL), 0);
    assert_int_equal(rmdir(dir), 0); /* so it is empty */
    assert_int_equal(vnl_store_remove("../lab1", NULL), -EINVAL);
}

static void leftovers_of_a_killed_removal_are_no_trouble(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = make_lab(1, 5, "a");
    CLEANUP(vnl_lab_free) struct vnl_lab *other = make_lab(3, 2, "b");
    CLEANUP(vnl_names_done) struct vnl_names names = { 0 };

    (void)state;
    save(lab, false);
    assert_int_equal(unlink(db), 0); /* and then it was killed */
    assert_int_equal(vnl_store_list(&names, NULL), 0);
    assert_int_equal(names.n, 1); /* so that `down --all` finds it */
    save(other, false);
    assert_stored(other);
}

static void list_has_every_lab_once_and_sorted(void **state)
{
    static const char *const files[] = { "zeta.db",     "alpha.db",  "alpha.db-wal", "alpha.db-shm",
                                         "beta.db-wal", "other.txt", ".db",          ".hidden.db",
                                         "x.db.bak",    "x.lock.db" };
    CLEANUP(vnl_names_done) struct vnl_names names = { 0 };
    char path[120];

    (void)state;
    assert_int_equal(vnl_store_list(&names, NULL), 0);
    assert_int_equal(names.n, 0);
    assert_int_equal(mkdir(dir, 0700), 0);
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
        assert_int_equal(close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
    }
    assert_int_equal(vnl_store_list(&names, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(names.n, 3);
    assert_string_equal(names.items[0], "alpha");
    assert_string_equal(names.items[1], "beta");
    assert_string_equal(names.items[2], "zeta");
}

/* --- damage ---------------------------------------------------------------------------------------- */

static void sql(const char *text)
{
    sqlite3 *raw = NULL;

    assert_int_equal(sqlite3_open(db, &raw), SQLITE_OK);
    if (sqlite3_exec(raw, text, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", text, sqlite3_errmsg(raw));
    assert_int_equal(sqlite3_close(raw), SQLITE_OK);
}

static void newer_format_is_refused(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = make_lab(1, 1, "a");
    char expected[200];

    (void)state;
    save(lab, false);
    sql("PRAGMA user_version = 2");
    (void)snprintf(expected, sizeof(expected),
                   "database '%s' has format 2, and this vnetlab knows formats up to 1", db);
    for (int readonly = 0; readonly < 2; readonly++) {
        CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
        struct vnl_store *store = NULL;

        assert_int_equal(vnl_store_open("lab1", readonly, &store, &err), -ENOTSUP);
        assert_null(store);
        assert_string_equal(err->msg, expected);
        assert_string_equal(err->hint, "use the vnetlab that made it, or a newer one");
    }
}

static void damaged_rows_are_named(void **state)
{
    static const struct {
        const char *sql, *msg;
    } cases[] = {
        { "UPDATE meta SET value = '{' WHERE key = 'lab'",
          "key 'lab': not valid JSON, line 1, column 1: string or '}' expected near end of file" },
        { "UPDATE meta SET value = NULL WHERE key = 'lab'", "key 'lab': is not text" },
        { "UPDATE meta SET value = replace(value, 'lab1', 'lab2') WHERE key = 'lab'", "it is of lab 'lab2'" },
        { "UPDATE resources SET body = '[]' WHERE type LIKE '%vnet%' OR type LIKE '%virtualNetworks'",
          "resource 0: 'type' is missing" },
        { "UPDATE resources SET body = replace(body, '\"slot\":0', '\"slot\":\"\"') WHERE type LIKE "
          "'%virtualNetworks'",
          "resource '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-lab1/providers/"
          "Microsoft.Network/virtualNetworks/vnet': 'slot' is not a number" },
        { "DELETE FROM resources WHERE type LIKE '%networkInterfaces'",
          "resource '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-lab1/providers/"
          "Microsoft.Compute/virtualMachines/vm-1': lists 1 network interfaces, and 0 name it as theirs" },
    };
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = make_lab(1, 1, "a");

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(vnl_store_close) struct vnl_store *store = NULL;
        CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
        struct vnl_lab *again = NULL;
        char expected[400];

        save(lab, false);
        sql(cases[i].sql);
        store = open_store(true);
        assert_int_equal(vnl_store_load(store, &again, &err), -EBADMSG);
        assert_null(again);
        (void)snprintf(expected, sizeof(expected), "database '%s' is damaged: %s", db, cases[i].msg);
        assert_string_equal(err->msg, expected);
        assert_int_equal(err->num, EBADMSG);
        vnl_store_close(&store);
        save(lab, false); /* which also repairs it */
        assert_stored(lab);
    }
}

static void file_that_is_no_database_is_refused(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_store *store = NULL;
    char expected[200];
    FILE *file;

    (void)state;
    assert_int_equal(mkdir(dir, 0700), 0);
    file = fopen(db, "we");
    (void)fprintf(file, "%0999d", 7);
    (void)fclose(file);
    assert_int_equal(vnl_store_open("lab1", false, &store, &err), -EBADMSG);
    assert_null(store);
    (void)snprintf(expected, sizeof(expected), "database '%s': file is not a database", db);
    assert_string_equal(err->msg, expected);
}

static void another_labs_name_is_refused(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = make_lab(1, 1, "a");
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    CLEANUP(vnl_store_close) struct vnl_store *store = open_store(false);

    (void)state;
    free(lab->name);
    lab->name = strdup("other");
    assert_int_equal(vnl_store_save(store, lab, false, &err), -EINVAL);
    assert_string_equal(err->msg, "lab 'other' cannot be saved as 'lab1'");
}

/* --- what a save writes ---------------------------------------------------------------------------- */

static int written; /* rows, seen by a trigger */

static void count_row(sqlite3_context *context, int n, sqlite3_value **values)
{
    (void)n;
    (void)values;
    written++;
    sqlite3_result_null(context);
}

static int add_counter(sqlite3 *raw, char **msg, const struct sqlite3_api_routines *api)
{
    (void)msg;
    (void)api;
    return sqlite3_create_function(raw, "count_row", 0, SQLITE_UTF8, NULL, count_row, NULL, NULL);
}

static void save_writes_only_what_changed(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = make_lab(1, 50, "a");
    CLEANUP(vnl_lab_free) struct vnl_lab *changed = make_lab(1, 50, "b");
    CLEANUP(vnl_lab_free) struct vnl_lab *longer = make_lab(1, 51, "b");

    (void)state;
    assert_int_equal(sqlite3_auto_extension((void (*)(void))add_counter), SQLITE_OK);
    save(lab, false);
    sql("CREATE TRIGGER i AFTER INSERT ON resources BEGIN SELECT count_row(); END;"
        "CREATE TRIGGER u AFTER UPDATE ON resources BEGIN SELECT count_row(); END;"
        "CREATE TRIGGER d AFTER DELETE ON resources BEGIN SELECT count_row(); END;");
    written = 0;
    save(lab, true);
    assert_int_equal(written, 0);
    save(changed, true); /* one VM */
    assert_int_equal(written, 1);
    save(longer, true); /* one VM and its NIC */
    assert_int_equal(written, 3);
    save(changed, true);
    assert_int_equal(written, 5);
    assert_stored(changed);
    sqlite3_reset_auto_extension();
}

static void first_vm_can_go_without_rewriting_the_others(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = make_lab(1, 20, "x");
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    CLEANUP(vnl_lab_free) struct vnl_lab *rest = NULL;

    (void)state;
    assert_int_equal(sqlite3_auto_extension((void (*)(void))add_counter), SQLITE_OK);
    assert_int_equal(vnl_lab_to_json(lab, &json, NULL), 0);
    assert_int_equal(vnl_lab_from_json(json, &rest, NULL), 0);
    save(lab, false);
    sql("CREATE TRIGGER u AFTER UPDATE ON resources BEGIN SELECT count_row(); END;"
        "CREATE TRIGGER d AFTER DELETE ON resources BEGIN SELECT count_row(); END;");
    written = 0;
    /* As the ARM endpoint will do it: no line of a file moves. */
    for (size_t i = 1; i < rest->n_vms; i++) {
        struct vnl_vm *vm = rest->vms[i - 1];

        rest->vms[i - 1] = rest->vms[i];
        rest->vms[i] = vm;
    }
    rest->n_vms--;
    save(rest, false);
    assert_int_equal(written, 2);
    assert_stored(rest);
    rest->n_vms++;
    sqlite3_reset_auto_extension();
}

/* --- being killed ---------------------------------------------------------------------------------- */

/* Or until the test itself ends, however it does. */
static void save_until_killed(struct vnl_lab *const labs[2], bool removing)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int i = 0;; i++) {
        struct vnl_store *store = NULL;

        if (vnl_store_open("lab1", false, &store, NULL) < 0 ||
            vnl_store_save(store, labs[i % 2], i % 2, NULL) < 0)
            _exit(1);
        vnl_store_close(&store);
        if (removing && i % 5 == 4 && vnl_store_remove("lab1", NULL) < 0)
            _exit(2);
    }
}

/* One of the two labs, or none because it was just removed; and `applied` is that lab's. Returns whether
 * there was one. */
static bool assert_whole(char *const texts[2])
{
    CLEANUP(vnl_store_close) struct vnl_store *store = NULL;
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    CLEANUP(vnl_str_free) char *text = NULL;
    bool applied;
    int r = vnl_store_open("lab1", true, &store, &err);

    if (r == 0)
        r = vnl_store_load(store, &lab, &err);
    if (r == -ENOENT)
        return false;
    vnl_err_print(stderr, err);
    assert_int_equal(r, 0);
    assert_int_equal(vnl_store_applied(store, &applied, NULL), 0);
    text = lab_text(lab);
    assert_string_equal(text, texts[applied]);
    return true;
}

static void kill_leaves_the_old_lab_or_the_new_one(void **state)
{
    struct vnl_lab *labs[2] = { make_lab(1, 60, "a"), make_lab(20, 80, "b") };
    char *texts[2] = { lab_text(labs[0]), lab_text(labs[1]) };
    int found = 0;
    unsigned seed = 7;

    (void)state;
    for (int round = 0; round < 150; round++) {
        int status;
        pid_t pid = fork();

        if (pid == 0)
            save_until_killed(labs, true);
        (void)usleep((useconds_t)(rand_r(&seed) % 12000));
        (void)kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        found += assert_whole(texts);
    }
    assert_true(found > 50);
    for (int i = 0; i < 2; i++) {
        save(labs[i], i); /* what was left can be written on */
        assert_stored(labs[i]);
        vnl_lab_free(&labs[i]);
        free(texts[i]);
    }
}

static void reader_sees_whole_labs_while_another_process_saves(void **state)
{
    struct vnl_lab *labs[2] = { make_lab(1, 30, "a"), make_lab(20, 40, "b") };
    char *texts[2] = { lab_text(labs[0]), lab_text(labs[1]) };
    int found[2] = { 0 }, status;
    pid_t pid;

    (void)state;
    save(labs[0], false);
    pid = fork();
    if (pid == 0)
        save_until_killed(labs, false);
    for (int i = 0; i < 200; i++) {
        CLEANUP(vnl_str_free) char *text = stored_text();

        assert_true(!strcmp(text, texts[0]) || !strcmp(text, texts[1]));
        found[strcmp(text, texts[1]) == 0]++;
    }
    (void)kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(found[0] > 0 && found[1] > 0);
    for (int i = 0; i < 2; i++) {
        vnl_lab_free(&labs[i]);
        free(texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(saved_lab_is_loaded_as_it_was, setup, teardown),
        cmocka_unit_test_setup_teardown(route_tables_and_several_nics_are_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(the_internet_side_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(shared_keys_are_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(save_replaces_everything, setup, teardown),
        cmocka_unit_test_setup_teardown(applied_is_remembered, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_saved_is_not_a_lab, setup, teardown),
        cmocka_unit_test_setup_teardown(database_is_for_its_owner_and_the_list_for_all, setup, teardown),
        cmocka_unit_test_setup_teardown(remove_leaves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(leftovers_of_a_killed_removal_are_no_trouble, setup, teardown),
        cmocka_unit_test_setup_teardown(list_has_every_lab_once_and_sorted, setup, teardown),
        cmocka_unit_test_setup_teardown(newer_format_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_rows_are_named, setup, teardown),
        cmocka_unit_test_setup_teardown(file_that_is_no_database_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(another_labs_name_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(save_writes_only_what_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(first_vm_can_go_without_rewriting_the_others, setup, teardown),
        cmocka_unit_test_setup_teardown(kill_leaves_the_old_lab_or_the_new_one, setup, teardown),
        cmocka_unit_test_setup_teardown(reader_sees_whole_labs_while_another_process_saves, setup, teardown),
    };

    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
