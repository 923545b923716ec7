/* vnetlab run: Azure's run-command (spec 6.4). It comes by the platform's own channel, so no rule, route or address matters to it. */
#include "cmd_guest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cmds.h"
#include "out.h"

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"

#define SHOWN 4096 /* the last bytes of each, as Azure keeps them */

/* Standard output and error of this process go to files for a while. */
struct capture {
    int saved[2], file[2];
};

static int capture_begin(struct capture *capture, struct vnl_err **err)
{
    for (int i = 0; i < 2; i++) {
        int fd = STDOUT_FILENO + i;

        (void)fflush(i ? stderr : stdout);
        capture->saved[i] = dup(fd);
        capture->file[i] = memfd_create("vnetlab-run", MFD_CLOEXEC);
        if (capture->saved[i] < 0 || capture->file[i] < 0 || dup2(capture->file[i], fd) < 0)
            return vnl_fail(err, errno, "run: %s", strerror(errno));
    }
    return 0;
}

static void capture_end(struct capture *capture)
{
    for (int i = 0; i < 2; i++) {
        if (capture->saved[i] >= 0)
            (void)dup2(capture->saved[i], STDOUT_FILENO + i);
        vnl_fd_close(&capture->saved[i]);
    }
}

static void capture_done(struct capture *capture)
{
    capture_end(capture);
    vnl_fd_close(&capture->file[0]);
    vnl_fd_close(&capture->file[1]);
}

/* The end of what was written, as a string; bytes that no JSON string can hold are shown as '?'. */
static void capture_read(const struct capture *capture, int which, char ret[SHOWN + 1])
{
    off_t size = lseek(capture->file[which], 0, SEEK_END);
    ssize_t n = pread(capture->file[which], ret, SHOWN, size > SHOWN ? size - SHOWN : 0);

    n = n < 0 ? 0 : n;
    ret[n] = '\0';
    for (ssize_t i = 0; i < n; i++)
        if (!ret[i] || (unsigned char)ret[i] > 127)
            ret[i] = '?';
}

static int print_json(const struct capture *capture, struct vnl_err **err)
{
    struct vnl_json *json = vnl_json_object(), *value = vnl_json_array(), *item = vnl_json_object();
    char out[SHOWN + 1], error[SHOWN + 1];
    CLEANUP(vnl_str_free) char *message = NULL;

    capture_read(capture, 0, out);
    capture_read(capture, 1, error);
    if (asprintf(&message, "Enable succeeded: \n[stdout]\n%s\n[stderr]\n%s", out, error) < 0)
        message = NULL;
    (void)vnl_json_set(item, "code", vnl_json_str("ProvisioningState/succeeded"));
    (void)vnl_json_set(item, "displayStatus", vnl_json_str("Provisioning succeeded"));
    (void)vnl_json_set(item, "level", vnl_json_str("Info"));
    (void)vnl_json_set(item, "message", vnl_json_str(message));
    (void)vnl_json_set(item, "time", vnl_json_str(NULL));
    (void)vnl_json_push(value, item);
    if (vnl_json_set(json, "value", value) < 0)
        vnl_json_free(&json);
    return vnl_out_json(json, err);
}

static int run_captured(const struct vnl_args *args, const char *lab, const char *vm, struct vnl_err **err)
{
    CLEANUP(capture_done) struct capture capture = { { -1, -1 }, { -1, -1 } };
    int status, r = capture_begin(&capture, err);

    status = r < 0 ? r : vnl_cmd_in_vm(args, lab, vm, true, err);
    capture_end(&capture);
    if (status < 0)
        return status;
    r = print_json(&capture, err);
    return r < 0 ? r : status;
}

int vnl_cmd_run(const struct vnl_args *args, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *lab = NULL, *vm = NULL;
    int r = vnl_cmd_pick_lab(args, &lab, err);

    if (r >= 0)
        r = vnl_cmd_pick_vm(lab, args->operands[0], &vm, err);
    if (r < 0)
        return r;
    return args->json ? run_captured(args, lab, vm, err) : vnl_cmd_in_vm(args, lab, vm, true, err);
}
