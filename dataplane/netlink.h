/* One rtnetlink socket with a batch of requests. A socket stays in the network namespace in which it was
 * opened: nothing has to move between namespaces afterwards.
 *
 * Requests are queued and sent together; the kernel answers only those that fail, and the last one. A refused
 * request does not stop the later ones of its batch, so steps that depend on each other for safety are put
 * into different batches. */
#ifndef VNETLAB_NETLINK_H
#define VNETLAB_NETLINK_H

#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

struct vnl_err;
struct vnl_nl;

/* What a request is about, for the sentence when the kernel refuses: "VM 'vm-1': cannot add an address to
 * eth0: ...". All text is borrowed until the batch was flushed. */
struct vnl_nl_what {
    const char *action; /* "add an address to" */
    const char *object; /* "eth0" */
    const char *vm;     /* NULL when there is none */
    int ignore;         /* an errno (positive) that is no failure here; 0 = none */
};

/* In the calling thread's namespace, or in the given one. */
int vnl_nl_open(struct vnl_nl **ret, struct vnl_err **err);
int vnl_nl_open_in(int netns_fd, struct vnl_nl **ret, struct vnl_err **err);
void vnl_nl_close(struct vnl_nl **nl);

/* Queues a request and returns it, so that attributes can be put behind it (VNL_NL_ROOM bytes of them). head
 * is the family's header. A full batch is sent first; its failure is kept for the flush and nothing more is
 * sent. */
#define VNL_NL_ROOM 2048
struct nlmsghdr *vnl_nl_put(struct vnl_nl *nl, uint16_t type, uint16_t flags, const void *head,
                            size_t head_size, const struct vnl_nl_what *what);

/* Sends what is queued and waits until the kernel has done it. The first refusal is the error. */
int vnl_nl_flush(struct vnl_nl *nl, struct vnl_err **err);

/* Questions are for an empty queue, else -EBUSY: they would use up the numbers by which the answers to the queued requests are known. */

/* One question and its answer. Returns what fn returned; -errno without a sentence when the kernel refuses or
 * does not answer. */
typedef int (*vnl_nl_fn)(const struct nlmsghdr *msg, void *arg);
int vnl_nl_ask(struct vnl_nl *nl, struct nlmsghdr *request, vnl_nl_fn fn, void *arg);

/* Every object of a kind. fn returns a negative errno to stop. -EINTR: objects came or went meanwhile, start
 * again. */
int vnl_nl_dump(struct vnl_nl *nl, uint16_t type, const void *head, size_t head_size, vnl_nl_fn fn, void *arg,
                struct vnl_err **err);

#endif
