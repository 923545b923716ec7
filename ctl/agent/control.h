/* How commands reach the agent: a socket with an abstract name in the platform's namespace. So it is there exactly as long as an agent
 * serves this namespace, needs no file, and nobody else is in there who could use it.
 *
 * One order and its answer per connection, a line of JSON each. Orders: {"order":"reload"}: the plan has changed; {"order":"states"}, with
 * "after":N it waits while that is the serial;
 * {"order":"logs","gateway":G}; {"order":"reset","gateway":G,"connection":C} with one of both or both. Answers: {"done":true}, whoever asks
 * from then on being answered by the plan that is in the store now, {"states":[...],"serial":N}, {"logs":[...]}, {"error":"sentence","number":errno}. */
#ifndef VNETLAB_AGENT_CONTROL_H
#define VNETLAB_AGENT_CONTROL_H

#include <sys/socket.h>
#include <sys/un.h>

struct vnl_err;
struct vnl_json;

/* An agent that does not answer for so long hangs; on a slow machine it may need seconds. */
#define VNL_CONTROL_ANSWER_MS 10000

struct vnl_control_name {
    struct sockaddr_un addr;
    socklen_t len;
};
struct vnl_control_name vnl_control_name(void);

/* *ret_fd: connected, or -1 when there is no agent in this namespace. */
int vnl_control_connect(int netns_fd, int *ret_fd, struct vnl_err **err);
/* The order is consumed. An answer with "error" is the error. -ETIMEDOUT and so on: the agent is of no use. */
int vnl_control_ask(int fd, struct vnl_json *order, struct vnl_json **ret, struct vnl_err **err);

#endif
