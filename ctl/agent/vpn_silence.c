/* A charon that lives but does not answer: one that is stopped, or on a machine that is busy. It is waited for once. Then it is asked something on a
 * connection of its own, which the loop watches; with the answer all is as if it had been found by a new agent, and its SAs stay. Without
 * one, it is lost. While one is silent, others are given less time, so that many of them cost little more than one. */
#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>

#include "vnetlab/base.h"
#include "vpn_parts.h"

#define SILENT_MS 10000
#define WARY_MS   3000

int vnl_vpn_patience_ms(const struct vnl_vpn *vpn)
{
    bool wary = vpn->silence_ms && vnl_loop_now_ms() - vpn->silence_ms < WARY_MS;

    return wary ? VNL_VICI_ANSWER_MS / 5 : VNL_VICI_ANSWER_MS;
}

static void answer_ready(struct vnl_source *source, uint32_t events)
{
    (void)events;
    vnl_vpn_daemon_return(VNL_OWNER_OF(source, struct vnl_vpn_daemon, answer));
}

void vnl_vpn_daemon_fall_silent(struct vnl_vpn_daemon *daemon)
{
    vnl_vpn_daemon_hang_up(daemon);
    daemon->phase = VNL_VPN_SILENT;
    daemon->vpn->silence_ms = vnl_loop_now_ms();
    daemon->due_ms = daemon->vpn->silence_ms + SILENT_MS;
    daemon->answer =
        (struct vnl_source){ .fd = vnl_vici_connect(daemon->dir_fd, NULL), .ready = answer_ready };
    if (daemon->answer.fd < 0 || vnl_vici_send(daemon->answer.fd, "version") < 0 ||
        vnl_loop_watch(daemon->vpn->epoll_fd, &daemon->answer, EPOLLIN) < 0)
        vnl_vpn_daemon_lost(daemon, "it does not answer any more");
}
