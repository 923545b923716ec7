/* Does a packet get there? One probe (probe.h) from a VM of the test's lab (cli_lab), 300 ms. */
#ifndef VNETLAB_TESTS_REACH_H
#define VNETLAB_TESTS_REACH_H

#include <stdbool.h>
#include <stdint.h>

/* An echo request with an identifier drawn by lot, and its reply. */
bool reach_ping(const char *from, const char *address);
/* A connection, or a refusal that the destination sent: both are an answer. */
bool reach_tcp(const char *from, const char *address, uint16_t port);
/* A datagram seen at the NIC of `to`. Without `to`: an answer or a port unreachable came back. */
bool reach_udp(const char *from, const char *to, const char *address, uint16_t port);

#endif
