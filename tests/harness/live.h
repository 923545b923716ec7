/* For test programs with one running lab at a time: the texts of a test follow one another on it, and each test starts with nothing. */
#ifndef VNETLAB_TESTS_LIVE_H
#define VNETLAB_TESTS_LIVE_H

#include "running.h"

extern struct vnl_lab *live_lab;
extern struct vnl_plan *live_plan; /* of the last text */

/* What cmocka calls around the group, and behind each test: nothing may be left then. */
int live_group_setup(void **state);
int live_group_teardown(void **state);
int live_teardown(void **state);

/* Brings the lab to the text (labs.h), a second time changes nothing, and all is there. */
struct vnl_dp_stats live_converge(const char *text);
/* The same after the plan was changed by hand: it is not built anew. */
struct vnl_dp_stats live_again(void);

#endif
