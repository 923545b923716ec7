/* Packets as tcpdump sees them at an interface of a guest, of labs made by cli.h. */
#ifndef VNETLAB_TESTS_CAPTURE_H
#define VNETLAB_TESTS_CAPTURE_H

/* Starts a capture; returns when it sees packets. One at a time for each name. */
void capture_start(const char *name, const char *guest, const char *device);
/* Ends it, and waits for what it has still to write. */
void capture_stop(const char *name);
/* How many of the packets a filter of tcpdump's matches; after capture_stop(). */
long capture_count(const char *name, const char *filter);

#endif
