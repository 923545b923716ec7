/* The sockets of DNS: UDP and TCP, port 53 of 168.63.129.16. */
#ifndef VNETLAB_AGENT_DNS_SERVER_H
#define VNETLAB_AGENT_DNS_SERVER_H

struct vnl_dns_server;
struct vnl_err;
struct vnl_plan;

/* plan: where the pointer to the plan in force is; read with each query. */
int vnl_dns_server_new(int epoll_fd, struct vnl_plan *const *plan, struct vnl_dns_server **ret,
                       struct vnl_err **err);
void vnl_dns_server_free(struct vnl_dns_server **server);

/* Hangs up on who has said nothing for a while; returns in how many milliseconds to call again, -1: never. */
int vnl_dns_server_tidy(struct vnl_dns_server *server);

#endif
