/* What the files of a topology share. */
#ifndef VNETLAB_TESTS_TOPOLOGY_PARTS_H
#define VNETLAB_TESTS_TOPOLOGY_PARTS_H

#include "topology.h"
#include "vnetlab/base.h"

int topology_below(uint64_t *seed, int n);
bool topology_one_in(uint64_t *seed, int n);
#define PICK(seed, list) ((list)[topology_below(seed, (int)ARRAY_SIZE(list))])

/* Is it there, with all that it stands on? nsg, table: -1 is none. */
bool topology_has_nsg(const struct topology *t, int nsg);
bool topology_has_table(const struct topology *t, int table);
bool topology_has_subnet(const struct topology *t, int i);
bool topology_has_vm(const struct topology *t, int i);
bool topology_has_asg(const struct topology *t, int i);
bool topology_has_link(const struct topology *t, int from, int to);
bool topology_has_rule(const struct topology *t, const struct topology_rule *rule);

int topology_first_octet(const struct topology *t, int subnet);
int topology_second_octet(const struct topology *t, int subnet);
void topology_vm_address(const struct topology *t, int vm, bool v6, char ret[64]);
/* Prefixes that cut the lab in every way: one address, a part of a subnet, a subnet, a VNet, all of them. */
void topology_random_prefix(const struct topology *t, uint64_t *seed, bool v6, char ret[64]);

/* Route tables, and which VMs forward. */
void topology_make_routes(struct topology *t, uint64_t *seed);
bool topology_change_route(struct topology *t, uint64_t *seed);

bool topology_has_balancer(const struct topology *t);
void topology_frontend_address(const struct topology *t, char ret[64]);
/* Public IPs, NAT gateways, private subnets. */
bool topology_has_internet(const struct topology *t);
void topology_make_outside(struct topology *t, uint64_t *seed);
bool topology_change_outside(struct topology *t, uint64_t *seed);

#endif
