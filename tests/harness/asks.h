/* Questions to vnl_verify, for tests. What cannot be answered fails the test. */
#ifndef VNETLAB_TEST_ASKS_H
#define VNETLAB_TEST_ASKS_H

#include "vnetlab/plan.h"
#include "vnetlab/verify.h"

/* to: a VM, an internet host, a public IP's name, or an address; "Bastion of VNET" is a sender too. */
struct vnl_flow_query query_of(const struct vnl_plan *plan, const char *from, const char *to, uint8_t proto,
                               uint16_t port);
struct vnl_verify *ask(const struct vnl_plan *plan, const struct vnl_flow_query *query);
/* "stage at vm: text", per step; the caller frees. */
char *steps_of(const struct vnl_plan *plan, const struct vnl_flow_query *query);

void assert_verdict_(const struct vnl_plan *plan, const struct vnl_flow_query *query, const char *wanted,
                     int line);
void assert_flow_(const char *yaml, const char *from, const char *to, uint8_t proto, uint16_t port,
                  const char *wanted, int line);
/* The fix of the first step that drops with this reason. */
void assert_fix_(const char *yaml, const char *from, const char *to, uint8_t proto, enum vnl_drop reason,
                 const char *wanted, int line);

#define assert_flow(yaml, from, to, proto, port, wanted)                                                     \
    assert_flow_(yaml, from, to, proto, port, wanted, __LINE__)
#define assert_verdict(plan, query, wanted) assert_verdict_(plan, query, wanted, __LINE__)
#define assert_fix(yaml, from, to, reason, wanted)                                                           \
    assert_fix_(yaml, from, to, IPPROTO_TCP, reason, wanted, __LINE__)

#endif
