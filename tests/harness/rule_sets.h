/* Security rules from nothing, for tests of the classifier: random ones and ones that are meant to hurt. rand() decides, so srand()
 * repeats them. */
#ifndef VNETLAB_TESTS_RULE_SETS_H
#define VNETLAB_TESTS_RULE_SETS_H

#include "naive_rules.h"

enum rule_flavor {
    RULES_SCATTERED, /* few different bytes: prefixes nest, touch, and reach both ends of the address space */
    RULES_NESTED,    /* 10.0.0.0/8 in 10.0.0.0/9 in ... /32, and the same for IPv6 and for ports */
    RULES_TOUCHING,  /* neighbours: each prefix and port range begins where another ends */
    RULES_ENDS,      /* 0.0.0.0/0, ::/0, first and last addresses and ports, all ports */
    RULES_APART,     /* every prefix another one: as many ranges as there can be */
    RULE_FLAVOR_MAX
};

/* n_rules in each direction (counters 0, 1, ...), the last of which matches everything and denies; n_prefixes on each side over all
 * rules of a direction. The caller's (rule_sets_free). */
struct vnl_plan_rules *rule_sets_build(enum rule_flavor flavor, size_t n_rules, size_t n_prefixes);
void rule_sets_free(struct vnl_plan_rules **rules);

/* A packet from anywhere, or one at a border of some rule: its first or last address or port, or one beside it. */
struct naive_packet rule_sets_packet(const struct vnl_plan_rules *rules);
struct naive_packet rule_sets_border_packet(const struct vnl_plan_rules *rules);

/* "Tcp 10.0.0.4:80 -> 10.0.1.4:443", for messages. */
const char *rule_sets_packet_text(const struct naive_packet *packet, char buf[160]);

#endif
