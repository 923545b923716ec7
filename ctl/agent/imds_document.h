/* What a VM's metadata says: the document at /metadata/instance. */
#ifndef VNETLAB_AGENT_IMDS_DOCUMENT_H
#define VNETLAB_AGENT_IMDS_DOCUMENT_H

struct vnl_json;
struct vnl_plan;
struct vnl_plan_vm;

/* One document for every API version [E]. NULL without memory. */
struct vnl_json *vnl_imds_document(const struct vnl_plan *plan, const struct vnl_plan_vm *vm);

#endif
