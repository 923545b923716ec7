/* HTTP on port 80 of 169.254.169.254, by libmicrohttpd in the agent's loop. */
#ifndef VNETLAB_AGENT_IMDS_SERVER_H
#define VNETLAB_AGENT_IMDS_SERVER_H

struct vnl_err;
struct vnl_imds_server;
struct vnl_plan;

/* plan: where the pointer to the plan in force is; read with each request. */
int vnl_imds_server_new(int epoll_fd, struct vnl_plan *const *plan, struct vnl_imds_server **ret,
                        struct vnl_err **err);
void vnl_imds_server_free(struct vnl_imds_server **server);

/* What time alone brings about; returns in how many milliseconds to call again, -1: never. */
int vnl_imds_server_run(struct vnl_imds_server *server);

#endif
