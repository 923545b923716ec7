/* The tool that loads the user's own configuration may hang: a charon that takes connections and answers nothing. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../ctl/agent/vpn_parts.h"
#include "vnetlab/base.h"

static void swanctl_that_hangs_is_ended(void **state)
{
    char dir[] = "/tmp/vnetlab-test-swanctl-XXXXXX";
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    struct vnl_vpn_daemon charon = { .gateway = (char *)"office", .swanctl = "/dev/null" };
    int64_t start = vnl_loop_now_ms();
    int fd;

    (void)state;
    if (access("/usr/sbin/swanctl", X_OK) < 0) {
        print_message("swanctl is not installed\n");
        skip();
    }
    assert_non_null(mkdtemp(dir));
    (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/vici", dir);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    assert_int_equal(listen(fd, 8), 0);
    charon.dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    vnl_vpn_daemon_load_swanctl(&charon);
    assert_in_range(vnl_loop_now_ms() - start, 2500, 6000);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nothing of it is left */
    assert_int_equal(errno, ECHILD);
    (void)close(charon.dir_fd);
    (void)close(fd);
    assert_int_equal(unlink(addr.sun_path), 0);
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(swanctl_that_hangs_is_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
