/* Certificates of point-to-site: what the lab makes where the user has written none, and what it says of those that he has. Everything that it
 * makes is kept in RUN_DIR/LAB/vpn/pki (0700), a file each (0600, PEM: key, then certificate), and made once: a new agent finds the same. Keys are
 * of curve P-256: made in less than a millisecond, and IKE's signatures are short. */
#ifndef VNETLAB_AGENT_PKI_H
#define VNETLAB_AGENT_PKI_H

#include <stddef.h>

#include "vnetlab/addr.h"

#define VNL_PKI_THUMBPRINT_STR 41 /* 40 digits, capitals */

struct vnl_err;

/* PEM. The certificate may be followed by those that it is signed with. key: NULL where the lab has none. */
struct vnl_pki_pair {
    char *certificate, *key;
};
/* Overwrites the key. */
void vnl_pki_pair_done(struct vnl_pki_pair *pair);

/* The directory, made if need be: a descriptor, or -errno. */
int vnl_pki_open(const char *lab, struct vnl_err **err);

/* "vnetlab": signs the certificates of gateways, and clients trust it. */
int vnl_pki_authority(int dir_fd, struct vnl_pki_pair *ret, struct vnl_err **err);
/* A root certificate of the gateway. data: publicCertData, base64 of DER; NULL: made, with its key. -EINVAL: the data is no certificate. */
int vnl_pki_root(int dir_fd, const char *gateway, const char *name, const char *data,
                 struct vnl_pki_pair *ret, struct vnl_err **err);
/* The gateway's own, for all of its public addresses; made anew when it is not for one of them. */
int vnl_pki_server(int dir_fd, const char *gateway, const struct vnl_addr *addrs, size_t n,
                   struct vnl_pki_pair *ret, struct vnl_err **err);
/* A client's, signed with the root, whose key is needed; made anew when it is signed by another. */
int vnl_pki_client(int dir_fd, const char *client, const struct vnl_pki_pair *root, struct vnl_pki_pair *ret,
                   struct vnl_err **err);
/* The user's own files. -EINVAL: no certificate, no key, or one that does not belong to the other. */
int vnl_pki_read(const char *certificate, const char *key, struct vnl_pki_pair *ret, struct vnl_err **err);

/* --- pki_check.c: what a certificate is --------------------------------------------------------------------------------- */

/* SHA-1 of the first certificate's DER, as Azure names certificates. -EINVAL: there is none. */
int vnl_pki_thumbprint(const char *certificate, char ret[VNL_PKI_THUMBPRINT_STR]);
/* Why a gateway with these roots refuses it, or NULL: "certificate is revoked". The text is static. */
const char *vnl_pki_refusal(const char *certificate, const char *const *roots, size_t n_roots,
                            const char *const *revoked, size_t n_revoked);

#endif
