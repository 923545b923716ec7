/* Real traffic between two named namespaces, checked byte by byte. */
#ifndef VNETLAB_TESTS_TRAFFIC_H
#define VNETLAB_TESTS_TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>

/* A socket in the namespace /run/netns/NAME; the calling thread stays where it is. -1 with errno. */
int traffic_socket(const char *netns, int domain, int type, int protocol);

/* Sends `size` bytes of a pattern over TCP from one namespace to an address of the other and back: every byte
 * must come back as it was sent. address: IPv4 or IPv6 text. */
bool traffic_tcp(const char *from, const char *to, const char *address, int port, size_t size);

/* The same where the receiver has another address and port than the sender writes to. */
bool traffic_tcp_at(const char *from, const char *to, const char *address, int port, const char *bound,
                    int bound_port, size_t size);

/* One datagram of `size` bytes there; must arrive whole and unchanged. */
bool traffic_udp(const char *from, const char *to, const char *address, int port, size_t size);

#endif
