/* Settled labs and their plans from lab file text, for tests. A text that does not load fails the test with
 * its messages. */
#ifndef VNETLAB_TEST_PLANS_H
#define VNETLAB_TEST_PLANS_H

#include "vnetlab/lab.h"
#include "vnetlab/plan.h"

/* before: the lab in force, or NULL. */
struct vnl_lab *lab_of(const char *yaml, const struct vnl_lab *before);
struct vnl_plan *plan_of_lab(const struct vnl_lab *lab);
struct vnl_plan *plan_of(const char *yaml);

/* The effective routes of a VNet's subnets. */
const struct vnl_route_table *table_of(const struct vnl_plan *plan, const char *vnet);
/* "Active 10.0.0.0/16 VnetLocal\n..." in row order, and behind the type the next hop's address and the words of refused
 * traffic. The text is the caller's. */
char *rows_of(const struct vnl_plan *plan, const char *vnet);
void assert_rows(const struct vnl_plan *plan, const char *vnet, const char *expected);

/* What a tag stands for in a set of rules of which some have it as destination: "10.0.0.0/16 168.63.129.16/32". The text is
 * the caller's. */
char *tag_of(const struct vnl_plan *plan, uint32_t rules, const char *tag);
/* A VM's primary NIC. */
const struct vnl_plan_nic *nic_of(const struct vnl_plan *plan, const char *vm);

/* The difference of the plans as the operator reads it. before: NULL for nothing. The second lab is settled on the first one, as
 * `up` would. The text is the caller's. */
char *diff_of(const char *before, const char *after);
void assert_diff(const char *before, const char *after, const char *expected);

/* What vnl_plan_print writes. The text is the caller's. */
char *print_of(const struct vnl_plan *plan);

#endif
