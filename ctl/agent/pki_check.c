/* What a certificate is, and whether a gateway takes it. */
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <stdbool.h>
#include <stdio.h>
#include <strings.h>

#include "pki.h"
#include "vnetlab/base.h"

static void bio_done(BIO **bio)
{
    BIO_free(*bio);
}

static void certs_done(STACK_OF(X509) * *certs)
{
    sk_X509_pop_free(*certs, X509_free);
}

static void store_done(X509_STORE **store)
{
    X509_STORE_free(*store);
}

static void context_done(X509_STORE_CTX **context)
{
    X509_STORE_CTX_free(*context);
}

/* All of the text, in its order. */
static STACK_OF(X509) * certs_of(const char *pem)
{
    CLEANUP(bio_done) BIO *bio = BIO_new_mem_buf(pem, -1);
    STACK_OF(X509) *certs = sk_X509_new_null();
    X509 *cert;

    while (bio && certs && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
        if (sk_X509_push(certs, cert) <= 0)
            X509_free(cert);
    return certs;
}

int vnl_pki_thumbprint(const char *certificate, char ret[VNL_PKI_THUMBPRINT_STR])
{
    CLEANUP(certs_done) STACK_OF(X509) *certs = certs_of(certificate);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;

    if (!certs || sk_X509_num(certs) < 1 ||
        !X509_digest(sk_X509_value(certs, 0), EVP_sha1(), digest, &size) ||
        2 * size + 1 != VNL_PKI_THUMBPRINT_STR)
        return -EINVAL;
    for (unsigned i = 0; i < size; i++)
        (void)snprintf(ret + 2 * (size_t)i, 3, "%02X", digest[i]);
    return 0;
}

static bool is_revoked(const char *certificate, const char *const *revoked, size_t n)
{
    char thumbprint[VNL_PKI_THUMBPRINT_STR];

    if (vnl_pki_thumbprint(certificate, thumbprint) < 0)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!strcasecmp(revoked[i], thumbprint))
            return true;
    return false;
}

static X509_STORE *store_of(const char *const *roots, size_t n)
{
    X509_STORE *store = X509_STORE_new();

    for (size_t i = 0; i < n && store; i++) {
        CLEANUP(certs_done) STACK_OF(X509) *certs = certs_of(roots[i]);

        if (certs && sk_X509_num(certs) > 0)
            (void)X509_STORE_add_cert(store, sk_X509_value(certs, 0));
    }
    if (store) /* a root need not be signed by itself */
        (void)X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    return store;
}

/* X509_V_OK, or why not. */
static int verify(const char *certificate, const char *const *roots, size_t n)
{
    CLEANUP(certs_done) STACK_OF(X509) *certs = certs_of(certificate);
    CLEANUP(store_done) X509_STORE *store = store_of(roots, n);
    CLEANUP(context_done) X509_STORE_CTX *context = X509_STORE_CTX_new();

    if (!certs || !store || !context || sk_X509_num(certs) < 1 ||
        !X509_STORE_CTX_init(context, store, sk_X509_value(certs, 0), certs))
        return X509_V_ERR_OUT_OF_MEM;
    return X509_verify_cert(context) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context);
}

const char *vnl_pki_refusal(const char *certificate, const char *const *roots, size_t n_roots,
                            const char *const *revoked, size_t n_revoked)
{
    switch (verify(certificate, roots, n_roots)) {
    case X509_V_OK:
        return is_revoked(certificate, revoked, n_revoked) ? "certificate is revoked" : NULL;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "certificate has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "certificate is not valid yet";
    default:
        return "certificate is not signed by a root certificate of the gateway";
    }
}
