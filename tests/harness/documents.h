/* Labs in many states, and the JSON documents that they are stored as. */
#ifndef VNETLAB_TESTS_DOCUMENTS_H
#define VNETLAB_TESTS_DOCUMENTS_H

#include <stddef.h>

struct vnl_err;
struct vnl_json;
struct vnl_lab;

/* Start of the ids in these labs. */
#define RG "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-lab1/providers/"

/* Lab files, all of lab "lab1". */
extern const char document_full[];      /* something of everything */
extern const char document_connected[]; /* VNets aa and bb, peered; one VM */
extern const char document_initiated[]; /* the same without the link of bb */
extern const char document_resized[];   /* the same as connected, with one prefix more in aa */
extern const char document_routed[]; /* route tables, several NICs of a VM, several configurations of a NIC */
extern const char document_tunnelled[]; /* VPN gateways, connections, a site */
extern const char
    document_redundant[]; /* an active-active gateway that speaks BGP with another one and a site */
extern const char
    document_guarded[]; /* network and application security groups, with everything a rule can have */

/* A lab file's text, settled upon `before`. The lab comes from the file dir/lab.yaml. */
int document_load(const char *text, const struct vnl_lab *before, struct vnl_lab **ret, struct vnl_err **err);
/* The same, which must succeed. before: NULL, or the text of the lab in force when `text` comes. */
struct vnl_lab *document_settled(const char *before, const char *text);

/* Text of a JSON value; of a lab; and a lab from it. Texts are the caller's. */
char *document_format(const struct vnl_json *json);
char *document_of(const struct vnl_lab *lab);
int document_read(const char *text, struct vnl_lab **ret, struct vnl_err **err);

/* What is done to a document, where `from` occurs first, and what reading it says then. */
struct document_damage {
    const char *from, *to;
    const char *msg;
};
/* Of the document of a lab file, settled. */
void document_assert_damage_named(const char *text, const struct document_damage *damages, size_t n);

/* The lab comes back from its document: same document, same plan. */
void document_assert_kept(const struct vnl_lab *lab);

#endif
