/* Files of guests: /etc/hosts and /etc/resolv.conf of each VNet, and which VM uses which.
 *
 *   RUN_DIR/LAB/hosts/SLOT   the text, one file per VNet, rewritten in place: running VMs have it mounted
 *   RUN_DIR/LAB/resolv/SLOT  the same
 *   RUN_DIR/LAB/guests       lines "VM SLOT"
 *
 * So a lab of 1000 VMs costs two files per VNet and one more, and a VM's own files are made when its first
 * process starts. */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/plan.h"

int vnl_guest_file_read(int dir_fd, const char *name, char **ret, size_t *ret_size)
{
    CLEANUP(vnl_fd_close) int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
    CLEANUP(vnl_str_free) char *text = NULL;
    struct stat st;
    ssize_t size;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    text = malloc((size_t)st.st_size + 1);
    if (!text)
        return -ENOMEM;
    size = read(fd, text, (size_t)st.st_size);
    if (size < 0)
        return -errno;
    text[size] = '\0';
    *ret = TAKE_PTR(text);
    if (ret_size)
        *ret_size = (size_t)size;
    return 0;
}

static bool file_has(int dir_fd, const char *name, const void *data, size_t size)
{
    CLEANUP(vnl_str_free) char *old = NULL;
    size_t old_size;

    return vnl_guest_file_read(dir_fd, name, &old, &old_size) == 0 && old_size == size &&
           !memcmp(old, data, size);
}

/* From offset 0; what an older, longer text leaves behind is cut off. */
static int file_write(int dir_fd, const char *name, const void *data, size_t size)
{
    CLEANUP(vnl_fd_close) int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    size_t done = 0;

    if (fd < 0)
        return -errno;
    while (done < size) {
        ssize_t n = write(fd, (const char *)data + done, size - done);

        if (n < 0 && errno != EINTR)
            return -errno;
        done += n > 0 ? (size_t)n : 0;
    }
    return fchmod(fd, 0644) < 0 || ftruncate(fd, (off_t)size) < 0 ? -errno : 0;
}

int vnl_guest_file_rewrite(int dir_fd, const char *name, const void *data, size_t size)
{
    return file_has(dir_fd, name, data, size) ? 0 : file_write(dir_fd, name, data, size);
}

int vnl_guest_file_replace(int dir_fd, const char *name, const void *data, size_t size)
{
    char fresh[64];
    int r;

    if (file_has(dir_fd, name, data, size))
        return 0;
    snprintf(fresh, sizeof(fresh), "%s.new", name);
    r = file_write(dir_fd, fresh, data, size);
    if (r >= 0 && renameat(dir_fd, fresh, dir_fd, name) < 0)
        r = -errno;
    return r;
}

/* The SLOT behind "VM " at the start of a line, as text up to the line's end; NULL when there is none. */
static const char *index_lookup(const char *index, const char *vm, size_t *ret_len)
{
    size_t len = strlen(vm);

    for (const char *line = index; *line; line = strchrnul(line, '\n'), line += *line == '\n') {
        if (!strncmp(line, vm, len) && line[len] == ' ') {
            *ret_len = strcspn(line + len + 1, "\n");
            return line + len + 1;
        }
    }
    return NULL;
}

char *vnl_guest_vnet_name(int lab_fd, const char *vm)
{
    CLEANUP(vnl_str_free) char *index = NULL;
    const char *slot;
    size_t len;

    if (vnl_guest_file_read(lab_fd, "guests", &index, NULL) < 0)
        return NULL;
    slot = index_lookup(index, vm, &len);
    return slot ? strndup(slot, len) : NULL;
}

