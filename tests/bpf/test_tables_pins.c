/* Pins of the port program and its tables: made, found again, refused when they are not a set. */
#include "port.h"

#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "../../dataplane/bpf_tables.h"

static char dir[] = "/tmp/vnetlab-test-bpf.XXXXXX"; /* a bpffs of our own */

static int group_setup(void **state)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return -1;
    if (!mkdtemp(dir) || mount("bpf", dir, "bpf", 0, "mode=0700") < 0)
        return -1;
    return port_setup(state);
}

static int group_teardown(void **state)
{
    umount(dir);
    rmdir(dir);
    return port_teardown(state);
}

static void pins_outlive_the_process_that_made_them(void **state)
{
    struct port *port = *state;
    CLEANUP(vnl_image_free) struct vnl_image *image = world_image(&port->world, &world_size, 7);
    CLEANUP(vnl_bpf_close) struct vnl_bpf *opened = NULL;
    struct vnl_bpf *bpf = port_load(dir);
    uint32_t id = vnl_bpf_prog_id(bpf);
    bool changed = true;

    assert_int_equal(vnl_bpf_publish_image(bpf, image, NULL, NULL), 0);
    vnl_bpf_close(&bpf);
    assert_int_equal(vnl_bpf_open(dir, &opened, NULL), 0);
    assert_int_equal(vnl_bpf_prog_id(opened), id);
    assert_true(vnl_bpf_prog_fd(opened) >= 0);
    PASSES(opened);
    assert_int_equal(vnl_bpf_publish_image(opened, image, &changed, NULL), 0);
    assert_false(changed);
}

static void loading_anew_replaces_the_pins(void **state)
{
    CLEANUP(vnl_bpf_close) struct vnl_bpf *one = port_load(dir);
    CLEANUP(vnl_bpf_close) struct vnl_bpf *two = port_load(dir);
    CLEANUP(vnl_bpf_close) struct vnl_bpf *opened = NULL;

    (void)state;
    assert_int_not_equal(vnl_bpf_prog_id(one), vnl_bpf_prog_id(two));
    assert_int_equal(vnl_bpf_open(dir, &opened, NULL), 0);
    assert_int_equal(vnl_bpf_prog_id(opened), vnl_bpf_prog_id(two));
}

static void assert_open_fails(int num, const char *says)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_bpf *bpf = NULL;

    assert_int_equal(vnl_bpf_open(dir, &bpf, &err), -num);
    assert_null(bpf);
    if (!strstr(err->msg, says))
        fail_msg("'%s' does not say '%s'", err->msg, says);
}

static void a_set_with_a_pin_missing_is_not_there(void **state)
{
    static const char *const pins[] = { "vnl_port", "vnl_control",  "vnl_nics",  "vnl_owners",
                                        "vnl_pool", "vnl_counters", "vnl_health" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(pins); i++) {
        CLEANUP(vnl_bpf_close) struct vnl_bpf *bpf = port_load(dir);
        char path[128];

        snprintf(path, sizeof(path), "%s/%s", dir, pins[i]);
        assert_int_equal(unlink(path), 0);
        assert_open_fails(ENOENT, pins[i]);
    }
}

static void another_layout_is_stale(void **state)
{
    char says[80];
    CLEANUP(vnl_bpf_close) struct vnl_bpf *bpf = port_load(dir);

    (void)state;
    vnl_bpf_control(bpf)->layout = VNL_LAYOUT_VERSION + 1;
    (void)snprintf(says, sizeof(says), "has table layout %u, this version has %u", VNL_LAYOUT_VERSION + 1,
                   VNL_LAYOUT_VERSION);
    assert_open_fails(ESTALE, says);
    vnl_bpf_control(bpf)->layout = VNL_LAYOUT_VERSION;
    vnl_bpf_control(bpf)->pool_bytes = 12345;
    assert_open_fails(ESTALE, "has tables of impossible size");
    vnl_bpf_control(bpf)->pool_bytes = 2 * world_size.pool_bytes;
    assert_open_fails(ESTALE, "table vnl_pool is not the one of the program");
}

static void tables_of_another_program_are_stale(void **state)
{
    CLEANUP(vnl_bpf_close) struct vnl_bpf *bpf = port_load(dir), *other = port_load(NULL);
    char path[128];

    (void)state;
    snprintf(path, sizeof(path), "%s/vnl_owners", dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(bpf_obj_pin(other->table[VNL_BPF_OWNERS].fd, path), 0);
    assert_open_fails(ESTALE, "table vnl_owners is not the one of the program");
    vnl_bpf_close(&other);
}

static void a_directory_that_takes_no_pins_is_reported(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_bpf *bpf = NULL;

    (void)state;
    assert_int_equal(vnl_bpf_load_sized(&world_size, "/nowhere", &bpf, &err), -ENOENT);
    assert_string_equal(err->msg, "pinning '/nowhere/vnl_control': No such file or directory");
    assert_null(bpf);
}

/* Exit status: the errno; the sentence goes through the pipe. */
static void without_root_it_says_so(void **state)
{
    int pipe_fd[2], status;
    char text[256] = "";
    pid_t pid;

    (void)state;
    assert_int_equal(pipe(pipe_fd), 0);
    pid = fork();
    if (pid == 0) {
        struct vnl_err *err = NULL;
        struct vnl_bpf *bpf;
        int r;

        if (setgid(65534) < 0 || setuid(65534) < 0)
            _exit(99);
        r = vnl_bpf_load_sized(&world_size, NULL, &bpf, &err);
        if (err)
            (void)!write(pipe_fd[1], err->msg, strlen(err->msg));
        _exit(-r);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(read(pipe_fd[0], text, sizeof(text) - 1) > 0);
    close(pipe_fd[0]);
    close(pipe_fd[1]);
    assert_int_equal(WEXITSTATUS(status), EPERM);
    assert_string_equal(text,
                        "loading the port program: not permitted (needs CAP_BPF and CAP_NET_ADMIN: be root)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pins_outlive_the_process_that_made_them),
        cmocka_unit_test(loading_anew_replaces_the_pins),
        cmocka_unit_test(a_set_with_a_pin_missing_is_not_there),
        cmocka_unit_test(another_layout_is_stale),
        cmocka_unit_test(tables_of_another_program_are_stale),
        cmocka_unit_test(a_directory_that_takes_no_pins_is_reported),
        cmocka_unit_test(without_root_it_says_so),
    };

    return cmocka_run_group_tests_name("pins", tests, group_setup, group_teardown);
}
