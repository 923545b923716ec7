/* Private to the ARM loaders: what the writers of resources share (arm_resource.c, arm_resource_nsg.c). */
#ifndef VNL_LOAD_ARM_WRITE_H
#define VNL_LOAD_ARM_WRITE_H

#include <stddef.h>

#include "vnetlab/lab.h"

struct vnl_json_writer;

void vnl_arm_write_optional(struct vnl_json_writer *out, const char *key,
                            const char *text); /* NULL: nothing */
void vnl_arm_write_source(struct vnl_json_writer *out, const char *key, const struct vnl_src *src);
void vnl_arm_write_names(struct vnl_json_writer *out, const char *key, const struct vnl_names *names);
void vnl_arm_write_ref(struct vnl_json_writer *out, const char *key, const char *id); /* {"id": ...} */
void vnl_arm_write_asgs(struct vnl_json_writer *out, const char *key, struct vnl_asg *const *asgs, size_t n);

/* A resource is opened, given properties, then members of our own, and closed. */
void vnl_arm_open(struct vnl_json_writer *out, enum vnl_type type, const char *id, const char *name,
                  const char *location);
void vnl_arm_open_own(struct vnl_json_writer *out, const struct vnl_src *src);
void vnl_arm_close(struct vnl_json_writer *out);

/* The members of one side of a rule: ARM's, then ours. */
struct vnl_arm_side_keys {
    const char *prefix, *prefixes, *port, *ports, *asgs;
    const char *asg_refs, *source, *asg_source, *ports_source;
};
extern const struct vnl_arm_side_keys vnl_arm_source_keys, vnl_arm_destination_keys;

void vnl_arm_write_nsg(struct vnl_json_writer *out, const struct vnl_nsg *nsg);
void vnl_arm_write_rule(struct vnl_json_writer *out, const struct vnl_rule *rule);
void vnl_arm_write_asg(struct vnl_json_writer *out, const struct vnl_asg *asg);

#endif