/* Each VM that has a NIC; the primary one's VNet decides, as it does for Azure-provided names. */
static char *index_text(const struct vnl_plan *plan, size_t *ret_size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, ret_size);

    if (!out)
        return NULL;
    for (size_t i = 0; i < plan->n_vms; i++) {
        const struct vnl_plan_vm *vm = &plan->vms[i];

        if (vm->n_nics)
            fprintf(out, "%s %" PRIu32 "\n", vm->name, plan->vnets[plan->nics[vm->nics[0]].vnet].slot);
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* What the VMs of each VNet have as one file, below a directory of their own. */
struct shared_file {
    const char *dir, *what;
    const char *(*text)(const struct vnl_plan_vnet *vnet);
};

static const char *hosts_text(const struct vnl_plan_vnet *vnet)
{
    return vnet->hosts ? vnet->hosts : "127.0.0.1 localhost\n";
}

/* Without a server (the internet side) a name that /etc/hosts does not have fails at once: nobody listens on the loopback. */
static const char *resolv_text(const struct vnl_plan_vnet *vnet)
{
    return vnet->resolv ? vnet->resolv : "";
}

static const struct shared_file shared_files[] = {
    { "hosts", "hosts file", hosts_text },
    { "resolv", "resolver file", resolv_text },
};

static int shared_write(int lab_fd, const struct vnl_plan *plan, const struct shared_file *file,
                        struct vnl_err **err)
{
    CLEANUP(vnl_fd_close) int dir_fd = -1;

    if (mkdirat(lab_fd, file->dir, 0755) < 0 && errno != EEXIST)
        return vnl_fail(err, errno, "making the directory '%s': %s", file->dir, strerror(errno));
    dir_fd = openat(lab_fd, file->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return vnl_fail(err, errno, "the directory '%s': %s", file->dir, strerror(errno));
    for (size_t i = 0; i < plan->n_vnets; i++) {
        const char *text = file->text(&plan->vnets[i]);
        char name[16];
        int r;

        snprintf(name, sizeof(name), "%" PRIu32, plan->vnets[i].slot);
        r = vnl_guest_file_rewrite(dir_fd, name, text, strlen(text));
        if (r < 0)
            return vnl_fail(err, -r, "%s of VNet '%s': %s", file->what, plan->vnets[i].name, strerror(-r));
    }
    return 0;
}

/* Azure moves no VM to another VNet: it is deleted and made again. So its processes end; they had the other
 * VNet's names. Both lists are in the lab's order: `before` follows along, and few lines are searched for. */
static int moved_stop(const char *lab, const char *before, const char *after, struct vnl_err **err)
{
    const char *next = before;

    for (const char *line = after; *line; line = strchr(line, '\n') + 1) {
        size_t len = strcspn(line, " "), line_len = strcspn(line, "\n") + 1, slot_len;

        if (!strncmp(next, line, line_len)) {
            next += line_len;
            continue;
        }
        CLEANUP(vnl_str_free) char *vm = strndup(line, len);
        const char *slot = vm ? index_lookup(before, vm, &slot_len) : NULL;
        int r;

        if (!vm)
            return vnl_fail(err, ENOMEM, "the list of guests");
        if (!slot)
            continue;
        next = slot + slot_len + 1;
        if (!strncmp(slot, line + len + 1, slot_len + 1))
            continue;
        r = vnl_guest_stop(lab, vm, err);
        if (r < 0)
            return r;
    }
    return 0;
}

int vnl_guest_files(const char *lab, const struct vnl_plan *plan, struct vnl_err **err)
{
    CLEANUP(vnl_fd_close) int lab_fd = -1;
    CLEANUP(vnl_str_free) char *path = vnl_run_path(lab, NULL);
    CLEANUP(vnl_str_free) char *before = NULL, *after = NULL;
    size_t size;
    int r = 0;

    after = index_text(plan, &size);
    if (!path || !after)
        return vnl_fail(err, ENOMEM, "files of lab '%s'", lab);
    lab_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lab_fd < 0)
        return vnl_fail(err, errno, "lab '%s': %s: %s", lab, path, strerror(errno));
    for (size_t i = 0; i < ARRAY_SIZE(shared_files) && r == 0; i++)
        r = shared_write(lab_fd, plan, &shared_files[i], err);
    if (r < 0)
        return r;
    if (vnl_guest_file_read(lab_fd, "guests", &before, NULL) == 0 && strcmp(before, after) != 0)
        r = moved_stop(lab, before, after, err);
    if (r >= 0 && (r = vnl_guest_file_replace(lab_fd, "guests", after, size)) < 0)
        r = vnl_fail(err, -r, "the list of guests: %s", strerror(-r));
    return r;
}
