/* One resource of a lab for people: what `show RESOURCE` prints without -o json. */
#ifndef VNETLAB_CLI_SHOW_RESOURCE_H
#define VNETLAB_CLI_SHOW_RESOURCE_H

struct vnl_bpf;
struct vnl_err;
struct vnl_lab;
struct vnl_resource;

/* bpf: the running lab's tables, or NULL. */
int vnl_show_resource(const struct vnl_lab *lab, const struct vnl_resource *resource,
                      const struct vnl_bpf *bpf, struct vnl_err **err);

#endif
