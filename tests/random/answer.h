/* Who answers datagrams in the VMs of a random lab: one thread with a socket per VM and port. */
#ifndef VNETLAB_TESTS_ANSWER_H
#define VNETLAB_TESTS_ANSWER_H

struct answer;
struct vnl_lab;

/* NULL when a socket cannot be made. */
struct answer *answer_start(const char *lab_name, const struct vnl_lab *lab);
void answer_stop(struct answer **answer);

#endif
