/* Which engine can this machine run? The kernel is tried out (vnl_gateway_kernel_esp); of strongSwan, files say it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "charon.h"
#include "vnetlab/base.h"
#include "vnetlab/gateway.h"
#include "vpn_parts.h"

static const char *const engine_str[] = {
    [VNL_VPN_XFRM] = "xfrm",
    [VNL_VPN_LIBIPSEC] = "libipsec",
    [VNL_VPN_NONE] = "none",
};
static_assert(ARRAY_SIZE(engine_str) == VNL_VPN_ENGINE_MAX, "name every engine");

static const char *const status_str[] = {
    [VNL_VPN_UNKNOWN] = "Unknown",
    [VNL_VPN_CONNECTING] = "Connecting",
    [VNL_VPN_CONNECTED] = "Connected",
    [VNL_VPN_NOT_CONNECTED] = "NotConnected",
};
static_assert(ARRAY_SIZE(status_str) == VNL_VPN_STATUS_MAX, "name every status");

static const char *const bgp_state_str[] = {
    [VNL_BGP_UNKNOWN] = "Unknown",       [VNL_BGP_STOPPED] = "Stopped",     [VNL_BGP_IDLE] = "Idle",
    [VNL_BGP_CONNECTING] = "Connecting", [VNL_BGP_CONNECTED] = "Connected",
};
static_assert(ARRAY_SIZE(bgp_state_str) == VNL_BGP_STATE_MAX, "name every state of a session");

const char *vnl_bgp_state_str(enum vnl_bgp_state state)
{
    return bgp_state_str[state];
}

const char *vnl_vpn_engine_str(enum vnl_vpn_engine engine)
{
    return engine_str[engine];
}

const char *vnl_vpn_status_str(enum vnl_vpn_status status)
{
    return status_str[status];
}

/* --- strongSwan ----------------------------------------------------------------------------------- */

static const char *lack_of_libipsec(void)
{
    if (access("/usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so", R_OK) != 0)
        return "strongSwan's kernel-libipsec is not installed (package libcharon-extra-plugins)";
    return access("/dev/net/tun", R_OK | W_OK) == 0 ? NULL : "there is no /dev/net/tun";
}

static const char *lack_of_strongswan(void)
{
    if (access(VNL_CHARON_PROGRAM, X_OK) != 0)
        return "strongSwan is not installed (package charon-systemd)";
    return access("/usr/lib/ipsec/plugins/libstrongswan-openssl.so", R_OK) == 0
               ? NULL
               : "strongSwan's OpenSSL plugin is not installed (package libstrongswan-standard-plugins)";
}

static enum vnl_vpn_engine choose(char **ret_why)
{
    const char *strongswan = lack_of_strongswan(), *xfrm = NULL, *libipsec = NULL;

    if (strongswan) {
        *ret_why = strdup(strongswan);
        return VNL_VPN_NONE;
    }
    if (vnl_gateway_kernel_esp(&xfrm))
        return VNL_VPN_XFRM;
    libipsec = lack_of_libipsec();
    if (asprintf(ret_why, "%s%s%s", xfrm, libipsec ? ", and " : "", libipsec ? libipsec : "") < 0)
        *ret_why = NULL;
    return libipsec ? VNL_VPN_NONE : VNL_VPN_LIBIPSEC;
}

bool vnl_vpn_engine_forced(const char *gateway, enum vnl_vpn_engine *ret)
{
    char text[VNL_ENGINE_STR];

    if (!vnl_gateway_engine_forced(gateway, text))
        return false;
    for (int i = 0; i < VNL_VPN_ENGINE_MAX; i++) {
        if (strcmp(text, engine_str[i]) != 0)
            continue;
        *ret = (enum vnl_vpn_engine)i;
        return true;
    }
    return false;
}

enum vnl_vpn_engine vnl_vpn_probe(char **ret_why)
{
    enum vnl_vpn_engine engine;
    char *why = NULL;

    if (vnl_vpn_engine_forced(NULL, &engine))
        why = strdup("VNETLAB_VPN_ENGINE says so");
    else
        engine = choose(&why);
    if (ret_why)
        *ret_why = why;
    else
        free(why);
    return engine;
}
