#include "live.h"

#include <stdint.h>

#include "leftovers.h"
#include "vnetlab/lab.h"

struct vnl_lab *live_lab;
struct vnl_plan *live_plan;
static struct leftovers *before;

int live_group_setup(void **state)
{
    (void)state;
    leftovers_isolate();
    before = leftovers_take();
    return 0;
}

int live_group_teardown(void **state)
{
    (void)state;
    leftovers_free(&before);
    return 0;
}

int live_teardown(void **state)
{
    (void)state;
    running_down();
    vnl_plan_free(&live_plan);
    vnl_lab_free(&live_lab);
    leftovers_assert_none(before);
    return 0;
}

struct vnl_dp_stats live_again(void)
{
    struct vnl_dp_stats stats = running_converge(live_plan);

    running_check(live_plan);
    return stats;
}

struct vnl_dp_stats live_converge(const char *text)
{
    vnl_plan_free(&live_plan);
    live_plan = running_plan(text, &live_lab);
    return live_again();
}
