/* The agent's end of its control socket (control.h). */
#ifndef VNETLAB_AGENT_CONTROL_SERVER_H
#define VNETLAB_AGENT_CONTROL_SERVER_H

#include <stdbool.h>

#define VNL_CONTROL_WAIT_MS 1000

struct vnl_control_server;
struct vnl_err;
struct vnl_json;

/* The answer to an order, or NULL when it makes no sense; the server's to free. may_wait: it need not be answered now. Who sets *ret_waits
 * returns NULL and is asked again by vnl_control_server_run. */
typedef struct vnl_json *(*vnl_control_fn)(const struct vnl_json *order, bool may_wait, bool *ret_waits,
                                           void *arg);

int vnl_control_server_new(int epoll_fd, vnl_control_fn fn, void *arg, struct vnl_control_server **ret,
                           struct vnl_err **err);
void vnl_control_server_free(struct vnl_control_server **server);

/* Asks again for the orders that wait; after VNL_CONTROL_WAIT_MS they may do so no longer. Returns when to call it again, in ms; -1: never. */
int vnl_control_server_run(struct vnl_control_server *server);

/* {"error":...}; consumes *err. */
struct vnl_json *vnl_control_error(struct vnl_err **err);

#endif
