/* Which sysctls a VM's namespace needs, from what the host gives it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../dataplane/sysctl.h"
#include "vnetlab/base.h"

static void only_what_differs_is_written(void **state)
{
    static const struct {
        const char *host;
        struct vnl_sysctls
            fresh; /* in the enum's order: forward4 all, default; rp_filter all, default; forward6 */
        bool forward;
        const char *wanted; /* number=value of each write */
    } cases[] = {
        { "the kernel's values", { { 0, 0, 0, 0, 0, 0 } }, false, "" },
        { "the kernel's values, an appliance", { { 0, 0, 0, 0, 0, 0 } }, true, "0=1 4=1 " },
        { "Docker", { { 1, 1, 0, 0, 0, 0 } }, false, "0=0 " },
        { "Docker, an appliance", { { 1, 1, 0, 0, 0, 0 } }, true, "4=1 " },
        { "forwarding for new interfaces only", { { 0, 1, 0, 0, 0, 1 } }, false, "1=0 5=0 " },
        { "forwarding for old interfaces only", { { 1, 0, 0, 0, 1, 0 } }, true, "1=1 5=1 " },
        { "systemd's loose filter", { { 0, 0, 0, 2, 0, 0 } }, false, "3=0 " },
        { "strict filter", { { 0, 0, 1, 1, 0, 0 } }, true, "0=1 2=0 3=0 4=1 " },
        { "everything", { { 1, 1, 2, 1, 1, 1 } }, false, "0=0 2=0 3=0 4=0 " },
        { "no IPv6", { { 1, 1, 0, 0, -1, -1 } }, false, "0=0 " },
        { "no IPv6, an appliance", { { 1, 1, 0, 0, -1, -1 } }, true, "" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *value[VNL_SYSCTL_MAX];
        int what[VNL_SYSCTL_MAX];
        char got[64] = "";
        size_t n = vnl_sysctls_missing(&cases[i].fresh, cases[i].forward, what, value);

        for (size_t k = 0; k < n; k++)
            (void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%d=%s ", what[k], value[k]);
        if (strcmp(got, cases[i].wanted) != 0)
            fail_msg("%s: '%s', not '%s'", cases[i].host, got, cases[i].wanted);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_differs_is_written),
    };

    return cmocka_run_group_tests_name("sysctl", tests, NULL, NULL);
}
