/* Network security groups by hand, for tests of the port program. */
#ifndef VNETLAB_TESTS_BPF_GROUPS_H
#define VNETLAB_TESTS_BPF_GROUPS_H

#include "port.h"
#include "vnetlab/plan.h"

/* "dst" is where it goes, "src" where it comes from; NULL: any. */
struct rule {
    bool inbound, allow;
    uint8_t proto;
    const char *src, *dst;
    uint16_t port; /* destination; 0: any */
};

static inline void side_set(struct vnl_plan_side *side, const char *cidr, uint16_t port)
{
    side->any = !cidr;
    if (cidr) {
        side->prefixes = calloc(1, sizeof(*side->prefixes));
        side->n_prefixes = 1;
        assert_int_equal(vnl_prefix_parse(cidr, side->prefixes, NULL), 0);
    }
    if (port) {
        side->ports = calloc(1, sizeof(*side->ports));
        side->n_ports = 1;
        side->ports[0] = (struct vnl_plan_ports){ port, port };
    }
}

/* Then, in each direction, what `otherwise` says. Counters from `counter` on. */
static inline struct vnl_plan_rules *group_new(const struct rule *rules, size_t n, bool otherwise,
                                               uint32_t counter)
{
    struct vnl_plan_rules *group = calloc(1, sizeof(*group));
    struct vnl_plan_rule *out = group->rules = calloc(n + 2, sizeof(*group->rules));

    group->nsg_name = (char *)"test";
    for (int inbound = 1; inbound >= 0; inbound--) {
        for (size_t i = 0; i <= n; i++) {
            struct rule it = i < n ? rules[i] : (struct rule){ .inbound = inbound, .allow = otherwise };

            if (it.inbound != inbound)
                continue;
            *out = (struct vnl_plan_rule){
                .inbound = inbound, .allow = it.allow, .proto = it.proto, .counter = counter++
            };
            side_set(&out->source, it.src, 0);
            side_set(&out->destination, it.dst, it.port);
            out++;
            inbound ? group->n_inbound++ : group->n_outbound++;
        }
    }
    return group;
}
#define GROUP(otherwise, counter, ...)                                                                       \
    group_new((const struct rule[]){ __VA_ARGS__ },                                                          \
              sizeof((const struct rule[]){ __VA_ARGS__ }) / sizeof(struct rule), otherwise, counter)

static inline void group_free(const struct vnl_plan_rules **group)
{
    struct vnl_plan_rules *it = (struct vnl_plan_rules *)*group;

    if (!it)
        return;
    for (size_t i = 0; i < it->n_inbound + it->n_outbound; i++) {
        free(it->rules[i].source.prefixes);
        free(it->rules[i].destination.prefixes);
        free(it->rules[i].destination.ports);
    }
    free(it->rules);
    free(it);
    *group = NULL;
}

#endif
