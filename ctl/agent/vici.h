/* Our client of charon's VICI socket: framing, commands with their answers and streams, and events. A command is in flight at a time and
 * its answer takes a millisecond or two, so commands are blocking, with a time-out; events come on a connection of their own, which the
 * agent's loop watches. Debian has no header of libvici; this needs none. */
#ifndef VNETLAB_AGENT_VICI_H
#define VNETLAB_AGENT_VICI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "vici_message.h"

#define VNL_VICI_PACKET_MAX (512 * 1024)
#define VNL_VICI_ANSWER_MS  1000

struct vnl_err;

/* One packet of the other side's. */
struct vnl_vici_packet {
    uint8_t type;
    char name[VNL_VICI_NAME_MAX + 1]; /* of an event */
    const uint8_t *message;           /* borrowed */
    size_t size;
};
enum vnl_vici_packet_type {
    VNL_VICI_REQUEST,
    VNL_VICI_RESPONSE,
    VNL_VICI_UNKNOWN_COMMAND,
    VNL_VICI_REGISTER,
    VNL_VICI_UNREGISTER,
    VNL_VICI_CONFIRM,
    VNL_VICI_UNKNOWN_EVENT,
    VNL_VICI_EVENT,
};
/* body: what follows the length. 0 or -EBADMSG; the message in it is not looked at. */
int vnl_vici_packet_parse(const uint8_t *body, size_t size, struct vnl_vici_packet *ret);

/* The socket "vici" in the directory; its path may have any length. Returns a connected descriptor, or -errno: -ENOENT and -ECONNREFUSED
 * when nobody serves it. *ret_pid: who does; may be NULL. */
int vnl_vici_connect(int dir_fd, pid_t *ret_pid);

/* Called with the message of each streamed event, and with the answer's (event NULL). */
typedef void (*vnl_vici_fn)(const char *event, const uint8_t *message, size_t size, void *arg);

/* message may be NULL. stream: an event that the command sends until its answer, or NULL. 0; -EIO with charon's own words when it says
 * "success=no"; -ENOSYS: it does not know the command; other errors mean that the connection is of no use any more. */
int vnl_vici_call(int fd, const char *command, const struct vnl_vici_message *message, const char *stream,
                  vnl_vici_fn fn, void *arg, struct vnl_err **err);
/* The request alone; its answer makes the descriptor readable. 0 or -errno. */
int vnl_vici_send(int fd, const char *command);
/* How long each step waits for charon; VNL_VICI_ANSWER_MS at first. */
void vnl_vici_patience(int fd, int timeout_ms);
int vnl_vici_register(int fd, const char *event, struct vnl_err **err);

/* Events as they come, without waiting. */
struct vnl_vici_inbox {
    uint8_t *bytes;
    size_t size, room;
};
/* Reads what is there and hands over each whole event. 0; -EPIPE: charon has hung up; -EBADMSG. */
int vnl_vici_receive(int fd, struct vnl_vici_inbox *inbox, vnl_vici_fn fn, void *arg);
void vnl_vici_inbox_done(struct vnl_vici_inbox *inbox);

#endif
